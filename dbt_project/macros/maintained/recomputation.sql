{#- The queries of all touched units. -#}
{% macro touch_queries(spec, changed, inputs, earlier, later, from_day, to_day) %}
  {%- set queries = ['select ' ~ spec.unit | join(', ') ~ ' from {this} where false'] -%}
  {%- for name in changed -%}
    {%- set rules = spec.touched_by[name] -%}
    {%- for rule in ([rules] if rules is string else rules) -%}
      {%- set query = rule if modules.re.match('\s*select\s', rule) else 'select ' ~ rule ~ ' from {changes}' -%}
      {%- do queries.append(query
          | replace('{changes}', changes_of(name, inputs[name]) if '{changes}' in query else '')
          | replace('{gone_batches}', gone_batches(name, inputs[name]) if '{gone_batches}' in query else '')) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if earlier -%}
    {%- for query in spec.on_clock -%}
      {%- do queries.append(query | replace('{earlier}', earlier) | replace('{later}', later)) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if from_day and spec.dated -%}
    {%- do queries.append(spec.dated | replace('{from_day}', from_day) | replace('{to_day}', to_day)) -%}
  {%- endif -%}
  {%- set result = [] -%}
  {%- for query in queries -%}
    {%- do result.append(query | replace('{this}', this | string)) -%}
  {%- endfor -%}
  {{- return(result) -}}
{% endmacro %}


{#- "touched_1 is not distinct from <expression> and …" -#}
{% macro is_unit(expressions, alias) -%}
  {%- for expression in expressions -%}
    {{ alias }}.touched_{{ loop.index }} is not distinct from {{ expression }}
    {{- " and " if not loop.last }}
  {%- endfor -%}
{%- endmacro %}


{#- The model's query, restricted to the touched units. -#}
{% macro restricted(code, spec, touched) %}
  {%- set result = namespace(code=code) -%}
  {%- for expressions in modules.re.findall('\(true /\*touched: (.*?)\*/\)', code) -%}
    {%- set condition = "exists (select 1 from " ~ touched ~ " as touched_units where "
        ~ is_unit(expressions.split(' ;; '), 'touched_units') ~ ")" -%}
    {%- set result.code = result.code | replace('(true /*touched: ' ~ expressions ~ '*/)', condition) -%}
  {%- endfor -%}
  {%- set units = [] -%}
  {%- for column in spec.unit -%}{%- do units.append('computed.' ~ column) -%}{%- endfor -%}
  {{- return("select computed.* from (" ~ result.code ~ ") as computed where exists (select 1 from " ~ touched
      ~ " as touched_units where " ~ is_unit(units, 'touched_units') ~ ")") -}}
{% endmacro %}


{#- Columns whose difference makes a row another row (or, with `volatile`, the others). -#}
{% macro content_columns(relation, volatile=false) %}
  {%- set names = [] -%}
  {%- for column in adapter.get_columns_in_relation(relation) if (column.name in volatile_columns()) == volatile -%}
    {%- do names.append(adapter.quote(column.name)) -%}
  {%- endfor -%}
  {{- return(names) -}}
{% endmacro %}


{#- Write down the rows that differ between two row sets; returns how many. -#}
{% macro record_changes(old, new, columns, are_all_forced) %}
  {%- set changed = 'maintenance.changed_' ~ this.identifier -%}
  {%- call statement('changes') -%}
    create or replace table {{ changed }} as
    with old_rows as (select {{ columns | join(', ') }} from {{ old }}),
    new_rows as (select {{ columns | join(', ') }} from {{ new }}),
    removed as (select * from old_rows {{ 'except all select * from new_rows' if not are_all_forced }}),
    added as (select * from new_rows {{ 'except all select * from old_rows' if not are_all_forced }})
    select * from removed
    union all
    select * from added
  {%- endcall -%}
  {{- return(run_query("select count(*) from " ~ changed).rows[0][0] | int) -}}
{% endmacro %}


{#- Rows that came out the same as before keep their volatile columns. -#}
{% macro carry_volatile(old, new, columns, volatile) %}
  {%- for column in volatile -%}
    {%- call statement('carry') -%}
      update {{ new }} as fresh
      set {{ column }} = kept.{{ column }}
      from {{ old }} as kept
      where
        {%- for name in columns %}
        fresh.{{ name }} is not distinct from kept.{{ name }}{{ " and" if not loop.last }}
        {%- endfor %}
    {%- endcall -%}
  {%- endfor -%}
{% endmacro %}
