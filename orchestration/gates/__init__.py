"""Gates: what is not verified goes no further. Suites of Great Expectations and dbt's tests, layer by layer."""
