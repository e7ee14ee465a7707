{#- Generic tests of the project's own. -#}

{#- No two rows share these columns; a null counts as a value. -#}
{% test unique_together(model, columns) %}
  select
      {{ columns | join(', ') }},
      count(*) as rows_found
  from {{ model }}
  group by {{ columns | join(', ') }}
  having count(*) > 1
{% endtest %}


{#- None of these columns is null; one query for all of them. -#}
{% test never_null(model, columns) %}
  select *
  from {{ model }}
  where {{ columns | join(' is null or ') }} is null
{% endtest %}


{#- Of two columns, where both are filled, the second is the later. -#}
{% test ascending(model, earlier, later) %}
  select *
  from {{ model }}
  where {{ later }} <= {{ earlier }}
{% endtest %}


{#- Clock times are written HH:MM, up to 24:00, or left out. -#}
{% test clock_times(model, columns) %}
  with parts as (

      {% for column in columns -%}
      select
          '{{ column }}' as column_name,
          {{ column }} as clock_time,
          try_cast({{ dbt.split_part(column, "':'", 1) }} as integer) as hours,
          try_cast({{ dbt.split_part(column, "':'", 2) }} as integer) as minutes
      from {{ model }}
      where {{ column }} is not null
      {{ "union all" if not loop.last }}
      {% endfor %}
  )

  select
      column_name,
      clock_time
  from parts
  where not coalesce(hours >= 0 and minutes between 0 and 59 and 60 * hours + minutes <= 1440, false)
{% endtest %}


{#- Rows read = rows loaded + rows quarantined, for every file. -#}
{% test no_row_lost(model) %}
  select *
  from {{ model }}
  where rows_read <> rows_loaded + rows_quarantined + rows_merged
{% endtest %}


{#- opening + created + reopened - solved = closing, and closing = the next day's opening, over the age buckets of a day. -#}
{% test backlog_balances(model) %}
  with days as (

      select
          date_day,
          sum(created + reopened - solved) as change,
          sum(closing) as closing
      from {{ model }}
      group by date_day

  ),

  accumulated as (

      select
          *,
          sum(change) over (order by date_day rows unbounded preceding) as expected
      from days

  )

  select *
  from accumulated
  where closing <> expected
{% endtest %}


{#- Customers at start + new - lost = at end, and no count is negative. -#}
{% test customer_base_balances(model) %}
  select *
  from {{ model }}
  where
      customers_at_start + customers_new - customers_lost <> customers_at_end
      or paying_customers_at_start + paying_customers_new - paying_customers_lost <> paying_customers_at_end
      or least(customers_at_start, customers_new, customers_lost, customers_at_end, customers_retained) < 0
{% endtest %}


{#- Each amount is the sum of its parts, and known where they are; `unless` a condition holds.

    Args:
        sums: column -> its parts, those that are taken off with a minus before them. -#}
{% test amounts_balance(model, sums, unless) %}
  select *
  from {{ model }}
  where
      {%- for total, parts in sums.items() %}
      {{ "or" if not loop.first }} (
          not {{ unless }}
          and {{ parts | map('replace', '-', '') | join(' is not null and ') }} is not null
          and coalesce(abs({{ total }} - ({{ parts | join(' + ') | replace('+ -', '- ') }})) > 0.0001, true)
      )
      {%- endfor %}
{% endtest %}
