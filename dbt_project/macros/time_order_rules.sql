{#- Which instant of a record cannot come before which other one: kind -> [what identifies the record, [[later, earlier], …]].
    A dated day stands for its first instant. The one list that `quality_time_order` is made of. -#}
{% macro time_order_rules() %}
  {{- return({
      'tickets': ['ticket_id', [
          ['first_response_at', 'created_at'],
          ['first_solved_at', 'created_at'],
          ['solved_at', 'created_at'],
          ['closed_at', 'created_at'],
          ['solved_at', 'first_solved_at'],
          ['closed_at', 'solved_at'],
      ]],
      'calls': ['call_id', [
          ['queued_at', 'started_at'],
          ['answered_at', 'started_at'],
          ['answered_at', 'queued_at'],
          ['ended_at', 'started_at'],
          ['ended_at', 'answered_at'],
      ]],
      'reviews': ['review_id', [['replied_at', 'created_at']]],
      'orders': ['order_id', [
          ['paid_at', 'ordered_at'],
          ['shipped_at', 'ordered_at'],
          ['delivered_at', 'ordered_at'],
          ['delivered_at', 'shipped_at'],
          ['cancelled_at', 'ordered_at'],
          ['refunded_at', 'ordered_at'],
      ]],
      'shipments': ['shipment_id', [['delivered_at', 'shipped_at']]],
      'subscriptions': ['subscription_id', [['ended_at', 'started_at'], ['trial_ends_at', 'started_at']]],
      'signups': ['signup_id', [['completed_at', 'started_at']]],
      'web_sessions': ['session_id', [['ended_at', 'started_at']]],
      'agents': ['agent_id', [['left_on', 'hired_on'], ['shift_ends_at', 'shift_starts_at']]],
      'agent_states': ['agent_id', [['ended_at', 'started_at']]],
  }) -}}
{% endmacro %}


{#- The same over two exports: [kind of the later, its id, later, kind of the earlier, earlier, the column that joins them]. -#}
{% macro time_order_rules_between() %}
  {{- return([
      ['ticket_events', 'ticket_id', 'event_at', 'tickets', 'created_at', 'ticket_id'],
      ['shipments', 'shipment_id', 'shipped_at', 'orders', 'ordered_at', 'order_id'],
      ['surveys', 'response_id', 'responded_at', 'survey_invitations', 'sent_at', 'response_id'],
      ['reviews', 'review_id', 'created_at', 'orders', 'ordered_at', 'order_id'],
  ]) -}}
{% endmacro %}


{#- The records of which one instant lies before another one that it cannot come before. -#}
{% macro contradiction(kind, record_id, later, earlier_kind, earlier, joined) -%}
  {%- set later_at = 'cast(records.' ~ later ~ ' as timestamp)' -%}
  {%- set earlier_at = 'cast(' ~ ('others' if joined else 'records') ~ '.' ~ earlier ~ ' as timestamp)' -%}
    select
        '{{ kind }}' as kind,
        cast(records.{{ record_id }} as {{ dbt.type_string() }}) as record_id,
        '{{ later }} before {{ earlier }}{{ " of " ~ earlier_kind if joined }}' as rule,
        {{ seconds_between(later_at, earlier_at) }} as difference_seconds,
        records._file,
        records._row
    from {{ ref('stg_' ~ kind) }} as records
    {%- if joined %}
    inner join {{ ref('stg_' ~ earlier_kind) }} as others on records.{{ joined }} = others.{{ joined }}
    {%- endif %}
    where {{ is_out_of_order(later_at, earlier_at) }}
{%- endmacro %}
