{{ newest_version('exchange_rates') }}
