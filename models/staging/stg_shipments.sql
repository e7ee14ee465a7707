{{ newest_version('shipments') }}
