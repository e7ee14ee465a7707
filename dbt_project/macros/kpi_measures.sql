{#- Reading semantic models: which dimensions and measures there are, and a measure's SQL. -#}

{% macro semantic_model_of(fact) %}
  {%- for semantic_model in graph.semantic_models.values() if semantic_model.node_relation.alias == fact.identifier or ("__" ~ fact.identifier).endswith("__" ~ semantic_model.node_relation.alias) -%}
    {{- return(semantic_model) -}}
  {%- endfor -%}
  {{- exceptions.raise_compiler_error("No semantic model over " ~ fact ~ ": write one beside the model") -}}
{% endmacro %}


{% macro dimension_of(semantic_model, name) %}
  {%- for dimension in semantic_model.dimensions if dimension.name == name -%}
    {{- return(dimension) -}}
  {%- endfor -%}
  {{- exceptions.raise_compiler_error(semantic_model.name ~ " has no dimension " ~ name) -}}
{% endmacro %}


{#- The categorical dimensions of a semantic model, and those that contracts carry along with its records; all of them, unless
    `kpi_dimensions` names some. -#}
{% macro wanted_dimensions(semantic_model) %}
  {%- set wanted = var('kpi_dimensions') -%}
  {%- set found = [] -%}
  {%- for dimension in semantic_model.dimensions if dimension.type | string | lower | replace('dimensiontype.', '') == 'categorical' -%}
    {%- if (wanted is none or wanted | length == 0 or dimension.name in wanted) and dimension.name != 'grain' -%}
      {%- do found.append(dimension) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for name in extra_names(semantic_model, 'one') if wanted is none or wanted | length == 0 or name in wanted -%}
    {%- do found.append({'name': name, 'type': 'categorical', 'expr': json_text('extra', name),
        'readers_expr': default__json_text('extra', name)}) -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- The dimensions of which a row may have several members (tags): names of lists that contracts carry along with its records. -#}
{% macro wanted_lists(semantic_model) %}
  {%- set wanted = var('kpi_dimensions') -%}
  {%- set found = [] -%}
  {%- for name in extra_names(semantic_model, 'several') if wanted is none or wanted | length == 0 or name in wanted -%}
    {%- do found.append(name) -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- The names that contracts carry along (`extra`) with the records that a fact's rows are (`extra_of` of its semantic model), of
    those with one value for a record or with several. -#}
{% macro extra_names(semantic_model, how) %}
  {%- set carried, names = var('extra_dimensions', {}).get(how), [] -%}
  {%- if not carried -%}{{- return(names) -}}{%- endif -%}
  {%- for kind in (semantic_model.config.meta or {}).get('extra_of', []) -%}
    {%- do names.extend(carried.get(kind, [])) -%}
  {%- endfor -%}
  {{- return(names | unique | sort) -}}
{% endmacro %}


{#- The measures of a semantic model that a KPI uses; those of all KPIs, unless `kpi_ids` names some. -#}
{% macro wanted_measures(semantic_model) %}
  {%- set used = [] -%}
  {%- for definition in kpi_list() -%}
    {%- do used.extend([definition.numerator, definition.denominator, definition.pending]) -%}
  {%- endfor -%}
  {{- return(semantic_model.measures | selectattr('name', 'in', used) | list) -}}
{% endmacro %}


{#- The reporting day of a semantic model's clock: an instant's local date, a date itself. -#}
{% macro reporting_day(dimension, name) -%}
  {%- set column = dimension.expr or name -%}
  {%- if name.endswith('_at') -%}{{ local_date(column) }}{%- else -%}cast({{ column }} as date){%- endif -%}
{%- endmacro %}


{% macro aggregation(measure) -%}
  {{- measure.agg | string | lower | replace('aggregationtype.', '') -}}
{%- endmacro %}


{% macro measure_value(measure) -%}
  {%- set expression = measure.expr or measure.name -%}
  {%- if aggregation(measure) == 'sum_boolean' -%}
  case when {{ expression }} then 1 end
  {%- else -%}
  ({{ expression }})
  {%- endif -%}
{%- endmacro %}


{#- Is a measure of a period the sum of those of its days? (A stock is that of its last day.) -#}
{% macro adds_up(measure) %}
  {{- return(aggregation(measure) in ('sum', 'sum_boolean', 'count')) -}}
{% endmacro %}


{#- Of several percentiles of one value, each is an element of the same list: the values are held once. -#}
{% macro percentile_total(measure, measures) -%}
  {%- set shares, of = [], namespace(column=none) -%}
  {%- for other in measures if other.expr == measure.expr and aggregation(other) in ('median', 'percentile') -%}
    {%- set of.column = of.column or 'm_' ~ other.name -%}
    {%- do shares.append(percentile_share(other)) -%}
  {%- endfor -%}
  {%- set shares = shares | unique | sort -%}
  {{- percentile_of('cast(' ~ of.column ~ ' as double)', shares, shares.index(percentile_share(measure))) -}}
{%- endmacro %}


{% macro percentile_share(measure) %}
  {{- return(0.5 if aggregation(measure) == 'median' else measure.agg_params.percentile) -}}
{% endmacro %}


{% macro measure_total(measure, measures) -%}
  {%- set agg = aggregation(measure) -%}
  {#- Decimals add up to the same in any order, doubles do not: the same inputs must give the same marts. -#}
  {%- if agg == 'sum' -%}
  sum(cast(m_{{ measure.name }} as decimal(38, 9)))
  {%- elif agg == 'sum_boolean' -%}
  sum(m_{{ measure.name }})
  {%- elif agg == 'count' -%}
  count(m_{{ measure.name }})
  {%- elif agg == 'count_distinct' -%}
  count(distinct m_{{ measure.name }})
  {%- elif agg in ('median', 'percentile') -%}
  {{ percentile_total(measure, measures) }}
  {%- else -%}
  {{- exceptions.raise_compiler_error("measure " ~ measure.name ~ ": the KPI mart knows no aggregation " ~ agg) -}}
  {%- endif -%}
{%- endmacro %}


{% macro measure_squares(measure) -%}
  {%- if aggregation(measure) == 'sum' -%}
  sum(cast(power(cast(m_{{ measure.name }} as double), 2) as decimal(38, 6)))
  {%- else -%}
  cast(null as double)
  {%- endif -%}
{%- endmacro %}


{% macro measure_count(measure) -%}
  {%- if aggregation(measure) == 'sum_boolean' -%}
  count(*)
  {%- else -%}
  count(m_{{ measure.name }})
  {%- endif -%}
{%- endmacro %}
