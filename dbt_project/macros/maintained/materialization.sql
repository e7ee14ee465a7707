{% materialization maintained, adapter='duckdb' %}
  {%- set target = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set draft = make_intermediate_relation(target) -%}
  {%- set invalidated, new_rows = 'invalidated__' ~ this.identifier, 'new__' ~ this.identifier -%}
  {%- set changes = 'maintenance.changed_' ~ this.identifier -%}

  {{ run_hooks(pre_hooks) }}
  {%- set plan = maintenance_plan(existing is not none and existing.is_table) -%}
  {%- set version = plan.state.number if plan.state else 0 -%}
  {%- set queries = plan.code.split(by_itself()) -%}

  {%- if plan.mode == 'unchanged' -%}
    {%- call statement('main') -%}
      update maintenance.models
      set
        project = '{{ env_var('CXHOUSE_PROJECT', '') }}',
        clock = '{{ plan.as_of if plan.uses_clock }}'
      where model = '{{ this.identifier }}'
    {%- endcall -%}

  {%- elif plan.mode == 'incremental' -%}
    {%- call statement('invalidated') -%}
      create or replace temporary table {{ invalidated }} as
      {{ invalidated_keys(plan) }}
    {%- endcall -%}
    {%- call statement('main') -%}
      create or replace temporary table {{ new_rows }} as
      {{ restricted(queries[0], plan.spec, invalidated) }}
    {%- endcall -%}
    {%- for query in queries[1:] -%}
      {%- call statement('further') -%} insert into {{ new_rows }} {{ restricted(query, plan.spec, invalidated) }} {%- endcall -%}
    {%- endfor -%}
    {%- set names = column_names(this) -%}
    {%- set columns = content_of(names) -%}
    {%- set old_rows = '(' ~ rows_of_keys(this, plan.spec, invalidated) ~ ')' -%}
    {%- set differing = record_changes(changes, old_rows, new_rows, columns, plan.is_forced) -%}
    {%- if differing -%}
      {%- do carry_volatile(old_rows, new_rows, columns, volatile_of(names)) -%}
      {%- call statement('patch') -%}
        create or replace temporary table {{ invalidated }} as
        {{ keys_of(changes, plan.spec) }};
        delete from {{ this }} as present
        where exists (select 1 from {{ invalidated }} as invalidated_keys where {{ is_key(key_columns(plan.spec), 'invalidated_keys') }});
        insert into {{ this }} by name
        {{ rows_of_keys(new_rows, plan.spec, invalidated) }};
      {%- endcall -%}
    {%- endif -%}
    {#- Without a difference `changed_…` is empty: it no longer tells what made the present version. -#}
    {%- do save_state(plan, version + (1 if differing else 0), differing > 0) -%}
    {%- call statement('cleanup') -%}
      drop table if exists {{ invalidated }};
      drop table {{ new_rows }};
    {%- endcall -%}

  {%- else -%}
    {%- call statement('main') -%}
      drop table if exists {{ draft }};
      {{ create_table_as(False, draft, queries[0]) }}
    {%- endcall -%}
    {%- for query in queries[1:] -%}
      {%- call statement('further') -%} insert into {{ draft }} {{ query }} {%- endcall -%}
    {%- endfor -%}
    {#- A table of other columns cannot be compared. -#}
    {%- set is_compared = plan.mode == 'recomputed' and shape_of(this) == shape_of(draft) -%}
    {%- set names = column_names(draft) if is_compared else [] -%}
    {%- set columns = content_of(names) -%}
    {%- set differing = record_changes(changes, this, draft, columns, false) if is_compared else 1 -%}
    {%- if differing -%}
      {%- if is_compared -%}{%- do carry_volatile(this, draft, columns, volatile_of(names)) -%}{%- endif -%}
      {%- call statement('swap') -%}
        drop {{ existing.type if existing else 'table' }} if exists {{ this }};
        alter table {{ draft }} rename to {{ this.identifier }};
        {{ 'drop table if exists ' ~ changes ~ ';' if not is_compared }}
      {%- endcall -%}
    {%- else -%}
      {%- call statement('drop_draft') -%} drop table {{ draft }} {%- endcall -%}
    {%- endif -%}
    {%- do save_state(plan, version + (1 if differing else 0), is_compared and differing > 0) -%}
  {%- endif -%}

  {{ adapter.commit() }}
  {#- What dbt reports: how the table was kept up to date. -#}
  {%- do store_raw_result('main', message=plan.mode, code=plan.mode, rows_affected='0') -%}
  {{ run_hooks(post_hooks) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}


{#- Write down the rows that differ between two row sets; returns how many. -#}
{% macro record_changes(changes, old, new, columns, are_all_forced) %}
  {%- call statement('changes') -%}
    create or replace table {{ changes }} as
    {{ differing_rows(old, new, columns, are_all_forced) }}
  {%- endcall -%}
  {{- return(run_query("select count(*) from " ~ changes).rows[0][0] | int) -}}
{% endmacro %}


{#- Rows that came out the same as before keep their volatile columns. -#}
{% macro carry_volatile(old, new, columns, volatile) %}
  {%- for column in volatile -%}
    {%- call statement('carry') -%}
      update {{ new }} as fresh
      set {{ column }} = kept.{{ column }}
      from {{ old }} as kept
      where {{ are_same('fresh', 'kept', columns) }}
    {%- endcall -%}
  {%- endfor -%}
{% endmacro %}
