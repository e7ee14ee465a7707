-- Lists of tickets that lie a constant offset from their own log, each said in one sentence.
with found as (

    select
        offsets.ticket_contract,
        offsets.event_contract,
        offsets.ahead_seconds,
        differences.tickets as tickets_at_offset,
        differences.tickets_of_pair as tickets_compared
    from {{ ref('int_log_offsets') }} as offsets
    inner join {{ ref('int_log_differences') }} as differences
        on
            offsets.ticket_contract is not distinct from differences.ticket_contract
            and offsets.event_contract is not distinct from differences.event_contract
            and offsets.ahead_seconds = differences.ahead_seconds

),

worded as (

    select
        *,
        case when tickets_at_offset = tickets_compared then 'all' else concat(tickets_at_offset, ' of') end as share_text,
        case
            when ahead_seconds % 3600 = 0 then concat(cast(abs(ahead_seconds) / 3600 as integer), ' h')
            else concat(cast(abs(ahead_seconds) / 60 as integer), ' min')
        end as offset_text,
        case when ahead_seconds > 0 then 'before' else 'after' end as side_text
    from (
        select
            ticket_contract,
            event_contract,
            cast(ahead_seconds as integer) as ahead_seconds,
            cast(tickets_at_offset as integer) as tickets_at_offset,
            cast(tickets_compared as integer) as tickets_compared
        from found
    ) as whole_numbers

)

select
    concat(
        share_text,
        ' ',
        tickets_compared,
        {{ dbt.string_literal(dbt.escape_single_quotes(" tickets' own created events (contract ")) }},
        event_contract,
        ') lie ',
        offset_text,
        ' ',
        side_text,
        ' created_at of the list (contract ',
        ticket_contract,
        '): a time zone of one of the two is the likely cause; set `timezone` in the contract whose times are local'
    ) as finding,
    ticket_contract,
    event_contract,
    cast(ahead_seconds as bigint) as ahead_seconds,
    cast(tickets_at_offset as bigint) as tickets_at_offset,
    cast(tickets_compared as bigint) as tickets_compared
from worded
