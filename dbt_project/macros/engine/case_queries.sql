{#- The cases behind a KPI's value, as a query for those who read the marts (DuckDB's SQL), compiled from its measures: a template
    with {from}, {to} (dates, {to} not included), {grain} and {filter}, and for a share the condition of the cases on its bad
    side. None where the fact is not published. Where the worst cases are known, they come first. Of a `list` of members the query
    gives a row once for each of them, in `list_member`. -#}
{% macro case_template(definition, list=none) %}
  {%- set semantic_model = semantic_model_over(definition.numerator) -%}
  {%- set node = model_named(definition.fact) -%}
  {%- if node.access | string | lower | replace('accesstype.', '') != 'public' -%}{{- return(none) -}}{%- endif -%}
  {%- set meta = semantic_model.config.meta or {} -%}
  {%- set numerator = measure_named(definition.numerator) -%}
  {%- set clock = numerator.agg_time_dimension or semantic_model.defaults.agg_time_dimension -%}
  {%- set column = dimension_of(semantic_model, clock).expr or clock -%}
  {%- set conditions = [] -%}
  {%- if meta.get('grain_column') -%}
    {%- do conditions.append(meta.grain_column ~ " = '{grain}'") -%}
  {%- endif -%}
  {%- set day = readers_day(column) if column.endswith('_at') else column -%}
  {%- if numerator.non_additive_dimension -%}
    {#- A stock: as it was on the last day. -#}
    {%- do conditions.append(day ~ " = (select max(" ~ column ~ ") from " ~ definition.fact ~ " where " ~ column ~ " < date '{to}')") -%}
  {%- else -%}
    {%- do conditions.append(day ~ " >= date '{from}'") -%}
    {%- do conditions.append(day ~ " < date '{to}'") -%}
  {%- endif -%}
  {%- set ordering, failing_condition = '', none -%}
  {%- set good = measure_expression(numerator) -%}
  {%- if definition.denominator and aggregation(numerator) == 'sum_boolean' -%}
    {%- set denominator = measure_named(definition.denominator) -%}
    {%- set all_cases = measure_expression(denominator) if aggregation(denominator) == 'sum_boolean'
        else '(' ~ measure_expression(denominator) ~ ') is not null' -%}
    {%- do conditions.append('(' ~ all_cases ~ ')') -%}
    {%- set failing_condition = ('coalesce(not (' ~ good ~ '), true)') if definition.direction == 'up' else '(' ~ good ~ ')' -%}
  {%- elif definition.denominator and aggregation(numerator) == 'count_distinct' -%}
    {%- do conditions.append('(' ~ measure_expression(measure_named(definition.denominator)) ~ ') is not null') -%}
    {%- set failing_condition = '(' ~ good ~ ') is ' ~ ('null' if definition.direction == 'up' else 'not null') -%}
  {%- elif aggregation(numerator) == 'sum_boolean' -%}
    {%- do conditions.append('(' ~ good ~ ')') -%}
  {%- else -%}
    {%- do conditions.append('(' ~ good ~ ') is not null') -%}
    {%- set ordering = ' order by ' ~ good ~ (' asc' if definition.direction == 'up' else ' desc') -%}
  {%- endif -%}
  {%- set rows = default__rows_by_member(definition.fact, 'extra', list) | trim if list else definition.fact -%}
  {%- set query = 'select * from ' ~ rows ~ ' where ' ~ conditions | join(' and ') ~ '{filter}' ~ ordering -%}
  {{- return([published_names(query, node), published_names(failing_condition, node)]) -}}
{% endmacro %}


{% macro model_named(name) %}
  {{- return(graph.nodes['model.' ~ project_name ~ '.' ~ name]) -}}
{% endmacro %}


{#- An SQL text over a model's columns as one over its published columns (their meta `pseudonym`). -#}
{% macro published_names(text, node) %}
  {%- set asked = 'pseudonyms ' ~ node.name -%}
  {%- if asked not in graph -%}
    {%- set found = {} -%}
    {%- for column in node.columns.values() if (column.config.meta or {}).get('pseudonym') -%}
      {%- do found.update({column.name: column.config.meta.pseudonym}) -%}
    {%- endfor -%}
    {%- do graph.update({asked: found}) -%}
  {%- endif -%}
  {%- set published = namespace(text=text) -%}
  {%- for name, pseudonym in graph[asked].items() if text -%}
    {%- set published.text = modules.re.sub('\\b' ~ name ~ '\\b', pseudonym, published.text) -%}
  {%- endfor -%}
  {{- return(published.text) -}}
{% endmacro %}


{#- The reporting day of an instant, in the SQL of those who read the marts. -#}
{% macro readers_day(column) -%}
  cast({{ column }} at time zone 'UTC' at time zone '{{ var("reporting_timezone") }}' as date)
{%- endmacro %}


{#- The cases on the bad side of each rule of marketplace_policies: table, condition, instant; {marketplace} stands for a text. -#}
{% macro policy_cases() %}
  {%- set of_marketplace = "lower(marketplace) = lower({marketplace})" -%}
  {%- set facebook = "is_contact and is_response_tracked and (channel like '%facebook%' or channel = 'messenger')" -%}
  {%- set rules = {
      'on_time_shipping_rate': ['fct_orders', 'is_shipping_due and not is_shipped_on_time and ' ~ of_marketplace, 'promised_ship_at'],
      'cancellation_rate': ['fct_orders', 'is_cancelled_by_seller and ' ~ of_marketplace, 'ordered_at'],
      'order_defect_rate': ['fct_orders', 'is_defective and ' ~ of_marketplace, 'ordered_at'],
      'message_response_24h': ['fct_tickets', "is_contact and channel = 'marketplace' and type <> 'return_request' and not is_answered_in_24_hours and " ~ of_marketplace, 'created_at'],
      'return_response_48h': ['fct_tickets', "is_contact and type = 'return_request' and not is_answered_in_48_hours and " ~ of_marketplace, 'created_at'],
      'facebook_responsiveness': ['fct_tickets', facebook ~ ' and first_response_seconds is null', 'created_at'],
      'facebook_response_time': ['fct_tickets', facebook, 'created_at'],
  } -%}
  {%- set queries = {} -%}
  {%- for rule, (fact, condition, instant) in rules.items() -%}
    {%- do queries.update({rule: 'select * from ' ~ fact ~ ' where ' ~ condition ~ ' and ' ~ readers_day(instant)
        ~ " > date '{from}' and " ~ readers_day(instant) ~ " <= date '{to}'"}) -%}
  {%- endfor -%}
  {{- return(queries) -}}
{% endmacro %}


{% macro measure_expression(measure) %}
  {{- return((measure.expr or measure.name) | string | replace('\n', ' ') | trim) -}}
{% endmacro %}


{#- For each KPI with a published fact, and each of its dimensions: [KPI, dimension, column of the members, template, bad side]. -#}
{% macro kpi_cases() %}
  {%- set found = [] -%}
  {%- for definition in kpi_list() -%}
    {%- set cases = case_template(definition) -%}
    {%- if cases -%}
      {%- do found.append([definition.kpi_id, 'all', none] + cases) -%}
      {%- for dimension in wanted_dimensions(semantic_model_over(definition.numerator)) -%}
        {%- set expression = dimension.readers_expr or dimension.expr or dimension.name -%}
        {%- set member = published_names(expression, model_named(definition.fact)) -%}
        {%- do found.append([definition.kpi_id, dimension.name, member] + cases) -%}
      {%- endfor -%}
      {%- for list in wanted_lists(semantic_model_over(definition.numerator)) -%}
        {%- do found.append([definition.kpi_id, list, 'list_member'] + case_template(definition, list)) -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}
