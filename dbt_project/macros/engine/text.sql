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


{#- A query of a row for each part of a list, which commas part: the key and the part. -#}
{% macro split_to_rows(relation, key, list, part) %}
  {{- return(adapter.dispatch('split_to_rows')(relation, key, list, part)) -}}
{% endmacro %}

{% macro default__split_to_rows(relation, key, list, part) -%}
  select {{ key }}, unnest(string_split({{ list }}, ',')) as {{ part }} from {{ relation }}
{%- endmacro %}

{% macro spark__split_to_rows(relation, key, list, part) -%}
  select {{ key }}, explode(split({{ list }}, ',')) as {{ part }} from {{ relation }}
{%- endmacro %}


{#- An aggregate: the different texts of a column in their order, as "a, b". -#}
{% macro listed(column) %}
  {{- return(adapter.dispatch('listed')(column)) -}}
{% endmacro %}

{% macro default__listed(column) -%}
  string_agg(distinct {{ column }}, ', ' order by {{ column }})
{%- endmacro %}

{% macro spark__listed(column) -%}
  array_join(array_sort(collect_set({{ column }})), ', ')
{%- endmacro %}


{#- The text that an object in JSON has by a key, which is snake case; null without it. -#}
{% macro json_text(column, key) %}
  {{- return(adapter.dispatch('json_text')(column, key)) -}}
{% endmacro %}

{% macro default__json_text(column, key) %}
  {{- return("json_extract_string(" ~ column ~ ", '$." ~ key ~ "')") -}}
{% endmacro %}

{% macro spark__json_text(column, key) %}
  {{- return("get_json_object(" ~ column ~ ", '$." ~ key ~ "')") -}}
{% endmacro %}


{#- A relation's rows, once for each text of the list that an object in JSON has by a key: `list_member`. Without any: not at all. -#}
{% macro rows_by_member(relation, column, key) %}
  {{- return(adapter.dispatch('rows_by_member')(relation, column, key)) -}}
{% endmacro %}

{% macro default__rows_by_member(relation, column, key) -%}
  (select *, unnest(json_extract_string({{ column }}, '$.{{ key }}[*]')) as list_member from {{ relation }}) as by_member
{%- endmacro %}

{% macro spark__rows_by_member(relation, column, key) -%}
  (
      select facts.*, members.list_member
      from {{ relation }} as facts
      lateral view explode(from_json(get_json_object({{ column }}, '$.{{ key }}'), 'array<string>')) members as list_member
  ) as by_member
{%- endmacro %}
