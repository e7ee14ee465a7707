{#- Generated from the semantic model conversation_windows: make docs -#}
{{ kpi_parts(ref('fct_conversation_windows')) }}
