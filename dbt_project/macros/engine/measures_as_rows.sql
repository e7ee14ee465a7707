{#- Columns total_x, squares_x and n_x of each measure as rows; a measure without cases has none. -#}
{% macro measures_as_rows(aggregated, measures) %}
  {{- return(adapter.dispatch('measures_as_rows')(aggregated, measures)) -}}
{% endmacro %}


{% macro default__measures_as_rows(aggregated, measures) -%}
{% for measure in measures %}
select
    '{{ measure }}' as measure,
    grain,
    period_start,
    dimension,
    member,
    cast(total_{{ measure }} as double) as total,
    cast(squares_{{ measure }} as double) as sum_of_squares,
    cast(n_{{ measure }} as bigint) as n
from {{ aggregated }}
where n_{{ measure }} > 0
{{ "union all" if not loop.last }}
{%- endfor -%}
{%- endmacro %}


{#- Spark would plan, and compute, the whole aggregation once for each measure. -#}
{% macro spark__measures_as_rows(aggregated, measures) -%}
select
    measured.measure,
    grain,
    period_start,
    dimension,
    member,
    measured.total,
    measured.sum_of_squares,
    measured.n
from {{ aggregated }}
lateral view inline(array(
    {% for measure in measures -%}
    struct(
        '{{ measure }}' as measure,
        cast(total_{{ measure }} as double) as total,
        cast(squares_{{ measure }} as double) as sum_of_squares,
        cast(n_{{ measure }} as bigint) as n
    ){{ "," if not loop.last }}
    {% endfor %}
)) measured
where measured.n > 0
{%- endmacro %}
