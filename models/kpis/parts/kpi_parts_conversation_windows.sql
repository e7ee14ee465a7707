{{ kpi_parts(ref('fct_conversation_windows')) }}
