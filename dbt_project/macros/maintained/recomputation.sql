{#- The queries of all invalidated keys. -#}
{% macro invalidation_queries(spec, changed, inputs, state, earlier, later, from_day, to_day) %}
  {%- set queries = ['select ' ~ spec.unique_key | join(', ') ~ ' from {this} where false'] -%}
  {%- for name in changed -%}
    {%- set rules = spec.invalidated_by[name] -%}
    {%- for rule in ([rules] if rules is string else rules) -%}
      {%- set query = rule if modules.re.match('\s*select\s', rule) else 'select ' ~ rule ~ ' from {changes}' -%}
      {%- do queries.append(query
          | replace('{changes}', changes_of(name, inputs[name], state) if '{changes}' in query else '')
          | replace('{gone_batches}', gone_batches(name, inputs[name], state) if '{gone_batches}' in query else '')) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if earlier -%}
    {%- for query in spec.invalidated_by_as_of -%}
      {%- do queries.append(query | replace('{earlier}', earlier) | replace('{later}', later)) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if from_day and spec.backfill_query -%}
    {%- do queries.append(spec.backfill_query | replace('{from_day}', from_day) | replace('{to_day}', to_day)) -%}
  {%- endif -%}
  {%- set result = [] -%}
  {%- for query in queries -%}
    {%- do result.append(query | replace('{this}', this | string)) -%}
  {%- endfor -%}
  {{- return(result) -}}
{% endmacro %}


{#- "key_1 is not distinct from <expression> and …" -#}
{% macro is_key(expressions, alias) -%}
  {%- for expression in expressions -%}
    {{ alias }}.key_{{ loop.index }} is not distinct from {{ expression }}
    {{- " and " if not loop.last }}
  {%- endfor -%}
{%- endmacro %}


{#- The columns of the key, of the rows called `present`. -#}
{% macro key_columns(spec) %}
  {%- set columns = [] -%}
  {%- for column in spec.unique_key -%}{%- do columns.append('present.' ~ column) -%}{%- endfor -%}
  {{- return(columns) -}}
{% endmacro %}


{#- The model's query, restricted to the invalidated keys. -#}
{% macro restricted(code, spec, invalidated) %}
  {%- set result = namespace(code=code) -%}
  {%- for expressions in modules.re.findall('\(1 = 1 /\*invalidated: (.*?)\*/\)', code) -%}
    {%- set condition = "exists (select 1 from " ~ invalidated ~ " as invalidated_keys where "
        ~ is_key(expressions.split(' ;; '), 'invalidated_keys') ~ ")" -%}
    {%- set result.code = result.code | replace('(1 = 1 /*invalidated: ' ~ expressions ~ '*/)', condition) -%}
  {%- endfor -%}
  {{- return(rows_of_keys('(' ~ result.code ~ ')', spec, invalidated)) -}}
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
