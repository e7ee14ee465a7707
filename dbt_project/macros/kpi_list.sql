{#- The KPIs: every dbt metric whose meta has a `kpi` block, with the measures behind it.

    A ratio metric has numerator and denominator; a simple one has a numerator only, and is a percentile when its measure
    is a median or percentile. A KPI over two facts names the dimensions that mean the same in both. Where rows of
    the fact are counts already, `counts_denominator` says that the cases behind the value are the denominator.
    Where a sum of nothing is not 0 but unknown, `numerator_needed` says what a value needs: `some` row above the line; `some_if_pending`, where
    others are pending; or `all`, none of them pending. -#}
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
        {%- for entry in kpi.exports if entry.startswith('seed ') and entry.split()[1] not in seeds_of_kpis() -%}
          {{- exceptions.raise_compiler_error(metric.name ~ " needs '" ~ entry ~ "': add the seed to the macro seeds_of_kpis") -}}
        {%- endfor -%}
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
            'exports': kpi.exports + (['setting ' ~ kpi.setting] if kpi.get('setting') and not var(kpi.setting) else []),
            'needs': kpi.get('needs', []),
            'counts_denominator': kpi.get('counts_denominator', false),
            'numerator_needed': kpi.get('numerator_needed'),
            'is_on_scorecards': kpi.get('is_on_scorecards', false),
            'source': kpi.get('source', ''),
            'formula': kpi_formula(numerator, denominator),
            'fact': fact_of(numerator),
            'dimensions': kpi.dimensions | join(', ') if kpi.get('dimensions') is not none else kpi_dimension_names(numerator, kpi.get('not_by', [])),
            'is_percentile': aggregation(measure_named(numerator)) in ('median', 'percentile', 'max'),
        }) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {%- set sorted = found | sort(attribute='kpi_id') -%}
  {%- if execute -%}{%- do graph.update({asked: sorted}) -%}{%- endif -%}
  {{- return(sorted) -}}
{% endmacro %}


