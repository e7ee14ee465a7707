-- Whom to ask now, what and over which channel; and of the others why not. Nobody is asked while waiting for something.
{%- set fresh = var('survey_fresh_days') -%}
{%- set fresh_since = dbt.dateadd('day', -fresh, as_of()) %}

with customers as (

    select *
    from {{ ref('dim_customers') }}
    where customer_key <> 'unknown'

),

emailed as (

    select distinct customer_key
    from {{ ref('int_customer_keys') }}
    where identifier like 'email:%'

),

-- Open: neither solved nor gone.
waiting as (

    select
        customer_key,
        count(*) as open_tickets
    from {{ ref('fct_tickets') }}
    where
        is_contact
        and not is_solved
    group by customer_key

),

undelivered as (

    select
        customer_key,
        count(*) as open_orders
    from {{ ref('fct_orders') }}
    where is_undelivered
    group by customer_key

),

-- Asked by an invitation; who answered one that no export tells of was asked too.
asked as (

    select
        customer_key,
        max(asked_at) as asked_at
    from (
        select
            customer_key,
            sent_at as asked_at
        from {{ ref('fct_survey_invitations') }}
        union all
        select
            customer_key,
            responded_at as asked_at
        from {{ ref('fct_survey_responses') }}
    ) as questions
    group by customer_key

),

contacted as (

    select
        customer_key,
        channel,
        contact_at,
        ended_at,
        is_solved,
        row_number() over (partition by customer_key order by contact_at desc, contact_id asc) as newest
    from (
        select
            customer_key,
            ticket_id as contact_id,
            channel,
            created_at as contact_at,
            solved_at as ended_at,
            is_solved
        from {{ ref('fct_tickets') }}
        where is_contact
        union all
        select
            customer_key,
            call_id as contact_id,
            channel,
            started_at as contact_at,
            started_at as ended_at,
            coalesce(is_answered, false) as is_solved
        from {{ ref('fct_calls') }}
        where is_offered
    ) as contacts

),

bought as (

    select
        customer_key,
        max(delivered_at) as delivered_at,
        count(*) as purchases
    from {{ ref('fct_orders') }}
    where is_purchase
    group by customer_key

),

described as (

    select
        customers.customer_key,
        customers.marketing_opt_in,
        case
            when customers.preferred_channel <> 'unknown' then customers.preferred_channel
            when contacted.channel not in ('unknown', 'marketplace') then contacted.channel
            when emailed.customer_key is not null then 'email'
        end as channel,
        coalesce(waiting.open_tickets, 0) as open_tickets,
        coalesce(undelivered.open_orders, 0) as open_orders,
        asked.asked_at,
        contacted.is_solved and contacted.ended_at >= {{ fresh_since }} and coalesce(contacted.ended_at > asked.asked_at, true)
            as is_contact_fresh,
        contacted.ended_at,
        case
            when bought.delivered_at >= {{ fresh_since }} and coalesce(bought.delivered_at > asked.asked_at, true)
                then bought.delivered_at
        end as delivered_at,
        coalesce(bought.purchases, 0) as purchases,
        contacted.customer_key is not null as has_contact
    from customers
    left join emailed on customers.customer_key = emailed.customer_key
    left join waiting on customers.customer_key = waiting.customer_key
    left join undelivered on customers.customer_key = undelivered.customer_key
    left join asked on customers.customer_key = asked.customer_key
    left join contacted
        on
            customers.customer_key = contacted.customer_key
            and contacted.newest = 1
    left join bought on customers.customer_key = bought.customer_key

),

fresh as (

    select
        *,
        case when is_contact_fresh then ended_at end as contact_ended_at
    from described

),

chosen as (

    select
        *,
        -- What is freshest in mind: the contact, the delivery, else the relationship.
        case
            when contact_ended_at is not null and coalesce(contact_ended_at >= delivered_at, true) then 'ces'
            when delivered_at is not null then 'csat'
            when purchases > 0 then 'nps'
            when has_contact then 'csat'
        end as survey,
        case
            when contact_ended_at is not null and coalesce(contact_ended_at >= delivered_at, true) then 'contact'
            when delivered_at is not null then 'delivery'
            when purchases > 0 or has_contact then 'relationship'
        end as about
    from fresh

),

judged as (

    select
        *,
        case
            when marketing_opt_in = false then 'opted out'
            when open_tickets > 0 then 'open ticket'
            when open_orders > 0 then 'order not delivered'
            when asked_at > {{ dbt.dateadd('day', -var('survey_pause_days'), as_of()) }} then 'asked lately'
            when survey is null then 'neither bought nor asked anything'
            when channel is null then 'no channel known'
        end as reason
    from chosen

)

select
    customer_key,
    reason is null as is_eligible,
    reason,
    case when reason is null then survey end as survey,
    case when reason is null then about end as about,
    case when reason is null then channel end as channel,
    -- The day after, when it has settled; who was asked lately, when the pause is over.
    case
        when reason = 'asked lately' then {{ dbt.dateadd('day', var('survey_pause_days'), 'asked_at') }}
        when reason is not null then null
        when about = 'contact' then greatest({{ dbt.dateadd('day', 1, 'contact_ended_at') }}, {{ as_of() }})
        when about = 'delivery' then greatest({{ dbt.dateadd('day', 1, 'delivered_at') }}, {{ as_of() }})
        else {{ as_of() }}
    end as eligible_from_at,
    asked_at as last_asked_at
from judged
