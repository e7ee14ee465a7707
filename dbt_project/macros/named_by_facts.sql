{#- The members of a dimension that facts name, each with what names it: `facts` are names of what is counted -> models. The unknown
    member is there, too, named by none. -#}
{% macro named_by_facts(column, facts) -%}
    {% for what, fact in facts.items() -%}
    select distinct
        {{ column }},
        '{{ what }}' as named_by
    from {{ ref(fact) }}
    union all
    {% endfor -%}
    select
        'unknown' as {{ column }},
        'none' as named_by
{%- endmacro %}
