-- One row for each KPI, compiled from the metrics.
{%- set texts = [
    'kpi_id', 'label', 'description', 'formula', 'stage', 'kind', 'unit', 'direction', 'fact', 'event_date', 'dimensions',
    'interval', 'numerator', 'denominator', 'pending', 'source', 'grains', 'days_by',
    'numerator_needed',
] %}
{%- set headlines = var('headline_kpis') %}
{%- for definition in kpi_list() %}
select
    {% for name in texts -%}
    {{ text_literal(definition[name]) }} as {{ {'numerator': 'numerator_measure', 'denominator': 'denominator_measure',
        'pending': 'pending_measure', 'interval': 'interval_kind'}.get(name, name) }},
    {% endfor -%}
    {{ text_literal(definition.exports | join(', ')) }} as exports,
    {{ text_literal(definition.needs | join(', ')) }} as needs,
    cast({{ definition.settles_after_days }} as integer) as settles_after_days,
    cast({{ headlines.index(definition.kpi_id) + 1 if definition.kpi_id in headlines else 'null' }} as integer)
        as headline_position,
    {{ definition.is_percentile | string | lower }} as is_percentile,
    {{ definition.counts_denominator | string | lower }} as counts_denominator
{{ "union all" if not loop.last }}
{%- else %}
select 1 as placeholder
{%- endfor %}
