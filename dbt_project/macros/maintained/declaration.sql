{#- Keeping a table up to date by recomputing only what a change can have touched.

    A model's SQL is always the whole query. Beside it is, in `maintained(...)`, what is needed to run it for a part:

    unit        the columns by which its rows fall into parts that are computed independently of each other
    touched_by  for each input: which units a changed row of it touches. Columns of the input in the order of `unit`
                ("ticket_id"), or a query over `{changes}` (the input's removed and added rows) and `{this}`, or several.
                For a source `{changes}` are the rows of new files, and `{gone_batches}` lists the batches that left.
    on_clock    queries of the units that a move of `as_of` touches; see `passed` and `day_passed`
    dated       a query of the units that belong to the days from `{from_day}` to `{to_day}`, for `run --from --to`

    A model without `unit`, and one whose change comes from an input that `touched_by` does not name, is computed whole and
    compared with what is there; forgetting an input costs time and never correctness. Either way the rows that differ are
    kept in `maintenance.changed_<model>` for the models downstream, and an unchanged row stays as it is. -#}
{% macro maintained(unit, touched_by, on_clock=none, dated=none) -%}
  {#- The globs of sources would open comments within the comment. -#}
  {%- set declaration = tojson({'unit': unit, 'touched_by': touched_by, 'on_clock': on_clock, 'dated': dated}) -%}
  /*maintained: {{ declaration | replace('*', '\\u002a') }}*/
{%- endmacro %}


{#- A condition that holds for the rows of touched units; their columns or expressions in the order of the unit. In a whole
    computation it is true. (Spark would take "where (true)" for an alias with a column.) -#}
{% macro is_touched() -%}
  (1 = 1 /*touched: {{ varargs | join(' ;; ') }}*/)
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
