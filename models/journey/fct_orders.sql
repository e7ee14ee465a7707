{%- set instants = [
    'cancelled_at', 'refunded_at', 'paid_at', 'promised_ship_at', 'order_shipped_at', 'order_delivered_at',
    'order_promised_delivery_at', dbt.dateadd('day', var('review_window_days'), 'order_delivered_at'),
    dbt.dateadd('day', var('journey_window_days'), 'ordered_at'),
] -%}
{%- set passing = [] -%}
{%- for instant in instants -%}{%- do passing.append(passed(instant)) -%}{%- endfor -%}
{%- set orders = ref('int_orders') -%}
{%- set optional_columns = [
    'shipped_at', 'delivered_at', 'cancelled_by', 'refunded_at', 'refund_amount', 'affiliate_code', 'claim_type',
    'status!cancelled', 'discount_amount', 'tax_amount', 'shipping_amount', 'gift_card_amount',
] -%}
{%- set is_refund_known -%}
(
            coalesce(loads.file_has_refunded_at or loads.file_has_refund_amount, false)
            or contracts.does_tell_refunds
            or contracts.do_returns_tell_refunds
        )
{%- endset -%}
{{ maintained(
    unique_key=['order_id'],
    invalidated_by={
        'int_orders': 'order_id',
        'int_purchases': 'order_id',
        'int_purchase_steps': 'order_id',
        'int_order_reviews': 'order_id',
        'int_order_invitations': 'order_id',
        'stg_order_items': 'order_id',
        'dim_customers': rows_with_changed('order_id', 'customer_key'),
        'int_loads': records_of_loads('order_id', orders, 'orders'),
    },
    invalidated_by_as_of=['select order_id from ' ~ orders ~ ' where ' ~ passing | join(' or ')]
) }}
with orders as (

    select *
    from {{ ref('int_orders') }}
    where {{ is_invalidated('order_id') }}

),

lines as (

    select
        order_id,
        category,
        cast(quantity as decimal(18, 4)) as quantity,
        cast(quantity as decimal(18, 4)) * unit_price as amount,
        cast(quantity as decimal(18, 4)) * (unit_price - unit_cost) as margin,
        cast(quantity as decimal(18, 4)) * unit_cost as cost,
        row_number() over (
            partition by order_id
            order by quantity * unit_price desc, line_id asc
        ) as size_rank
    from {{ ref('stg_order_items') }}
    where {{ is_invalidated('order_id') }}

),

loads as (

    {{ file_columns('orders', optional_columns) }}

),

-- An order belongs to the category of its largest line.
items as (

    select
        order_id,
        sum(quantity) as items,
        -- One line without a cost leaves the whole unknown.
        case when count(margin) = count(*) then sum(margin) end as items_margin,
        case when count(cost) = count(*) then sum(cost) end as items_cost,
        max(case when size_rank = 1 then category end) as category
    from lines
    group by order_id

),

