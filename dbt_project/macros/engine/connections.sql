{#- The CTEs `nodes` and `connections`: from each root along edges to later nodes, and from which batch on.

    Both arguments are queries; that of the edges reads `nodes`. -#}
{% macro connected_nodes(nodes, edges) %}
  {{- return(adapter.dispatch('connected_nodes')(nodes, edges)) -}}
{% endmacro %}


{% macro default__connected_nodes(nodes, edges) -%}
with recursive nodes as (
{{ nodes }}
),

edges as (
{{ edges }}
),

connections as (

    select
        node,
        node as root,
        first_batch as since_batch
    from nodes
    union
    select
        edges.other_node as node,
        connections.root,
        greatest(connections.since_batch, edges.first_batch) as since_batch
    from connections
    inner join edges on connections.node = edges.node
    where connections.root < edges.other_node

)
{%- endmacro %}


{#- Spark's recursion knows no `union`, and without it a circle never ends: step by step, until a step finds nothing new. -#}
{% macro spark__connected_nodes(nodes, edges) -%}
  {%- set steps, searching = ['select node, node as root, first_batch as since_batch from maintenance.identifier_nodes'], [1] -%}
  {%- if execute and flags.WHICH in ('build', 'run') -%}
    {%- do _spark_keep('nodes', nodes) -%}
    {%- do _spark_keep('edges', 'with nodes as (select * from maintenance.identifier_nodes) ' ~ edges) -%}
    {%- for step in range(1, 10000) if searching -%}
      {%- set name = 'maintenance.identifier_step_' ~ step -%}
      {%- do _spark_keep('step_' ~ step, 'with known as (' ~ steps | join(' union all ') ~ '), ' ~ _spark_step(steps[-1])) -%}
      {%- if run_query('select count(*) from ' ~ name).rows[0][0] | int -%}
        {%- do steps.append('select node, root, since_batch from ' ~ name) -%}
      {%- else -%}
        {%- do searching.clear() -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
with nodes as (select * from maintenance.identifier_nodes),

connections as (
{{ steps | join(' union all ') }}
)
{%- endmacro %}


{% macro _spark_step(last) -%}
  found as (
      select
          edges.other_node as node,
          connections.root,
          min(greatest(connections.since_batch, edges.first_batch)) as since_batch
      from ({{ last }}) as connections
      inner join maintenance.identifier_edges as edges on connections.node = edges.node
      where connections.root < edges.other_node
      group by
          edges.other_node,
          connections.root
  )

  select found.*
  from found
  where
      not exists (
          select 1
          from known
          where
              known.node = found.node
              and known.root = found.root
              and known.since_batch <= found.since_batch
      )
{%- endmacro %}


{% macro _spark_keep(name, query) %}
  {%- do run_query('drop table if exists maintenance.identifier_' ~ name) -%}
  {%- do run_query(stored_as('maintenance.identifier_' ~ name, query)) -%}
{% endmacro %}
