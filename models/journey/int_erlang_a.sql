-- What each load of the weeks ahead is answered like with so many agents, where callers hang up: Erlang A (M/M/n+M).
--
-- Garnett, Mandelbaum & Reiman 2002; Mandelbaum & Zeltyn 2005, "The Palm/Erlang-A Queue": calls at rate l, handled at rate m by
-- each of n agents, callers hang up at rate h. With J(t) the integral from t on of exp(l (1 - exp(-h y)) / h - n m y) and
-- E = 1 / B(n - 1), B being Erlang B, a call waits with probability l J(0) / (E + l J(0)). J1, with exp(-h y) in the integral, is
-- of those who are still there. Both are incomplete gamma functions, summed by their series: J(0) = 1/h * the sum over k of
-- c^k / (s (s + 1) ... (s + k)), with s = n m / h and c = l / h.
with loads as (

    select distinct
        forecasts.team,
        forecasts.calls_forecast * forecasts.handle_seconds_forecast / 1800.0 as traffic,
        forecasts.calls_forecast,
        forecasts.handle_seconds_forecast,
        patience.patience_seconds,
        forecasts.calls_forecast * patience.patience_seconds / 1800.0 as calls_of_patience
    from {{ ref('int_call_forecasts') }} as forecasts
    inner join {{ ref('int_call_patience') }} as patience on forecasts.team = patience.team
    where
        forecasts.date_day > {{ last_whole_day() }}
        and forecasts.calls_forecast * forecasts.handle_seconds_forecast > 0
        and patience.patience_seconds is not null

),

-- Fewer agents than half the load answer less than half the calls; more than the others no target asks for.
staffed as (

    select
        loads.*,
        numbers.number as agents,
        numbers.number * loads.patience_seconds / loads.handle_seconds_forecast as agents_of_patience
    from loads
    cross join lateral (
        {{ numbers_from_to('greatest(1, floor(0.5 * loads.traffic))', 'ceil(loads.traffic + 4 * sqrt(loads.traffic) + 8)') }}
    ) as numbers

),

-- 1 / B(n - 1): the sum over k < n of (n - 1) (n - 2) ... (n - k) / traffic^k, by logarithms.
ratios as (

    select
        staffed.team,
        staffed.calls_forecast,
        staffed.agents,
        sum(case when steps.number = 0 then 0 else ln((staffed.agents - steps.number) / staffed.traffic) end) over (
            partition by staffed.team, staffed.calls_forecast, staffed.agents
            order by steps.number
            rows unbounded preceding
        ) as ln_ratio
    from staffed
    cross join lateral (
        {{ numbers_from_to(0, 'staffed.agents - 1') }}
    ) as steps

),

unblocked as (

    select
        team,
        calls_forecast,
        agents,
        sum(exp(ln_ratio)) as e
    from ratios
    group by
        team,
        calls_forecast,
        agents

),

terms as (

    select
        staffed.*,
        steps.number as k,
        sum(ln(staffed.agents_of_patience + steps.number)) over (
            partition by staffed.team, staffed.calls_forecast, staffed.agents
            order by steps.number
            rows unbounded preceding
        ) as ln_product,
        ln(staffed.calls_of_patience) as ln_c,
        ln(staffed.calls_of_patience) - {{ var('service_level_seconds') }} / staffed.patience_seconds as ln_x
    from staffed
    cross join lateral (
        {{ numbers_from_to(
            0,
            'ceil(greatest(staffed.calls_of_patience - staffed.agents_of_patience, 0) + 9 * sqrt(staffed.calls_of_patience) + 60)'
        ) }}
    ) as steps

),

-- l J(0) and l J(t), less their factor exp(c - x - n m t); and the sums that J1 has, from which the first term is missing.
summed as (

    select
        team,
        traffic,
        calls_forecast,
        handle_seconds_forecast,
        patience_seconds,
        calls_of_patience as c,
        agents_of_patience as s,
        exp(min(ln_x)) as x,
        agents,
        sum(exp(k * ln_c - ln_product)) as all_terms,
        sum(case when k > 0 then exp(k * ln_c - ln_product) else 0 end) as later_terms,
        sum(case when k > 0 then exp(k * ln_x - ln_product) else 0 end) as later_terms_in_time
    from terms
    group by
        team,
        traffic,
        calls_forecast,
        handle_seconds_forecast,
        patience_seconds,
        calls_of_patience,
        agents_of_patience,
        agents

),

measured as (

    select
        summed.*,
        unblocked.e,
        summed.c * summed.all_terms as l_j,
        -- J1(0) = 1/h * s/c * the later terms; J1(t) the same of x, times exp(c - x - n m t - h t), and x = c exp(-h t).
        summed.s * summed.later_terms as l_j1,
        summed.s * summed.later_terms_in_time * exp(
            summed.c - summed.x - summed.agents * {{ var('service_level_seconds') }} / summed.handle_seconds_forecast
        ) as l_j1_later
    from summed
    inner join unblocked
        on
            summed.team = unblocked.team
            and summed.calls_forecast = unblocked.calls_forecast
            and summed.agents = unblocked.agents

)

select
    team,
    calls_forecast,
    handle_seconds_forecast,
    patience_seconds,
    agents,
    -- To nine digits, so that a target that is just met is met everywhere.
    round((e + l_j1 - l_j1_later) / (e + l_j), 9) as answered_in_time,
    round((l_j - l_j1) / (e + l_j), 9) as abandoned
from measured
