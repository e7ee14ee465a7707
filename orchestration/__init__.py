"""From exports to published KPIs."""
