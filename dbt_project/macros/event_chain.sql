{#- The order of a ticket's events of one series. Changes of one instant follow the chain from → to: the first is the one whose
    `from_value` is the value before the instant, each next one starts from where the one before led. Equal ones of an instant
    are one. Where no chain exists, numbered events come in the order of their numbers, others in that of their rows.

    Common table expressions, from `stated` (ticket_id, series, event_at, is_later, from_value, to_value, event_id, _batch, _row
    and whatever else) to `placed`, which has a `place` within the instant. Ties are few: paths are tried out step by step, and
    more than `longest` changes of one instant stay in the order of their rows. -#}
{% macro placed_in_chain(longest=5) -%}
  {%- set instant = ['ticket_id', 'series', 'event_at', 'is_later'] -%}
  {%- set same_instant = [] -%}
  {%- for column in instant -%}
    {%- do same_instant.append('ties.' ~ column ~ ' = paths.' ~ column) -%}
  {%- endfor -%}
unequal as (

    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ instant | join(', ') }}, from_value, to_value
                order by {{ place_of_event() }}
            ) as copy_number
        from stated
    ) as numbered
    where copy_number = 1

),

counted as (

    select
        *,
        count(*) over (partition by {{ instant | join(', ') }}) as tied,
        row_number() over (
            partition by {{ instant | join(', ') }}
            order by {{ place_of_event() }}
        ) as row_place
    from unequal

),

-- Where an instant leads: to the value that it enters once more than it leaves. A circle leads back to where it began.
ends as (

    select
        {{ instant | join(',\n        ') }},
        max(end_value) as end_value
    from (
        select
            {{ instant | join(',\n            ') }},
            value as end_value
        from (
            select
                {{ instant | join(',\n                ') }},
                to_value as value,
                1 as entered
            from counted
            union all
            select
                {{ instant | join(',\n                ') }},
                from_value as value,
                -1 as entered
            from counted
            where tied > 1
        ) as visits
        group by
            {{ instant | join(',\n            ') }},
            value
        having sum(entered) = 1
    ) as led
    group by {{ instant | join(', ') }}
    having count(*) = 1

),

tied_instants as (

    select
        counted.ticket_id,
        counted.series,
        counted.event_at,
        counted.is_later,
        max(case
            when ends.event_at < counted.event_at or (ends.event_at = counted.event_at and ends.is_later < counted.is_later)
                then ends.event_at
        end) as before_at,
        max(case when ends.event_at = counted.event_at and ends.is_later < counted.is_later then 1 else 0 end) as is_of_instant
    from counted
    inner join ends
        on
            counted.ticket_id = ends.ticket_id
            and counted.series = ends.series
    where
        counted.tied between 2 and {{ longest }}
        and counted.row_place = 1
    group by
        counted.ticket_id,
        counted.series,
        counted.event_at,
        counted.is_later

),

values_before as (

    select
        tied_instants.ticket_id,
        tied_instants.series,
        tied_instants.event_at,
        tied_instants.is_later,
        max_by(ends.end_value, ends.is_later) as value_before
    from tied_instants
    inner join ends
        on
            tied_instants.ticket_id = ends.ticket_id
            and tied_instants.series = ends.series
            and tied_instants.before_at = ends.event_at
            and (tied_instants.is_of_instant = 0 or ends.is_later < tied_instants.is_later)
    group by
        tied_instants.ticket_id,
        tied_instants.series,
        tied_instants.event_at,
        tied_instants.is_later

),

ties as (

    select
        counted.ticket_id,
        counted.series,
        counted.event_at,
        counted.is_later,
        counted.from_value,
        counted.to_value,
        counted.row_place,
        values_before.value_before
    from counted
    left join values_before
        on
            counted.ticket_id = values_before.ticket_id
            and counted.series = values_before.series
            and counted.event_at = values_before.event_at
            and counted.is_later = values_before.is_later
    where counted.tied between 2 and {{ longest }}

),

paths_1 as (

    select
        {{ instant | join(',\n        ') }},
        to_value as reached_value,
        1 as steps,
        case when coalesce(from_value, value_before) = value_before then 0 else 1 end as is_astray,
        concat('|', cast(row_place as {{ dbt.type_string() }}), '|') as path
    from ties

),

{% for step in range(2, longest + 1) -%}
paths_{{ step }} as (

    select
        {% for column in instant -%}
        ties.{{ column }},
        {% endfor -%}
        ties.to_value as reached_value,
        paths.steps + 1 as steps,
        paths.is_astray,
        concat(paths.path, cast(ties.row_place as {{ dbt.type_string() }}), '|') as path
    from paths_{{ step - 1 }} as paths
    inner join ties
        on
            {{ same_instant | join('\n            and ') }}
            and coalesce(ties.from_value, paths.reached_value) = paths.reached_value
            and instr(paths.path, concat('|', cast(ties.row_place as {{ dbt.type_string() }}), '|')) = 0

),

{% endfor -%}
chains as (

    select
        {{ instant | join(',\n        ') }},
        path,
        row_number() over (
            partition by {{ instant | join(', ') }}
            order by steps desc, is_astray asc, path asc
        ) as choice
    from (
        {% for step in range(1, longest + 1) -%}
        select * from paths_{{ step }}
        {{ "union all" if not loop.last }}
        {% endfor %}
    ) as paths

),

placed as (

    select
        counted.*,
        case
            when instr(chains.path, concat('|', cast(counted.row_place as {{ dbt.type_string() }}), '|')) > 0
                then instr(chains.path, concat('|', cast(counted.row_place as {{ dbt.type_string() }}), '|'))
            else 1000 + counted.row_place
        end as place
    from counted
    left join chains
        on
            counted.ticket_id = chains.ticket_id
            and counted.series = chains.series
            and counted.event_at = chains.event_at
            and counted.is_later = chains.is_later
            and chains.choice = 1

)
{%- endmacro %}


{#- The order of events of one instant that nothing else orders. -#}
{% macro place_of_event() -%}
  try_cast(event_id as bigint) asc nulls last, _batch asc, _row asc
{%- endmacro %}
