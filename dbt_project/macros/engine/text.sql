{#- Text, dispatched by engine. -#}

{#- Remove every match of a regular expression. -#}
{% macro regexp_remove(value, pattern) %}
  {{- return(adapter.dispatch('regexp_remove')(value, pattern)) -}}
{% endmacro %}

{% macro default__regexp_remove(value, pattern) -%}
  regexp_replace({{ value }}, '{{ pattern }}', '', 'g')
{%- endmacro %}

{% macro spark__regexp_remove(value, pattern) -%}
  regexp_replace({{ value }}, '{{ pattern }}', '')
{%- endmacro %}
