{{ newest_version('customers', 'created_at', 'updated_at') }}
