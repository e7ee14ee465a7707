"""Two warehouses, row by row."""

from __future__ import annotations

from pathlib import Path

import duckdb

LAYERS = ("staging", "conformed", "journey", "kpis", "practices")


def differences(one: Path, other: Path, layers: tuple[str, ...] = LAYERS) -> dict[str, tuple[list[tuple], list[tuple]]]:
    """Rows of each model that only one of two warehouses has."""
    found = {}
    with duckdb.connect() as con:
        con.execute(f"attach '{one}' as one (read_only)")
        con.execute(f"attach '{other}' as other (read_only)")
        tables = con.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = 'one' "
            "and table_schema in (select unnest(?)) order by all", [list(layers)],
        ).fetchall()  # fmt: skip
        assert len(tables) > (50 if layers == LAYERS else 10)
        for schema, table in tables:
            columns = con.execute(
                "select string_agg('\"' || column_name || '\"', ', ') from information_schema.columns "
                "where table_catalog = 'one' and table_schema = ? and table_name = ? and column_name not in "
                "('computed_at', 'loaded_at', 'asked_at', 'listed_at', 'newest_landed_at')", [schema, table],
            ).fetchone()  # fmt: skip
            query = "select {} from {}.{}.{} except all select {} from {}.{}.{} limit 5"
            here, there = (
                con.execute(query.format(columns[0], a, schema, table, columns[0], b, schema, table)).fetchall()
                for a, b in (("one", "other"), ("other", "one"))
            )
            if here or there:
                found[f"{schema}.{table}"] = (here, there)
    return found
