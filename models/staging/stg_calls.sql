{{ newest_version('calls') }}
