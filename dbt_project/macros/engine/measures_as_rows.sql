{#- Columns total_x, squares_x and n_x of each measure as rows; a measure without cases has none. Whose cases they are is given by
    column people_x, or by how many there are (see `people_of`). -#}
{% macro measures_as_rows(aggregated, measures, people) %}
  {{- return(adapter.dispatch('measures_as_rows')(aggregated, measures, people)) -}}
{% endmacro %}


{#- In one pass: a query for each measure would take longer to plan than to run. -#}
{% macro default__measures_as_rows(aggregated, measures, people) -%}
select
    measured.measure,
    grain,
    period_start,
    dimension,
    member,
    measured.total,
    measured.sum_of_squares,
    measured.n,
    measured.people_bits
from (
    select
        grain,
        period_start,
        dimension,
        member,
        unnest([
            {% for measure in measures -%}
            {
                'measure': '{{ measure }}',
                'total': cast(total_{{ measure }} as double),
                'sum_of_squares': cast(squares_{{ measure }} as double),
                'n': cast(n_{{ measure }} as bigint),
                'people_bits': {{ people_bits(measure, people) }}
            }{{ "," if not loop.last }}
            {% endfor %}
        ]) as measured
    from {{ aggregated }}
) as unpivoted
where measured.n > 0
{%- endmacro %}


{#- Spark would plan, and compute, the whole aggregation once for each measure. -#}
{% macro spark__measures_as_rows(aggregated, measures, people) -%}
select
    measured.measure,
    grain,
    period_start,
    dimension,
    member,
    measured.total,
    measured.sum_of_squares,
    measured.n,
    measured.people_bits
from {{ aggregated }}
lateral view inline(array(
    {% for measure in measures -%}
    struct(
        '{{ measure }}' as measure,
        cast(total_{{ measure }} as double) as total,
        cast(squares_{{ measure }} as double) as sum_of_squares,
        cast(n_{{ measure }} as bigint) as n,
        {{ people_bits(measure, people) }} as people_bits
    ){{ "," if not loop.last }}
    {% endfor %}
)) measured
where measured.n > 0
{%- endmacro %}
