{{ kpi_parts_of_cells(ref('rate_changes')) }}
