{#- When a state of an agent ended, as its row tells it: by the instant, or by how long it lasted. -#}
{% macro told_end_of_state() -%}
  coalesce(ended_at, {{ dbt.dateadd('second', 'cast(duration_seconds as integer)', 'started_at') }})
{%- endmacro %}
