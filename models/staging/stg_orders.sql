{{ newest_version('orders') }}
