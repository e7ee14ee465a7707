{#- The kinds of exports: what identifies a record, when it happened, of what it is a part, whether it can be updated or deleted.
    Generated from orchestration/pull/kinds.yml: make docs -#}
{% macro export_kinds() %}
  {{- return({
      'tickets': {
          'key': ['ticket_id'],
          'event_at': 'created_at', 'group': none, 'has_updates': true, 'has_deletions': true,
      },
      'ticket_events': {
          'key': ['event_id'],
          'event_at': 'event_at', 'group': none, 'has_updates': false, 'has_deletions': false,
      },
      'calls': {
          'key': ['call_id'],
          'event_at': 'started_at', 'group': none, 'has_updates': true, 'has_deletions': true,
      },
      'reviews': {
          'key': ['review_id'],
          'event_at': 'created_at', 'group': none, 'has_updates': true, 'has_deletions': true,
      },
      'orders': {
          'key': ['order_id'],
          'event_at': 'ordered_at', 'group': none, 'has_updates': true, 'has_deletions': true,
      },
      'order_items': {
          'key': ['order_id', 'line_id'],
          'event_at': none, 'group': 'order_id', 'has_updates': false, 'has_deletions': true,
      },
      'surveys': {
          'key': ['response_id'],
          'event_at': 'responded_at', 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'survey_invitations': {
          'key': ['invitation_id'],
          'event_at': 'sent_at', 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'customers': {
          'key': ['customer_id'],
          'event_at': 'created_at', 'group': none, 'has_updates': true, 'has_deletions': true,
      },
      'web_sessions': {
          'key': ['session_id'],
          'event_at': 'started_at', 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'signups': {
          'key': ['signup_id'],
          'event_at': 'started_at', 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'subscriptions': {
          'key': ['subscription_id'],
          'event_at': 'started_at', 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'shipments': {
          'key': ['shipment_id'],
          'event_at': 'shipped_at', 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'product_usage': {
          'key': ['customer_id', 'user_id', 'feature', 'used_at'],
          'event_at': 'used_at', 'group': none, 'has_updates': false, 'has_deletions': false,
      },
      'agents': {
          'key': ['agent_id', 'work_date'],
          'event_at': none, 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'agent_states': {
          'key': ['agent_id', 'started_at', 'state', 'contact_id'],
          'event_at': 'started_at', 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'costs': {
          'key': ['cost_id'],
          'event_at': none, 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'exchange_rates': {
          'key': ['rate_date', 'base_currency', 'currency'],
          'event_at': none, 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'returns': {
          'key': ['return_id'],
          'event_at': 'requested_at', 'group': none, 'has_updates': true, 'has_deletions': true,
      },
      'competitors': {
          'key': ['competitor', 'period_start', 'source', 'category'],
          'event_at': none, 'group': none, 'has_updates': false, 'has_deletions': true,
      },
      'transcripts': {
          'key': ['transcript_id'],
          'event_at': 'created_at', 'group': none, 'has_updates': false, 'has_deletions': false,
      },
  }) -}}
{% endmacro %}
