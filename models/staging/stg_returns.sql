{{ newest_version('returns', 'requested_at', 'updated_at') }}
