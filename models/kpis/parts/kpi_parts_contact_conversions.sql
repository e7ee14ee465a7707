{{ kpi_parts(ref('fct_contact_conversions')) }}
