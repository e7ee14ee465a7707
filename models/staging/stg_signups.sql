{{ newest_version('signups', 'started_at') }}
