{{ newest_version('transcripts') }}
