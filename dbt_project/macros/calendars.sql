{#- Opening hours, looked up in int_calendar_segments: a left join of it on `is_in_segment`, once for each instant. -#}

{% macro is_in_segment(calendar, instant, segments) -%}
  {{ calendar }} = {{ segments }}.calendar
  and cast({{ instant }} as date) = {{ segments }}.utc_day
  and {{ instant }} >= {{ segments }}.starts_at
  and {{ instant }} < {{ segments }}.ends_at
{%- endmacro %}


{#- Open seconds of a calendar up to an instant. Two of them subtracted are the open seconds between two instants. -#}
{% macro open_seconds_until(instant, segments) -%}
  {{ segments }}.open_seconds_before
  + case when {{ segments }}.is_open then {{ seconds_between(segments ~ '.starts_at', instant) }} else 0 end
{%- endmacro %}


{#- Does a row of calendar_assignments hold for a channel and team? An empty cell of it stands for any. -#}
{% macro is_assigned(assignments, channel, team) -%}
  coalesce({{ assignments }}.channel, {{ channel }}) = {{ channel }}
  and coalesce({{ assignments }}.team, {{ team }}) = {{ team }}
{%- endmacro %}


{#- The order in which assignments that hold are taken: the most particular one first. -#}
{% macro assignment_order(assignments) -%}
  case when {{ assignments }}.team is not null then 0 else 1 end,
  case when {{ assignments }}.channel is not null then 0 else 1 end,
  {{ assignments }}.calendar
{%- endmacro %}
