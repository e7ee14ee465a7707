{#- One of several percentiles of a value, by its place among their shares. -#}
{% macro percentile_of(value, shares, place) %}
  {{- return(adapter.dispatch('percentile_of')(value, shares, place)) -}}
{% endmacro %}


{% macro default__percentile_of(value, shares, place) -%}
  quantile_cont({{ value }}, [{{ shares | join(', ') }}])[{{ place + 1 }}]
{%- endmacro %}


{% macro spark__percentile_of(value, shares, place) -%}
  percentile({{ value }}, array({{ shares | join(', ') }}))[{{ place }}]
{%- endmacro %}


{#- Grains and cuts that are computed in one statement each.

    DuckDB holds every value of every group until the statement ends: one cut after the other takes a tenth of the memory.
    Spark spills, and pays for each statement. -#}
{% macro statements_of(cuts, own_grain) %}
  {{- return(adapter.dispatch('statements_of')(cuts, own_grain)) -}}
{% endmacro %}


{% macro default__statements_of(cuts, own_grain) %}
  {%- set found = [] -%}
  {%- for grains, names in grains_of_equal_cuts(cuts) -%}
    {%- for name in names -%}
      {%- if own_grain -%}
        {%- if loop.first -%}{%- do found.append((grains, names)) -%}{%- endif -%}
      {%- else -%}
        {%- do found.append((grains, [name])) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{% macro spark__statements_of(cuts, own_grain) %}
  {{- return(grains_of_equal_cuts(cuts)) -}}
{% endmacro %}


{% macro grains_of_equal_cuts(cuts) %}
  {%- set grains = {} -%}
  {%- for grain, names in cuts.items() -%}{%- do grains.setdefault(names | join(' '), []).append(grain) -%}{%- endfor -%}
  {%- set found = [] -%}
  {%- for names, of_them in grains.items() -%}{%- do found.append((of_them, names.split(' '))) -%}{%- endfor -%}
  {{- return(found) -}}
{% endmacro %}
