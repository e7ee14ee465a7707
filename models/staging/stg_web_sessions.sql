{{ newest_version('web_sessions', 'started_at') }}
