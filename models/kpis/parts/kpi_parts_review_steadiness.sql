{{ kpi_parts_of_cells(ref('review_steadiness')) }}
