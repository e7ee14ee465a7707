{{ newest_version('product_usage', 'used_at', deletes=false) }}
