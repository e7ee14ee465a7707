{%- set rate_days = add_days('changes.rate_date', var('exchange_rate_max_days')) -%}
{{ maintained(
    unique_key=['currency', 'used_on'],
    invalidated_by={
        'stg_orders': "select upper(currency), " ~ local_date('ordered_at') ~ " from {changes} where currency is not null",
        'stg_costs': "select upper(currency), cost_date from {changes} where currency is not null",
        'stg_exchange_rates':
            'select days.currency, days.used_on from {this} as days inner join {changes} as changes '
            ~ 'on days.used_on >= changes.rate_date and days.used_on <= ' ~ rate_days
            ~ " and (days.currency = upper(changes.currency) or days.currency = upper(changes.base_currency) "
            ~ "or upper(changes.currency) = '" ~ var('currency') ~ "' or upper(changes.base_currency) = '" ~ var('currency') ~ "')",
    }
) }}
-- What one unit of another currency was worth in the reporting currency on each day on which an amount is in it: by the last
-- rates published on or before that day, unless those are too old. Over a third base both rates are of one day.
with used as (

    select
        upper(currency) as currency,
        {{ local_date('ordered_at') }} as used_on
    from {{ ref('stg_orders') }}
    where currency is not null
    union
    select
        upper(currency) as currency,
        cost_date as used_on
    from {{ ref('stg_costs') }}
    where currency is not null

),

needed as (

    select
        currency,
        used_on
    from used
    where
        currency <> '{{ var("currency") }}'
        and {{ is_invalidated('currency', 'used_on') }}

),

published as (

    select
        rate_date,
        upper(base_currency) as base_currency,
        upper(currency) as currency,
        rate
    from {{ ref('stg_exchange_rates') }}
    where upper(currency) <> upper(base_currency)
    union
    -- A base is worth one of itself.
    select
        rate_date,
        upper(base_currency) as base_currency,
        upper(base_currency) as currency,
        cast(1 as double) as rate
    from {{ ref('stg_exchange_rates') }}

),

candidates as (

    select
        needed.currency,
        needed.used_on,
        quoted.rate_date,
        quoted.base_currency,
        reporting.rate / quoted.rate as exchange_rate,
        row_number() over (
            partition by
                needed.currency,
                needed.used_on
            order by
                quoted.rate_date desc,
                -- Sooner a rate between the two than one over a third.
                case when quoted.base_currency in (needed.currency, '{{ var("currency") }}') then 0 else 1 end,
                quoted.base_currency
        ) as preference
    from needed
    inner join published as quoted
        on
            needed.currency = quoted.currency
            and needed.used_on >= quoted.rate_date
            and needed.used_on <= {{ add_days('quoted.rate_date', var('exchange_rate_max_days')) }}
    inner join published as reporting
        on
            quoted.rate_date = reporting.rate_date
            and quoted.base_currency = reporting.base_currency
            and reporting.currency = '{{ var("currency") }}'

)

select
    needed.currency,
    needed.used_on,
    candidates.rate_date as rated_on,
    candidates.base_currency,
    candidates.exchange_rate
from needed
left join candidates
    on
        needed.currency = candidates.currency
        and needed.used_on = candidates.used_on
        and candidates.preference = 1
