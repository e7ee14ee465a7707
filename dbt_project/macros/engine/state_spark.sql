{#- Spark keeps the state of a model as a property of its view, which is replaced along with the view in one statement. -#}

{% macro spark__prepare_maintenance() %}
  create schema if not exists maintenance
{% endmacro %}


{% macro spark__maintained_state() %}
  {{- return(_spark_state(this) if load_cached_relation(this) is not none else none) -}}
{% endmacro %}


{% macro _spark_state(relation) %}
  {%- for row in run_query("show tblproperties " ~ relation).rows if row[0] == 'cxhouse.state' and row[1] -%}
    {{- return(fromjson(row[1])) -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}


{% macro spark__model_versions(relations) %}
  {%- set found = {} -%}
  {%- for name in relations -%}
    {%- set state = _spark_state(relations[name]) -%}
    {%- if state -%}
      {%- do found.update({name: {
          'version': state.version,
          'previous': state.previous,
          'changes': state.changes,
      }}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{% macro spark__seed_version(relation) %}
  {%- set rows = "array_join(array_sort(collect_list(to_json(struct(*)))), '|')" -%}
  {{- return(run_query("select concat('s', md5(" ~ rows ~ ")) from " ~ relation).rows[0][0]) -}}
{% endmacro %}


{% macro spark__raw_files(kind) -%}
  select file from raw_files where kind = '{{ kind }}'
{%- endmacro %}


{% macro spark__rows_of_raw_files(kind, files) %}
  {{- return("(select * except (_raw_file) from raw_files_of_" ~ kind ~ " where _raw_file in ('" ~ files | join("', '") ~ "'))") -}}
{% endmacro %}


{% macro spark__raw_files_read(kind, state) %}
  {{- return(state.raw_files[kind]) -}}
{% endmacro %}


{#- What tables of the same query may differ in by engine: in how many parts they are stored, and as what. -#}
{% macro storage_form() %}
  {{- return(adapter.dispatch('storage_form')()) -}}
{% endmacro %}

{% macro default__storage_form() %}{% endmacro %}

{% macro spark__storage_form() -%}
  {{ part_of(['unit']) }} {{ env_var('CXHOUSE_SPARK_TABLE_FORMAT', 'parquet') }}
{%- endmacro %}
