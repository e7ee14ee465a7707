"""A wrong configuration is explained before anything is built: the file, the place, the value, and what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from homes import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestration.configuration import check_folder, known_vars
from orchestration.core.errors import ConfigurationError
from orchestration.settings.declared import kpi_dimensions, kpi_ids
from orchestration.settings.model import Settings
from orchestration.warehouse.seeds import SHIPPED, check_seeds, prepare_seeds, read_seed

HOURS = "calendar,weekday,opens_at,closes_at,timezone,valid_from,valid_to\n"
TARGETS = "kpi_id,dimension,member,target,warn_at,direction\n"
POLICIES = "marketplace,policy,rule,window_days,limit_value,comparison\n"


@pytest.mark.parametrize(
    ("seed", "text", "message"),
    [
        ("business_hours", HOURS + "office,1,09:00,18:00,Europe/Lisboa,,\n",
         "row 2, column timezone: 'Europe/Lisboa' is not an IANA time zone; such as Europe/Berlin"),
        ("business_hours", HOURS + "office,1,09:00,18:00,UTC,,\noffice,8,09:00,18:00,UTC,,\n",
         "row 3, column weekday: '8' is not one of: 1, 2, 3"),
        ("business_hours", HOURS + "office,1,9am,18:00,UTC,,\n", "row 2, column opens_at: '9am' is not a time of day"),
        ("business_hours", HOURS + "office,1,09:00,24:30,UTC,,\n", "row 2, column closes_at: '24:30' is not a time of day"),
        ("business_hours", HOURS + "office,1,09:00,18:00,,,\n", "row 2, column timezone: is empty"),
        ("business_hours", HOURS + "office,1,09:00,18:00,UTC,2026-02-30,\n",
         "row 2, column valid_from: '2026-02-30' is not a date"),
        ("business_hours", HOURS + "office,1,09:00,18:00,UTC,2026-03-01,2026-03-01\n",
         "row 2, column valid_to: '2026-03-01' is not after valid_from"),
        ("business_holidays", "calendar,holiday_on\noffice,24.12.2026\n",
         "row 2, column holiday_on: '24.12.2026' is not a date; write it as 2026-12-31"),
        ("calendar_assignments", "calendar,channel,team\na,chat,\nb,chat,\n", "row 3 repeats row 2 in channel, team"),
        ("kpi_targets", TARGETS + "frist_response_time,all,,60,,\n",
         "row 2, column kpi_id: 'frist_response_time' is not a KPI; did you mean 'first_response_time'?"),
        ("kpi_targets", TARGETS + "csat,chanel,chat,0.9,,\n", "row 2, column dimension: 'chanel' is not one of: age_bucket"),
        ("kpi_targets", TARGETS + "csat,all,,\"0,9\",,\n", "row 2, column target: '0,9' is not a number; write decimals with"),
        ("kpi_targets", TARGETS + "csat,all,,nan,,\n", "row 2, column target: 'nan' is not a number"),
        ("kpi_targets", TARGETS + "csat,all,,0.9,,upwards\n", "row 2, column direction: 'upwards' is not one of: down, up"),
        ("kpi_targets", TARGETS + "csat,all,,0.9,,\ncsat,all,,0.8,,\n", "row 3 repeats row 2 in kpi_id, dimension, member"),
        ("sla_policies", "channel,target_seconds,clock\nchat,0,calendar\n",
         "row 2, column target_seconds: '0' is not greater than zero"),
        ("sla_policies", "channel,target_seconds,clock\nchat,60,office\n", "'office' is not one of: business, calendar"),
        ("sla_targets", "policy,position,metric,target_seconds,paused_in\nmail,1,resolution,60,pending waiting\n",
         "'pending waiting' is not states of a ticket, with one blank between them, out of: new, open, pending, on_hold"),
        ("marketplace_policies", POLICIES + "amazon,Late,late_rate,30,0.1,<\n", "column rule: 'late_rate' is not one of:"),
        ("journey_map", "touchpoint,stage,export,signal_kind\nx,nowhere,orders,interaction\n",
         "row 2, column stage: 'nowhere' is not one of: awareness"),
        ("journey_stages", "position,stage,description\n1,a,\n1,b,\n", "row 3 repeats row 2 in position"),
        ("complaint_topics", "topic\ncomplaint,refund\n", "row 2 has 2 values for 1 columns"),
        ("complaint_topics", "subject\ncomplaint\n", "no such columns: subject; there are: topic"),
    ],
)  # fmt: skip
def test_a_wrong_seed_is_named_by_row_and_column(seed: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    path = tmp_path / "seeds" / f"{seed}.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        check_seeds(tmp_path)
    assert str(path) in str(raised.value)
    assert message in str(raised.value)


def test_every_problem_of_a_seed_is_listed_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "business_hours.csv").write_text(HOURS + "office,9,09:00,18:00,UTC,,\n" * 8)
    with pytest.raises(ConfigurationError, match=r"row 2, (?s:.*)row 6, (?s:.*)and 3 more"):
        check_seeds(tmp_path)


def test_the_shipped_seeds_are_right(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    for path in SHIPPED.glob("*.csv"):
        (tmp_path / "seeds" / path.name).write_bytes(path.read_bytes())
    check_seeds(tmp_path)


def test_a_seed_of_windows_with_a_part_of_the_columns(tmp_path: Path) -> None:
    """A byte-order mark, CRLF, blank lines and spaces around values are no faults."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "sla_policies.csv").write_bytes("﻿channel,target_seconds\r\n\r\n chat , 60 \r\n".encode())
    settings = Settings(home=tmp_path / "home", config_dir=tmp_path)
    check_seeds(tmp_path)
    prepare_seeds(settings)
    [(_, row)] = read_seed(settings.home / "seeds" / "sla_policies.csv").rows
    assert (row["channel"], row["target_seconds"], row["clock"]) == ("chat", "60", "")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"fcr_windows": 3}, "fcr_windows: no such variable; there are: activity_window_days, "),
        ({"currency": "CHF"}, "vars: currency: is a setting: write 'currency: CHF' at the left margin, not below vars"),
        ({"reporting_timezone": "Asia/Tokyo"}, "reporting_timezone: is a setting: write 'reporting_timezone: Asia/Tokyo' at"),
        ({"fcr_window_days": -3}, "fcr_window_days: -3 is not a whole number from 1 to 365; its default is 7"),
        ({"fcr_window_days": 1.5}, "1.5 is not a whole number"),
        ({"fcr_window_days": True}, "True is not a whole number"),
        ({"margin_rate": 30}, "margin_rate: 30 is not a number from 0 to 1"),
        ({"margin_rate": float("nan")}, "margin_rate: nan is not a number"),
        ({"min_sample": "many"}, "'many' is not a whole number"),
        ({"kpi_grains": ["day", "year"]}, "kpi_grains: ['day', 'year'] is not made of: all, day, month"),
        ({"kpi_grains": {"chanel": ["day"]}}, "(unknown: 'chanel')"),
        ({"kpi_grains": {"channel": ["day", "hour"]}}, "(unknown: 'hour')"),
        ({"kpi_grains": {"default": "day"}}, "kpi_grains: {'default': 'day'} is not made of lists of grains ('day' is none)"),
        ({"kpi_grains": "day"}, "'day' is not a list of grains, or lists by dimension"),
        ({"kpi_ids": ["nps", "npss"]}, "unknown: 'npss'"),
        ({"headline_kpis": ["npss"]}, "headline_kpis: ['npss'] is not made of"),
        ({"kpi_dimensions": "channel"}, "'channel' is not a list"),
        ({"segment_source": "guessed"}, "segment_source: 'guessed' is not made of: behaviour, listed"),
        ({"phone_country_code": "0049"}, "is not a calling code such as '+49'"),
    ],
)
def test_a_wrong_variable_is_explained(variables: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_folder(Settings(home=tmp_path, vars=variables))
    assert message in str(raised.value)


@pytest.mark.parametrize("address", ["desk.example/{ticket_id}", "https://desk.example/tickets", "javascript:{ticket_id}"])
def test_a_link_to_records_is_an_address_with_the_column(address: str) -> None:
    with pytest.raises(ValidationError, match=r"ticket_id: wanted an address with \{ticket_id\} in it"):
        Settings(record_links={"ticket_id": address})


def test_the_defaults_of_the_variables_are_right(tmp_path: Path) -> None:
    check_folder(Settings(home=tmp_path, vars=known_vars()))
    # Only what is under a key at the top is parsed: as if all were.
    models = [
        yaml.load(path.read_text(), Loader=yaml.CSafeLoader) or {}
        for path in sorted((REPOSITORY / "models" / "kpis").glob("*.yml"))
    ]
    metrics = [metric for model in models for metric in model.get("metrics", [])]
    assert {metric["name"] for metric in metrics if "kpi" in metric.get("config", {}).get("meta", {})} == set(kpi_ids())
    assert "csat" in kpi_ids()
    assert {"channel", "team", "agent"} <= set(kpi_dimensions())


@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=8), max_size=5))
def test_no_seed_breaks_the_check(tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]) -> None:
    """Whatever is in a seed: it is right, or a configuration error says what is not."""
    import csv

    folder = tmp_path_factory.mktemp("config")
    (folder / "seeds").mkdir()
    with (folder / "seeds" / "business_hours.csv").open("w", newline="", encoding="utf-8", errors="replace") as stream:
        stream.write(HOURS)
        csv.writer(stream).writerows(cells)
    try:
        check_seeds(folder)
    except ConfigurationError as error:
        assert "business_hours.csv: row" in str(error)


def test_the_configuration_is_checked_without_the_libraries_of_a_run(tmp_path: Path) -> None:
    """What a run imports takes longer than the check may."""
    script = (
        "import sys; from pathlib import Path; from orchestration.configuration import check_folder; "
        "from orchestration.settings.model import Settings; "
        "check_folder(Settings(home=Path('h'), config_dir=Path(sys.argv[1]))); "
        "print([name for name in ('dagster', 'dbt', 'great_expectations', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
