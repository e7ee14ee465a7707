{#- Incremental models whose inputs change in the past. A model's SQL is always the whole query; `maintained(...)` says how to run it for a
    part of its rows, those of some keys:

    unique_key            the columns by which rows can be computed independently of each other. As with dbt's delete+insert, all rows
                          of a key are replaced together; a key may have many rows
    invalidated_by        input -> the keys that a changed row of it invalidates: columns of the input in the order of `unique_key`
                          ("ticket_id"), or a query over `{changes}` (the input's removed and added rows) and `{this}`, or several.
                          For a source `{changes}` are the rows of new files, and `{gone_batches}` lists the batches that left
    invalidated_by_as_of  queries of the keys that a move of `as_of` invalidates, from `{earlier}` to `{later}`; see `passed`, `day_passed`
    backfill_query        a query of the keys that belong to the days from `{from_day}` to `{to_day}`, for `run --from --to`

    A model without it, and one whose change comes from an input that `invalidated_by` does not name, is computed whole and
    compared with what is there; forgetting an input costs time and never correctness. Either way the rows that differ are
    kept in `maintenance.changed_<model>` for the models downstream, and an unchanged row stays as it is.

    The declaration is part of the compiled query, as a comment, and not of the model's config: dbt reads a config when it parses, before
    there are the semantic models that some declarations follow from. -#}
{% macro maintained(unique_key, invalidated_by, invalidated_by_as_of=none, backfill_query=none) -%}
  {%- set declared = {
      'unique_key': [unique_key] if unique_key is string else unique_key,
      'invalidated_by': invalidated_by,
      'invalidated_by_as_of': [invalidated_by_as_of] if invalidated_by_as_of is string else invalidated_by_as_of,
      'backfill_query': backfill_query,
  } -%}
  {%- if execute -%}{%- do check_declaration(declared) -%}{%- endif -%}
  {#- The globs of sources would open comments within the comment. -#}
  /*maintained: {{ tojson(declared) | replace('*', '\\u002a') }}*/
{%- endmacro %}


{#- Stops where a declaration cannot be right. -#}
{% macro check_declaration(declared) %}
  {%- set queries = {
      'invalidated_by_as_of': [declared.invalidated_by_as_of or [], ['this', 'earlier', 'later']],
      'backfill_query': [[declared.backfill_query] if declared.backfill_query else [], ['this', 'from_day', 'to_day']],
  } -%}
  {%- if not declared.unique_key -%}
    {%- do wrong_declaration("unique_key names no column: leave maintained() out where the model is always computed whole") -%}
  {%- endif -%}
  {%- set read = [] -%}
  {%- for id in model.depends_on.nodes -%}{%- do read.append(id.split('.')[-1]) -%}{%- endfor -%}
  {%- for name, rules in declared.invalidated_by.items() -%}
    {#- What a setting leaves out is in the code all the same; a unit test reads rows that it is given. -#}
    {%- if model.resource_type == 'model' and name not in read and "ref('" ~ name ~ "')" not in model.raw_code -%}
      {%- do wrong_declaration("invalidated_by names " ~ name ~ ", which the model does not read: its changes would go unseen") -%}
    {%- endif -%}
    {%- do queries.update({
        'invalidated_by of ' ~ name: [[rules] if rules is string else rules, ['this', 'changes', 'gone_batches']],
    }) -%}
  {%- endfor -%}
  {%- for what, (texts, known) in queries.items() -%}
    {%- for text in texts -%}
      {%- for placeholder in modules.re.findall('\{(\w+)\}', text) if placeholder not in known -%}
        {%- do wrong_declaration(what ~ " has {" ~ placeholder ~ "}; there are: {" ~ known | join('}, {') ~ "}") -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
{% endmacro %}


{% macro wrong_declaration(problem) %}
  {{- exceptions.raise_compiler_error("maintained() of " ~ model.name ~ ": " ~ problem ~ " (docs/incremental.md)") -}}
{% endmacro %}


{#- A condition that holds for the rows of invalidated keys: columns or expressions in the order of `unique_key`. In a whole
    computation it is true. (Spark would take "where (true)" for an alias with a column.) -#}
{% macro is_invalidated() -%}
  (1 = 1 /*invalidated: {{ varargs | join(' ;; ') }}*/)
{%- endmacro %}


{#- Joins queries of one model of which each is to be a statement of its own: DuckDB keeps what aggregates hold until a statement
    ends. As a whole they are one query. -#}
{% macro by_itself() -%}
  union all /*by itself*/
{%- endmacro %}


{#- Did an instant pass (or come back) when `as_of` moved? A minute more on both sides covers rounded comparisons. -#}
{% macro passed(instant) -%}
  ({{ instant }} between {{ dbt.dateadd('minute', -1, "cast('{earlier}' as timestamp)") }}
  and {{ dbt.dateadd('minute', 1, "cast('{later}' as timestamp)") }})
{%- endmacro %}


{#- The same for a reporting day: from the one that both instants may still be before, to the one that the later has reached. -#}
{% macro day_passed(day) -%}
  ({{ day }} between {{ local_date("cast('{earlier}' as timestamp)") }} and {{ local_date("cast('{later}' as timestamp)") }})
{%- endmacro %}


{#- Does an instant lie in the days that `run --from --to` names? -#}
{% macro within_days(instant) -%}
  ({{ local_date(instant) }} between cast('{from_day}' as date) and cast('{to_day}' as date))
{%- endmacro %}


{#- The instant at which a row was computed. A row that comes out the same again keeps the old one. -#}
{% macro computed_at() -%}
  timestamp '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}'
{%- endmacro %}


{#- Columns that say nothing about the content of a row. -#}
{% macro volatile_columns() %}
  {{- return(['computed_at']) -}}
{% endmacro %}
