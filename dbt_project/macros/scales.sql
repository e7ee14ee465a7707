{#- Answers of the longest scale whose answers are boxes: 0 to 10. One of more is a slider. -#}
{% macro most_boxes() %}
  {{- return(11) -}}
{% endmacro %}
