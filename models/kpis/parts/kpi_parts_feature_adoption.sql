{{ kpi_parts(ref('fct_feature_adoption')) }}
