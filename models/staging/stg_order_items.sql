{{ newest_version('order_items') }}
