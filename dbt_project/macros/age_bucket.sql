{#- The age bucket of a day, from buckets as (name, from day, to day). -#}
{% macro age_bucket(created_on, day, buckets) -%}
  case
      {%- for bucket, from_days, to_days in buckets[:-1] %}
      when {{ days_between(created_on, day) }} < {{ to_days }} then '{{ bucket }}'
      {%- endfor %}
      else '{{ buckets[-1][0] }}'
  end
{%- endmacro %}
