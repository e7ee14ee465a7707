{{ newest_version('competitors') }}
