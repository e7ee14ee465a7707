-- Months in which the service must have cost something and the exports have no cost: of the whole (no team) where there were
-- contacts or payments, of a team that has costs in other months where it had contacts. Costs come by month; where there never is
-- one, no month lacks it.
{%- set month_of_cost = 'cast(' ~ dbt.date_trunc('month', 'cost_date') ~ ' as date)' %}
with costs as (

    select distinct
        {{ month_of_cost }} as month_starts_on,
        coalesce(team, 'unknown') as team
    from {{ ref('stg_costs') }}
    where cost_date <= {{ as_of_day() }}

),

busy as (

    select distinct
        cast({{ dbt.date_trunc('month', local_date('contact_at')) }} as date) as month_starts_on,
        team
    from {{ ref('fct_contacts') }}
    union
    select distinct
        cast({{ dbt.date_trunc('month', local_date('coalesce(paid_at, ordered_at)')) }} as date) as month_starts_on,
        cast(null as {{ dbt.type_string() }}) as team
    from {{ ref('fct_orders') }}
    where is_checkout_completed

),

gaps as (

    select
        busy.month_starts_on,
        cast(null as {{ dbt.type_string() }}) as team
    from busy
    where
        busy.month_starts_on not in (select costs.month_starts_on from costs)
        and exists (select 1 from costs)
    union
    select
        busy.month_starts_on,
        busy.team
    from busy
    left join costs
        on
            busy.month_starts_on = costs.month_starts_on
            and busy.team = costs.team
    where
        costs.team is null
        and busy.team in (select known.team from costs as known)

)

select
    concat('no cost in ', cast(month_starts_on as {{ dbt.type_string() }})) as gap_id,
    month_starts_on,
    team
from gaps
where month_starts_on <= {{ as_of_day() }}