{#- The seeds whose rows a KPI's `exports` may need ("seed sla_targets"), each with the column of which it may need one value
    ("seed sla_targets for first_reply"). -#}
{% macro seeds_of_kpis() %}
  {{- return({'sla_targets': 'metric'}) -}}
{% endmacro %}


{#- The columns that KPIs cannot do without (`needs` of a metric), each once: "kind.column" where some record must tell it,
    "kind.column=value" where only that value tells, "kind.column?" where it is enough that a file has the column (empty, it tells
    that there was none), "kind.column!" where no record may tell it, and "kind.column!=value" where none may have the value, though
    the file has a word for it. An entry "a|b" means: any of them. Which contracts meet a need: int_column_availability. -#}
{% macro needed_columns() %}
  {%- set found = [] -%}
  {%- for definition in kpi_list() -%}
    {%- for entry in definition.needs -%}
      {%- for need in entry.split('|') if need not in found -%}{%- do found.append(need) -%}{%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(found | sort) -}}
{% endmacro %}


{#- A need, taken apart: its kind, the column, the condition that a record of it meets, and whether a column that is there will do, or
    no record may meet it. -#}
{% macro need_parts(need) %}
  {%- set kind, _, condition = need.partition('.') -%}
  {%- set column, operator, value = condition.replace('!=', '=').partition('=') -%}
  {%- set column = column.rstrip('?!') -%}
  {{- return({
      'kind': kind,
      'column': column,
      'is_met': column ~ (" = '" ~ value ~ "'" if operator else ' is not null'),
      'is_of_value': operator != '',
      'will_column_do': condition.endswith('?'),
      'is_forbidden': '!' in condition,
  }) -}}
{% endmacro %}


{#- Which needs of one kind are met for the records of another, and the query that says for which of their contracts. -#}
{% macro needs_met_beside() %}
  {%- set logs = "select ticket_contract as contract from " ~ ref('int_log_coverage') ~ " where does_tell_" -%}
  {%- set orders = "select contract from " ~ ref('int_order_contracts') ~ " where do" -%}
  {{- return({
      'tickets': {
          'ticket_events.event_type=public_reply': logs ~ 'replies',
          'ticket_events.event_type=status_changed': logs ~ 'changes',
          'ticket_events.event_type=escalated': logs ~ 'escalations',
          'ticket_events.event_type=assigned': logs ~ 'assignments',
          'ticket_events.actor_type=bot': logs ~ 'bots',
      },
      'orders': {
          'shipments.shipped_at': orders ~ '_parcels_tell_shippings',
          'shipments.delivered_at': orders ~ '_parcels_tell_deliveries',
          'reviews.order_id': orders ~ 'es_tell_reviews',
          'returns.refund_amount': orders ~ '_returns_tell_refunds',
          'returns.outcome=refund': orders ~ '_returns_tell_refunds',
      },
  }) -}}
{% endmacro %}


{#- What each KPI needs of the kinds that its records are of (`records_of` of a semantic model): [KPI, kind, position of the entry,
    the entry, need, how], where how is "own" (a column of the kind), "beside" (see above) or "anywhere". -#}
{% macro needs_of_records() %}
  {%- set found = [] -%}
  {%- set beside = needs_met_beside() -%}
  {%- for definition in kpi_list() -%}
    {%- set kinds = [] -%}
    {%- for measure in [definition.numerator, definition.denominator] if measure -%}
      {%- do kinds.extend((semantic_model_over(measure).config.meta or {}).get('records_of', [])) -%}
    {%- endfor -%}
    {%- for kind in kinds | unique -%}
      {%- for entry in definition.needs -%}
        {%- set entry_loop = loop -%}
        {%- set ways = {} -%}
        {%- for need in entry.split('|') -%}
          {%- set of = need.partition('.')[0] -%}
          {%- if of == kind -%}{%- do ways.update({need: 'own'}) -%}
          {%- elif need in beside.get(kind, {}) -%}{%- do ways.update({need: 'beside'}) -%}
          {%- elif of not in kinds -%}{%- do ways.update({need: 'anywhere'}) -%}
          {%- endif -%}
        {%- endfor -%}
        {%- if 'own' in ways.values() or 'beside' in ways.values() -%}
          {%- for need, how in ways.items() -%}
            {%- do found.append([definition.kpi_id, kind, definition.exports | length + entry_loop.index, entry, need, how]) -%}
          {%- endfor -%}
        {%- endif -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


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


{#- Days after its period in which a KPI's window is still open: a number, a var (in hours: whole days), a var times
    a number ("a * 3"), or never over. -#}
{% macro settling_days(days) %}
  {%- if days is number -%}
    {{- return(days) -}}
  {%- elif days == 'never' -%}
    {{- return(36500) -}}
  {%- endif -%}
  {%- set name, _, times = days.partition(' * ') -%}
  {%- set amount = var(name) * (times or 1) | int -%}
  {{- return(((amount + 23) // 24) | int if name.endswith('_hours') else amount) -}}
{% endmacro %}


{#- Measure -> [its semantic model, the measure]. It is asked for thousands of times: the graph keeps the answer. -#}
{% macro measures_by_name() %}
  {%- if 'measures by name' not in graph -%}
    {%- set found = {} -%}
    {%- for semantic_model in graph.semantic_models.values() -%}
      {%- for measure in semantic_model.measures -%}{%- do found.update({measure.name: [semantic_model, measure]}) -%}{%- endfor -%}
    {%- endfor -%}
    {%- do graph.update({'measures by name': found}) -%}
  {%- endif -%}
  {{- return(graph['measures by name']) -}}
{% endmacro %}


{#- The semantic model that has a measure. -#}
{% macro semantic_model_over(measure_name) %}
  {%- set found = measures_by_name().get(measure_name) -%}
  {%- if not found -%}
    {{- exceptions.raise_compiler_error("no semantic model has a measure " ~ measure_name ~ ": metrics of KPIs stand on measures") -}}
  {%- endif -%}
  {{- return(found[0]) -}}
{% endmacro %}


{% macro measure_named(name) %}
  {%- do semantic_model_over(name) -%}
  {{- return(measures_by_name()[name][1]) -}}
{% endmacro %}


{#- The fact table that a measure is taken from. -#}
{% macro fact_of(measure_name) %}
  {{- return(semantic_model_over(measure_name).node_relation.alias) -}}
{% endmacro %}


{#- The dimensions of a measure's fact, but those of which the KPI has one member only (`not_by` of its meta). -#}
{% macro kpi_dimension_names(measure_name, not_by=[]) %}
  {%- set semantic_model = semantic_model_over(measure_name) -%}
  {%- set names = wanted_dimensions(semantic_model) | map(attribute='name') | list + wanted_lists(semantic_model) -%}
  {{- return(names | reject('in', not_by) | join(', ')) -}}
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
  {%- set text = value | string | trim -%}
  '{{ dbt.escape_single_quotes(text) if "'" in text else text }}'
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
