{{ newest_version('subscriptions') }}
