{{ newest_version('transcripts', 'created_at', deletes=false) }}
