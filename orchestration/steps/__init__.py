"""The steps of a run, whoever runs them: the command line one after the other, Dagster as assets."""
