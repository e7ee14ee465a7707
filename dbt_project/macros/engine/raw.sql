{#- Where a raw kind is read from: DuckDB takes the source's `external_location`; for Spark, orchestration/warehouse/spark.py makes a
    temporary view of each folder. -#}
{% macro source(source_name, table_name) %}
  {{- return(adapter.dispatch('raw_relation', 'cxhouse')(builtins.source(source_name, table_name))) -}}
{% endmacro %}

{% macro default__raw_relation(relation) %}
  {{- return(relation) -}}
{% endmacro %}

{% macro spark__raw_relation(relation) %}
  {{- return(api.Relation.create(identifier='raw_' ~ relation.identifier)) -}}
{% endmacro %}


{#- A CTE that is read more than once is computed once: DuckDB needs the word for it, Spark has none. -#}
{% macro materialized() %}
  {{- return(adapter.dispatch('materialized')()) -}}
{% endmacro %}


{% macro default__materialized() -%}
  materialized
{%- endmacro %}


{% macro spark__materialized() -%}{%- endmacro %}


{% macro duckdb__identity_salt() -%}
  (select trim(salt.content) from read_text('{{ salt_file() }}') as salt)
{%- endmacro %}


{% macro spark__identity_salt() -%}
  (select trim(salt.value) from text.`{{ salt_file() }}` as salt)
{%- endmacro %}
