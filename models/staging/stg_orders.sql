{{ newest_version('orders', 'ordered_at', 'updated_at') }}