joined as (

    select
        orders.order_id,
        orders.customer_key,
        orders.ordered_at,
        coalesce(orders.sales_channel, 'unknown') as channel,
        coalesce(orders.marketplace, 'unknown') as marketplace,
        coalesce(orders.brand, 'unknown') as brand,
        coalesce(orders.country, customers.country, 'unknown') as country,
        coalesce(customers.segment, 'unknown') as segment,
        coalesce(items.category, 'unknown') as category,
        orders.status,
        orders.currency_or_default as currency,
        case when orders.currency_or_default = '{{ var("currency") }}' then cast(1 as double) else orders.exchange_rate end
            as exchange_rate,
        orders.order_amount as amount,
        cast(orders.order_amount as decimal(18, 4)) as charged_amount,
        -- A file that has a column for it and leaves it empty says that there was none.
        {% for part in ['discount', 'tax', 'shipping', 'gift_card'] -%}
        case
            when orders.{{ part }}_amount is not null then orders.{{ part }}_amount
            when loads.file_has_{{ part }}_amount then cast(0 as decimal(18, 4))
        end as {{ part }}_amount,
        {% endfor -%}
        coalesce(orders.is_tax_in_total, true) as is_tax_in_total,
        coalesce(orders.gift_card_sold_amount, 0) as gift_card_sold_amount,
        loads.file_has_refund_amount,
        cast(items.items_cost as double) as items_cost,
        cast(items.items_margin as double) as items_margin,
        -- Null where its returns say that it was refunded, and not how much.
        cast(
            case
                when orders.is_refund_of_returns then orders.amount_of_returns
                else coalesce(orders.refund_amount, 0)
            end as double
        ) as refund_amount,
        cast(items.items as double) as items,
        orders.paid_at,
        orders.order_delivered_at,
        orders.promised_ship_at,
        orders.order_shipped_at,
        orders.order_shipped_whole_at,
        {{ known('orders.order_shipped_at') }} as shipped_at,
        {{ is_out_of_order('orders.order_shipped_at', 'orders.ordered_at') }} as is_shipping_contradicted,
        {{ is_out_of_order('orders.order_delivered_at', 'orders.ordered_at') }}
        or {{ is_out_of_order('orders.order_delivered_at', 'orders.order_shipped_at') }} as is_delivery_contradicted,
        -- What the order's file, or what belongs to the order, can say.
        coalesce(loads.file_has_shipped_at, false) and contracts.does_tell_shippings
        or contracts.do_parcels_tell_shippings as is_shipping_known,
        coalesce(loads.file_has_delivered_at, false) and contracts.does_tell_deliveries
        or contracts.do_parcels_tell_deliveries as is_delivery_known,
        contracts.do_states_tell_deliveries,
        contracts.does_tell_payments,
        coalesce(loads.file_has_cancelled_by, false)
        or contracts.is_none_cancelled and not coalesce(loads.file_has_status_not_cancelled, false) as is_canceller_known,
        {{ is_refund_known }} as is_refund_known,
        coalesce(loads.file_has_affiliate_code, false) as is_affiliate_known,
        coalesce(loads.file_has_claim_type, false) or contracts.does_tell_feedback as is_defect_known,
        contracts.does_tell_reviews as is_review_known,
        orders.order_promised_delivery_at as promised_delivery_at,
        {{ known('orders.order_delivered_at') }} as delivered_at,
        orders.is_cancelled,
        orders.cancelled_by,
        orders.cancelled_at,
        coalesce({{ known('orders.refunded_at') }}, orders.repaid_at) as refunded_at,
        orders.is_refunded,
        coalesce(orders.is_refund_of_returns, false)
        or coalesce(orders.refunded_at, orders.ordered_at) <= {{ as_of() }}
        and (
            orders.refunded_at is not null
            or orders.status = 'refunded'
            or coalesce(orders.refund_amount > 0, false)
            -- Returned is refunded, too, of an export that knows of refunds: of others' refunds these would be all.
            or (orders.status = 'returned' and orders.is_refunded and {{ is_refund_known }})
        ) as has_refund,
        purchases.purchase_number,
        coalesce(purchases.is_repeat, false) as is_repeat,
        case when purchases.is_repeat then steps.is_cross_sell else false end as is_cross_sell,
        case when purchases.is_repeat then steps.is_up_sell else false end as is_up_sell,
        orders.affiliate_code is not null as has_affiliate_code,
        customers.was_referred as was_customer_referred,
        orders.claim_type,
        orders.fulfilled_by,
        coalesce(loads.file_has_claim_type, false) as is_claim_known,
        contracts.does_tell_feedback as is_feedback_known,
        coalesce(reviews.is_feedback_negative, false) as is_feedback_negative,
        coalesce(
            reviews.reviewed_at < {{ dbt.dateadd('day', var('review_window_days'), 'orders.order_delivered_at') }}, false
        ) as is_reviewed_in_time,
        {{ dbt.dateadd('day', var('review_window_days'), 'orders.order_delivered_at') }} as review_window_ends_at,
        invitations.order_id is not null as is_review_asked,
        orders.extra
    from orders
    left join items on orders.order_id = items.order_id
    left join {{ ref('int_purchases') }} as purchases on orders.order_id = purchases.order_id
    left join {{ ref('int_purchase_steps') }} as steps on orders.order_id = steps.order_id
    left join {{ ref('int_order_reviews') }} as reviews on orders.order_id = reviews.order_id
    left join {{ ref('int_order_invitations') }} as invitations on orders.order_id = invitations.order_id
    left join {{ ref('dim_customers') }} as customers on orders.customer_key = customers.customer_key
    inner join {{ ref('int_order_contracts') }} as contracts on orders._contract is not distinct from contracts.contract
    left join loads
        on
            {{ is_load_of('orders') }}

),

repaid as (

    select
        *,
        case
            when has_refund and refund_amount > 0 then cast(refund_amount as decimal(18, 4))
            when has_refund and (refund_amount is not null or is_refunded) then charged_amount
            when has_refund then null
            when file_has_refund_amount then cast(0 as decimal(18, 4))
        end as repaid_amount
    from joined

),

-- Tax and sold gift cards are no revenue, in so far as they were not paid back with the rest.
balanced as (

    select
        *,
        cast(
            cast(case when is_tax_in_total then tax_amount else 0 end + gift_card_sold_amount as double)
            * case
                when charged_amount > repaid_amount
                    then cast(charged_amount - repaid_amount as double) / cast(charged_amount as double)
                when charged_amount is not null and repaid_amount is not null then 0
            end as decimal(18, 4)
        ) as not_revenue_amount
    from repaid

)

