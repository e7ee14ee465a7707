{#- How a table is brought up to date:

    unchanged    nothing that it is built from has changed
    incremental  only the rows of invalidated keys are computed, and those that differ are replaced
    recomputed   everything is computed, and the rows that differ are replaced
    rebuilt      everything is computed, and the table is created again -#}
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
  {%- set spec = fromjson(declared[0]) if declared else {
      'unique_key': none, 'invalidated_by': {}, 'invalidated_by_as_of': none, 'backfill_query': none,
  } -%}
  {%- set state = maintained_state() -%}
  {%- set inputs = maintained_inputs() -%}

  {%- set changed = [] -%}
  {%- set is_traceable = namespace(value=(spec.unique_key is not none)) -%}
  {#- A table that is not maintained has no version: it may have changed. -#}
  {%- for name in inputs if state and (inputs[name].version == 'unknown' or inputs[name].version != state.inputs.get(name)) -%}
    {%- do changed.append(name) -%}
    {%- set is_next = inputs[name].kind == 'source' or (
        inputs[name].previous is not none and inputs[name].previous == state.inputs.get(name)
    ) -%}
    {%- if name not in spec.invalidated_by or not is_next -%}{%- set is_traceable.value = false -%}{%- endif -%}
  {%- endfor -%}
  {%- set has_clock_moved = uses_clock and state and state.as_of != as_of_now -%}
  {%- if has_clock_moved and spec.invalidated_by_as_of is none -%}{%- set is_traceable.value = false -%}{%- endif -%}
  {%- set from_day, to_day = env_var('CXHOUSE_FROM', ''), env_var('CXHOUSE_TO', '') -%}
  {%- set is_forced = from_day != '' -%}

  {%- if flags.FULL_REFRESH or not has_table or not state or state.fingerprint != fingerprint -%}
    {%- set mode = 'rebuilt' -%}
  {%- elif not changed and not has_clock_moved and not (is_forced and spec.backfill_query) -%}
    {%- set mode = 'unchanged' -%}
  {%- elif is_traceable.value -%}
    {%- set mode = 'incremental' -%}
  {%- else -%}
    {%- set mode = 'recomputed' -%}
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
      'queries': invalidation_queries(spec, changed, inputs, state, instants[0], instants[1], from_day, to_day)
          if mode == 'incremental' else [],
  }) -}}
{% endmacro %}


{#- What the columns of a key are called in a table of invalidated keys. -#}
{% macro key_aliases(spec) %}
  {%- set names = [] -%}
  {%- for column in spec.unique_key -%}{%- do names.append('key_' ~ loop.index) -%}{%- endfor -%}
  {{- return(names) -}}
{% endmacro %}


{#- The invalidated keys, as one query; its columns are key_1, key_2, … -#}
{% macro invalidated_keys(plan) %}
  {%- set aliases = key_aliases(plan.spec) -%}
  {%- for query in plan.queries %}
  select {{ aliases | join(', ') }} from ({{ query }}) as found ({{ aliases | join(', ') }})
  {{ "union" if not loop.last }}
  {%- endfor %}
{% endmacro %}


{#- The rows of a table that belong to invalidated keys (or, with `others`, those that do not). -#}
{% macro rows_of_keys(relation, spec, invalidated, others=false) -%}
  select present.* from {{ relation }} as present
  where {{ "not " if others }}exists (
      select 1 from {{ invalidated }} as invalidated_keys where {{ is_key(key_columns(spec), 'invalidated_keys') }}
  )
{%- endmacro %}


{#- The keys of changed rows. -#}
{% macro keys_of(relation, spec) -%}
  select distinct
      {% for column in spec.unique_key -%}
      {{ column }} as key_{{ loop.index }}{{ "," if not loop.last }}
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
