{#- The newest version of each record of a raw kind that exists at `as_of`.

    The key stands with the source (models/staging/_sources.yml). Of two versions the later `updated_at` wins, where the
    kind has one (a version of after `as_of` only where there is no other); then the later arrival; then the later row. -#}
{% macro newest_version(kind, created_at=none, updated_at=none, key=none) %}
  {%- set columns = key or source_key(kind) -%}
  with source as (

      select *
      from {{ source('raw', kind) }}
      {%- if created_at %}
      where {{ created_at }} <= {{ as_of() }} or {{ created_at }} is null
      {%- endif %}

  ),

  ranked as (

      select
          *,
          row_number() over (
              partition by
                  {% for column in columns -%}
                  coalesce(cast({{ column }} as {{ dbt.type_string() }}), ''){{ "," if not loop.last }}
                  {% endfor %}
              order by
                  {%- if updated_at %}
                  case when coalesce({{ updated_at }}, {{ created_at }}) <= {{ as_of() }} then 0 else 1 end,
                  coalesce({{ updated_at }}, {{ created_at }}) desc nulls last,
                  {%- endif %}
                  _batch desc,
                  _row desc
          ) as version_rank
      from source

  )

  select *
  from ranked
  where version_rank = 1
{%- endmacro %}


{#- What identifies a record of a raw kind. -#}
{% macro source_key(kind) %}
  {%- if execute -%}
    {%- for node in graph.sources.values() if node.name == kind -%}
      {{- return(node.meta.key or node.config.meta.key) -}}
    {%- endfor -%}
  {%- endif -%}
  {{- return(['_row']) -}}
{% endmacro %}
