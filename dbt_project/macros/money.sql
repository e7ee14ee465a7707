{#- An amount in the reporting currency: itself where it is in it, else at the rate of its day (int_currency_days); unknown without. -#}
{% macro in_reporting_currency(amount, currency, exchange_rate) -%}
  case
        when {{ currency }} = '{{ var("currency") }}' then {{ amount }}
        else {{ amount }} * {{ exchange_rate }}
    end
{%- endmacro %}
