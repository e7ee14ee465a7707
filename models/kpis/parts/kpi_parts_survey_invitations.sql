{{ kpi_parts(ref('fct_survey_invitations')) }}
