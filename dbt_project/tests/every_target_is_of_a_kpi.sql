{{ config(meta={'dagster': {'ref': {'name': 'kpi_definitions'}}}) }}
select targets.kpi_id
from {{ ref('kpi_targets') }} as targets
left join {{ ref('kpi_definitions') }} as definitions on targets.kpi_id = definitions.kpi_id
where
    definitions.kpi_id is null
    and not {{ var('kpi_ids') | length > 0 }}
