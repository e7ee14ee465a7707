-- The help desk's own verdict on its targets beside ours, for contracts that have one: of each metric the tickets that both call
-- attained or missed, that only one calls missed, and those of which one of the two says nothing.
{%- set metrics = ['first_reply', 'next_reply', 'periodic_update', 'resolution', 'agent_work', 'requester_wait'] %}
with stated as (

    {% for metric in metrics -%}
    select
        ticket_id,
        _contract as contract,
        '{{ metric }}' as metric,
        vendor_{{ metric }}_sla as theirs
    from {{ ref('stg_tickets') }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

with_verdicts as (

    select
        stated.*,
        max(case when theirs is not null then 1 else 0 end) over (partition by contract, metric) as has_verdict
    from stated

),

-- Theirs speaks of the ticket: what was missed once is missed.
ours as (

    select
        ticket_id,
        metric,
        case
            when max(case when state = 'missed' then 1 else 0 end) = 1 then 'missed'
            when max(case when state = 'unknown' then 1 else 0 end) = 1 then 'unknown'
            when max(case when state in ('active', 'paused') then 1 else 0 end) = 1 then 'pending'
            else 'attained'
        end as ours
    from {{ ref('fct_sla_targets') }}
    group by
        ticket_id,
        metric

),

compared as (

    select
        with_verdicts.contract,
        with_verdicts.metric,
        with_verdicts.ticket_id,
        with_verdicts.theirs,
        coalesce(ours.ours, 'no target') as ours,
        coalesce(ours.ours in ('attained', 'missed') and ours.ours <> with_verdicts.theirs, false) as does_differ
    from with_verdicts
    left join ours
        on
            with_verdicts.ticket_id = ours.ticket_id
            and with_verdicts.metric = ours.metric
    where with_verdicts.has_verdict = 1

),

numbered as (

    select
        *,
        row_number() over (
            partition by contract, metric, does_differ
            order by ticket_id
        ) as place
    from compared

)

select
    contract,
    metric,
    {% for name, condition in {
        'both_attained': "theirs = 'attained' and ours = 'attained'",
        'both_missed': "theirs = 'missed' and ours = 'missed'",
        'missed_by_ours_only': "theirs = 'attained' and ours = 'missed'",
        'missed_by_theirs_only': "theirs = 'missed' and ours = 'attained'",
        'pending_by_us': "theirs is not null and ours = 'pending'",
        'unknown_to_us': "theirs is not null and ours = 'unknown'",
        'without_target_of_ours': "theirs is not null and ours = 'no target'",
        'unknown_to_them': "theirs is null and ours in ('attained', 'missed')",
        'differing': 'does_differ',
    }.items() -%}
    cast(sum(case when {{ condition }} then 1 else 0 end) as bigint) as {{ name }},
    {% endfor -%}
    {{ first_tickets('does_differ') }} as tickets_that_differ
from numbered
group by
    contract,
    metric
