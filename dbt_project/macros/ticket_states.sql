{#- Is nobody at work on a ticket of this status? -#}
{% macro is_off_desk(status) -%}
  {{ status }} in ('solved', 'closed')
{%- endmacro %}


{#- The last day of which the exports of tickets have anything, as a query: what came after it nobody knows. -#}
{% macro last_day_of_tickets() -%}
  select max({{ local_date('happened_at') }}) as last_day
  from (
      select max(created_at) as happened_at from {{ ref('fct_tickets') }}
      union all
      select max(solved_at) as happened_at from {{ ref('fct_tickets') }}
      union all
      select max(event_at) as happened_at from {{ ref('fct_ticket_events') }}
  ) as happened
{%- endmacro %}
