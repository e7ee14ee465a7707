{#- When a state of an agent ended, as its row states it: by the instant, or by how long it lasted. -#}
{% macro stated_end_of_state() -%}
  coalesce(ended_at, {{ dbt.dateadd('second', 'cast(duration_seconds as integer)', 'started_at') }})
{%- endmacro %}


{#- Which days of which agents states touch that changed. -#}
{% macro days_of_changed_spans() -%}
  select changes.agent_id, spine.date_day from {changes} as changes cross join lateral (
  {{- days_from_to(local_date('changes.started_at'), local_date('coalesce(changes.ends_at, changes.started_at)')) -}}
  ) as spine
{%- endmacro %}


{#- Has a row of the roster a shift that can be true: one that ends after it begins, within a day. -#}
{% macro is_shift() -%}
  shift_starts_at < shift_ends_at and {{ seconds_between('shift_starts_at', 'shift_ends_at') }} <= 86400
{%- endmacro %}
