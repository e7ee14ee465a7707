{{ scorecard('agent', 'agent_id') }}
