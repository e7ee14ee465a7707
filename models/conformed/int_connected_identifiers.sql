-- Which earlier identifiers each identifier is connected to, and from which batch on.
--
-- Identifiers are numbered by arrival, so that a person's key (that of the lowest number) never changes because something
-- arrived later; a merge of two persons keeps the older key. Of those that arrived together an id is the first: a corrected
-- e-mail address or phone number leaves it in place.
{%- set nodes %}
    select *
    from (
        select
            identifier,
            first_batch,
            row_number() over (
                order by
                    first_batch,
                    case when identifier like 'id:%' then 1 when identifier like 'email:%' then 2 else 3 end,
                    identifier
            ) as node
        from (
            select
                identifier,
                min(_batch) as first_batch
            from {{ ref('int_customer_identifiers') }}
            group by identifier
        ) as arrived
    ) as numbered
    -- Left out after they were numbered: one that is shared too widely from now on moves the number of no other.
    where
        identifier not in (
            select pairs.identifier
            from {{ ref('int_identifier_pairs') }} as pairs
            where pairs.fanout > {{ var('identity_max_fanout') }}
        )
{%- endset %}
{%- set edges %}
    select
        a.node,
        b.node as other_node,
        pairs.first_batch
    from {{ ref('int_identifier_pairs') }} as pairs
    inner join nodes as a on pairs.identifier = a.identifier
    inner join nodes as b on pairs.other_identifier = b.identifier
{%- endset %}
{{ connected_nodes(nodes, edges) }}

select
    connections.node,
    connections.root,
    nodes.identifier,
    nodes.first_batch,
    roots.identifier as root_identifier,
    min(connections.since_batch) as since_batch
from connections
inner join nodes on connections.node = nodes.node
inner join nodes as roots on connections.root = roots.node
group by
    connections.node,
    connections.root,
    nodes.identifier,
    nodes.first_batch,
    roots.identifier
