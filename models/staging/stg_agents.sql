{{ newest_version('agents') }}
