"""Targets: a real PostgreSQL and a folder of Iceberg tables hold what is published, after each publication and each failure."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from databases import postgresql, postgresql_programs
from homes import REPOSITORY, Cxhouse, Home
from pydantic import ValidationError

from orchestration.core.errors import CxhouseError
from orchestration.core.literals import identifier
from orchestration.privacy.identifiers import Identifier
from orchestration.privacy.roll import Roll
from orchestration.privacy.sweep import PROOF, begin, carry_out, publication_done
from orchestration.settings.model import Settings
from orchestration.settings.targets import Iceberg, PostgreSQL, Targets
from orchestration.targets.keys import Key, write_keys
from orchestration.targets.pushing import behind, bring_up_to_date, forget_what_they_hold, push
from orchestration.targets.relations import contents
from orchestration.warehouse.versions import DATABASES, PARQUET_FOLDER, install, staging

psycopg = pytest.importorskip("psycopg")
needs_server = pytest.mark.skipif(postgresql_programs() is None, reason="PostgreSQL is not installed")
KEYS = {
    "tickets": Key(["ticket_id"], []),
    "kpis": Key(["kpi_id", "period_start"], ["period_start"]),
    "dim_agents": Key(["agent_id"], []),
}


class Place:
    """A home of a few published tables, made by hand: no model is needed to publish."""

    def __init__(self, path: Path, targets: Targets) -> None:
        self.settings = Settings(home=path / "home", published_versions=2, targets=targets)
        self.number = 0

    def publish(self, **publications: dict[str, str]) -> str:
        """A version whose tables are queries, by publication."""
        self.number += 1
        self.settings.published.mkdir(parents=True, exist_ok=True)
        folder = staging(self.settings)
        for publication, tables in publications.items():
            with duckdb.connect(str(folder / DATABASES[publication])) as con:
                (folder / PARQUET_FOLDER / publication).mkdir()
                for name, query in tables.items():
                    con.execute(f"create table {name} as {query}")
                    con.execute(f"comment on table {name} is 'Rows of {name}.'")
                    con.execute(f"copy {name} to '{folder / PARQUET_FOLDER / publication / name}.parquet'")
        write_keys(KEYS, folder)
        name = f"20260701T00000{self.number}.000000Z"
        install(self.settings, folder, name, f"run {self.number}")
        return name

    def push(self, compare_all: bool = False) -> list[str]:
        return push(self.settings, lambda _: None, compare_all)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        (found,) = [relation for relation in contents(self.settings).tables if relation.name == table]
        return duckdb.sql(f"select * from read_parquet('{found.parquet}')").fetchall()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture
def place(tmp_path: Path, server: str, request: pytest.FixtureRequest) -> Place:
    """A place whose schemas on the server are its own."""
    name = re.sub(r"\W", "_", request.node.name)[:40]
    target = PostgreSQL(
        url=server, marts_schema=f"{name}_m", analysis_schema=f"{name}_a", state_schema=f"{name}_s"
    )  # fmt: skip
    return Place(tmp_path, Targets(postgresql=target))


def ask(place: Place, query: str, role: str | None = None) -> list[tuple[Any, ...]]:
    """Rows of a query, in which m and a stand for the schemas."""
    target = place.settings.targets.postgresql
    assert target is not None
    with psycopg.connect(target.url.replace("cxhouse@", "admin@")) as con:
        if role:
            con.execute(f"set role {role}")
        con.execute(f"set search_path = {target.marts_schema}, {target.analysis_schema}")
        return con.execute(query).fetchall()


TICKETS = "select * from (values ('T1', 'billing', 'A1'), ('T2', 'returns', 'A2')) as t (ticket_id, team, agent_id)"
MARTS = {"kpis": "select 'csat' as kpi_id, null::date as period_start, 0.5 as value"}


# -- rows --------------------------------------------------------------------------------------------------------------

ODD = r"""
    select * from (values
        (1, 'a', true, 1.5::double, 12.34::decimal(9, 2), date '1890-01-01', timestamp '2026-06-30 23:59:59.123456',
         ['x', null, 'y "z"'], map {'k': 'v'}, 18446744073709551615::ubigint),
        (2, '', false, 'inf'::double, null, null, null, [], map {}, 1),
        (3, null, null, 'nan'::double, 0, date '9999-12-31', timestamp '1969-12-31 00:00:00', null, null, null),
        (4, e'line\nfeed, "quotes", \\.\ttab\\N', true, -0.1::double, -1, null, null, ['NULL'], null, 0),
        (5, '\.', true, 1e300::double, 99999.99, null, null, [''], map {'': ''}, 0)
    ) as t (ticket_id, text, flag, real, amount, day, moment, words, pairs, large)
