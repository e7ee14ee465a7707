{#- The metrics of policies that end with a reply or with solving, whichever is first; the others add up time until the last solving. -#}
{% macro sla_waits() %}
  {{- return("('first_reply', 'next_reply', 'periodic_update')") -}}
{% endmacro %}


{#- Is a tag among a record's tags? Exports part them by commas or, where there is none, by blanks. Capitals do not matter. -#}
{% macro has_tag(tags, tag) -%}
  instr(
      case
          when instr({{ tags }}, ',') > 0 then ',' || replace(replace(lower({{ tags }}), ', ', ','), ' ,', ',') || ','
          -- A single one may have a blank in it.
          else ',' || lower({{ tags }}) || ',' || replace(lower({{ tags }}), ' ', ',') || ','
      end,
      ',' || lower({{ tag }}) || ','
  ) > 0
{%- endmacro %}
