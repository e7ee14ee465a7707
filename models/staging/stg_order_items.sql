{{ newest_version('order_items', group='order_id') }}