"""


@needs_server
def test_odd_values_arrive_as_they_are(place: Place) -> None:
    place.publish(analysis={"tickets": ODD})
    place.push()
    found = ask(place, "select * from tickets order by ticket_id")
    for ours, theirs in zip(place.rows("tickets"), found, strict=True):
        assert repr(ours[:7]) == repr(theirs[:7])
        assert ours[7:9] == theirs[7:9]
        assert ours[9] == theirs[9]


@needs_server
def test_a_nul_character_is_left_out(place: Place) -> None:
    place.publish(analysis={"tickets": "select 'T1' as ticket_id, 'a' || chr(0) || 'b' as text"})
    place.push()
    assert ask(place, "select text from tickets") == [("ab",)]


@needs_server
def test_only_rows_that_differ_are_written(place: Place) -> None:
    many = "select 'T' || i as ticket_id, 'billing' as team from range(1000) as t (i)"
    kpis = (
        "select 'k' || i as kpi_id, case when i % 2 = 0 then date '2026-06-01' end as period_start, 1 as value "
        "from range(100) as t (i)"
    )
    place.publish(analysis={"tickets": many}, marts={"kpis": kpis})
    place.push()
    before = ask(place, "select ticket_id, xmin::text from tickets order by 1")
    kpis_before = ask(place, "select kpi_id, xmin::text from kpis order by 1")
    place.publish(
        analysis={
            "tickets": f"select * replace (if(ticket_id = 'T7', 'returns', team) as team) from ({many}) where ticket_id <> 'T9'"
        },
        marts={"kpis": f"select * replace (if(kpi_id in ('k3', 'k4'), 2, value) as value) from ({kpis})"},
    )
    place.push()
    after = dict(ask(place, "select ticket_id, xmin::text from tickets"))
    assert sorted(name for name, row in before if after.get(name) != row) == ["T7", "T9"]
    assert len(after) == 999
    kpis_after = dict(ask(place, "select kpi_id, xmin::text from kpis"))
    assert [name for name, row in kpis_before if kpis_after[name] != row] == ["k3", "k4"]
    assert set(ask(place, "select * from kpis")) == set(place.rows("kpis"))


@needs_server
def test_what_the_server_holds_is_not_sent_again_and_hand_made_changes_are_put_right_on_demand(place: Place) -> None:
    place.publish(analysis={"tickets": TICKETS}, marts=MARTS)
    assert place.push() == [f"postgresql: version {contents(place.settings).version}, 2 of 2 tables changed"]
    assert "0 of 2 tables changed" in place.push()[0]
    target = place.settings.targets.postgresql
    with psycopg.connect(target.url) as con:
        con.execute(f"update {target.analysis_schema}.tickets set team = 'x'")
    assert "0 of 2 tables changed" in place.push()[0]
    place.push(compare_all=True)
    assert set(ask(place, "select * from tickets")) == set(place.rows("tickets"))


# -- tables ------------------------------------------------------------------------------------------------------------


@needs_server
def test_keys_references_and_comments_are_declared(place: Place) -> None:
    agents = "select * from (values ('A1', 'Ada'), ('A2', 'Bo')) as t (agent_id, name)"
    place.publish(analysis={"tickets": TICKETS, "dim_agents": agents}, marts=MARTS)
    place.push()
    keys = (
        "select conrelid::regclass::text, contype::text from pg_constraint where connamespace = '{}'::regnamespace order by 1, 2"
    )
    schema = place.settings.targets.postgresql.analysis_schema
    assert ask(place, keys.format(schema)) == [("dim_agents", "p"), ("tickets", "f"), ("tickets", "p")]
    assert ask(place, "select obj_description('tickets'::regclass)") == [("Rows of tickets.",)]
    # An agent who is in no list: the reference would be a lie, and goes.
    place.publish(analysis={"tickets": TICKETS.replace("'A2'", "'A9'"), "dim_agents": agents}, marts=MARTS)
    place.push()
    assert ask(place, keys.format(schema)) == [("dim_agents", "p"), ("tickets", "p")]
    assert ask(place, "select agent_id from tickets where ticket_id = 'T2'") == [("A9",)]


@needs_server
def test_columns_and_tables_come_change_and_go_and_the_views_of_users_stay(place: Place) -> None:
    place.publish(analysis={"tickets": TICKETS}, marts={**MARTS, "gone": "select 1 as a"})
    place.push()
    with psycopg.connect(place.settings.targets.postgresql.url) as con:
        con.execute(f"set search_path = {place.settings.targets.postgresql.analysis_schema}")
        con.execute("create view mine as select ticket_id, team from tickets")
    place.publish(analysis={"tickets": f"select ticket_id, team, 7 as replies from ({TICKETS})"}, marts=MARTS)
    place.push()
    assert ask(place, "select ticket_id, replies from tickets order by 1") == [("T1", 7), ("T2", 7)]
    place.publish(analysis={"tickets": f"select ticket_id, team, 'many' as replies from ({TICKETS})"}, marts=MARTS)
    place.push()
    assert ask(place, "select ticket_id, team, replies from tickets order by 1") == [
        ("T1", "billing", "many"),
        ("T2", "returns", "many"),
    ]
    assert ask(place, "select * from mine order by 1") == [("T1", "billing"), ("T2", "returns")]
    assert ask(place, "select to_regclass('gone') is null") == [(True,)]
    # A view on a column that goes is named, and the server keeps what it has.
    place.publish(analysis={"tickets": "select 'T3' as ticket_id"}, marts=MARTS)
    with pytest.raises(CxhouseError, match=r"view .*mine .*drop or change them, then run 'cxhouse push'"):
        place.push()
    assert ask(place, "select count(*) from mine") == [(2,)]


@needs_server
def test_readers_get_the_marts_and_analysts_both_and_nobody_else_anything(place: Place) -> None:
    place.publish(analysis={"tickets": TICKETS}, marts=MARTS)
    place.push()
    assert ask(place, "select kpi_id from kpis", "cx_reader") == [("csat",)]
    assert len(ask(place, "select kpi_id from kpis, tickets", "cx_analyst")) == 2
    schema = place.settings.targets.postgresql.analysis_schema
    for role, query in (("cx_reader", f"select * from {schema}.tickets"), ("cx_analyst", "delete from kpis")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(place, query, role)
    # What a later version brings is readable, too.
    place.publish(analysis={"tickets": TICKETS}, marts={**MARTS, "fresh": "select 1 as a"})
    place.push()
    assert ask(place, "select a from fresh", "cx_reader") == [(1,)]


@needs_server
def test_the_example_of_row_level_security_holds_from_version_to_version(tmp_path: Path, server: str) -> None:
    place = Place(tmp_path, Targets(postgresql=PostgreSQL(url=server)))
    tickets = {"fct_tickets": TICKETS}
    place.publish(analysis=tickets, marts=MARTS)
    place.push()
    text = (REPOSITORY / "docs" / "bi" / "postgresql" / "row_level_security.sql").read_text(encoding="utf-8")
    with psycopg.connect(server) as con:
        con.execute(text)
        con.execute("create role lead_of_billing")
        con.execute("grant cx_analyst to lead_of_billing")
        con.execute("insert into bi_access.teams values ('lead_of_billing', 'billing')")
    seen = "select ticket_id from cx_analysis.fct_tickets"
    assert ask(place, seen, "lead_of_billing") == [("T1",)]
    place.publish(analysis={"fct_tickets": f"{TICKETS} union all values ('T3', 'billing', 'A1'), ('T4', 'x', 'A1')"}, marts=MARTS)
    place.push()
    assert ask(place, f"{seen} order by 1", "lead_of_billing") == [("T1",), ("T3",)]
    # A new type of the column that the rows are chosen by: the policy holds, and nobody sees more.
    place.publish(analysis={"fct_tickets": f"select * replace (1 as team) from ({TICKETS})"}, marts=MARTS)
    with pytest.raises(CxhouseError, match="policy own_teams"):
        place.push()
    assert ask(place, f"{seen} order by 1", "lead_of_billing") == [("T1",), ("T3",)]


# -- readers and failures ----------------------------------------------------------------------------------------------


@needs_server
@pytest.mark.ci
def test_readers_see_one_version_while_others_are_loaded(place: Place) -> None:
    def version(number: int) -> None:
        rows = f"select 'T' || i as ticket_id, {number} as version from range(400) as t (i)"
        place.publish(
            analysis={"tickets": rows}, marts={"kpis": f"select 'k' as kpi_id, null::date as period_start, {number} as version"}
        )

    version(0)
    place.push()
    target, stop, seen, mixed = place.settings.targets.postgresql, threading.Event(), set(), []

    def read() -> None:
        with psycopg.connect(target.url) as con:
            con.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            while not stop.is_set():
                with con.transaction():
                    first = con.execute(f"select distinct version from {target.analysis_schema}.tickets").fetchall()
                    second = con.execute(f"select version from {target.marts_schema}.kpis").fetchall()
                seen.update(first)
                if first != second:
                    mixed.append((first, second))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 9):
        version(number)
        place.push()
    stop.set()
    for reader in readers:
        reader.join()
    assert not mixed
    assert len(seen) > 3


@needs_server
def test_a_server_that_fails_in_the_middle_shows_what_it_showed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration.targets.postgresql import Loading

    place.publish(analysis={"tickets": TICKETS}, marts=MARTS)
    place.push()
    place.publish(
        analysis={"tickets": f"select * replace ('x' as team) from ({TICKETS})"},
        marts={"kpis": "select 'nps' as kpi_id, null::date as period_start, 1 as value"},
    )
    stage = Loading.stage

    def broken(self: Loading, relation: Any) -> None:
        stage(self, relation)
        with psycopg.connect(place.settings.targets.postgresql.url) as con:
            con.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cxhouse'")

    monkeypatch.setattr(Loading, "stage", broken)
    with pytest.raises(CxhouseError, match="is published, but not everywhere: PostgreSQL"):
        place.push()
    assert behind(place.settings) == ["postgresql"]
    assert ask(place, "select kpi_id from kpis") == [("csat",)]
    monkeypatch.undo()
    place.push()
    assert behind(place.settings) == []
    assert ask(place, "select kpi_id from kpis") == [("nps",)]


def test_a_password_does_not_belong_into_a_file() -> None:
    for url in ("postgresql://me:secret@host/bi", "postgresql://host/bi?password=secret"):
        with pytest.raises(ValidationError, match="holds a password") as caught:
            PostgreSQL(url=url)
        assert "PGPASSWORD" in str(caught.value)
    with pytest.raises(ValidationError, match="no address of PostgreSQL"):
        PostgreSQL(url="mysql://host/bi")


# -- Iceberg -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def lake(tmp_path: Path) -> Place:
    pytest.importorskip("pyiceberg")
    return Place(tmp_path, Targets(iceberg=Iceberg(folder=tmp_path / "a lake")))


def catalogue(lake: Place) -> Any:
    from pyiceberg.catalog.sql import SqlCatalog

    folder = lake.settings.targets.iceberg.folder
    return SqlCatalog("cxhouse", uri=f"sqlite:///{folder / 'catalogue.sqlite'}", warehouse=f"file://{folder}")


def table_rows(lake: Place, name: str, tag: str | None = None) -> list[tuple[Any, ...]]:
    table = catalogue(lake).load_table(name)
    scan = table.scan(snapshot_id=table.snapshot_by_name(tag).snapshot_id) if tag else table.scan()
    return [tuple(row.values()) for row in scan.to_arrow().to_pylist()]


def test_a_lake_has_the_rows_of_the_version_and_a_tag_for_each(lake: Place) -> None:
    first = lake.publish(analysis={"tickets": TICKETS}, marts=MARTS)
    lake.push()
    assert table_rows(lake, "cx_analysis.tickets") == lake.rows("tickets")
    second = lake.publish(analysis={"tickets": f"{TICKETS} where team = 'billing'"}, marts=MARTS)
    assert lake.push() == [f"iceberg: version {second}, 1 of 2 tables changed"]
    assert table_rows(lake, "cx_analysis.tickets") == [("T1", "billing", "A1")]
    assert len(table_rows(lake, "cx_analysis.tickets", f"version_{first}")) == 2
    assert table_rows(lake, "cx_marts.kpis", f"version_{first}") == table_rows(lake, "cx_marts.kpis", f"version_{second}")
    assert catalogue(lake).load_namespace_properties("cx_marts")["cxhouse.version"] == second
    assert catalogue(lake).load_table("cx_marts.kpis").properties["comment"] == "Rows of kpis."


def test_rows_of_versions_that_are_not_kept_leave_the_lake(lake: Place) -> None:
    for team in ("alpha", "beta", "gamma"):
        lake.publish(analysis={"tickets": f"select 'T1' as ticket_id, '{team}' as team"}, marts=MARTS)
        lake.push()
    files = [path.read_bytes() for path in lake.settings.targets.iceberg.folder.rglob("*") if path.is_file()]
    assert not any(b"alpha" in content for content in files)
    assert any(b"beta" in content for content in files)
    assert table_rows(lake, "cx_analysis.tickets") == [("T1", "gamma")]


def test_a_table_of_a_lake_with_other_columns_is_another_table(lake: Place) -> None:
    lake.publish(analysis={"tickets": TICKETS}, marts={**MARTS, "gone": "select 1 as a"})
    lake.push()
    lake.publish(analysis={"tickets": "select 'T1' as ticket_id, ['a', 'b'] as tags"}, marts=MARTS)
    lake.push()
    assert table_rows(lake, "cx_analysis.tickets") == [("T1", ["a", "b"])]
    assert catalogue(lake).list_tables("cx_marts") == [("cx_marts", "kpis")]


# -- persons who were forgotten ----------------------------------------------------------------------------------------

ERIKA = {"tickets": "select 'T1' as ticket_id, 'key_of_erika' as customer_key"}
NOBODY = {"tickets": "select 'T1' as ticket_id, 'key_of_nobody' as customer_key"}


def forgotten(place: Place) -> None:
    """Somebody is forgotten in a home that has two versions with their key."""
    for _ in range(2):
        place.publish(analysis=ERIKA, marts=MARTS)
        place.push()
    roll = Roll(place.settings)
    roll.add([Identifier("email", "erika@example.com")])
    begin(place.settings, roll, {"request": "r1"})
    assert carry_out(place.settings)["published versions"] == 1


def proved(place: Place) -> list[str]:
    """What the proof says of the request, in its order."""
    lines = (place.settings.home / PROOF).read_text(encoding="utf-8").splitlines()
    return [name for line in lines for name in json.loads(line) if name.endswith("_at")]


def test_a_lake_holds_nobody_who_was_forgotten(lake: Place) -> None:
    folder = lake.settings.targets.iceberg.folder
    forgotten(lake)
    (first, last) = sorted(name for name in catalogue(lake).load_table("cx_analysis.tickets").refs() if name != "main")
    assert behind(lake.settings) == [], "as far as versions tell"
    assert forget_what_they_hold(lake.settings) == []
    assert behind(lake.settings) == ["iceberg"]
    bring_up_to_date(lake.settings, lambda _: None)
    tags = catalogue(lake).load_table("cx_analysis.tickets").refs().keys()
    assert (first in tags, last in tags) == (False, True)
    lake.publish(analysis=NOBODY, marts=MARTS)
    publication_done(lake.settings)
    assert proved(lake) == ["carried_out_at", "published_without_at"]
    assert holds(folder, b"key_of_erika")
    lake.push()
    assert not holds(folder, b"key_of_erika")
    assert holds(folder, b"key_of_nobody")
    assert proved(lake) == ["carried_out_at", "published_without_at", "targets_without_at"]
    lake.push(compare_all=True)
    assert len(proved(lake)) == 3, "said once"


def holds(folder: Path, text: bytes) -> bool:
    return any(text in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@needs_server
def test_a_server_that_is_down_is_not_proved_to_hold_nobody(place: Place) -> None:
    forgotten(place)
    target = place.settings.targets.postgresql
    place.publish(analysis=NOBODY, marts=MARTS)
    publication_done(place.settings)
    down = Targets(postgresql=target.model_copy(update={"url": "postgresql://cxhouse@127.0.0.1:1/bi"}))
    with pytest.raises(CxhouseError, match="not everywhere"):
        push(place.settings.model_copy(update={"targets": down}), lambda _: None)
    assert proved(place)[-1] == "published_without_at"
    assert ask(place, "select customer_key from tickets") == [("key_of_erika",)]
    bring_up_to_date(place.settings, lambda _: None)
    assert ask(place, "select customer_key from tickets") == [("key_of_nobody",)]
    assert proved(place)[-1] == "targets_without_at"
    # Nobody else would take them out of a place that the settings no longer name.
    assert forget_what_they_hold(place.settings.model_copy(update={"targets": Targets()})) == ["postgresql"]


# -- whole runs --------------------------------------------------------------------------------------------------------


@pytest.mark.ci
@needs_server
def test_every_published_table_arrives_whole(copied_home: Home, server: str, tmp_path: Path, cxhouse: Cxhouse) -> None:
    config = tmp_path / "with_targets"
    config.mkdir()
    lake = tmp_path / "lake"
    (config / "cxhouse.yml").write_text(
        f"targets:\n  postgresql: {{url: '{server}', marts_schema: whole_m, analysis_schema: whole_a, state_schema: whole_s}}\n"
        f"  iceberg: {{folder: '{lake}'}}\n"
    )
    said = cxhouse("push", "--home", copied_home.path, "--config", config).stdout
    settings = Settings(home=copied_home.path)
    published = contents(settings)
    total = len(published.tables)
    assert [line.partition(", ")[2] for line in said.splitlines()] == [f"{total} of {total} tables changed"] * 2
    place = Place(tmp_path, Targets(iceberg=Iceberg(folder=lake)))
    schemas = {"marts": "whole_m", "analysis": "whole_a"}
    namespaces = place.settings.targets.iceberg.namespaces
    with psycopg.connect(server) as con:
        for relation in published.tables:
            names = [column.name for column in relation.columns]
            ours = duckdb.sql(f"select {', '.join(map(identifier, names))} from read_parquet('{relation.parquet}')").fetchall()
            theirs = con.execute(
                f"select {', '.join(map(identifier, names))} from {schemas[relation.publication]}.{identifier(relation.name)}"
            ).fetchall()
            assert sorted(map(repr, map(_plain, ours))) == sorted(map(repr, map(_plain, theirs))), relation.name
            table = catalogue(place).load_table(f"{namespaces[relation.publication]}.{relation.name}")
            assert table.scan().count() == len(ours)


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without what Python's drivers show of the same value in two ways: zones of instants."""
    return tuple(value.timestamp() if getattr(value, "tzinfo", None) else value for value in row)


