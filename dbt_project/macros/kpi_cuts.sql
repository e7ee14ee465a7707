{#- The grains of a dimension's members (or of `all`): what `kpi_grains` says of it, else of `default`. -#}
{% macro grains_by(dimension) %}
  {%- set told, every = var('kpi_grains'), ['day', 'week', 'month', 'quarter', 'all'] -%}
  {%- if told is not mapping -%}{{- return(every | select('in', told) | list) -}}{%- endif -%}
  {%- set found = told.get(dimension, every if dimension == 'all' else told.get('default', every[1:])) -%}
  {{- return(every | select('in', found) | list) -}}
{% endmacro %}


{#- The grains of the members of a list: what `kpi_grains` says of it, else the longer ones of `default`, since members are many. -#}
{% macro grains_of_list(name) %}
  {%- set told = var('kpi_grains') -%}
  {%- set is_told = told is mapping and name in told -%}
  {{- return(grains_by(name) if is_told else grains_by(name) | select('in', ['month', 'quarter', 'all']) | list) -}}
{% endmacro %}


{#- The grains in which a fact's rows count, by any cut. -#}
{% macro grains_of(semantic_model) %}
  {%- set found = cuts_of(semantic_model).keys() | list -%}
  {%- for name in wanted_lists(semantic_model) -%}{%- do found.extend(grains_of_list(name)) -%}{%- endfor -%}
  {{- return(found | unique | list) -}}
{% endmacro %}


{#- The cuts that `kpi_grains` gives days to. -#}
{% macro cuts_by_day() %}
  {%- set found = [] -%}
  {%- set names = ['all'] -%}
  {%- for semantic_model in (graph.semantic_models.values() if execute else []) -%}
    {%- do names.extend(wanted_dimensions(semantic_model) | map(attribute='name')) -%}
  {%- endfor -%}
  {%- for name in names | unique if 'day' in grains_by(name) -%}{%- do found.append(name) -%}{%- endfor -%}
  {%- for semantic_model in (graph.semantic_models.values() if execute else []) -%}
    {%- for name in wanted_lists(semantic_model) if 'day' in grains_of_list(name) -%}{%- do found.append(name) -%}{%- endfor -%}
  {%- endfor -%}
  {{- return(found | unique | sort) -}}
{% endmacro %}


{#- For each grain of a fact's parts the cuts that it is asked for: `all` and names of dimensions. -#}
{% macro cuts_of(semantic_model) %}
  {%- set own, found = (semantic_model.config.meta or {}).get('grains'), {} -%}
  {%- set asked = dimensions_by_day(semantic_model) -%}
  {%- for grain in ['day', 'week', 'month', 'quarter', 'all'] if not own or grain in own -%}
    {%- for name in ['all'] + wanted_dimensions(semantic_model) | map(attribute='name') | list -%}
      {%- if grain in grains_by(name) or (grain == 'day' and name in asked and 'day' in grains_by('all')) -%}
        {%- do found.setdefault(grain, []).append(name) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- Dimensions by whose members a KPI of this fact wants days as well (`days_by` in its meta). -#}
{% macro dimensions_by_day(semantic_model) %}
  {%- set measures, found = semantic_model.measures | map(attribute='name') | list, [] -%}
  {%- for metric in graph.metrics.values() -%}
    {%- set kpi = (metric.config.meta or metric.meta or {}).get('kpi') or {} -%}
    {%- if kpi.days_by and metric.type_params.input_measures | map(attribute='name') | select('in', measures) | list -%}
      {%- do found.extend(kpi.days_by) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}
