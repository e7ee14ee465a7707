"""The command line as a user meets it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from homes import REPOSITORY, Cxhouse, Home
from rich.console import Console

from orchestration.cli.run_output import print_run
from orchestration.core.errors import ConfigurationError
from orchestration.runs.record import RunRecord
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull


@pytest.mark.parametrize("command", ["sample", "run", "kpis", "status", "sources", "ui", "dbt", "contract-schema"])
def test_every_command_explains_itself(command: str, cxhouse: Cxhouse) -> None:
    text = cxhouse(command, "--help").stdout
    assert text.startswith("Usage:")
    assert command in cxhouse("--help").stdout


def test_help_imports_no_library_of_a_command() -> None:
    """It is what people ask for first, and what completion of a shell asks for at each key."""
    heavy = "('duckdb', 'pyarrow', 'numpy', 'pydantic', 'yaml', 'starlette', 'asyncio')"
    code = (
        "import sys\nfrom orchestration.cli import main\nmain(['--help'], standalone_mode=False)\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "[]"), done.stderr


@pytest.mark.ci
def test_the_same_files_twice_change_nothing(cxhouse: Cxhouse, copied_home: Home) -> None:
    """And a run ends with the KPIs, the loads, the gates and the place."""

    def content() -> list[tuple]:
        return copied_home.query("select * exclude (computed_at) from kpis order by all")

    before, loads = content(), copied_home.query("select * from load_ledger order by all")
    result = cxhouse("run", "--exports", copied_home.exports, *copied_home.options, "--record")
    assert content() == before
    assert copied_home.query("select * from load_ledger order by all") == loads
    assert "0 new file(s)" in result.stderr
    for text in (
        "Headline KPIs",
        "Net promoter score",
        "zendesk/tickets.csv",
        "acme_tickets",
        "model tests passed",
        "marts.duckdb",
    ):
        assert text in result.stdout


def test_kpis_as_table_json_and_csv(cxhouse: Cxhouse, sample_home: Home) -> None:
    table = cxhouse("kpis", *sample_home.options, "--kpi", "csat", "--dimension", "channel").stdout
    assert "Customer satisfaction" in table
    assert "email" in table
    rows = json.loads(cxhouse("kpis", *sample_home.options, "--kpi", "csat", "--grain", "all", "--format", "json").stdout)
    assert [row["value"] for row in rows] == [sample_home.kpi("csat")]
    text = cxhouse("kpis", *sample_home.options, "--kpi", "csat", "--kpi", "nps", "--grain", "quarter", "--format", "csv").stdout
    assert {row["kpi_id"] for row in csv.DictReader(io.StringIO(text))} == {"csat", "nps"}
    refused = cxhouse("kpis", *sample_home.options, "--kpi", "csat", "--dimension", "channel", "--grain", "day", exit_code=2)
    assert "no grain day by channel, only: all, month, quarter, week; set kpi_grains" in refused.stderr


def test_what_is_empty_is_said(cxhouse: Cxhouse, sample_home: Home, tmp_path: Path) -> None:
    """A table without a row would print nothing at all, or a heading over nothing."""
    for arguments, said in (
        (["quarantine", "--file", "nosuch.csv", *sample_home.options], "No such row is in quarantine."),
        (["quarantine", "--home", tmp_path], "No row is in quarantine."),
        (["kpis", "csat", "--from", "2030-01-01", *sample_home.options], "No KPI has a case there."),
    ):
        assert cxhouse(*arguments).stdout.strip() == said


def test_kpis_are_named_as_explain_names_them(cxhouse: Cxhouse, sample_home: Home) -> None:
    named = cxhouse("kpis", "csat", "nps", "--format", "csv", *sample_home.options).stdout
    assert named == cxhouse("kpis", "--kpi", "csat,nps", "--format", "csv", *sample_home.options).stdout
    assert {row["kpi_id"] for row in csv.DictReader(io.StringIO(named))} == {"csat", "nps"}


def test_status_and_sources(cxhouse: Cxhouse, sample_home: Home, tmp_path: Path) -> None:
    status = cxhouse("status", *sample_home.options).stdout
    assert "Last run" in status
    assert "kpis/kpis" in status
    exports = tmp_path / "exports"
    shutil.copytree(sample_home.exports, exports)
    (exports / "holiday_plan.csv").write_text("who,when\n")
    lines = cxhouse("sources", "--exports", exports, *sample_home.options).stdout
    assert "zendesk/tickets.csv -> tickets (acme_tickets)" in lines
    assert "holiday_plan.csv -> NOT CLAIMED" in lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--exports", "/nowhere"], "no exports folder at /nowhere; name one with --exports"),
        (["run", "--exports", "ftp://host/x"], "ftp:// is not read; known are s3://"),
        (["run", "--config", "/nowhere"], "no configuration folder at /nowhere"),
        (["run", "--as-of", "tomorrow"], "as-of 'tomorrow' is no date"),
        (["kpis"], "nothing is published"),
        (["status"], "no run has taken place"),
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], message: str, cxhouse: Cxhouse, tmp_path: Path) -> None:
    result = cxhouse(*arguments, exit_code=2, CXHOUSE_HOME=str(tmp_path / "home"))
    assert message in result.stderr


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("cxhouse.yml", "curency: EUR", "curency Extra inputs are not permitted"),
        ("cxhouse.yml", "reporting_timezone: Berlin", "is no IANA time zone"),
        ("cxhouse.yml", "vars: {fcr_days: 3}", "fcr_days: no such variable; there are:"),
        (
            "seeds/business_hours.csv",
            "calendar,weekday,opens_at,closes_at,timezone\noffice,1,09:00,18:00,Europe/Berln\n",
            "business_hours.csv: row 2, column timezone: 'Europe/Berln' is not an IANA time zone",
        ),
        ("seeds/targets.csv", "a\n", "no seed table of that name"),
        ("seeds/kpi_targets.csv", "kpi,target\n", "no such columns: kpi; there are: kpi_id"),
        ("cxhouse.yml", "schedule: daily", "'daily' is no cron expression of five fields"),
        ("cxhouse.yml", "vars: {fcr_window_days: -3}", "-3 is not a whole number from 1 to 365"),
        ("cxhouse.yml", "vars: {min_sample: many}", "'many' is not a whole number"),
        ("expectations/raws/orders.yml", "expectations: []", "no gate has this name"),
        (
            "expectations/raw/orders.yml",
            "expectations: [{type: expect_nonsense}]",
            "expectation 1: Great Expectations has no expect_nonsense",
        ),
        (
            "contracts/y.yml",
            "name: mine\nextends: zendesk_tickets\nfiles: {name: tickets.csv}\ncolumns: {topic: {sql: 'selec ('}}",
            "columns > topic > sql: is not SQL that DuckDB can read",
        ),
        ("contracts/x.yml", "name: mine\nkind: y\nfiles: {name: z}\ncolumns: {}", "kind 'y' is none of"),
    ],
)
def test_wrong_configuration_is_explained(
    file: str, text: str, message: str, cxhouse: Cxhouse, tmp_path: Path, sample: Path
) -> None:
    path = tmp_path / "config" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    result = cxhouse(
        "run", "--exports", sample / "exports", "--home", tmp_path / "home", "--config", tmp_path / "config", exit_code=2
    )
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "home" / "published" / "marts.duckdb").exists()


@pytest.mark.parametrize("name", ["it's home", "home [old]", "home*"])
def test_a_home_whose_path_reads_as_a_pattern(cxhouse: Cxhouse, tmp_path: Path, name: str) -> None:
    result = cxhouse("run", "--home", tmp_path / name, exit_code=2)
    assert "in its path" in result.stderr


@pytest.mark.slow
def test_files_that_cannot_be_read_or_are_not_claimed_are_reported(cxhouse: Cxhouse, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "orders.csv").write_text("order_id,order_id\n1,2\n")
    (tmp_path / "exports" / "plan.csv").write_text("a,b\n1,2\n")
    result = cxhouse("run", "--exports", tmp_path / "exports", "--home", tmp_path / "home", exit_code=2)
    assert "no row could be loaded" in result.stderr
    assert "lacks the column(s) ordered_at, status" in result.stderr
    status = cxhouse("status", "--home", tmp_path / "home").stdout
    assert "not claimed plan.csv" in status
    assert "refused orders.csv: it lacks the column(s) ordered_at, status" in " ".join(status.split())


def pulled(exports: Path, home: Path) -> Pull:
    """The first step of a run, in this process."""
    pulling = Pull(Settings(exports=str(exports), home=home), lambda _: None)
    for _ in pulling.kinds(lambda _, batches: [True] * len(batches)):
        pass
    return pulling


def test_exports_that_nothing_claims(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match="is claimed by a contract"):
        pulled(tmp_path / "exports", tmp_path / "home")


def test_names_and_values_are_no_markup(cxhouse: Cxhouse, tmp_path: Path) -> None:
    """What is in square brackets is shown as it is; a terminal's styles are ours only."""
    exports, home = tmp_path / "[bold]exports", tmp_path / "home"
    exports.mkdir()
    (exports / "[red]plan.csv").write_text("a,b\n1,2\n")
    (exports / "tickets[link].csv").write_text("ticket_id,created_at,status\nT1,[/b]soon,open\nT2,2026-06-01,open\n")
    pulling = pulled(exports, home)
    record = RunRecord("r", "2026-07-01T00:00:00+00:00", "2026-07-01 00:00:00", "published", unclaimed=pulling.unclaimed)
    record.save(home)
    console = Console(width=300, record=True)
    print_run(console, Settings(exports=str(exports), home=home), record)
    assert "tickets[link].csv" in console.export_text()
    assert "not claimed [red]plan.csv" in cxhouse("status", "--home", home, COLUMNS="300").stdout
    assert "tickets[link].csv" in cxhouse("quarantine", "--home", home, COLUMNS="300").stdout


def test_samples_are_the_same_for_the_same_seed(cxhouse: Cxhouse, tmp_path: Path) -> None:
    for name in ("a", "b"):
        cxhouse("sample", "--out", tmp_path / name, "--customers", "40", "--days", "60", "--seed", "5")
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert len(files) > 12
    for file in files:
        if file.suffix != ".gz":  # gzip writes the time of day
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_no_personal_data_is_published(sample_home: Home) -> None:
    """No e-mail address or phone number of the sample's customers is anywhere in the published file."""
    for name in ("marts.duckdb", "analysis.duckdb"):
        data = (sample_home.path / "published" / name).read_bytes()
        assert b"@example.com" not in data.lower()
        assert b"+49151" not in data
    with sample_home.published() as con:
        tables = [row[0] for row in con.execute("select table_name from duckdb_tables()").fetchall()]
        for table in tables:
            text = con.execute(f"select count(*) from {table} t where lower(cast(t as varchar)) like '%@example.com%'").fetchone()
            assert text == (0,), table
