{{ newest_version('tickets') }}
