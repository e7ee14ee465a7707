{{ newest_version('tickets', 'created_at', 'updated_at') }}
