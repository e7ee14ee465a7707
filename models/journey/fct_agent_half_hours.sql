{%- set timezone = "'" ~ var('reporting_timezone') ~ "'" -%}
{#- In the order in which they count where they overlap: who is on a call is busy, whatever else the log says. -#}
{%- set states = ['busy', 'after_call', 'break', 'other_work', 'available', 'logged_in'] -%}
{%- set of_shifts = is_shift() -%}
{{ maintained(
    unique_key=['agent_id', 'date_day'],
    invalidated_by={
        'int_agent_state_spans': days_of_changed_spans(),
        'stg_agents': [
            'agent_id, work_date',
            'select shifts.agent_id, spine.date_day from (select * from {changes} where ' ~ of_shifts
            ~ ') as shifts cross join lateral ('
            ~ days_from_to(local_date('shifts.shift_starts_at'), local_date('shifts.shift_ends_at')) ~ ') as spine',
        ],
        'dim_agents': 'select agent_id, date_day from {this} where agent_id in (select agent_id from {changes})',
        'int_agent_log_days': 'select shifts.agent_id, changes.date_day from {changes} as changes inner join ' ~ ref('stg_agents')
        ~ ' as shifts on changes.date_day between ' ~ local_date('shifts.shift_starts_at') ~ ' and '
        ~ local_date('shifts.shift_ends_at'),
        'int_agent_log_weeks': 'select changes.agent_id, spine.date_day from {changes} as changes cross join lateral ('
        ~ days_from_to('changes.week_start', add_days('changes.week_start', 6)) ~ ') as spine',
    }
) }}
-- What each agent's half hours were spent on, by the log of states; and how much of a shift was worked.
--
-- A half hour is real: 30 minutes from the day's local midnight on.
with lasting as (

    select
        agent_id,
        state,
        contract,
        counted_from as starts_at,
        ends_at
    from {{ ref('int_agent_state_spans') }}
    where
        state <> 'offline'
        and counted_from < ends_at
    union all
    select
        agent_id,
        'shift' as state,
        cast(null as {{ dbt.type_string() }}) as contract,
        shift_starts_at as starts_at,
        shift_ends_at as ends_at
    from {{ ref('stg_agents') }}
    where
        absence is null
        and {{ of_shifts }}

),

days as (

    select
        lasting.*,
        spine.date_day
    from lasting
    cross join lateral (
        {{ days_from_to(local_date('lasting.starts_at'), local_date('lasting.ends_at')) }}
    ) as spine

),

-- Of a shift it is known whether it was worked where the log goes on, and knows the agent.
known as (

    select
        days.agent_id,
        days.date_day,
        days.state,
        days.contract,
        days.starts_at,
        case when days.state = 'shift' then least(days.ends_at, log_days.told_until) else days.ends_at end as ends_at,
        {{ utc_time('cast(days.date_day as timestamp)', timezone) }} as begins_at,
        {{ utc_time('cast(' ~ add_days('days.date_day', 1) ~ ' as timestamp)', timezone) }} as day_ends_at
    from days
    left join {{ ref('int_agent_log_days') }} as log_days on days.date_day = log_days.date_day
    left join {{ ref('int_agent_log_weeks') }} as log_weeks
        on
            days.agent_id = log_weeks.agent_id
            and cast({{ dbt.date_trunc('week', 'days.date_day') }} as date) = log_weeks.week_start
    where
        {{ is_invalidated('days.agent_id', 'days.date_day') }}
        and (days.state <> 'shift' or (log_days.date_day is not null and log_weeks.agent_id is not null))

),

within_days as (

    select
        agent_id,
        date_day,
        begins_at,
        state,
        contract,
        greatest({{ seconds_between('begins_at', 'starts_at') }}, 0) as from_second,
        least({{ seconds_between('begins_at', 'ends_at') }}, {{ seconds_between('begins_at', 'day_ends_at') }}) as to_second
    from known

),

lasted as (

    select
        *,
        floor(from_second / 1800.0) as first_number,
        floor((to_second - 1) / 1800.0) as last_number
    from within_days
    where from_second < to_second

),

pieces as (

    select
        lasted.agent_id,
        lasted.date_day,
        lasted.begins_at,
        lasted.state,
        lasted.contract,
        numbers.number,
        greatest(lasted.from_second, 1800 * numbers.number) as from_second,
        least(lasted.to_second, 1800 * numbers.number + 1800) as to_second
    from lasted
    cross join lateral (
        {{ numbers_from_to('lasted.first_number', 'lasted.last_number') }}
    ) as numbers

),

logged as (

    select
        pieces.agent_id,
        pieces.date_day,
        pieces.number,
        max(tells.tells_available) as tells_available,
        max(tells.tells_busy) as tells_busy,
        max(tells.tells_after_call) as tells_after_call,
        max(tells.tells_breaks) as tells_breaks,
        max(tells.tells_other_work) as tells_other_work,
        min(case when pieces.state = 'busy' then tells.tells_contacts end) as tells_contacts
    from pieces
    inner join {{ ref('int_agent_state_contracts') }} as tells
        on
            pieces.state <> 'shift'
            and pieces.contract is not distinct from tells.contract
    group by
        pieces.agent_id,
        pieces.date_day,
        pieces.number

),

steps as (

    select
        agent_id,
        date_day,
        begins_at,
        number,
        from_second as at_second,
        state,
        1 as step
    from pieces
    union all
    select
        agent_id,
        date_day,
        begins_at,
        number,
        to_second as at_second,
        state,
        -1 as step
    from pieces

),

stepped as (

    select
        agent_id,
        date_day,
        begins_at,
        number,
        at_second,
        {% for state in states -%}
        sum(case when state = '{{ state }}' then step else 0 end) as {{ state }}_step,
        {% endfor -%}
        sum(case when state = 'shift' then step else 0 end) as shift_step
    from steps
    group by
        agent_id,
        date_day,
        begins_at,
        number,
        at_second

),

-- From one change to the next: how many of each state there are at once.
counted as (

    select
        agent_id,
        date_day,
        begins_at,
        number,
        at_second,
        lead(at_second) over half_hour as next_second,
        {% for state in states -%}
        sum({{ state }}_step) over half_hour as {{ state }}_count,
        {% endfor -%}
        sum(shift_step) over half_hour as shift_count
    from stepped
    window half_hour as (
        partition by agent_id, date_day, number
        order by at_second
    )

),

decided as (

    select
        *,
        next_second - at_second as lasting_seconds,
        case
            {% for state in states -%}
            when {{ state }}_count > 0 then '{{ state }}'
            {% endfor %}
        end as state
    from counted

),

summed as (

    select
        agent_id,
        date_day,
        begins_at,
        number,
        {% for state in states -%}
        coalesce(sum(case when state = '{{ state }}' then lasting_seconds end), 0) as {{ state }}_seconds,
        {% endfor -%}
        coalesce(sum(case when state is not null then lasting_seconds end), 0) as all_seconds,
        sum(busy_count * lasting_seconds) as contact_seconds,
        max(busy_count) as contacts_max,
        sum(case when shift_count > 0 then lasting_seconds end) as scheduled_seconds,
        sum(
            case when shift_count > 0 and state <> 'break' then lasting_seconds end
        ) as worked_seconds
    from decided
    group by
        agent_id,
        date_day,
        begins_at,
        number

),

placed as (

    select
        summed.*,
        {{ dbt.dateadd('minute', '30 * cast(summed.number as integer)', 'summed.begins_at') }} as starts_at,
        case when logged.tells_available = 1 then summed.available_seconds end as known_available_seconds,
        case when logged.tells_busy = 1 then summed.busy_seconds end as known_busy_seconds,
        case when logged.tells_after_call = 1 then summed.after_call_seconds end as known_after_call_seconds,
        case when logged.tells_breaks = 1 then summed.break_seconds end as known_break_seconds,
        case when logged.tells_other_work = 1 then summed.other_work_seconds end as known_other_work_seconds,
        coalesce(logged.tells_contacts, 0) = 1 as does_tell_contacts,
        coalesce(roster.team, agents.team, 'unknown') as team
    from summed
    left join logged
        on
            summed.agent_id = logged.agent_id
            and summed.date_day = logged.date_day
            and summed.number = logged.number
    left join {{ ref('stg_agents') }} as roster
        on
            summed.agent_id = roster.agent_id
            and summed.date_day = roster.work_date
    left join {{ ref('dim_agents') }} as agents on summed.agent_id = agents.agent_id

)

select
    agent_id,
    starts_at,
    date_day,
    cast(
        2 * extract(hour from {{ local_time('starts_at') }})
        + case when extract(minute from {{ local_time('starts_at') }}) >= 30 then 1 else 0 end as bigint
    ) as half_hour,
    team,
    cast(all_seconds as bigint) as logged_in_seconds,
    cast(known_available_seconds as bigint) as available_seconds,
    cast(known_busy_seconds as bigint) as busy_seconds,
    cast(known_after_call_seconds as bigint) as after_call_seconds,
    cast(known_busy_seconds + coalesce(known_after_call_seconds, 0) as bigint) as handling_seconds,
    cast(known_break_seconds as bigint) as break_seconds,
    cast(known_other_work_seconds as bigint) as other_work_seconds,
    cast(logged_in_seconds as bigint) as unclear_seconds,
    cast(case when does_tell_contacts then contact_seconds end as bigint) as contact_seconds,
    cast(case when does_tell_contacts then contacts_max end as bigint) as contacts_max,
    cast(scheduled_seconds as bigint) as scheduled_seconds,
    cast(case when scheduled_seconds > 0 then coalesce(worked_seconds, 0) end as bigint) as adherent_seconds
from placed
