{#- The newest version of each record of a raw kind that exists at `as_of`.

    The key stands with the source (models/staging/_sources.yml). Of two versions the later `updated_at` wins, where the
    kind has one (a version of after `as_of` only where there is no other); then the later arrival; then the later row. -#}
{% macro newest_version(kind, created_at=none, updated_at=none) %}
  {%- set raw = source('raw', kind) -%}
  {%- set key_text = record_key(kind) -%}
  {%- set changed_at = 'coalesce(' ~ updated_at ~ ', ' ~ created_at ~ ')' if updated_at else created_at -%}
  {{ maintained(
      unit=['_key'],
      touched_by={kind: [
          'select ' ~ key_text ~ ' from {changes}',
          'select _key from {this} where _batch in ({gone_batches})',
      ]},
      on_clock=[
          'select ' ~ key_text ~ ' from ' ~ raw ~ ' where ' ~ passed(created_at) ~ ' or ' ~ passed(changed_at)
      ] if created_at else none,
      dated='select ' ~ key_text ~ ' from ' ~ raw ~ ' where ' ~ within_days(created_at) if created_at else none
  ) }}
  with source as (

      select
          *,
          {{ key_text }} as _key
      from {{ raw }}
      where
          {{ is_touched(key_text) }}
          {%- if created_at %}
          and ({{ created_at }} <= {{ as_of() }} or {{ created_at }} is null)
          {%- endif %}

  ),

  ranked as (

      select
          *,
          row_number() over (
              partition by _key
              order by
                  {%- if updated_at %}
                  case when {{ changed_at }} <= {{ as_of() }} then 0 else 1 end,
                  {{ changed_at }} desc nulls last,
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


{#- What identifies a record of a raw kind, as one text; the unit separator keeps its columns apart.

    Without an id of its own, an event is what it says: the same event twice is one. -#}
{% macro record_key(kind) %}
  {%- set texts = [] -%}
  {%- for column in source_key(kind) -%}
    {%- do texts.append("coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), '')") -%}
  {%- endfor -%}
  {%- if kind == 'ticket_events' -%}
    {%- set content = dbt.hash(dbt.concat([
        "ticket_id",
        "cast(event_at as " ~ dbt.type_string() ~ ")",
        "event_type",
        "coalesce(actor_id, '')",
        "coalesce(from_value, '')",
        "coalesce(to_value, '')",
    ])) -%}
    {%- do texts.append("case when event_id is null then " ~ content ~ " else '' end") -%}
  {%- endif -%}
  {{- return(texts | join(" || chr(31) || ")) -}}
{% endmacro %}


{#- The columns that identify a record of a raw kind. -#}
{% macro source_key(kind) %}
  {%- if execute -%}
    {%- for node in graph.sources.values() if node.name == kind -%}
      {{- return(node.meta.key or node.config.meta.key) -}}
    {%- endfor -%}
  {%- endif -%}
  {{- return(['_row']) -}}
{% endmacro %}
