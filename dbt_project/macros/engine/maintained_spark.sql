{#- `maintained` on Spark, where a table of Parquet files can be neither renamed over another nor changed by row.

    A model is a view over a table of its own, `<model>__<version>`: replacing the view puts new rows, and the state that goes
    with them, in the place of the old ones in one statement. A model with a key is stored in parts by a hash of the key;
    of those only the parts that changed keys lie in are overwritten. -#}
{% materialization maintained, adapter='spark' %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set version = 'v' ~ invocation_id | replace('-', '') -%}

  {{ run_hooks(pre_hooks) }}
  {%- set plan = maintenance_plan(existing is not none and existing.is_view) -%}
  {%- if plan.mode == 'unchanged' -%}
    {%- call statement('main') -%}
      select 1
    {%- endcall -%}
  {%- elif plan.mode == 'incremental' -%}
    {%- do patch(plan, version) -%}
  {%- else -%}
    {%- do compute_whole(plan, version, existing) -%}
  {%- endif -%}
  {#- What dbt reports: how the table was kept up to date. -#}
  {%- do store_raw_result('main', message=plan.mode, code=plan.mode, rows_affected='0') -%}
  {{ run_hooks(post_hooks) }}
  {{ return({'relations': [this.incorporate(type='view')]}) }}
{% endmaterialization %}


{#- Compute invalidated keys, and overwrite the parts in which keys lie that came out another way. -#}
{% macro patch(plan, version) %}
  {%- set name, spec, state = this.identifier, plan.spec, plan.state -%}
  {%- set changes = 'maintenance.' ~ name ~ '__' ~ version -%}
  {%- set invalidated, fresh, keys, patched = changes ~ '_invalidated', changes ~ '_fresh', changes ~ '_keys', changes ~ '_patched' -%}
  {%- set stored = this.schema ~ '.' ~ state.storage -%}
  {#- Tables, not views, cached or not: Spark would analyse a view's whole query again wherever it is named. -#}
  {%- do run_query(stored_as(invalidated, invalidated_keys(plan))) -%}
  {%- do run_query(stored_as(fresh, restricted(plan.code, spec, invalidated))) -%}
  {%- set names = column_names(this) -%}
  {%- set columns, volatile = content_of(names), volatile_of(names) -%}
  {%- set old_rows = rows_of_keys(this, spec, invalidated) -%}
  {%- call statement('main') -%}
    {{ stored_as(changes, differing_rows('(' ~ old_rows ~ ')', fresh, columns, plan.is_forced)) }}
  {%- endcall -%}
  {%- set differing = run_query('select count(*) from ' ~ changes).rows[0][0] | int -%}
  {%- if differing -%}
    {%- do run_query(stored_as(keys, keys_of(changes, spec))) -%}
    {%- set parts = 'select ' ~ part_of(key_aliases(spec)) ~ ' from ' ~ keys -%}
    {%- do run_query(stored_as(patched, with_part(
        rows_of_keys('(' ~ rows_from(stored, names) ~ ' where _part in (' ~ parts ~ '))', spec, keys, others=true)
        ~ ' union all ' ~ carried('(' ~ old_rows ~ ')', '(' ~ rows_of_keys(fresh, spec, keys) ~ ')', names),
        spec
    ))) -%}
    {#- Overwriting the parts is no single step: should it break off, nobody must build on what is there. -#}
    {%- do run_query("alter view " ~ this ~ " set tblproperties ('cxhouse.state' = '')") -%}
    {%- call statement('patch') -%}
      insert overwrite table {{ stored }} partition (_part) select * from {{ patched }}
    {%- endcall -%}
    {#- A part without any row is not overwritten by that. -#}
    {%- for row in run_query(parts ~ ' except select _part from ' ~ patched).rows -%}
      {%- do run_query('insert overwrite table ' ~ stored ~ ' partition (_part = ' ~ row[0] ~ ') '
          ~ rows_from(patched, names) ~ ' where false') -%}
    {%- endfor -%}
    {%- do run_query('refresh table ' ~ stored) -%}
  {%- endif -%}
  {%- if differing -%}
    {%- do show_version(plan, names, state.storage, version, state.version, changes) -%}
  {%- else -%}
    {%- do show_version(plan, names, state.storage, state.version, none, none) -%}
  {%- endif -%}
{% endmacro %}


{#- Compute everything; what is there stays, unless it differs. -#}
{% macro compute_whole(plan, version, existing) %}
  {%- set name = this.identifier -%}
  {%- set storage = name ~ '__' ~ version -%}
  {%- set stored = this.schema ~ '.' ~ storage -%}
  {%- call statement('main') -%}
    {{ stored_as(stored, with_part(plan.code, plan.spec), plan.spec) }}
  {%- endcall -%}
  {%- set names = column_names(stored) -%}
  {#- A table of other columns cannot be compared. -#}
  {%- set is_compared = plan.mode == 'recomputed' and shape_of(this) == shape_of('(' ~ rows_from(stored, names) ~ ')') -%}
  {%- if not is_compared -%}
    {%- do drop_unless_view(existing) -%}
    {%- do show_version(plan, names, storage, version, none, none) -%}
    {{- return(none) -}}
  {%- endif -%}
  {%- set columns, volatile = content_of(names), volatile_of(names) -%}
  {%- set changes = 'maintenance.' ~ name ~ '__' ~ version -%}
  {%- do run_query(stored_as(changes, differing_rows(this, stored, columns, false))) -%}
  {%- if run_query('select count(*) from ' ~ changes).rows[0][0] | int == 0 -%}
    {%- do show_version(plan, names, plan.state.storage, plan.state.version, none, none) -%}
    {{- return(none) -}}
  {%- endif -%}
  {%- if volatile -%}
    {%- set storage = storage ~ '_carried' -%}
    {%- do run_query(stored_as(this.schema ~ '.' ~ storage, with_part(carried(this, stored, names), plan.spec), plan.spec)) -%}
  {%- endif -%}
  {%- do show_version(plan, names, storage, version, plan.state.version, changes) -%}
{% endmacro %}


{#- A part's number, from the columns of a key. -#}
{% macro part_of(columns) -%}
  cast(pmod(xxhash64({{ columns | join(', ') }}), {{ env_var('CXHOUSE_SPARK_PARTS', '8') }}) as int)
{%- endmacro %}


{#- The rows of a query, with the part that each belongs to; rows of one part lie together. -#}
{% macro with_part(query, spec) -%}
  {%- if spec.unique_key is none -%}
  {{ query }}
  {%- else -%}
  select /*+ repartition(_part) */ *
  from (select whole.*, {{ part_of(spec.unique_key) }} as _part from ({{ query }}) as whole)
  {%- endif -%}
{%- endmacro %}


{% macro stored_as(relation, query, spec=none) -%}
  create table {{ relation }} using {{ env_var('CXHOUSE_SPARK_TABLE_FORMAT', 'parquet') }}
  {{ 'partitioned by (_part)' if spec and spec.unique_key is not none }}
  as {{ query }}
{%- endmacro %}


{% macro rows_from(relation, names) -%}
  select {{ names | join(', ') }} from {{ relation }}
{%- endmacro %}


{#- New rows, of which those that came out the same as before keep their volatile columns. -#}
{% macro carried(old, new, names) -%}
  {%- set columns, volatile = content_of(names), volatile_of(names) -%}
  {%- if not volatile -%}
  select * from {{ new }}
  {%- else -%}
  select
      {% for name in names -%}
      {{ 'coalesce(kept.' ~ name ~ ', fresh.' ~ name ~ ') as ' ~ name if name in volatile else 'fresh.' ~ name }}{{ "," if not loop.last }}
      {% endfor %}
  from {{ new }} as fresh
  left join (
      select
          {% for name in volatile -%}
          min({{ name }}) as {{ name }},
          {% endfor -%}
          {{ columns | join(', ') }}
      from {{ old }}
      group by {{ columns | join(', ') }}
  ) as kept on {{ are_same('fresh', 'kept', columns) }}
  {%- endif -%}
{%- endmacro %}


{#- Let the model's view show a table, and say what that was built from; tables that it no longer shows go. -#}
{% macro show_version(plan, names, storage, version, previous, changes) %}
  {%- set inputs, files, comments = {}, {}, [] -%}
  {%- for name, input in plan.inputs.items() -%}
    {%- do inputs.update({name: input.version}) -%}
    {%- if input.files is defined -%}{%- do files.update({name: input.files}) -%}{%- endif -%}
  {%- endfor -%}
  {%- set state = {
      'fingerprint': plan.fingerprint, 'as_of': plan.as_of, 'version': version, 'previous': previous, 'changes': changes,
      'storage': storage, 'inputs': inputs, 'raw_files': files,
  } -%}
  {%- set stored = this.schema ~ '.' ~ storage -%}
  {%- for name in names -%}
    {%- set column_description = (model.columns.get(name[1:-1]) or {}).get('description', '') -%}
    {%- do comments.append(name ~ (' comment ' ~ spark_literal(column_description) if column_description else '')) -%}
  {%- endfor -%}
  {%- call statement('show') -%}
    create or replace view {{ this }} ({{ comments | join(', ') }})
    comment {{ spark_literal(model.description) }}
    tblproperties ('cxhouse.state' = {{ spark_literal(tojson(state)) }})
    as {{ rows_from(stored, names) }}
  {%- endcall -%}
  {%- for schema, kept in [(this.schema, storage), ('maintenance', (changes or '').split('.')[-1])] -%}
    {%- for row in run_query("show tables in " ~ schema ~ " like '" ~ this.identifier ~ "__v*'").rows if row[1] != kept -%}
      {%- do run_query('drop table ' ~ schema ~ '.' ~ row[1]) -%}
    {%- endfor -%}
  {%- endfor -%}
{% endmacro %}


{% macro drop_unless_view(relation) %}
  {%- if relation is not none and not relation.is_view -%}{%- do adapter.drop_relation(relation) -%}{%- endif -%}
{% endmacro %}


{% macro spark_literal(text) -%}
  '{{ text | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endmacro %}
