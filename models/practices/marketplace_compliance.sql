-- Each marketplace's policy: how we stand, and how many more bad cases it takes to break it. A policy about what no export
-- tells is neither compliant nor without cases; where the cases that nobody knows of could turn it, it is pending. Counts and
-- limits are decimals: at the very edge a double decides by its last digit.
with cases as (

    select
        'on_time_shipping_rate' as rule,
        marketplace,
        {{ local_date('promised_ship_at') }} as case_on,
        not is_shipped_on_time as is_bad
    from {{ ref('fct_orders') }}
    where is_shipping_due
    union all
    select
        'cancellation_rate' as rule,
        marketplace,
        {{ local_date('ordered_at') }} as case_on,
        is_cancelled_by_seller as is_bad
    from {{ ref('fct_orders') }}
    where
        is_cancelled_by_seller is not null
        or is_cancelled
    union all
    select
        'order_defect_rate' as rule,
        marketplace,
        {{ local_date('ordered_at') }} as case_on,
        is_defective as is_bad
    from {{ ref('fct_orders') }}
    union all
    select
        'message_response_24h' as rule,
        marketplace,
        {{ local_date('created_at') }} as case_on,
        not is_answered_in_24_hours as is_bad
    from {{ ref('fct_tickets') }}
    where
        is_contact
        and channel = 'marketplace'
        and type <> 'return_request'
        -- Where no response is due, or its time is not over, nothing is wanting.
        and is_response_due
        and (is_answered_in_24_hours is not null or {{ dbt.dateadd('hour', 24, 'response_starts_at') }} <= {{ as_of() }})
    union all
    select
        'return_response_48h' as rule,
        marketplace,
        {{ local_date('created_at') }} as case_on,
        not is_answered_in_48_hours as is_bad
    from {{ ref('fct_tickets') }}
    where
        is_contact
        and type = 'return_request'
        and is_response_due
        and (is_answered_in_48_hours is not null or {{ dbt.dateadd('hour', 48, 'response_starts_at') }} <= {{ as_of() }})

),

counted as (

    select
        policies.marketplace,
        policies.policy,
        count(cases.is_bad) as cases,
        coalesce(sum(case when cases.is_bad then 1 else 0 end), 0) as bad_cases,
        count(cases.rule) - count(cases.is_bad) as unknown_cases
    from {{ ref('marketplace_policies') }} as policies
    left join cases
        on
            policies.rule = cases.rule
            and lower(policies.marketplace) = lower(cases.marketplace)
            and cases.case_on > {{ add_days(as_of_day(), '-policies.window_days') }}
            and cases.case_on <= {{ as_of_day() }}
    where policies.rule not like 'facebook%'
    group by
        policies.marketplace,
        policies.policy

),

-- Facebook counts what was answered by now, over the days that the policy says.
conversations as (

    select
        policies.marketplace,
        policies.policy,
        policies.rule,
        sum(case when tickets.is_response_tracked then 1 else 0 end) as conversations,
        sum(case when tickets.is_response_tracked and tickets.first_response_seconds is null then 1 else 0 end) as unanswered,
        sum(case when tickets.is_response_due and not tickets.is_response_tracked then 1 else 0 end) as unknown_conversations,
        cast(
            sum(case when tickets.is_response_tracked then coalesce(tickets.first_response_seconds, 0) else 0 end)
            as decimal(18, 6)
        ) as response_seconds
    from {{ ref('marketplace_policies') }} as policies
    inner join {{ ref('fct_tickets') }} as tickets
        on
            tickets.is_contact
            and (tickets.channel like '%facebook%' or tickets.channel = 'messenger')
            and {{ local_date('tickets.created_at') }} > {{ add_days(as_of_day(), '-policies.window_days') }}
            and {{ local_date('tickets.created_at') }} <= {{ as_of_day() }}
    where policies.rule like 'facebook%'
    group by
        policies.marketplace,
        policies.policy,
        policies.rule

),

together as (

    select
        policies.*,
        coalesce(counted.cases, conversations.conversations, 0) as cases,
        coalesce(counted.bad_cases, conversations.unanswered, 0) as bad_cases,
        coalesce(counted.unknown_cases, conversations.unknown_conversations, 0) as unknown_cases,
        conversations.response_seconds,
        conversations.conversations - conversations.unanswered as answered
    from {{ ref('marketplace_policies') }} as policies
    left join counted
        on
            policies.marketplace = counted.marketplace
            and policies.policy = counted.policy
    left join conversations
        on
            policies.marketplace = conversations.marketplace
            and policies.policy = conversations.policy

),

-- The most bad cases that the limit allows: of those that are known, and of all.
limited as (

    select
        *,
        {% for all_cases, name in [('cases', 'bad_cases_allowed'), ('(cases + unknown_cases)', 'bad_cases_allowed_of_all')] -%}
        case
            when rule = 'facebook_response_time' then null
            when comparison = '>=' then floor({{ all_cases }} * (1 - limit_value))
            when comparison = '>' then ceil({{ all_cases }} * (1 - limit_value)) - 1
            when comparison = '<=' then floor({{ all_cases }} * limit_value)
            when comparison = '<' then ceil({{ all_cases }} * limit_value) - 1
        end as {{ name }},
        {% endfor -%}
        case
            when rule = 'facebook_response_time' then cast(response_seconds as double) / nullif(answered, 0)
            when comparison in ('>=', '>') then 1 - cast(bad_cases as double) / nullif(cases, 0)
            else cast(bad_cases as double) / nullif(cases, 0)
        end as actual
    from together

),

judged as (

    select
        *,
        case
            when cases = 0 then null
            when rule <> 'facebook_response_time' then bad_cases <= bad_cases_allowed
            when answered = 0 then false
            when comparison = '<=' then response_seconds <= limit_value * answered
            when comparison = '<' then response_seconds < limit_value * answered
        end as is_compliant,
        -- Were all unknown cases good, or all of them bad: does the verdict stand? Nobody knows how long unknown answers took.
        case
            when unknown_cases = 0 then true
            when rule = 'facebook_response_time' then false
            when bad_cases <= bad_cases_allowed then bad_cases + unknown_cases <= bad_cases_allowed_of_all
            else bad_cases > bad_cases_allowed_of_all
        end as is_decided
    from limited

)

select
    judged.marketplace,
    judged.policy,
    judged.rule,
    cast(judged.window_days as bigint) as window_days,
    cast(judged.cases as bigint) as cases,
    cast(judged.bad_cases as bigint) as bad_cases,
    cast(judged.unknown_cases as bigint) as unknown_cases,
    case when availability.missing_export is null then judged.actual end as actual,
    judged.comparison,
    cast(judged.limit_value as double) as limit_value,
    case
        when availability.missing_export is not null then 'unknown'
        when judged.cases = 0 and judged.unknown_cases = 0 then 'no_cases'
        when not judged.is_decided or judged.is_compliant is null then 'pending'
        when judged.is_compliant then 'compliant'
        else 'breached'
    end as status,
    -- Below zero: so many too many already.
    cast(
        case
            when judged.cases > 0 and availability.missing_export is null then judged.bad_cases_allowed - judged.bad_cases
        end as bigint
    ) as headroom_cases,
    availability.missing_export
from judged
left join {{ ref('kpi_availability') }} as availability on judged.rule = availability.kpi_id
