{#- The lengths of periods, and with `all` one for the whole time. (In Python: orchestration/core/grains.py.) -#}
{% macro grains(with_all=false) %}
  {{- return(['day', 'week', 'month', 'quarter'] + (['all'] if with_all else [])) -}}
{% endmacro %}


{#- The grains of a dimension's members (or of `all`): what `kpi_grains` says of it, else of `default`. -#}
{% macro grains_by(dimension) %}
  {%- set setting, every = var('kpi_grains'), grains(with_all=true) -%}
  {%- if setting is not mapping -%}{{- return(every | select('in', setting) | list) -}}{%- endif -%}
  {%- set found = setting.get(dimension, every if dimension == 'all' else setting.get('default', every[1:])) -%}
  {{- return(every | select('in', found) | list) -}}
{% endmacro %}


{#- The grains of the members of a list: what `kpi_grains` says of it, else the longer ones of `default`, since members are many. -#}
{% macro grains_of_list(name) %}
  {%- set setting = var('kpi_grains') -%}
  {%- set has_setting = setting is mapping and name in setting -%}
  {{- return(grains_by(name) if has_setting else grains_by(name) | select('in', ['month', 'quarter', 'all']) | list) -}}
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
  {%- for grain in grains(with_all=true) if not own or grain in own -%}
    {%- for name in ['all'] + wanted_dimensions(semantic_model) | map(attribute='name') | list -%}
      {%- if grain in grains_by(name) or (grain == 'day' and name in asked and 'day' in grains_by('all')) -%}
        {%- do found.setdefault(grain, []).append(name) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- Cuts of a fact whose sums over the whole time are those of its quarters, so that nothing is stored of them. (A stock is that
    of the last day, and what belongs to a period already may be no sum over others.) -#}
{% macro cuts_of_quarters(semantic_model) %}
  {%- set cuts = cuts_of(semantic_model) -%}
  {%- set is_stock = semantic_model.measures | selectattr('non_additive_dimension') | list | length > 0 -%}
  {%- if is_stock or (semantic_model.config.meta or {}).get('grain_column') -%}{{- return([]) -}}{%- endif -%}
  {{- return(cuts.get('all', []) | select('in', cuts.get('quarter', [])) | list) -}}
{% endmacro %}


{#- For each grain the cuts that are stored of what adds up. -#}
{% macro stored_cuts(semantic_model, cuts) %}
  {%- set stored, rolled_up = {}, cuts_of_quarters(semantic_model) -%}
  {%- for grain, names in cuts.items() -%}
    {%- set kept = names | reject('in', rolled_up) | list if grain == 'all' else names -%}
    {%- if kept -%}{%- do stored.update({grain: kept}) -%}{%- endif -%}
  {%- endfor -%}
  {{- return(stored) -}}
{% endmacro %}


{#- For each of these facts the measures that `all_of_quarters` sums up, and by which cuts. -#}
{% macro measures_of_quarters(facts) %}
  {%- set found = {} -%}
  {%- for semantic_model in (graph.semantic_models.values() if execute else []) -%}
    {%- set cuts, measures = cuts_of_quarters(semantic_model), [] -%}
    {%- for measure in wanted_measures(semantic_model) if adds_up(measure) -%}{%- do measures.append(measure.name) -%}{%- endfor -%}
    {%- if cuts and measures and semantic_model.name in facts -%}
      {%- do found.update({semantic_model.name: {'measures': measures, 'cuts': cuts, 'people': people_of(semantic_model)}}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- For `maintained`: which cells of the mart the parts of each fact touch. -#}
{% macro cells_invalidated_by(facts, by_quarter, cell) %}
  {%- set found = {} -%}
  {%- for fact in facts -%}
    {%- set of_quarters = ["select 'all', cast(null as date), dimension, member from {changes} where grain = 'quarter'"] -%}
    {%- do found.update({'kpi_parts_' ~ fact: [cell | join(', ')] + (of_quarters if fact in by_quarter else [])}) -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}


{#- The parts of the whole time that are sums of quarters. Decimals add up to the same in any order. -#}
{% macro all_of_quarters(by_fact) -%}
    select
        measure,
        'all' as grain,
        cast(null as date) as period_start,
        dimension,
        member,
        cast(sum(cast(total as decimal(38, 9))) as double) as total,
        cast(sum(cast(sum_of_squares as decimal(38, 6))) as double) as sum_of_squares,
        sum(n) as n,
        case max(people)
            when 'counted' then {{ bits_of_count('sum(total)') }}
            when 'rows' then {{ bits_of_count('sum(n)') }}
            else bit_or(people_bits)
        end as people_bits
    from (
        {% for fact, parts in by_fact.items() -%}
        select
            measure,
            dimension,
            member,
            total,
            sum_of_squares,
            n,
            people_bits,
            '{{ parts.people if parts.people in ["counted", "rows"] else "known" }}' as people
        from {{ ref('kpi_parts_' ~ fact) }}
        where
            grain = 'quarter'
            and measure in ('{{ parts.measures | join("', '") }}')
            and dimension in ('{{ parts.cuts | join("', '") }}')
            and {{ is_invalidated("'all'", 'cast(null as date)', 'dimension', 'member') }}
        {{ "union all" if not loop.last }}
        {% endfor -%}
    ) as quarters
    group by
        measure,
        dimension,
        member
{%- endmacro %}


{#- Dimensions by whose members a KPI of this fact wants days as well (`days_by` in its meta). -#}
{% macro dimensions_by_day(semantic_model) %}
  {%- if 'dimensions by day' not in graph -%}
    {%- set wanted = [] -%}
    {%- for metric in graph.metrics.values() -%}
      {%- set kpi = (metric.config.meta or metric.meta or {}).get('kpi') or {} -%}
      {%- if kpi.days_by -%}
        {%- do wanted.append([metric.type_params.input_measures | map(attribute='name') | list, kpi.days_by]) -%}
      {%- endif -%}
    {%- endfor -%}
    {%- do graph.update({'dimensions by day': wanted}) -%}
  {%- endif -%}
  {%- set measures, found = semantic_model.measures | map(attribute='name') | list, [] -%}
  {%- for names, dimensions in graph['dimensions by day'] if names | select('in', measures) | list -%}
    {%- do found.extend(dimensions) -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}
