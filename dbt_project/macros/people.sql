{#- How many people a number is about, so that what is published hides numbers of too few. A set of people is sixty bits: each
    person sets one, by a hash, so that sets add up over days and members, and as many bits as are set, so many people there are
    at least. -#}


{#- Whose cases the rows of a semantic model are (its meta `people`): an SQL text that names the person of a row; `counted`, where
    measures are numbers of people or of cases already; `rows`, where a row is a case of somebody unknown; `nobody`. -#}
{% macro people_of(semantic_model) %}
  {%- set people = (semantic_model.config.meta or {}).get('people') -%}
  {%- if not people -%}
    {{- exceptions.raise_compiler_error("semantic model " ~ semantic_model.name ~ ": its meta `people` must say whose cases its rows are") -}}
  {%- endif -%}
  {{- return(people) -}}
{% endmacro %}


{% macro are_persons_known(semantic_model) %}
  {{- return(people_of(semantic_model) not in ['counted', 'rows', 'nobody']) -}}
{% endmacro %}


{#- The people of an aggregated measure. -#}
{% macro people_bits(measure, people) -%}
  {%- if people == 'nobody' -%}
  cast(null as bigint)
  {%- elif people == 'counted' -%}
  {{ bits_of_count('total_' ~ measure) }}
  {%- elif people == 'rows' -%}
  {{ bits_of_count('n_' ~ measure) }}
  {%- else -%}
  people_{{ measure }}
  {%- endif -%}
{%- endmacro %}


{#- As many bits as there are people, sixty at most. -#}
{% macro bits_of_count(count) -%}
  ({{ bit('least(greatest(floor(' ~ count ~ '), 0), 60)') }} - 1)
{%- endmacro %}


{#- The bit of a person. -#}
{% macro person_bit(person) -%}
  {{ bit(adapter.dispatch('number_of_text', 'cxhouse')(person) ~ ' % 60') }}
{%- endmacro %}


{% macro bit(place) -%}
  {{ adapter.dispatch('bit', 'cxhouse')(place) }}
{%- endmacro %}
