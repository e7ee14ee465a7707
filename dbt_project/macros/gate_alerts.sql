{#- CTEs of the model `alerts`: the gates and runs that failed, open and closed; the last of them is `gates`. -#}
{% macro gate_alerts() -%}
-- Runs in their order, this one the last: a gate that fails night after night is one alert, until a run passes it.
runs as (

    select
        run_id,
        min(ended_at) as ended_at,
        max(has_judged) as has_judged,
        row_number() over (order by min(ended_at), run_id) as run_number
    from (
        select
            run_id,
            ended_at,
            -- A run that was held back, or killed, has not looked at everything. The one at work is about to publish.
            case when status in ('published', 'running') then 1 else 0 end as has_judged
        from {{ source('raw', 'runs') }}
        union all
        -- Runs of before they were written down.
        select
            run_id,
            raised_at as ended_at,
            0 as has_judged
        from {{ source('raw', 'alerts') }}
    ) as ended
    group by run_id

),

-- Of several files of one kind the same may be found in one run.
found_by_runs as (

    select
        run_id,
        severity,
        subject,
        message,
        min(raised_at) as raised_at,
        sum(affected_rows) as affected_rows
    from {{ source('raw', 'alerts') }}
    group by
        run_id,
        severity,
        subject,
        message

),

failures as (

    select
        alerts.*,
        coalesce(runs.run_number, 0) as run_number,
        coalesce(runs.run_number, 0)
        - row_number() over (
            partition by alerts.severity, alerts.subject, alerts.message
            order by runs.run_number, alerts.raised_at
        ) as episode
    from found_by_runs as alerts
    left join runs on alerts.run_id = runs.run_id

),

-- What a later run did not find again is closed, as of that run.
episodes as (

    select
        failures.severity,
        failures.subject,
        failures.message,
        min(failures.raised_at) as raised_at,
        max(failures.raised_at) as seen_at,
        max(failures.affected_rows) as affected_rows,
        max(failures.run_number) as last_run_number,
        max_by(failures.run_id, failures.run_number) as run_id
    from failures
    group by
        failures.severity,
        failures.subject,
        failures.message,
        failures.episode

),

closings as (

    select
        episodes.severity,
        episodes.subject,
        episodes.message,
        episodes.last_run_number,
        min(runs.ended_at) as closed_at
    from episodes
    inner join runs
        on
            episodes.last_run_number < runs.run_number
            and runs.has_judged = 1
    group by
        episodes.severity,
        episodes.subject,
        episodes.message,
        episodes.last_run_number

),

gates as (

    select
        case when episodes.subject = 'run' then 'run' else 'gate' end as kind,
        episodes.severity,
        episodes.subject,
        episodes.message,
        cast(null as {{ dbt.type_string() }}) as grain,
        cast(null as date) as period_start,
        cast(null as {{ dbt.type_string() }}) as dimension,
        cast(null as {{ dbt.type_string() }}) as member,
        episodes.raised_at,
        episodes.seen_at,
        closings.closed_at,
        cast(null as double) as value,
        cast(null as double) as limit_value,
        cast(episodes.affected_rows as bigint) as affected_rows,
        episodes.run_id,
        case
            when episodes.subject like 'raw/%'
                then concat(
                    'select * from load_ledger where kind = ''', replace(substring(episodes.subject, 5), '''', ''''''),
                    ''' and (rows_quarantined > 0 or status <> ''loaded'')'
                )
        end as case_query
    from episodes
    left join closings
        on
            episodes.severity = closings.severity
            and episodes.subject = closings.subject
            and episodes.message = closings.message
            and episodes.last_run_number = closings.last_run_number

),
{%- endmacro %}
