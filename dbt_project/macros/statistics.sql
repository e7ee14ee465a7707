{#- The 97.5 % quantile of Student's t for a mean of `n` cases: tabulated up to 30 degrees of freedom, beyond them by the
    expansion in 1/df (Abramowitz & Stegun 26.7.5), there exact to 1e-6. -#}
{% macro t_quantile(n, tabulated) -%}
  {%- set z = 1.959963984540054 -%}
  {%- set terms = [
      (z ** 3 + z) / 4,
      (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
      (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
      (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
  ] -%}
  coalesce(
      {{ tabulated }},
      {{ z }}
      {% for term in terms -%}
      + {{ term }} / power(nullif({{ n }} - 1.0, 0), {{ loop.index }})
      {% endfor %}
  )
{%- endmacro %}


{#- First day of the period after the one that starts on a day. -#}
{% macro next_period(grain, period_start) -%}
  case {{ grain }}
      {%- for name, unit, count in [('day', 'day', 1), ('week', 'day', 7), ('month', 'month', 1), ('quarter', 'month', 3)] %}
      when '{{ name }}' then cast({{ dbt.dateadd(unit, count, period_start) }} as date)
      {%- endfor %}
  end
{%- endmacro %}


{#- The day from which the KPIs of a period can no longer change by the passing of time. -#}
{% macro final_on(grain, period_start, settles_after_days) -%}
  {{ add_days(next_period(grain, period_start), settles_after_days) }}
{%- endmacro %}


{#- The z of two proportions under the hypothesis that they are one: pooled variance. Null where nobody or everybody is. -#}
{% macro two_proportion_z(hits, cases, other_hits, other_cases) -%}
  ({{ hits }} / {{ cases }} - {{ other_hits }} / {{ other_cases }})
  / nullif(sqrt(greatest(
      ({{ hits }} + {{ other_hits }}) / ({{ cases }} + {{ other_cases }})
      * (1 - ({{ hits }} + {{ other_hits }}) / ({{ cases }} + {{ other_cases }}))
      * (1 / {{ cases }} + 1 / {{ other_cases }}), 0
  )), 0)
{%- endmacro %}


{#- The chance of a normal deviate as far from zero as z on either side (Abramowitz & Stegun 26.2.17, exact to 1.5e-7). -#}
{% macro two_sided_p(z) -%}
  {%- set t = "(1 / (1 + 0.2316419 * abs(" ~ z ~ ")))" -%}
  (
      2 * exp(-{{ z }} * {{ z }} / 2) / 2.5066282746310002 * {{ t }} * (
          0.319381530 + {{ t }} * (
              -0.356563782 + {{ t }} * (1.781477937 + {{ t }} * (-1.821255978 + {{ t }} * 1.330274429))
          )
      )
  )
{%- endmacro %}
