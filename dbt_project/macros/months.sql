{#- The first day of a date's month. -#}
{% macro month_of(day) -%}
  cast({{ dbt.date_trunc('month', day) }} as date)
{%- endmacro %}


{#- The same day some months later (before, of a negative number). -#}
{% macro months_later(day, months) -%}
  cast({{ dbt.dateadd('month', '(' ~ months ~ ')', day) }} as date)
{%- endmacro %}
