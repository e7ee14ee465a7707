{{ newest_version('subscriptions', 'started_at') }}
