{{ maintained(
    unit=['record_kind', 'record_id'],
    touched_by={
        'stg_surveys': ["select 'tickets', ticket_id from {changes}", "select 'calls', call_id from {changes}"],
    }
) }}
-- What the customer last answered to "was it solved?", for the ticket or call that was asked about.
with answers as (

    {% for kind, column in [('tickets', 'ticket_id'), ('calls', 'call_id')] -%}
    select
        '{{ kind }}' as record_kind,
        {{ column }} as record_id,
        issue_solved,
        responded_at,
        response_id
    from {{ ref('stg_surveys') }}
    where
        {{ column }} is not null
        and issue_solved is not null
        and {{ is_touched("'" ~ kind ~ "'", column) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

ranked as (

    select
        *,
        row_number() over (
            partition by record_kind, record_id
            order by responded_at desc, response_id desc
        ) as answers_since
    from answers

)

select
    record_kind,
    record_id,
    issue_solved as is_solved
from ranked
where answers_since = 1
