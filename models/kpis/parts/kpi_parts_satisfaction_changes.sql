{{ kpi_parts_of_cells(ref('satisfaction_changes')) }}
