{#- What a contact costs, by the variable `contact_costs`: of a call whose handle time is known that at `agent_hour`, else what its
    channel or `default` says; null where none does. -#}
{% macro contact_cost(channel, handle_seconds) %}
  {%- set costs = var('contact_costs') or {} -%}
  {%- set otherwise = costs['default'] | float if 'default' in costs else 'null' -%}
  {%- set cases = [] -%}
  {%- for name, cost in costs.items() if name not in ('default', 'agent_hour') -%}
    {%- do cases.append("when '" ~ (name | string | replace("'", "''")) ~ "' then " ~ cost | float) -%}
  {%- endfor -%}
  {%- set by_channel = 'case ' ~ channel ~ ' ' ~ cases | join(' ') ~ ' else ' ~ otherwise ~ ' end' if cases else otherwise -%}
  {%- if 'agent_hour' in costs -%}
    {%- set by_channel = 'coalesce(cast(' ~ handle_seconds ~ ' as double) / 3600 * ' ~ costs['agent_hour'] | float
        ~ ', ' ~ by_channel ~ ')' -%}
  {%- endif -%}
  {{- return('cast(' ~ by_channel ~ ' as double)') -}}
{% endmacro %}
