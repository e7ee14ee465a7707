{% materialization maintained, adapter='duckdb' %}
  {%- set target = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set draft = make_intermediate_relation(target) -%}
  {%- set touched = 'touched__' ~ this.identifier -%}
  {%- set code = compiled_code -%}

  {{ run_hooks(pre_hooks) }}

  {#- What the table would be built from, and what it was built from. -#}
  {%- set as_of_now = env_var('CXHOUSE_AS_OF') -%}
  {%- set clockless = code | replace(as_of(), '<as_of>') -%}
  {%- set uses_clock = clockless != code -%}
  {%- set fingerprint = local_md5(
      (clockless | replace(computed_at(), '<computed_at>') | replace(env_var('CXHOUSE_RAW', 'raw'), '<raw>')) ~ tojson(model.columns, sort_keys=true) ~ model.description ~ shape_of_sources()
  ) -%}
  {%- set declared = modules.re.findall('/\*maintained: (.*?)\*/', code, modules.re.DOTALL) -%}
  {%- set spec = fromjson(declared[0]) if declared else {'unit': none, 'touched_by': {}, 'on_clock': none, 'dated': none} -%}
  {%- set inputs = maintained_inputs() -%}
  {%- set rows = run_query("select 'f' || fingerprint, 'a' || as_of, 'v' || version from maintenance.models where model = '"
      ~ this.identifier ~ "'").rows -%}
  {%- set state = rows[0] if rows | length else none -%}
  {%- set consumed = {} -%}
  {%- for row in run_query("select input, version from maintenance.inputs where model = '" ~ this.identifier ~ "'").rows -%}
    {%- do consumed.update({row[0]: row[1]}) -%}
  {%- endfor -%}
  {%- set version = (state[2][1:] | int) if state else 0 -%}

  {%- set changed = [] -%}
  {%- set is_traceable = namespace(value=(spec.unit is not none)) -%}
  {%- for name in inputs if inputs[name].version != consumed.get(name) -%}
    {%- do changed.append(name) -%}
    {%- set is_next = inputs[name].kind == 'source' or (
        inputs[name].known and consumed.get(name) == 'v' ~ (inputs[name].version[1:] | int - 1)
    ) -%}
    {%- if name not in spec.touched_by or not is_next -%}{%- set is_traceable.value = false -%}{%- endif -%}
  {%- endfor -%}
  {%- set has_clock_moved = uses_clock and state and state[1][1:] != as_of_now -%}
  {%- if has_clock_moved and spec.on_clock is none -%}{%- set is_traceable.value = false -%}{%- endif -%}
  {%- set from_day, to_day = env_var('CXHOUSE_FROM', ''), env_var('CXHOUSE_TO', '') -%}
  {%- set is_forced = from_day != '' -%}

  {%- if flags.FULL_REFRESH or existing is none or not existing.is_table or state is none or state[0][1:] != fingerprint -%}
    {%- set mode = 'rebuild' -%}
  {%- elif not changed and not has_clock_moved and not (is_forced and spec.dated) -%}
    {%- set mode = 'keep' -%}
  {%- elif is_traceable.value -%}
    {%- set mode = 'touched' -%}
  {%- else -%}
    {%- set mode = 'compare' -%}
  {%- endif -%}

  {%- if mode == 'keep' -%}
    {%- call statement('main') -%}
      select 1
    {%- endcall -%}

  {%- elif mode == 'touched' -%}
    {%- set instants = [state[1][1:], as_of_now] | sort if has_clock_moved else [none, none] -%}
    {%- set queries = touch_queries(spec, changed, inputs, instants[0], instants[1], from_day, to_day) -%}
    {%- set aliases = [] -%}
    {%- for column in spec.unit -%}{%- do aliases.append('touched_' ~ loop.index) -%}{%- endfor -%}
    {%- call statement('touched') -%}
      create or replace temporary table {{ touched }} as
      {% for query in queries -%}
      select {{ aliases | join(', ') }} from ({{ query }}) as touching ({{ aliases | join(', ') }})
      {{ "union" if not loop.last }}
      {% endfor %}
    {%- endcall -%}
    {%- set new_rows = 'new__' ~ this.identifier -%}
    {%- call statement('main') -%}
      create or replace temporary table {{ new_rows }} as
      {{ restricted(code, spec, touched) }}
    {%- endcall -%}
    {%- set columns = content_columns(existing) -%}
    {%- set units = [] -%}
    {%- for column in spec.unit -%}{%- do units.append('present.' ~ column) -%}{%- endfor -%}
    {%- set old_rows = "(select present.* from " ~ this ~ " as present where exists (select 1 from " ~ touched
        ~ " as touched_units where " ~ is_unit(units, 'touched_units') ~ "))" -%}
    {%- set differing = record_changes(old_rows, new_rows, columns, is_forced) -%}
    {%- if differing -%}
      {%- do carry_volatile(old_rows, new_rows, columns, content_columns(existing, true)) -%}
      {%- call statement('patch') -%}
        create or replace temporary table {{ touched }} as
        select distinct
            {% for column in spec.unit -%}
            {{ column }} as touched_{{ loop.index }}{{ "," if not loop.last }}
            {% endfor %}
        from maintenance.changed_{{ this.identifier }};
        delete from {{ this }} as present
        where exists (select 1 from {{ touched }} as touched_units where {{ is_unit(units, 'touched_units') }});
        insert into {{ this }} by name
        select present.* from {{ new_rows }} as present
        where exists (select 1 from {{ touched }} as touched_units where {{ is_unit(units, 'touched_units') }});
      {%- endcall -%}
    {%- endif -%}
    {#- Without a difference `changed_…` is empty: it no longer tells what made the present version. -#}
    {%- do save_state(fingerprint, as_of_now, version + (1 if differing else 0), differing > 0, inputs) -%}
    {%- call statement('cleanup') -%}
      drop table if exists {{ touched }};
      drop table {{ new_rows }};
    {%- endcall -%}

  {%- else -%}
    {%- call statement('main') -%}
      drop table if exists {{ draft }};
      {{ create_table_as(False, draft, code) }}
    {%- endcall -%}
    {#- A table of other columns cannot be compared. -#}
    {%- set is_compared = mode == 'compare' and shape_of(this) == shape_of(draft) -%}
    {%- set columns = content_columns(draft) if is_compared else [] -%}
    {%- set differing = record_changes(this, draft, columns, false) if is_compared else 1 -%}
    {%- if differing -%}
      {%- if is_compared -%}{%- do carry_volatile(this, draft, columns, content_columns(draft, true)) -%}{%- endif -%}
      {%- call statement('swap') -%}
        drop {{ existing.type if existing else 'table' }} if exists {{ this }};
        alter table {{ draft }} rename to {{ this.identifier }};
        {{ 'drop table if exists maintenance.changed_' ~ this.identifier ~ ';' if not is_compared }}
      {%- endcall -%}
      {%- do persist_docs(target, model) -%}
    {%- else -%}
      {%- call statement('drop_draft') -%} drop table {{ draft }} {%- endcall -%}
    {%- endif -%}
    {%- do save_state(fingerprint, as_of_now, version + (1 if differing else 0), is_compared and differing > 0, inputs) -%}
  {%- endif -%}

  {{ adapter.commit() }}
  {#- What dbt reports: how the table was kept up to date. -#}
  {%- do store_raw_result('main', message=mode, code=mode, rows_affected='0') -%}
  {{ run_hooks(post_hooks) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}
