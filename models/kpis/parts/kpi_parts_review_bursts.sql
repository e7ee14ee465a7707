{{ kpi_parts(ref('audit_review_bursts')) }}
