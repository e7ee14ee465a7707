{{ scorecard('team', 'team') }}
