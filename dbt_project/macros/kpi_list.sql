{#- The KPIs: every dbt metric whose meta has a `kpi` block, with the measures behind it.

    A ratio metric has numerator and denominator; a simple one has a numerator only, and is a percentile when its measure
    is a median or percentile. A KPI over two facts names the dimensions that mean the same in both. Where rows of
    the fact are counts already, `counts_denominator` says that the cases behind the value are the denominator. -#}
{% macro kpi_list() %}
  {#- Forty models ask for it: the graph, which they share, keeps the answer. -#}
  {%- set asked = 'kpi_list ' ~ (var('kpi_ids') or []) | join(' ') -%}
  {%- if execute and asked in graph -%}{{- return(graph[asked]) -}}{%- endif -%}
  {%- set found = [] -%}
  {%- if execute -%}
    {%- set wanted = var('kpi_ids') or [] -%}
    {%- for metric in graph.metrics.values() -%}
      {%- set kpi = (metric.config.meta or metric.meta or {}).get('kpi') -%}
      {%- if kpi and (wanted | length == 0 or metric.name in wanted) -%}
        {%- set type = metric.type | string | lower | replace('metrictype.', '') -%}
        {%- if type == 'ratio' -%}
          {%- set numerator = metric.type_params.numerator.name -%}
          {%- set denominator = metric.type_params.denominator.name -%}
        {%- else -%}
          {%- set numerator = metric.type_params.measure.name -%}
          {%- set denominator = none -%}
        {%- endif -%}
        {%- do found.append({
            'kpi_id': metric.name,
            'label': metric.label or metric.name,
            'description': metric.description,
            'numerator': numerator,
            'denominator': denominator,
            'pending': kpi.get('pending'),
            'stage': kpi.stage,
            'kind': kpi.kind,
            'unit': kpi.unit,
            'direction': kpi.direction,
            'interval': kpi.get('interval'),
            'settles_after_days': settling_days(kpi.get('settles_after', 0)),
            'grains': kpi.get('grains', []) | join(', ') or none,
            'days_by': kpi.get('days_by', []) | join(', ') or none,
            'event_date': kpi.event_date,
            'exports': kpi.exports,
            'needs': kpi.get('needs', []),
            'counts_denominator': kpi.get('counts_denominator', false),
            'is_on_scorecards': kpi.get('is_on_scorecards', false),
            'source': kpi.get('source', ''),
            'formula': kpi_formula(numerator, denominator),
            'fact': fact_of(numerator),
            'dimensions': kpi.dimensions | join(', ') if kpi.get('dimensions') is not none else kpi_dimension_names(numerator),
            'is_percentile': aggregation(measure_named(numerator)) in ('median', 'percentile', 'max'),
        }) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {%- set sorted = found | sort(attribute='kpi_id') -%}
  {%- if execute -%}{%- do graph.update({asked: sorted}) -%}{%- endif -%}
  {{- return(sorted) -}}
{% endmacro %}


{#- The columns that KPIs cannot do without (`needs` of a metric), each once: "kind.column" where some record must tell it,
    "kind.column=value" where only that value tells, "kind.column?" where it is enough that a file has the column (empty, it tells
    that there was none), "kind.column!" where no record may tell it, and "kind.column!=value" where none may have the value, though
    some contract could give it. An entry "a|b" means: any of them. -#}
{% macro needed_columns() %}
  {%- set found = [] -%}
  {%- for definition in kpi_list() -%}
    {%- for entry in definition.needs -%}
      {%- for need in entry.split('|') if need not in found -%}{%- do found.append(need) -%}{%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(found | sort) -}}
{% endmacro %}


{#- A query of one row where a need is met, of none otherwise. -#}
{% macro is_need_met(need, relation) -%}
  {%- set kind, _, told = need.partition('.') -%}
  {%- set column, operator, value = told.replace('!=', '=').partition('=') -%}
  {%- set column = column.rstrip('?!') -%}
  {%- if '!=' in told %}
    select '{{ need }}' as need
    from (select count(case when {{ column }} = '{{ value }}' then 1 end) as n from {{ relation }}) as said
    cross join (
        select
            count(*) as n,
            coalesce(sum(case when concat(' ', told_columns, ' ') like '% {{ column }}!{{ value }} %' then 1 else 0 end), 0) as n_unable
        from {{ source('raw', 'load_ledger') }}
        where
            kind = '{{ kind }}'
            and status = 'loaded'
            and rows_loaded > 0
    ) as loads
    where
        said.n = 0
        and (loads.n = 0 or loads.n_unable < loads.n)
  {%- else %}
    select '{{ need }}' as need
    from {{ relation }}
    having count({{ "case when " ~ column ~ " = '" ~ value ~ "' then 1 end" if operator else column }})
        {{ '= 0' if '!' in told else '> 0' }}
  {%- endif %}
  {%- if told.endswith('?') %}
    union all
    select '{{ need }}' as need
    from ({{ contracts_telling(kind, column) }}) as contracts
    having count(*) > 0
  {%- endif -%}
{%- endmacro %}


{#- The contracts of which a loaded file has a column of its kind, be it always empty. Of files that an earlier release loaded
    nobody knows. -#}
{% macro contracts_telling(kind, column) -%}
  select distinct contract
  from {{ source('raw', 'load_ledger') }}
  where
      kind = '{{ kind }}'
      and status = 'loaded'
      and rows_loaded > 0
      and concat(' ', told_columns, ' ') like '% {{ column }} %'
{%- endmacro %}


{#- A need in words: "delivered_at (orders or shipments)". -#}
{% macro need_in_words(entry) %}
  {%- set kinds_by_column = {} -%}
  {%- for need in entry.split('|') if '!' not in need -%}
    {%- set kind, _, column = need.partition('.') -%}
    {%- set column = column | replace('=', ' ') | replace('?', '') -%}
    {%- do kinds_by_column.setdefault(column, []).append(kind) -%}
  {%- endfor -%}
  {%- set words = [] -%}
  {%- for column, kinds in kinds_by_column.items() -%}
    {%- do words.append(column ~ ' (' ~ kinds | join(' or ') ~ ')') -%}
  {%- endfor -%}
  {{- return(words | join(' or ')) -}}
{% endmacro %}


{#- Days after its period in which a KPI's window is still open: a number, a var, a var times a number ("a * 3"), or never over. -#}
{% macro settling_days(told) %}
  {%- if told is number -%}
    {{- return(told) -}}
  {%- elif told == 'never' -%}
    {{- return(36500) -}}
  {%- endif -%}
  {%- set name, _, times = told.partition(' * ') -%}
  {{- return(var(name) * (times or 1) | int) -}}
{% endmacro %}


{#- The semantic model that has a measure. -#}
{% macro semantic_model_over(measure_name) %}
  {%- for semantic_model in graph.semantic_models.values() -%}
    {%- if measure_name in semantic_model.measures | map(attribute='name') -%}{{- return(semantic_model) -}}{%- endif -%}
  {%- endfor -%}
  {{- exceptions.raise_compiler_error("no semantic model has a measure " ~ measure_name ~ ": metrics of KPIs stand on measures") -}}
{% endmacro %}


{% macro measure_named(name) %}
  {{- return(semantic_model_over(name).measures | selectattr('name', 'equalto', name) | first) -}}
{% endmacro %}


{#- The fact table that a measure is taken from. -#}
{% macro fact_of(measure_name) %}
  {{- return(semantic_model_over(measure_name).node_relation.alias) -}}
{% endmacro %}


{% macro kpi_dimension_names(measure_name) %}
  {{- return(wanted_dimensions(semantic_model_over(measure_name)) | map(attribute='name') | join(', ')) -}}
{% endmacro %}


{#- A KPI's formula in words of its measures, for people: "sum(a) / sum(b)". -#}
{% macro kpi_formula(numerator, denominator) %}
  {%- set parts = [] -%}
  {%- for name in [numerator, denominator] if name -%}
    {%- set measure = measure_named(name) -%}
    {%- set agg = aggregation(measure) -%}
    {%- set shown = 'p' ~ (measure.agg_params.percentile * 100) | int if agg == 'percentile'
        else 'count' if agg == 'sum_boolean' else '' if agg == 'max' else agg -%}
    {%- do parts.append(shown ~ '(' ~ (measure.expr or name) | string | trim ~ ')') -%}
  {%- endfor -%}
  {{- return(parts | join(' / ')) -}}
{% endmacro %}


{% macro text_literal(value) -%}
  {%- if value is none -%}
  cast(null as {{ dbt.type_string() }})
  {%- else -%}
  '{{ dbt.escape_single_quotes(value | string | trim) }}'
  {%- endif -%}
{%- endmacro %}


{#- A query of the exports that each KPI needs: kpi_id, entry, kind. Of the kinds of one entry ("a|b") any will do. -#}
{% macro kpi_exports() %}
  {%- for definition in kpi_list() -%}
  {%- set kpi_loop = loop -%}
  {%- for entry in definition.exports -%}
  {%- set entry_loop = loop -%}
  {%- for kind in entry.split('|') %}
    select
        '{{ definition.kpi_id }}' as kpi_id,
        '{{ entry }}' as entry,
        '{{ kind }}' as kind
    {{ "union all" if not (kpi_loop.last and entry_loop.last and loop.last) }}
  {%- endfor -%}
  {%- endfor -%}
  {%- else %}
    select 1 as placeholder
  {%- endfor -%}
{% endmacro %}
