"""A customer of the sample is forgotten in a whole home: the marts stay as they are, but for the key."""

from __future__ import annotations

import json
import subprocess
import sys

import duckdb
import pytest
from homes import REPOSITORY, Home
from persons import traces

#: Columns that name a customer or a record by one, and what a run says of itself.
KEYS = ("_key", "_id", "computed_at")
OF_THE_RUN = ("publication", "load_ledger", "load_sources", "alerts", "gate_results")

#: Which numbers of few people they hide depends on keys, and a forgotten customer has another one.
HIDING = ("kpis", "kpis_by_agent")

pytestmark = pytest.mark.slow


def kpis(home: Home) -> list[tuple]:
    """Every number of the mart as the warehouse holds it, but for cuts by the model of sentiment, which has another name."""
    return home.query(
        "select kpi_id, grain, period_start, dimension, member, printf('%.9g', value), n, n_pending, printf('%.9g', ci_low), "
        "printf('%.9g', ci_high), status, is_final from kpis where dimension <> 'scored_by' order by all"
    )


def busiest(home: Home) -> tuple[str, str]:
    """E-mail address and key of a customer with many records."""
    with duckdb.connect(str(home.path / "warehouse.duckdb"), read_only=True) as con:
        row = con.execute(
            "select substr(identifier, 7), keys.customer_key from conformed.int_customer_keys as keys "
            "inner join journey.fct_touchpoints as touchpoints on keys.customer_key = touchpoints.customer_key "
            "where identifier like 'email:%' group by all order by count(*) desc, 1 limit 1"
        ).fetchone()
    assert row
    return row


def published(home: Home) -> dict[str, list[str]]:
    """Every row of every table without keys, numbers to nine digits: sums are added up in another order. (A fit ends within a
    tolerance.)
    """
    found = {}
    for path in sorted((home.path / "published" / "current").glob("*.duckdb")):
        with duckdb.connect(str(path), read_only=True) as con:
            for (table,) in con.execute("select table_name from duckdb_tables()").fetchall():
                columns = con.execute(f"select * from {table} limit 0").description or []
                kept = [column for column in columns if not column[0].endswith(KEYS) or column[0] == "kpi_id"]
                digits = 4 if table == "clv_parameters" else 9
                names = [f"""printf('%.{digits}g', "{c[0]}")""" if str(c[1]) == "DOUBLE" else f'"{c[0]}"' for c in kept]
                if table not in (*OF_THE_RUN, *HIDING) and not table.startswith("quality_"):
                    rows = con.execute(f"select {', '.join(names)} from {table}").fetchall()
                    found[f"{path.stem}.{table}"] = sorted(map(repr, rows))
    return found


def test_the_marts_stay_and_no_trace_does(copied_home: Home) -> None:
    email, key = busiest(copied_home)
    before, numbers = published(copied_home), kpis(copied_home)
    options = [sys.executable, "-m", "orchestration.cli"]

    def cxhouse(*arguments: object, typed: str = "") -> str:
        command = [*options, *map(str, arguments)]
        done = subprocess.run(command, input=typed, capture_output=True, text=True, cwd=REPOSITORY, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    out = copied_home.path.parent / "answer"
    cxhouse("person", *copied_home.options, "--out", out, typed=email)
    held = json.loads((out / "person.json").read_text())
    assert held["customer_keys"] == [key]
    assert held["published"]
    names = [one.partition(":")[2] for one in (*held["identifiers"]["named"], *held["identifiers"]["linked"])]
    # With the sign: another customer's name may begin with this one's.
    words = (f"{email.partition('@')[0]}@".lower(), *(name.lower() for name in names if len(name) > 6))
    assert list(traces(copied_home.path, words))
    said = cxhouse("forget", *copied_home.options, "--yes", "--reference", "R-1", typed=email)
    assert email not in said
    assert list(traces(copied_home.path, words)) == []
    said = cxhouse("run", "--exports", copied_home.exports, *copied_home.options)
    assert email not in said
    assert list(traces(copied_home.path, (*words, key))) == []
    assert kpis(copied_home) == numbers
    changed = {name for name, rows in published(copied_home).items() if rows != before[name]}
    # The models of sentiment are those of the texts that there are, and so are pain points: a forgotten text is about nothing.
    # What the lifetime model says of single customers moves in the last digits: its fit reads them in another order.
    of_texts = {"analysis.sentiment_models", "analysis.fct_text_topics", "marts.pain_points"}
    assert changed <= {*of_texts, "analysis.customer_values", "analysis.customer_360"}
    proof = [json.loads(line) for line in (copied_home.path / "forgotten.jsonl").read_text().splitlines()]
    assert proof[0]["reference"] == "R-1"
    assert proof[1]["published_without_at"]
