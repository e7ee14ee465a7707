{#- All columns of a query, some of them with another expression: {column: expression}. -#}
{% macro all_replacing(replaced) %}
  {{- return(adapter.dispatch('all_replacing')(replaced)) -}}
{% endmacro %}

{% macro default__all_replacing(replaced) -%}
  * replace (
      {%- for column, expression in replaced.items() %}
      {{ expression }} as {{ column }}{{ "," if not loop.last }}
      {%- endfor %}
  )
{%- endmacro %}

{% macro spark__all_replacing(replaced) -%}
  * except ({{ replaced | join(', ') }})
  {%- for column, expression in replaced.items() %},
      {{ expression }} as {{ column }}
  {%- endfor %}
{%- endmacro %}
