{{ newest_version('agent_states') }}
