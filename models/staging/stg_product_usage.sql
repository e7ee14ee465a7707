{{ newest_version('product_usage') }}
