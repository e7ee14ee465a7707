{#- How a table is brought up to date:

    keep      nothing that it is built from has changed
    touched   only the touched units are computed
    compare   everything is computed, and what differs is replaced
    rebuild   everything is computed, and the table is rebuilt -#}
{% macro maintenance_plan(has_table) %}
  {%- set code = model.compiled_code -%}
  {#- What the table would be built from, and what it was built from. -#}
  {%- set as_of_now = env_var('CXHOUSE_AS_OF') -%}
  {%- set clockless = code | replace(as_of(), '<as_of>') -%}
  {%- set uses_clock = clockless != code -%}
  {%- set placeless = clockless | replace(env_var('CXHOUSE_RAW', 'raw'), '<raw>') | replace(salt_file(), '<salt>') -%}
  {%- set lasting = placeless | replace(computed_at(), '<computed_at>') -%}
  {%- set fingerprint = local_md5(
      lasting ~ tojson(model.columns, sort_keys=true) ~ model.description ~ shape_of_sources() ~ storage_form()
  ) -%}
  {%- set declared = modules.re.findall('/\*maintained: (.*?)\*/', code, modules.re.DOTALL) -%}
  {%- set spec = fromjson(declared[0]) if declared else {'unit': none, 'touched_by': {}, 'on_clock': none, 'dated': none} -%}
  {%- set state = maintained_state() -%}
  {%- set inputs = maintained_inputs() -%}

  {%- set changed = [] -%}
  {%- set is_traceable = namespace(value=(spec.unit is not none)) -%}
  {#- A table that is not maintained has no version: it may have changed. -#}
  {%- for name in inputs if state and (inputs[name].version == 'unknown' or inputs[name].version != state.inputs.get(name)) -%}
    {%- do changed.append(name) -%}
    {%- set is_next = inputs[name].kind == 'source' or (
        inputs[name].previous is not none and inputs[name].previous == state.inputs.get(name)
    ) -%}
    {%- if name not in spec.touched_by or not is_next -%}{%- set is_traceable.value = false -%}{%- endif -%}
  {%- endfor -%}
  {%- set has_clock_moved = uses_clock and state and state.as_of != as_of_now -%}
  {%- if has_clock_moved and spec.on_clock is none -%}{%- set is_traceable.value = false -%}{%- endif -%}
  {%- set from_day, to_day = env_var('CXHOUSE_FROM', ''), env_var('CXHOUSE_TO', '') -%}
  {%- set is_forced = from_day != '' -%}

  {%- if flags.FULL_REFRESH or not has_table or not state or state.fingerprint != fingerprint -%}
    {%- set mode = 'rebuild' -%}
  {%- elif not changed and not has_clock_moved and not (is_forced and spec.dated) -%}
    {%- set mode = 'keep' -%}
  {%- elif is_traceable.value -%}
    {%- set mode = 'touched' -%}
  {%- else -%}
    {%- set mode = 'compare' -%}
  {%- endif -%}
  {%- set instants = [state.as_of, as_of_now] | sort if has_clock_moved else [none, none] -%}
  {{- return({
      'mode': mode,
      'code': code,
      'spec': spec,
      'state': state,
      'inputs': inputs,
      'fingerprint': fingerprint,
      'as_of': as_of_now,
      'uses_clock': uses_clock,
      'is_forced': is_forced,
      'queries': touch_queries(spec, changed, inputs, state, instants[0], instants[1], from_day, to_day)
          if mode == 'touched' else [],
  }) -}}
{% endmacro %}


{#- What the columns of a unit are called in a table of touched units. -#}
{% macro touched_columns(spec) %}
  {%- set names = [] -%}
  {%- for column in spec.unit -%}{%- do names.append('touched_' ~ loop.index) -%}{%- endfor -%}
  {{- return(names) -}}
{% endmacro %}


{#- The touched units, as one query; its columns are touched_1, touched_2, … -#}
{% macro touched_units(plan) %}
  {%- set aliases = touched_columns(plan.spec) -%}
  {%- for query in plan.queries %}
  select {{ aliases | join(', ') }} from ({{ query }}) as touching ({{ aliases | join(', ') }})
  {{ "union" if not loop.last }}
  {%- endfor %}
{% endmacro %}


{#- The rows of a table that belong to touched units (or, with `others`, those that do not). -#}
{% macro rows_of_units(relation, spec, touched, others=false) -%}
  select present.* from {{ relation }} as present
  where {{ "not " if others }}exists (
      select 1 from {{ touched }} as touched_units where {{ is_unit(unit_columns(spec), 'touched_units') }}
  )
{%- endmacro %}


{#- The units of changed rows. -#}
{% macro units_of(relation, spec) -%}
  select distinct
      {% for column in spec.unit -%}
      {{ column }} as touched_{{ loop.index }}{{ "," if not loop.last }}
      {% endfor %}
  from {{ relation }}
{%- endmacro %}


{#- The rows that differ between two row sets, as a query: a row that one of them has more often, or all rows of both. (One
    grouping takes a fifth of what "except all" takes both ways.) -#}
{% macro differing_rows(old, new, columns, are_all_forced) -%}
  {%- set names = columns | join(', ') -%}
  {%- if are_all_forced -%}
  select {{ names }} from {{ old }}
  union all
  select {{ names }} from {{ new }}
  {%- else -%}
  select {{ names }}
  from (
      select {{ names }}, 1 as _times from {{ old }}
      union all
      select {{ names }}, -1 as _times from {{ new }}
  ) as both_sides
  group by {{ names }}
  having sum(_times) <> 0
  {%- endif -%}
{%- endmacro %}


{#- "a.x is not distinct from b.x and …" -#}
{% macro are_same(one, other, columns) -%}
  {%- for name in columns %}
  {{ one }}.{{ name }} is not distinct from {{ other }}.{{ name }}{{ " and" if not loop.last }}
  {%- endfor %}
{%- endmacro %}
