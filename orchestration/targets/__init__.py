"""Places beside the published files that are brought to the published version: PostgreSQL, and Iceberg tables of a lakehouse."""
