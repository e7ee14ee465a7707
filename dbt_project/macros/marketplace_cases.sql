{#- What counts as a case, and what as a fault, of each measure of `marketplace_standards`: a list of mappings.

    relation     a table, or a CTE of marketplace_health: `orders`, and `shipped` with the parcels of each
    day          reporting day that puts the case into a window
    is_fault     null where no export tells it: neither a fault nor none
    value        what is summed, of ratings, orders and sales
    marketplace  where the relation has no `sold_on`
    needs        what a fault of which nobody knows lacks -#}
{% macro marketplace_cases() %}
  {%- set of_seller = "coalesce(fulfilled_by, 'seller') = 'seller'" -%}
  {%- set of_messages = "is_contact and channel = 'marketplace' and type <> 'return_request' and is_response_due "
      ~ 'and (is_answered_in_24_hours is not null or ' ~ dbt.dateadd('hour', 24, 'response_starts_at') ~ ' <= ' ~ as_of() ~ ')' -%}
  {%- set created_on, elsewhere = local_date('created_at'), 'lower(marketplace)' -%}
  {%- set claims, feedback = 'claims (orders.claim_type)', 'feedback of buyers (reviews.order_id)' -%}
  {%- set shipped, tracking = 'when orders were shipped (orders.shipped_at)', 'tracking (shipments.is_tracked)' -%}
  {#- Of a fault of several parts all must be known, or it is not known. -#}
  {%- set defect = 'case when has_negative_feedback is not null and has_guarantee_claim is not null and has_chargeback is not null '
      ~ 'then has_negative_feedback or has_guarantee_claim or has_chargeback end' -%}
  {%- set transaction_defect = 'case when is_cancelled_by_seller is not null and has_guarantee_claim is not null '
      ~ 'then is_cancelled_by_seller or has_guarantee_claim end' -%}
  {{- return([
      {'measure': 'order_defect_rate', 'relation': 'orders', 'day': 'ordered_on', 'is_fault': defect,
       'needs': claims ~ ' and ' ~ feedback},
      {'measure': 'negative_feedback_rate', 'relation': 'orders', 'day': 'ordered_on', 'is_fault': 'has_negative_feedback',
       'needs': feedback},
      {'measure': 'guarantee_claim_rate', 'relation': 'orders', 'day': 'ordered_on', 'is_fault': 'has_guarantee_claim',
       'needs': claims},
      {'measure': 'chargeback_rate', 'relation': 'orders', 'day': 'ordered_on', 'is_fault': 'has_chargeback', 'needs': claims},
      {'measure': 'unresolved_case_rate', 'relation': 'orders', 'day': 'ordered_on', 'is_fault': 'has_guarantee_claim',
       'needs': claims},
      {'measure': 'transaction_defect_rate', 'relation': 'orders', 'day': 'ordered_on', 'is_fault': transaction_defect,
       'needs': claims ~ ' and who cancelled (orders.cancelled_by)'},
      {'measure': 'cancellation_rate', 'relation': 'orders', 'day': 'ordered_on', 'is_fault': 'is_cancelled_by_seller',
       'where': of_seller, 'needs': 'who cancelled (orders.cancelled_by)'},
      {'measure': 'late_shipment_rate', 'relation': 'orders', 'day': 'promised_ship_on', 'is_fault': 'not is_shipped_on_time',
       'where': 'is_shipping_due and ' ~ of_seller, 'needs': shipped},
      {'measure': 'on_time_delivery_rate', 'relation': 'orders', 'day': 'promised_delivery_on',
       'is_fault': 'not is_delivered_on_time', 'where': 'is_delivery_due and ' ~ of_seller,
       'needs': 'when orders were delivered (orders.delivered_at)'},
      {'measure': 'tracking_rate', 'relation': 'shipped', 'day': 'shipped_on', 'is_fault': 'not is_tracked',
       'where': 'shipped_on is not null and ' ~ of_seller, 'needs': tracking},
      {'measure': 'on_time_tracked_rate', 'relation': 'shipped', 'day': 'promised_ship_on',
       'is_fault': 'not (is_shipped_on_time and is_tracked)', 'where': 'is_shipping_due and ' ~ of_seller,
       'needs': tracking ~ ' and ' ~ shipped},
      {'measure': 'orders', 'relation': 'orders', 'day': 'ordered_on', 'is_fault': 'false', 'value': '1',
       'where': 'not is_cancelled'},
      {'measure': 'sales', 'relation': 'orders', 'day': 'ordered_on', 'value': 'total_amount', 'currency': 'currency',
       'is_fault': 'case when total_amount is not null then false end', 'where': 'not is_cancelled',
       'needs': 'totals of orders (orders.total_amount)'},
      {'measure': 'average_rating', 'relation': ref('fct_reviews'), 'marketplace': elsewhere, 'day': created_on,
       'is_fault': 'false', 'value': 'stars', 'where': 'stars is not null'},
      {'measure': 'message_response_rate', 'relation': ref('fct_tickets'), 'marketplace': elsewhere, 'day': created_on,
       'is_fault': 'not is_answered_in_24_hours', 'where': of_messages,
       'needs': 'when messages were answered (tickets.first_response_at)'},
      {'measure': 'return_dissatisfaction_rate', 'relation': ref('fct_tickets'), 'marketplace': elsewhere, 'day': created_on,
       'is_fault': 'null', 'where': "is_contact and type = 'return_request'",
       'needs': 'what buyers said of returns and which were rejected wrongly, which no export tells'},
  ]) -}}
{% endmacro %}
