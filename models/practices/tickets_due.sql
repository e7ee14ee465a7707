-- SLA targets that open tickets still owe, the next due first; as of the run.
with risks as (

    select
        ticket_id,
        max(risk) as highest_risk
    from {{ ref('fct_ticket_risks') }}
    group by ticket_id

)

select
    targets.ticket_id,
    targets.metric,
    targets.occurrence,
    targets.policy,
    targets.clock,
    targets.channel,
    targets.team,
    targets.priority,
    targets.segment,
    targets.state,
    targets.started_at,
    targets.due_at,
    targets.target_seconds,
    targets.remaining_seconds,
    targets.missed_by_seconds,
    risks.highest_risk
from {{ ref('fct_sla_targets') }} as targets
left join risks on targets.ticket_id = risks.ticket_id
where targets.is_open
