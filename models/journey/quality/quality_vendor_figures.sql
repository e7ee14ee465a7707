-- The help desk's own figures beside ours, for tickets where ours does not come from theirs. What the list says of a figure by
-- its instants, reopenings and ratings is held against the log, where the log has it; else it would only agree with itself.
{%- set durations = {
    'first_response': ['stg.vendor_first_response_seconds', 'stg.first_response_at', 'facts.first_response_at', 'replies.first_response_at is not null'],
    'first_resolution': ['stg.vendor_first_resolution_seconds', 'stg.first_solved_at', 'facts.first_solved_at', 'life.is_solve_logged'],
    'full_resolution': ['stg.vendor_full_resolution_seconds', 'stg.solved_at', 'facts.solved_at', 'life.is_solve_logged'],
} -%}
{%- set known_by_log = {
    'reopens': 'life.is_solve_logged and (clocks.are_changes_logged or facts.reopens <> stg.reopens)',
    'csat': 'marks.last_csat is not null',
} -%}
{%- set others = {
    'first_response_business_seconds': ['stg.vendor_first_response_business_seconds', 'facts.first_response_business_seconds'],
    'first_resolution_business_seconds': ['stg.vendor_first_resolution_business_seconds', 'facts.first_resolution_business_seconds'],
    'full_resolution_business_seconds': ['stg.vendor_full_resolution_business_seconds', 'facts.full_resolution_business_seconds'],
    'requester_wait_seconds': ['stg.vendor_requester_wait_seconds', 'facts.requester_wait_seconds'],
    'reopens': ['stg.reopens', 'facts.reopens'],
    'csat': ['stg.csat_score', 'facts.last_csat'],
} %}
with figures as (

    {% for name, (theirs, stated_at, found_at, is_logged) in durations.items() -%}
    select
        stg._contract as contract,
        '{{ name }}_seconds' as figure,
        stg.ticket_id,
        cast(coalesce({{ theirs }}, {{ seconds_between('stg.created_at', stated_at) }}) as double) as theirs,
        cast(facts.{{ name }}_seconds as double) as ours,
        {{ var('vendor_tolerance_seconds') }} as tolerance
    from {{ ref('stg_tickets') }} as stg
    inner join {{ ref('fct_tickets') }} as facts on stg.ticket_id = facts.ticket_id
    inner join {{ ref('int_ticket_life') }} as life on stg.ticket_id = life.ticket_id
    left join {{ ref('int_ticket_replies') }} as replies on stg.ticket_id = replies.ticket_id
    where
        ({{ theirs }} is not null or {{ is_logged }})
        -- Filled from their duration, ours would only agree with itself.
        and not coalesce({{ stated_at }} is null and {{ seconds_between('facts.created_at', found_at) }} = {{ theirs }}, false)
    union all
    {% endfor -%}
    {% for name, (theirs, ours) in others.items() -%}
    select
        stg._contract as contract,
        '{{ name }}' as figure,
        stg.ticket_id,
        cast({{ theirs }} as double) as theirs,
        cast({{ ours }} as double) as ours,
        {{ var('vendor_tolerance_seconds') if name.endswith('seconds') else 0 }} as tolerance
    from {{ ref('stg_tickets') }} as stg
    inner join {{ ref('fct_tickets') }} as facts on stg.ticket_id = facts.ticket_id
    {% if name in known_by_log -%}
    inner join {{ ref('int_ticket_life') }} as life on stg.ticket_id = life.ticket_id
    inner join {{ ref('int_ticket_clocks') }} as clocks on stg.ticket_id = clocks.ticket_id
    left join {{ ref('int_ticket_marks') }} as marks on stg.ticket_id = marks.ticket_id
    where {{ known_by_log[name] }}
    {% endif -%}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

compared as (

    select
        *,
        ours - theirs as difference,
        abs(ours - theirs) > tolerance as does_differ
    from figures
    where theirs is not null

),

numbered as (

    select
        *,
        row_number() over (
            partition by contract, figure, coalesce(does_differ, false)
            order by ticket_id
        ) as place
    from compared

)

select
    contract,
    figure,
    cast(count(difference) as bigint) as compared,
    cast(count(*) - count(difference) as bigint) as unknown_to_us,
    cast(sum(case when does_differ then 1 else 0 end) as bigint) as differing,
    percentile_cont(0.5) within group (order by case when does_differ then difference end) as median_difference,
    {{ first_tickets('does_differ') }} as tickets_that_differ
from numbered
group by
    contract,
    figure
