{{ kpi_parts(ref('fct_cash_movements')) }}
