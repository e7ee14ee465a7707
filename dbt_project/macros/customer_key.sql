{#- The published key of the person that an identifier leads to: a salted hash, so that it reveals no identifier. -#}
{% macro customer_key(identifier) -%}
  {{ dbt.hash(dbt.concat(["'" ~ var('identity_salt') ~ "|'", identifier])) }}
{%- endmacro %}


{#- For `maintained`: the customers of the changed records of a kind. -#}
{% macro customers_of(kind, record_id) -%}
  select customer_key
  from {{ ref('int_record_customers') }}
  where record_kind = '{{ kind }}' and record_id in (select {{ record_id }} from {changes})
{%- endmacro %}


{#- For `maintained`: the rows of this table whose value in a column is that of a changed row. -#}
{% macro rows_with_changed(unit, column) -%}
  select {{ unit }} from {this} where {{ column }} in (select {{ column }} from {changes})
{%- endmacro %}


{#- For `maintained`: the changed records of one kind. -#}
{% macro records_of(kind) -%}
  select record_id from {changes} where record_kind = '{{ kind }}'
{%- endmacro %}
