{#- The metrics of policies that end with a reply or with solving, whichever is first; the others add up time until the last solving. -#}
{% macro sla_waits() %}
  {{- return("('first_reply', 'next_reply', 'periodic_update')") -}}
{% endmacro %}
