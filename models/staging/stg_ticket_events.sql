{#- A bot that writes as an agent does is one all the same (`bot_agents`). -#}
{%- set bots = var('bot_agents') | map('string') | map('replace', "'", "''") | join("', '") -%}
{{ newest_version(
    'ticket_events',
    replaced={'actor_type': "case when actor_id in ('" ~ bots ~ "') then 'bot' else actor_type end"} if bots else {}
) }}
