"""The published marts as their readers see them: periods, KPIs, the cases behind a number."""
