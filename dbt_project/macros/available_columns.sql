{#- What exports tell: columns that their files have a word for. A record is of one file under one contract (`_batch`,
    `_contract`); int_loads says what that file has. -#}


{#- A query of the loads of a kind: batch, contract, and for each of the columns `file_has_<column>`; of a word that a file cannot say
    ("status!cancelled") `file_has_status_not_cancelled`. -#}
{% macro file_columns(kind, columns) -%}
    select
        batch,
        contract,
        {% for column in columns -%}
        {{ is_column_available('available_columns', column) }} as file_has_{{ column | replace('!', '_not_') }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('int_loads') }}
    where kind = '{{ kind }}'
{%- endmacro %}


{% macro is_column_available(available_columns, column) -%}
  concat(' ', {{ available_columns }}, ' ') like '% {{ column }} %'
{%- endmacro %}


{#- The condition that joins a record to its load. -#}
{% macro is_load_of(records, loads='loads') -%}
  {{ records }}._batch is not distinct from {{ loads }}.batch
        and {{ records }}._contract is not distinct from {{ loads }}.contract
{%- endmacro %}


{#- For `invalidated_by`: the keys of records whose file came to tell other columns. -#}
{% macro records_of_loads(key, relation, kind) %}
  {{- return(
      'select ' ~ key ~ ' from ' ~ relation ~ " where _batch in (select batch from {changes} where kind = '" ~ kind ~ "')"
  ) -}}
{% endmacro %}
