-- Complaints, and those escalated, in the last four whole weeks beside the twelve before: a rise that the number of customers
-- does not explain. Two Poisson counts; the earlier one is brought to the size of the later by time and customers.
with bounds as (

    select
        {{ add_days(last_whole_day(), -28) }} as recent_after,
        {{ add_days(last_whole_day(), -112) }} as earlier_after

),

contacts as (

    select
        {{ local_date('contact_at') }} as contact_on,
        is_escalated
    from {{ ref('fct_contacts') }}
    where is_complaint

),

counted as (

    {% for count, condition in [('complaints', '1 = 1'), ('escalated complaints', 'contacts.is_escalated')] -%}
    select
        '{{ count }}' as subject,
        sum(case when contacts.contact_on > bounds.recent_after and {{ condition }} then 1 else 0 end) as cases,
        sum(case when contacts.contact_on <= bounds.recent_after and {{ condition }} then 1 else 0 end) as cases_before
    from contacts
    cross join bounds
    where
        contacts.contact_on > bounds.earlier_after
        and contacts.contact_on <= {{ last_whole_day() }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

customers as (

    select
        sum(case when base.period_start > bounds.recent_after then base.customers_at_end else 0 end) / 28.0 as customers,
        sum(case when base.period_start <= bounds.recent_after then base.customers_at_end else 0 end) / 84.0 as customers_before
    from {{ ref('fct_customer_base') }} as base
    cross join bounds
    where
        base.grain = 'day'
        and base.period_start > bounds.earlier_after
        and base.period_start <= {{ last_whole_day() }}

),

known as (

    select min({{ local_date('contacts.contact_at') }}) <= {{ add_days('max(bounds.earlier_after)', 1) }} as is_known_throughout
    from {{ ref('fct_contacts') }} as contacts
    cross join bounds

),

compared as (

    select
        counted.subject,
        counted.cases,
        counted.cases_before,
        known.is_known_throughout,
        customers.customers,
        customers.customers_before,
        -- Without orders nobody knows how many customers there are: then only time counts.
        coalesce(customers.customers / nullif(customers.customers_before, 0), 1) / 3 as scale
    from counted
    cross join customers
    cross join known

)

select
    subject,
    cast(coalesce(cases, 0) as bigint) as cases,
    cast(coalesce(cases_before, 0) as bigint) as cases_before,
    cast(customers as double) as customers,
    cast(customers_before as double) as customers_before,
    cast(cases_before * scale as double) as cases_expected,
    -- Too few say nothing, and neither do weeks that the exports do not reach back to.
    case
        when cases + cases_before >= {{ var('min_sample') }} and is_known_throughout
            then cast((cases - cases_before * scale) / nullif(sqrt(cases + cases_before * scale * scale), 0) as double)
    end as deviations
from compared