@needs_server
def test_who_is_notified_hears_of_a_server_that_is_down(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr("orchestration.targets.pushing.send", lambda settings, *text: sent.append(text))
    place.publish(analysis={"tickets": TICKETS}, marts=MARTS)
    target = place.settings.targets.postgresql
    down = Targets(postgresql=target.model_copy(update={"url": "postgresql://cxhouse@127.0.0.1:1/bi"}))
    with pytest.raises(CxhouseError):
        bring_up_to_date(place.settings.model_copy(update={"targets": down}), lambda _: None)
    ((title, body),) = sent
    assert title == "cxhouse: published, but not everywhere"
    assert "PostgreSQL: connection" in body


@needs_server
@pytest.mark.ci
def test_a_run_publishes_files_though_a_server_is_down_and_the_next_run_brings_it_up_to_date(
    copied_home: Home, server: str, cxhouse: Cxhouse
) -> None:
    config = copied_home.config / "cxhouse.yml"
    settings = config.read_text(encoding="utf-8")
    schemas = "marts_schema: run_m, analysis_schema: run_a, state_schema: run_s"
    config.write_text(f"{settings}\ntargets: {{postgresql: {{url: 'postgresql://cxhouse@127.0.0.1:1/bi', {schemas}}}}}\n")
    run = ["run", "--exports", copied_home.exports, *copied_home.options]
    before = copied_home.query("select version from publication")
    failed = cxhouse(*run, exit_code=3)
    assert "is published, but not everywhere: PostgreSQL: connection" in failed.stderr
    version = copied_home.query("select version from publication")
    assert version != before
    config.write_text(f"{settings}\ntargets: {{postgresql: {{url: '{server}', {schemas}}}}}\n")
    assert "nothing new" in cxhouse(*run).stderr
    with psycopg.connect(server) as con:
        assert con.execute("select version from run_m.publication").fetchall() == version
