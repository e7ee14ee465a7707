{{ newest_version('costs') }}
