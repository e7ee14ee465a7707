{{ newest_version('agent_states', 'started_at') }}
