{{ newest_version('signups') }}
