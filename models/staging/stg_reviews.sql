{{ newest_version('reviews', 'created_at', 'updated_at') }}
