{{ newest_version('returns') }}
