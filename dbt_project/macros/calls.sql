{#- What is called the same by every model that reads calls. -#}

{#- Is an inbound call one that came to people? Out of hours, spam, and what ended in the menu is not. -#}
{% macro has_come_to_agents(calls) -%}
  coalesce({{ calls }}.disposition, 'answered') not in ('excluded', 'failed', 'ended_in_ivr')
        and coalesce({{ calls }}.direction, 'inbound') = 'inbound'
{%- endmacro %}


{#- Is a leg with the customer? The menu before it, and a call between agents about it, are not. -#}
{% macro is_leg_with_customer(legs) -%}
  coalesce({{ legs }}.leg_type, 'callback') = 'callback'
{%- endmacro %}


{#- Did a leg meet an agent? An export without dispositions still shows it by the answer or the talk. -#}
{% macro has_leg_met_agent(legs) -%}
  {{ legs }}.disposition = 'answered'
        or (
            {{ legs }}.disposition is null
            and ({{ legs }}.answered_at is not null or coalesce({{ legs }}.talk_seconds > 0, false))
        )
{%- endmacro %}


{#- The last day of which the export has a call: what came after it nobody knows. -#}
{% macro last_day_of_calls() -%}
  select max({{ local_date('queued_at') }}) as last_day
  from {{ ref('fct_calls') }}
{%- endmacro %}