select
    order_id,
    customer_key,
    ordered_at,
    channel,
    marketplace,
    brand,
    country,
    segment,
    category,
    status,
    currency,
    exchange_rate,
    cast(charged_amount as double) as total_amount,
    cast(charged_amount + discount_amount as double) as gross_amount,
    cast(discount_amount as double) as discount_amount,
    cast(shipping_amount as double) as shipping_amount,
    cast(tax_amount as double) as tax_amount,
    cast(gift_card_amount as double) as gift_card_amount,
    cast(repaid_amount as double) as refund_amount,
    cast(not_revenue_amount as double) as not_revenue_amount,
    case when not is_cancelled then cast(charged_amount - repaid_amount - not_revenue_amount as double) end as net_amount,
    -- Without a rate the value of an order in another currency is unknown.
    amount * exchange_rate as order_value,
    case when not is_cancelled then cast(charged_amount - repaid_amount - not_revenue_amount as double) * exchange_rate end
        as net_value,
    exchange_rate * case
        when not is_cancelled and not is_refunded
            then coalesce(items_margin, amount * {{ var('margin_rate') }}) - case when has_refund then refund_amount else 0 end
    end as margin,
    items_cost * exchange_rate as goods_cost_value,
    case
        when has_refund and refund_amount > 0 then refund_amount
        when has_refund and (refund_amount is not null or is_refunded) then amount
    end * exchange_rate as refund_value,
    items,
    {{ known('paid_at') }} as paid_at,
    promised_ship_at,
    shipped_at,
    promised_delivery_at,
    delivered_at,
    refunded_at,
    is_cancelled,
    -- Null where the order does not say who cancelled it, and for all orders of a file that cannot say.
    case
        when is_canceller_known
            then is_cancelled and cancelled_by = 'seller' and (shipped_at is null or coalesce(shipped_at >= cancelled_at, false))
    end as is_cancelled_by_seller,
    is_refunded,
    case
        when has_refund then true
        when is_refund_known then false
    end as has_refund,
    not is_cancelled and not is_refunded as is_purchase,
    -- Waited for: by its date, and where it has none by its state, if the export tells deliveries at all. Else a state before
    -- delivery is the last that there will ever be.
    not is_cancelled and not is_refunded
    and case
        when order_delivered_at is not null then order_delivered_at > {{ as_of() }}
        -- Never paid, where others are: given up, when as long has passed as the way to the next stage may take.
        when
            status = 'created'
            and does_tell_payments
            and {{ known('paid_at') }} is null
            and {{ dbt.dateadd('day', var('journey_window_days'), 'ordered_at') }} <= {{ as_of() }}
            and coalesce(promised_delivery_at <= {{ as_of() }}, true)
            then false
        when is_delivery_known or do_states_tell_deliveries then status in ('created', 'paid', 'shipped')
        when status not in ('created', 'paid', 'shipped') then false
    end as is_undelivered,
    -- Whether a cancelled order had been paid, nobody says who gives no instant of payment.
    case
        when paid_at is not null then paid_at <= {{ as_of() }}
        when is_cancelled then null
        else status in ('paid', 'shipped', 'delivered', 'returned', 'refunded')
    end as is_checkout_completed,
    -- Due once the promise has passed; an order that was cancelled is not due.
    not is_cancelled and coalesce(promised_ship_at <= {{ as_of() }}, false) as is_shipping_due,
    not is_cancelled
    and coalesce(promised_ship_at <= {{ as_of() }}, false)
    -- Overdue is late, where the export records shippings at all and its state does not say that it was shipped.
    and case
        when is_shipping_contradicted then null
        -- Shipped with the last parcel.
        when order_shipped_whole_at is not null then order_shipped_whole_at <= promised_ship_at
        when is_shipping_known and status in ('created', 'paid') then false
    end as is_shipped_on_time,
    not is_cancelled and coalesce(promised_delivery_at <= {{ as_of() }}, false) as is_delivery_due,
    not is_cancelled
    and coalesce(promised_delivery_at <= {{ as_of() }}, false)
    and case
        when is_delivery_contradicted then null
        when order_delivered_at is not null then order_delivered_at <= promised_delivery_at
        when is_delivery_known and status in ('created', 'paid', 'shipped') then false
    end as is_delivered_on_time,
    purchase_number,
    is_repeat,
    is_cross_sell,
    is_up_sell,
    case
        when has_affiliate_code then true
        when is_affiliate_known then false
    end as has_affiliate_code,
    -- Won by referral: a customer's first purchase, with an affiliate's code or by one whom somebody sent.
    case
        when purchase_number > 1 then false
        when purchase_number = 1 and (has_affiliate_code or was_customer_referred) then true
        when purchase_number = 1 and (is_affiliate_known or not was_customer_referred) then false
    end as is_referred_customer,
    claim_type,
    fulfilled_by,
    -- The three parts of a defect, as marketplaces count them one by one.
    case when is_feedback_negative then true when is_feedback_known then false end as has_negative_feedback,
    case when claim_type = 'guarantee' then true when is_claim_known then false end as has_guarantee_claim,
    case when claim_type = 'chargeback' then true when is_claim_known then false end as has_chargeback,
    case
        when is_feedback_negative or claim_type is not null then true
        when is_defect_known then false
    end as is_defective,
    -- Not known before the window has closed: reviews that come early would stand for all.
    case
        when
            delivered_at is not null
            and not is_delivery_contradicted
            and review_window_ends_at <= {{ as_of() }}
            and is_review_known
            then is_reviewed_in_time
    end as is_reviewed,
    is_review_asked,
    extra
from balanced
