{#- The instant that a run speaks of (UTC). It is an environment variable read at execution only, so that a new date does
    not make dbt parse the project again. -#}
{% macro as_of() %}
  {%- set instant = env_var('CXHOUSE_AS_OF') if execute else '2000-01-01' -%}
  cast('{{ instant }}' as timestamp)
{%- endmacro %}


{#- The reporting day that has not begun at `as_of`: days before it are in the marts. -#}
{% macro as_of_day() %}
  {{- local_date("(" ~ as_of() ~ " - interval '1' second)") -}}
{% endmacro %}


{#- The last reporting day that is over at `as_of`. -#}
{% macro last_whole_day() %}
  {{- add_days(local_date(as_of()), -1) -}}
{% endmacro %}


{#- An instant, or null while it lies after `as_of`: it has not happened yet. -#}
{% macro known(column) %}
  case when {{ column }} <= {{ as_of() }} then {{ column }} end
{%- endmacro %}
