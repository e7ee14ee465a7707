{%- set instants = {'starts_at': 'start_segments', 'until_at': 'end_segments'} -%}
{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'int_sla_spans': 'ticket_id',
        'int_sla_targets': 'ticket_id',
        'int_ticket_business_seconds': 'ticket_id',
        'fct_tickets': 'ticket_id',
    },
    invalidated_by_as_of=['select ticket_id from {this} where is_open']
) }}
-- The target that holds is that of the priority and team when the reply or solving came; while it is owed, of the newest ones.
-- The clock runs from the same instant, whichever it is.
with judged as (

    select
        spans.ticket_id,
        spans.metric,
        spans.occurrence,
        coalesce(
            case
                when spans.metric in {{ sla_waits() }} then max(spans.owed_until)
                when max(case when spans.starts_at is not null and spans.ends_at is null then 1 else 0 end) = 0
                    then max(tickets.solved_at)
            end,
            {{ as_of() }}
        ) as judged_at
    from {{ ref('int_sla_spans') }} as spans
    inner join {{ ref('fct_tickets') }} as tickets on spans.ticket_id = tickets.ticket_id
    where {{ is_invalidated('spans.ticket_id') }}
    group by
        spans.ticket_id,
        spans.metric,
        spans.occurrence

),

spans as (

    select
        spans.*,
        targets.policy,
        targets.priority,
        targets.team,
        targets.target_seconds,
        targets.clock,
        coalesce(spans.ends_at, {{ as_of() }}) as until_at,
        case when targets.clock = 'business' then business.calendar end as calendar
    from {{ ref('int_sla_spans') }} as spans
    inner join judged
        on
            spans.ticket_id = judged.ticket_id
            and spans.metric = judged.metric
            and spans.occurrence = judged.occurrence
    inner join {{ ref('int_sla_targets') }} as targets
        on
            spans.ticket_id = targets.ticket_id
            and spans.metric = targets.metric
            and spans.paused_in is not distinct from targets.paused_in
            and (targets.holds_from is null or judged.judged_at >= targets.holds_from)
            and (targets.holds_until is null or judged.judged_at < targets.holds_until)
    left join {{ ref('int_ticket_business_seconds') }} as business on spans.ticket_id = business.ticket_id
    where {{ is_invalidated('spans.ticket_id') }}

),

measured as (

    select
        spans.*,
        {{ open_seconds_until('spans.starts_at', 'start_segments') }} as open_before_start,
        -- A calendar without hours is open around the clock.
        coalesce(
            {{ open_seconds_until('spans.until_at', 'end_segments') }}
            - ({{ open_seconds_until('spans.starts_at', 'start_segments') }}),
            {{ seconds_between('spans.starts_at', 'spans.until_at') }}
        ) as span_seconds
    from spans
    {% for instant, segments in instants.items() -%}
    left join {{ ref('int_calendar_segments') }} as {{ segments }}
        on {{ is_in_segment('spans.calendar', 'spans.' ~ instant, segments) }}
    {% endfor %}
),

summed as (

    select
        *,
        coalesce(sum(span_seconds) over (
            partition by ticket_id, metric, occurrence
            order by span_number
            rows between unbounded preceding and 1 preceding
        ), 0) as seconds_before
    from measured

),

-- The span in which the target is used up; the last one may yet be.
due as (

    select
        summed.ticket_id,
        summed.metric,
        summed.occurrence,
        min(case
            when summed.open_before_start is null
                then
                    {{ dbt.dateadd(
                        'second', 'cast(summed.target_seconds - summed.seconds_before as integer)', 'summed.starts_at'
                    ) }}
            else
                {{ dbt.dateadd(
                    'second',
                    'cast(summed.open_before_start + summed.target_seconds - summed.seconds_before '
                    ~ '- openings.open_seconds_before as integer)',
                    'openings.opens_at'
                ) }}
        end) as due_at
    from summed
    left join {{ ref('int_openings') }} as openings
        on
            summed.calendar = openings.calendar
            and summed.open_before_start + summed.target_seconds - summed.seconds_before > openings.open_seconds_before
            and summed.open_before_start + summed.target_seconds - summed.seconds_before
            <= openings.open_seconds_before + {{ seconds_between('openings.opens_at', 'openings.closes_at') }}
    where
        summed.target_seconds > summed.seconds_before
        -- A wait whose clock ran until the reply was due whether or not it got there; one that paused may never have been.
        and (
            summed.ends_at is null
            or summed.ends_at = summed.owed_until
            or summed.target_seconds <= summed.seconds_before + summed.span_seconds
        )
    group by
        summed.ticket_id,
        summed.metric,
        summed.occurrence

),

targets as (

    select
        ticket_id,
        metric,
        occurrence,
        policy,
        priority,
        team,
        target_seconds,
        clock,
        min(starts_at) as started_at,
        min(owed_from) as owed_from,
        max(owed_until) as owed_until,
        max(case when starts_at is not null and ends_at is null then 1 else 0 end) = 1 as is_running,
        max(why_unknown) as why_unknown,
        coalesce(sum(span_seconds), 0) as elapsed_seconds
    from summed
    group by
        ticket_id,
        metric,
        occurrence,
        policy,
        priority,
        team,
        target_seconds,
        clock

),

decided as (

    select
        targets.*,
        due.due_at,
        tickets.customer_key,
        tickets.created_at,
        tickets.solved_at,
        tickets.channel,
        tickets.country,
        tickets.segment,
        tickets.extra,
        -- States come and go; only a solved ticket is done with the time in them.
        case
            when targets.metric in {{ sla_waits() }} then targets.owed_until is not null
            else not targets.is_running and tickets.is_solved
        end as is_over
    from targets
    inner join {{ ref('fct_tickets') }} as tickets on targets.ticket_id = tickets.ticket_id
    left join due
        on
            targets.ticket_id = due.ticket_id
            and targets.metric = due.metric
            and targets.occurrence = due.occurrence

)

select
    ticket_id,
    metric,
    occurrence,
    policy,
    clock,
    customer_key,
    created_at,
    coalesce(case when why_unknown is null then coalesce(owed_from, started_at) end, created_at) as applied_at,
    channel,
    team,
    country,
    priority,
    segment,
    cast(target_seconds as bigint) as target_seconds,
    case when why_unknown is null then started_at end as started_at,
    case when why_unknown is null then due_at end as due_at,
    case
        when why_unknown is null and is_over
            then case when metric in {{ sla_waits() }} then owed_until else solved_at end
    end as met_at,
    case
        when why_unknown is not null then 'unknown'
        when elapsed_seconds > target_seconds then 'missed'
        when is_over then 'attained'
        when is_running then 'active'
        else 'paused'
    end as state,
    why_unknown is null and not is_over as is_open,
    case when why_unknown is null then cast(elapsed_seconds as bigint) end as elapsed_seconds,
    case
        when why_unknown is null and not is_over and elapsed_seconds <= target_seconds
            then cast(target_seconds - elapsed_seconds as bigint)
    end as remaining_seconds,
    case
        when why_unknown is null and elapsed_seconds > target_seconds then cast(elapsed_seconds - target_seconds as bigint)
    end as missed_by_seconds,
    why_unknown,
    extra
from decided
