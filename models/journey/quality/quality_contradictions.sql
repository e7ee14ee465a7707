-- Which instants contradict each other, how often, and where the first such record is.
with ranked as (

    select
        *,
        row_number() over (
            partition by kind, rule
            order by _file, _row, record_id
        ) as place
    from {{ ref('quality_time_order') }}

),

counted as (

    select
        kind,
        rule,
        count(*) as records,
        min(difference_seconds) as smallest_seconds,
        max(difference_seconds) as largest_seconds,
        max(case when place = 1 then _file end) as first_file,
        max(case when place = 1 then _row end) as first_row
    from ranked
    group by
        kind,
        rule

),

worded as (

    select
        *,
        case
            when smallest_seconds = largest_seconds then concat(smallest_seconds, ' s')
            else concat(smallest_seconds, ' to ', largest_seconds, ' s')
        end as difference_text
    from counted

)

select
    concat(
        kind, ', ', rule, ': ', records, case when records = 1 then ' record' else ' records' end, ', by ', difference_text,
        '; first: ', first_file, ', row ', first_row
    ) as finding,
    kind,
    rule,
    cast(records as bigint) as records,
    cast(smallest_seconds as bigint) as smallest_seconds,
    cast(largest_seconds as bigint) as largest_seconds,
    first_file,
    cast(first_row as bigint) as first_row
from worded
order by
    records desc,
    kind asc,
    rule asc
