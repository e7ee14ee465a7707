"""Alerts from version to version, by a mail server of this machine: who is notified of what, once; silence for what is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from homes import Home
from inbox import Inbox, address, mail_server

from orchestration.cli import main
from orchestration.core.errors import ConfigurationError
from orchestration.messages.alerting import groups_of, listed, send_new_alerts, snooze
from orchestration.published.marts import Marts
from orchestration.runs.alert_groups import Group
from orchestration.settings.alerting import AlertOwner
from orchestration.settings.model import Settings

#: kind, severity, subject, dimension, member, grain, value, limit
LATE = ("breach", "critical", "on_time_delivery_rate", "all", "all", "month", 0.8, 0.97)
CHAT = ("breach", "warning", "first_response_time", "channel", "chat", "month", 90.0, 60.0)
CHAT_MEDIAN = ("anomaly", "notice", "first_response_time_median", "channel", "chat", "week", 80.0, 40.0)
CALLS = ("anomaly", "notice", "call_service_level", "all", "all", "week", 0.6, 0.8)
GATE = ("gate", "warning", "journey/fct_tickets", None, None, None, None, None)
WORSE_CALLS = ("breach", "critical", *CALLS[2:])


class House:
    """A home with a published file of its own, whose alerts and day a test sets."""

    def __init__(self, folder: Path, published: Path, port: int) -> None:
        self.file = folder / "home" / "published" / "marts.duckdb"
        self.file.parent.mkdir(parents=True)
        shutil.copyfile(published, self.file)
        self.settings = Settings(
            home=folder / "home",
            notify=[address(port, "all")],
            alert_owners=[
                AlertOwner(name="Logistics", subjects=["on_time_*"], to=[address(port, "logistics")]),
                AlertOwner(name="Chat", members=["channel=chat"]),
            ],
        )

    def publish(self, day: str, *alerts: tuple[Any, ...]) -> list[Group]:
        """A version of 00:00 of a day (in Berlin) with these alerts alone; what was worth sending."""
        with duckdb.connect(str(self.file)) as con:
            con.execute("update publication set as_of = cast(? as timestamp) - interval 2 hour", [day])
            con.execute("delete from alerts")
            for number, (kind, severity, subject, dimension, member, grain, value, limit) in enumerate(alerts):
                con.execute(
                    "insert into alerts by name select ? as alert_id, ? as kind, ? as severity, ? as subject, ? as message, "
                    "? as grain, date '2026-06-01' as period_start, ? as dimension, ? as member, "
                    "timestamp '2026-06-28 22:00:00' as raised_at, ? as value, ? as limit_value",
                    [f"{number}", kind, severity, subject, "misses its target", grain, dimension, member, value, limit],
                )
        return send_new_alerts(self.settings)


@pytest.fixture
def house(tmp_path: Path, sample_home: Home) -> Iterator[tuple[House, Inbox]]:
    with mail_server() as (inbox, port):
        yield House(tmp_path, sample_home.path / "published" / "marts.duckdb", port), inbox


def text(inbox: Inbox, name: str) -> str:
    """All that somebody got, and the inbox is empty."""
    found = []
    for mail in inbox.to(name):
        part = mail.get_body(("plain", "html"))
        assert part
        found.append(f"{mail['subject']}\n{part.get_content()}")
    return "\n".join(found)


def states(groups: list[Group]) -> dict[str, str]:
    return {group.key: group.state for group in groups}


def test_each_owner_is_notified_once_of_what_is_new_worse_and_resolved(house: tuple[House, Inbox]) -> None:
    home, inbox = house
    sent = home.publish("2026-07-01", LATE, CHAT, CHAT_MEDIAN, CALLS, GATE)
    # Two statistics of one measure are one group.
    assert states(sent) == dict.fromkeys(
        ["on_time_delivery_rate", "first_response_time, channel chat", "call_service_level", "journey/fct_tickets"], "new"
    )
    assert {group.key: group.owner for group in sent} == {
        "on_time_delivery_rate": "Logistics", "first_response_time, channel chat": "Chat", "call_service_level": "",
        "journey/fct_tickets": "",
    }  # fmt: skip
    assert len(inbox.to("logistics")) == 1
    assert "cxhouse alerts: 1 new" in text(inbox, "logistics")
    assert "On-time delivery rate misses its target: 80 % in June 2026, limit 97 %" in text(inbox, "logistics")
    # Why: from the published numbers of the month.
    assert "Mostly country FR" in text(inbox, "logistics")
    assert len(inbox.to("all")) == 1
    assert "cxhouse alerts: 3 new" in text(inbox, "all")
    assert "On-time" not in text(inbox, "all")
    assert "(Chat): First response time (channel chat) misses its target: 1:30 min in June 2026, limit 1:00 min" in text(
        inbox, "all"
    )

    inbox.mails.clear()
    assert home.publish("2026-07-02", LATE, CHAT, CALLS, GATE) == []
    assert inbox.mails == [], "nothing is new"
    assert set(states(listed(home.settings)[0]).values()) == {"going on"}

    sent = home.publish("2026-07-03", CHAT, WORSE_CALLS, GATE)
    assert states(sent) == {"on_time_delivery_rate": "resolved", "call_service_level": "worse"}
    assert "cxhouse alerts: 1 worse" in text(inbox, "all")
    assert "1 resolved" in text(inbox, "logistics")

    inbox.mails.clear()
    assert home.publish("2026-07-04", CHAT, WORSE_CALLS, GATE) == []
    assert inbox.mails == []
    assert states(listed(home.settings)[0])["on_time_delivery_rate"] == "resolved"
    assert states(home.publish("2026-07-05", LATE, CHAT, WORSE_CALLS, GATE)) == {"on_time_delivery_rate": "new"}


def test_what_is_snoozed_is_silent_until_its_day_or_until_it_is_worse(house: tuple[House, Inbox]) -> None:
    home, inbox = house
    home.publish("2026-07-01", LATE, CALLS)
    inbox.mails.clear()
    runner = CliRunner()
    options = ["--home", str(home.settings.home)]
    said = runner.invoke(main, ["alerts", "snooze", "on_time_delivery_rate", "--days", "3", *options])
    assert said.exit_code == 0, said.output
    assert "silent until 2026-07-04" in said.output
    snooze(home.settings, "call_service_level", date(2026, 7, 30))
    shown = runner.invoke(main, ["alerts", *options])
    assert "new, silent until 2026-07-04" in shown.output
    # What is worse is sent all the same; what is over by then is not.
    assert states(home.publish("2026-07-02", LATE, WORSE_CALLS)) == {"call_service_level": "worse"}
    assert home.publish("2026-07-03", LATE) == []
    assert states(home.publish("2026-07-04", LATE)) == {"on_time_delivery_rate": "going on"}
    assert "1 going on" in text(inbox, "logistics")
    assert home.publish("2026-07-05", LATE) == [], "sent once"
    with pytest.raises(ConfigurationError, match="did you mean 'on_time_delivery_rate'"):
        snooze(home.settings, "on_time_delivery", date(2026, 8, 1))
    ended = runner.invoke(main, ["alerts", "snooze", "on_time_delivery_rate", "--until", "2026-07-05", *options])
    assert ended.exit_code == 2, ended.output
    snooze(home.settings, "on_time_delivery_rate", date(2026, 8, 1))
    assert runner.invoke(main, ["alerts", "wake", "on_time_delivery_rate", *options]).exit_code == 0
    found = json.loads(runner.invoke(main, ["alerts", "--format", "json", *options]).output)
    first = found[0]
    assert (first["key"], first["state"], first["snoozed_until"]) == (
        "on_time_delivery_rate", "going on", None,
    )  # fmt: skip


def test_nothing_is_sent_when_nothing_is_worth_it(house: tuple[House, Inbox]) -> None:
    home, inbox = house
    assert home.publish("2026-07-01") == []
    assert inbox.mails == []
    assert listed(home.settings)[0] == []


def test_an_owner_needs_subjects_or_members() -> None:
    with pytest.raises(ValueError, match="name subjects or members"):
        AlertOwner(name="Nobody")


def test_owners_by_subject_and_member(sample_home: Home) -> None:
    """Both given: of these subjects in these members. The first that fits owns."""
    both = AlertOwner(name="Both", subjects=["csat"], members=["channel=chat"])
    rest = AlertOwner(name="Rest", subjects=["*"])
    with sample_home.published() as con:
        for group in groups_of(Marts(con), [both, rest]):
            assert group.owner == "Rest"


def test_what_is_over_is_forgotten_after_a_month(house: tuple[House, Inbox]) -> None:
    home, _ = house
    home.publish("2026-07-01", LATE)
    assert states(home.publish("2026-07-02")) == {"on_time_delivery_rate": "resolved"}
    for day in ("2026-07-20", "2026-08-01"):
        assert home.publish(day) == []
        assert states(listed(home.settings)[0]) == {"on_time_delivery_rate": "resolved"}
    home.publish("2026-08-02")
    assert listed(home.settings)[0] == []
