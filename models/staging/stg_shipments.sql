{{ newest_version('shipments', 'shipped_at') }}
