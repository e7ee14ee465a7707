-- Calls of the last days that are worth listening to, each with the reason; and some drawn by lot, so that what nobody thought
-- to look for is heard too. The lot is a hash: the same calls whenever it is drawn.
{%- set reasons = {
    'longest hold': ['hold_seconds > 0', 'hold_seconds desc'],
    'repeated contact': ['is_repeated', 'started_at desc'],
    'escalated': ['is_escalated', 'started_at desc'],
    'worst rating': ['is_badly_rated', 'csat_score / coalesce(csat_scale, 5)'],
    'worst sentiment': ['is_said_badly', 'polarity'],
    'random': ['1 = 1', 'lot'],
} %}

with said as (

    select
        call_id,
        min(polarity) as polarity,
        max(case when is_negative then 1 else 0 end) = 1 as is_said_badly
    from {{ ref('fct_sentiment') }}
    where
        record_kind in ('call', 'transcript')
        and polarity is not null
    group by call_id

),

calls as (

    select
        calls.*,
        said.polarity,
        coalesce(said.is_said_badly, false) as is_said_badly,
        coalesce(
            calls.next_contact_at < {{ dbt.dateadd('day', var('fcr_window_days'), 'calls.started_at') }}, false
        ) as is_repeated,
        -- The lower two fifths of the scale; of a short one, anything but the best.
        case
            when coalesce(calls.csat_scale, 5) > 3 then calls.csat_score <= 0.4 * coalesce(calls.csat_scale, 5)
            else calls.csat_score < calls.csat_scale
        end as is_badly_rated,
        {{ dbt.hash(dbt.concat(["'listen|'", 'calls.call_id'])) }} as lot
    from {{ ref('fct_calls') }} as calls
    left join said on calls.call_id = said.call_id
    where
        calls.is_answered
        and {{ local_date('calls.started_at') }} > {{ add_days(as_of_day(), -var('call_sample_days')) }}

),

ranked as (

    {% for reason, (condition, worst_first) in reasons.items() -%}
    select
        '{{ reason }}' as reason,
        calls.*,
        row_number() over (order by {{ worst_first }}, call_id) as place
    from calls
    where {{ condition }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    call_id,
    reason,
    cast(place as bigint) as place,
    started_at,
    agent_id,
    team,
    customer_key,
    topic,
    talk_seconds,
    hold_seconds,
    csat_score,
    polarity
from ranked
where place <= {{ var('call_sample_size') }}
