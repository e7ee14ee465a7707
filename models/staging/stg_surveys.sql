{{ newest_version('surveys', 'responded_at') }}
