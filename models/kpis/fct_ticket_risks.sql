-- Each open ticket's risks, as of now. Null where there is none; `why_not` says why. No agent is named here.
select
    risks.ticket_id,
    risks.target,
    {{ as_of() }} as valued_at,
    tickets.created_at,
    tickets.channel,
    tickets.team,
    tickets.priority,
    tickets.topic,
    tickets.country,
    tickets.segment,
    risks.risk,
    risks.risk >= {{ var('high_risk') }} as is_high_risk,
    risks.reason_1,
    risks.reason_2,
    risks.reason_3,
    risks.why_not,
    risks.version
from {{ source('raw', 'risk_tickets') }} as risks
inner join {{ ref('fct_tickets') }} as tickets on risks.ticket_id = tickets.ticket_id
