{#- The newest version of each record of a raw kind that exists at `as_of`.

    What identifies a record, and which instants a kind has, is said in orchestration/pull/kinds.yml. Of two versions the later
    `updated_at` wins, where the kind has one (a version of after `as_of` only where there is no other); then the later arrival; then the later row.
    A record whose newest version is deleted is left out, and so is what a later snapshot, or a later delivery of the lines
    of its `group`, no longer holds (`replaced`: columns that get another expression); see `standing_rows`. -#}
{% macro newest_version(kind, replaced={}) %}
  {%- set created_at, group = export_kinds()[kind].event_at, export_kinds()[kind].group -%}
  {%- set updated_at = 'updated_at' if export_kinds()[kind].has_updates else none -%}
  {%- set raw = source('raw', kind) -%}
  {%- set key_text = record_key(kind) -%}
  {%- set changed_at = 'coalesce(' ~ updated_at ~ ', ' ~ created_at ~ ')' if updated_at else created_at -%}
  {#- What a deletion, a snapshot or a delivery hides is in the raw rows only: it comes back when that goes. -#}
  {%- set hidden = 'select ' ~ key_text ~ ' from ' ~ raw -%}
  {{ maintained(
      unique_key=['_key'],
      invalidated_by={kind: [
          'select ' ~ key_text ~ ' from {changes}',
          'select _key from {this} where _batch in ({gone_batches})',
          hidden ~ " where '{gone_batches}' <> '-1' except select _key from {this}",
          hidden ~ ' where _series in (select _series from {changes})',
          hidden ~ " where _series is not null and '{gone_batches}' <> '-1'",
      ] + ([
          'select _key from {this} where ' ~ group ~ ' in (select ' ~ group ~ ' from {changes})',
          hidden ~ ' where ' ~ group ~ ' in (select ' ~ group ~ ' from ' ~ raw ~ ' where _series in (select _series from {changes}))',
          hidden ~ " where '{gone_batches}' <> '-1'",
      ] if group else [])},
      invalidated_by_as_of=[
          'select ' ~ key_text ~ ' from ' ~ raw ~ ' where ' ~ passed(created_at) ~ ' or ' ~ passed(changed_at)
      ] if created_at else none,
      backfill_query='select ' ~ key_text ~ ' from ' ~ raw ~ ' where ' ~ within_days(created_at) if created_at else none
  ) }}
  with {{ standing_rows(kind) }},

  source as {{ materialized() }} (

      select
          *,
          {{ key_text }} as _key
      from standing
      where
          {{ is_invalidated(key_text) }}
          {%- if created_at %}
          and ({{ created_at }} <= {{ as_of() }} or {{ created_at }} is null)
          {%- endif %}

  ),

  -- Ranking sorts whole rows: only those whose key is there twice.
  repeated as (

      select _key as repeated_key
      from source
      group by _key
      having count(*) > 1

  ),

  ranked as (

      select
          source.*,
          1 as version_rank
      from source
      left join repeated on source._key = repeated.repeated_key
      where repeated.repeated_key is null
      union all
      select
          source.*,
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
      inner join repeated on source._key = repeated.repeated_key

  )

  select {{ all_replacing(replaced) if replaced else '*' }}
  from ranked
  where
      version_rank = 1
      {%- if export_kinds()[kind].has_deletions %}
      and not coalesce(is_deleted, false)
      {%- endif %}
{%- endmacro %}


{#- CTEs up to `standing`: the raw rows of a kind that nothing took back.

    Of a series of snapshots only the newest counts. The lines of a `group` (an order) come together: a delivery that names
    the group again takes the place of the earlier ones. Files of one pull are one delivery, unless one of them repeats a
    line of another: then it is the newer one. -#}
{% macro standing_rows(kind) %}
  {%- set group = export_kinds()[kind].group -%}
  {%- set raw = source('raw', kind) -%}
  newest_snapshots as (

      select
          _series as series,
          max(_batch) as newest_batch
      from {{ raw }}
      where _series is not null
      group by _series

  ),

  current_rows as (

      select raw_rows.*
      from {{ raw }} as raw_rows
      left join newest_snapshots on raw_rows._series = newest_snapshots.series
      where
          raw_rows._series is null
          or raw_rows._batch = newest_snapshots.newest_batch

  ),
  {%- if group %}

  deliveries as (

      select
          {{ group }} as group_id,
          _batch as delivered_in,
          max(_delivery) as delivery,
          max(case when first_batch < _batch then 1 else 0 end) as is_repeated
      from (
          select
              {{ group }},
              _batch,
              _delivery,
              min(_batch) over (partition by {{ record_key(kind) }}) as first_batch
          from current_rows
      ) as lines
      group by
          {{ group }},
          _batch

  ),

  numbered_deliveries as (

      select
          group_id,
          delivered_in,
          delivery,
          is_repeated,
          lag(delivery) over (partition by group_id order by delivered_in) as delivery_before,
          row_number() over (partition by group_id order by delivered_in) as delivery_number
      from deliveries

  ),

  newest_deliveries as (

      select
          group_id,
          max(delivered_in) as since_batch
      from numbered_deliveries
      where
          delivery_number > 1
          and delivery is not null
          and (is_repeated = 1 or delivery_before is null or delivery <> delivery_before)
      group by group_id

  ),

  standing as (

      select current_rows.*
      from current_rows
      left join newest_deliveries on current_rows.{{ group }} = newest_deliveries.group_id
      where
          newest_deliveries.since_batch is null
          or current_rows._batch >= newest_deliveries.since_batch

  )
  {%- else %}

  standing as (

      select * from current_rows

  )
  {%- endif %}
{%- endmacro %}


{#- What identifies a record of a raw kind, as one text; the unit separator keeps its columns apart.

    Without an id of its own, an event is what it says: the same event twice is one. -#}
{% macro record_key(kind) %}
  {%- set texts = [] -%}
  {%- for column in export_kinds()[kind].key -%}
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
