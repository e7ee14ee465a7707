{#- Generated from the semantic model web_sessions: make docs -#}
{{ kpi_parts(ref('fct_web_sessions')) }}
