{{ newest_version('reviews') }}
