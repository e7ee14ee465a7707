{#- Generated from the semantic model survey_invitations: make docs -#}
{{ kpi_parts(ref('fct_survey_invitations')) }}
