{{ newest_version('calls', 'started_at', 'updated_at') }}
