"""Questions to the published KPIs: any cut, comparisons, and what moved a number."""
