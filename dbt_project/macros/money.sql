{#- An amount in the reporting currency: itself where it is in it, else at the rate of its day (int_currency_days); unknown without. -#}
{% macro in_reporting_currency(amount, currency, exchange_rate) -%}
  case
        when {{ currency }} = '{{ var("currency") }}' then {{ amount }}
        else {{ amount }} * {{ exchange_rate }}
    end
{%- endmacro %}


{#- The sum of a column of amounts: unknown where one of the rows under a condition is. -#}
{% macro sum_of_known(amount, condition='true') -%}
  case
        when count(case when {{ condition }} and {{ amount }} is null then 1 end) = 0
            then sum(case when {{ condition }} then cast({{ amount }} as decimal(18, 4)) end)
    end
{%- endmacro %}


{#- The total of a column of amounts over a window: unknown where one of them is. -#}
{% macro total_of_known(amount, window) -%}
  case when count(case when {{ amount }} is null then 1 end) over {{ window }} = 0 then sum({{ amount }}) over {{ window }} end
{%- endmacro %}
