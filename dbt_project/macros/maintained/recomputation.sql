{#- The queries of all touched units. -#}
{% macro touch_queries(spec, changed, inputs, state, earlier, later, from_day, to_day) %}
  {%- set queries = ['select ' ~ spec.unit | join(', ') ~ ' from {this} where false'] -%}
  {%- for name in changed -%}
    {%- set rules = spec.touched_by[name] -%}
    {%- for rule in ([rules] if rules is string else rules) -%}
      {%- set query = rule if modules.re.match('\s*select\s', rule) else 'select ' ~ rule ~ ' from {changes}' -%}
      {%- do queries.append(query
          | replace('{changes}', changes_of(name, inputs[name], state) if '{changes}' in query else '')
          | replace('{gone_batches}', gone_batches(name, inputs[name], state) if '{gone_batches}' in query else '')) -%}
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


{#- The columns of the unit, of the rows called `present`. -#}
{% macro unit_columns(spec) %}
  {%- set columns = [] -%}
  {%- for column in spec.unit -%}{%- do columns.append('present.' ~ column) -%}{%- endfor -%}
  {{- return(columns) -}}
{% endmacro %}


{#- The model's query, restricted to the touched units. -#}
{% macro restricted(code, spec, touched) %}
  {%- set result = namespace(code=code) -%}
  {%- for expressions in modules.re.findall('\(1 = 1 /\*touched: (.*?)\*/\)', code) -%}
    {%- set condition = "exists (select 1 from " ~ touched ~ " as touched_units where "
        ~ is_unit(expressions.split(' ;; '), 'touched_units') ~ ")" -%}
    {%- set result.code = result.code | replace('(1 = 1 /*touched: ' ~ expressions ~ '*/)', condition) -%}
  {%- endfor -%}
  {{- return(rows_of_units('(' ~ result.code ~ ')', spec, touched)) -}}
{% endmacro %}


{#- The columns of a model, as its table or view has them. -#}
{% macro column_names(relation) %}
  {%- set names = [] -%}
  {%- for row in run_query('describe select * from ' ~ relation).rows if row[0] != '_part' -%}
    {%- do names.append(adapter.quote(row[0])) -%}
  {%- endfor -%}
  {{- return(names) -}}
{% endmacro %}


{#- Columns whose difference makes a row another row. -#}
{% macro content_of(names) %}
  {{- return(names | reject('in', volatile_of(names)) | list) -}}
{% endmacro %}


{% macro volatile_of(names) %}
  {%- set found = [] -%}
  {%- for name in volatile_columns() if adapter.quote(name) in names -%}{%- do found.append(adapter.quote(name)) -%}{%- endfor -%}
  {{- return(found) -}}
{% endmacro %}
