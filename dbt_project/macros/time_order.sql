{#- Instants that contradict each other. Two clocks can disagree by seconds (`clock_skew_seconds`); more is a fault of the
    export, and what follows from it is unknown. -#}

{#- An instant that cannot come before a bound: the bound itself where it is earlier by clock skew, null where it is earlier
    by more. Without a bound nothing contradicts it. -#}
{% macro in_order(instant, bound) -%}
  case
      when {{ bound }} is null or {{ instant }} >= {{ bound }} then {{ instant }}
      when {{ instant }} >= {{ dbt.dateadd('second', -(var('clock_skew_seconds') | int), bound) }} then {{ bound }}
  end
{%- endmacro %}


{#- Does an instant come before one that it cannot come before, by more than clock skew? False where either is missing. -#}
{% macro is_out_of_order(instant, bound) -%}
  coalesce({{ instant }} < {{ dbt.dateadd('second', -(var('clock_skew_seconds') | int), bound) }}, false)
{%- endmacro %}
