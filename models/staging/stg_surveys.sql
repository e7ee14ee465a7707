{{ newest_version('surveys') }}
