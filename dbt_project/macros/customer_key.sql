{#- The published key of the person that an identifier leads to: a salted hash, so that it reveals no identifier. -#}
{% macro customer_key(identifier) -%}
  {{ dbt.hash(dbt.concat([adapter.dispatch('identity_salt', 'cxhouse')(), "'|'", identifier])) }}
{%- endmacro %}


{#- The home's secret is read where it is stored, so that no text of a query holds it. -#}
{% macro salt_file() -%}
  {{ env_var('CXHOUSE_SALT_FILE', 'identity_salt') }}
{%- endmacro %}


{#- For `maintained`: the customers of the changed records of a kind. -#}
{% macro customers_of(kind, record_id) -%}
  select customer_key
  from {{ ref('int_record_customers') }}
  where record_kind = '{{ kind }}' and record_id in (select {{ record_id }} from {changes})
{%- endmacro %}


{#- For `maintained`: the rows of this table whose value in a column is that of a changed row. -#}
{% macro rows_with_changed(key, column) -%}
  select {{ key }} from {this} where {{ column }} in (select {{ column }} from {changes})
{%- endmacro %}


{#- Is it a number that a spreadsheet rounded ('4.93E+11')? Many persons share it. Ids have their source before them. -#}
{% macro is_rounded(value) -%}
  {{ regexp_remove('upper(' ~ value ~ ')', '^.*:|[0-9.]') }} = 'E+'
{%- endmacro %}


{#- For `maintained`: the changed records of one kind. -#}
{% macro records_of(kind) -%}
  select record_id from {changes} where record_kind = '{{ kind }}'
{%- endmacro %}


{#- The `maintained` of all identifiers: every kind that names a customer touches its own records, by its newest versions and by
    the files that first named an identifier. -#}
{% macro identifiers_maintained(kinds) -%}
  {%- set invalidated_by, dated_queries = {}, [] -%}
  {%- for kind, (record_id, _) in kinds.items() -%}
    {%- set record = "select '" ~ kind ~ "' as record_kind, " ~ record_id ~ " as record_id from " -%}
    {%- do invalidated_by.update({
        'stg_' ~ kind: record ~ '{changes}',
        kind: [record ~ '{changes}', "select record_kind, record_id from {this} where _batch in ({gone_batches})"],
    }) -%}
    {%- do dated_queries.append(record ~ ref('stg_' ~ kind) ~ ' where ' ~ within_days(export_kinds()[kind].event_at)) -%}
  {%- endfor -%}
  {{ maintained(
      unique_key=['record_kind', 'record_id'],
      invalidated_by=invalidated_by,
      backfill_query=dated_queries | join(' union all ')
  ) }}
{%- endmacro %}


{#- A visitor of the site, as hashed as a customer. -#}
{% macro visitor_key(visitor_id) -%}
  case when {{ visitor_id }} is not null then {{ customer_key("concat('visitor:', " ~ visitor_id ~ ")") }} end
{%- endmacro %}
