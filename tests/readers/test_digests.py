"""Digests by a mail server of this machine: what is in them, and when none is sent."""

from __future__ import annotations

import email.message
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import Home
from inbox import Inbox, address, mail_server

from orchestration.configuration import check_configuration
from orchestration.core.errors import ConfigurationError
from orchestration.messages.digests import compose, digest_named, send_due
from orchestration.messages.pdf import chromium
from orchestration.published.display import format_value
from orchestration.published.marts import Marts
from orchestration.settings.digests import Digest
from orchestration.settings.model import Settings


@pytest.fixture
def mail() -> Iterator[tuple[Inbox, str]]:
    """An inbox and the address that leads to it."""
    with mail_server() as (inbox, port):
        yield inbox, address(port, "lead")


def settings_of(home: Home, tmp_path: Path, *digests: Digest) -> Settings:
    """Settings of a home that shares what is published with the sample's, and nothing else."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "published").symlink_to(home.path / "published")
    return Settings(home=tmp_path / "home", digests=list(digests))


def body(mail: email.message.EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part
    return str(part.get_content())


def test_a_digest_is_sent_once_a_period_with_the_published_numbers(
    sample_home: Home, tmp_path: Path, mail: tuple[Inbox, str]
) -> None:
    inbox, to = mail
    digest = Digest(name="Support", to=[to], kpis=["response_sla_rate", "csat"], grain="month", always=True)
    settings = settings_of(sample_home, tmp_path, digest)
    said: list[str] = []
    send_due(settings, said.append)
    assert said == ["digest sent: Support: June 2026"]
    (sent,) = inbox.mails
    assert sent["subject"] == "Support: June 2026"
    assert sent["to"] == "lead@example.org"
    ((value, n),) = sample_home.shown(
        "select value, n from kpis where kpi_id = 'response_sla_rate' and grain = 'month' and dimension = 'all' "
        "and period_start = '2026-06-01'"
    )
    row = re.search(r"<td[^>]*>Response within target</td>(.*?)</tr>", body(sent), re.DOTALL)
    assert row
    assert f"<b>{format_value(value, 'rate')}</b>" in row[1]
    assert f">{n:,}</td>" in row[1]
    send_due(settings, said.append)
    assert len(inbox.mails) == 1


def test_a_digest_is_cut_to_a_team_as_csv(sample_home: Home, tmp_path: Path, mail: tuple[Inbox, str]) -> None:
    inbox, to = mail
    digest = Digest(
        name="First line", to=[to], kpis=["first_response_time"], by="channel", where="team = 'First line'",
        grain="quarter", form="csv", always=True,
    )  # fmt: skip
    send_due(settings_of(sample_home, tmp_path, digest), lambda _: None)
    (attached,) = inbox.mails[0].iter_attachments()
    lines = str(attached.get_content()).splitlines()
    assert lines[0].startswith("kpi_id,period_start,channel,value,n,")
    assert all(line.startswith("first_response_time,2026-04-01,") for line in lines[1:])
    assert len(lines) > 2


def test_nothing_is_sent_when_nothing_is_worth_it(sample_home: Home, tmp_path: Path, mail: tuple[Inbox, str]) -> None:
    inbox, to = mail
    # A count has no target and no test: it is never worth a message by itself.
    quiet = Digest(name="Quiet", to=[to], kpis=["review_volume"], grain="month")
    settings = settings_of(sample_home, tmp_path, quiet)
    send_due(settings, lambda _: None)
    assert inbox.mails == []
    with sample_home.published() as con:
        marts = Marts(con)
        assert compose(marts, quiet).reasons == []
        misses = [kpi for (kpi,) in sample_home.shown(
            "select kpi_id from kpis where grain = 'quarter' and dimension = 'all' and period_start = '2026-04-01' "
            "and status = 'breach' order by 1"
        )]  # fmt: skip
        assert compose(marts, quiet.model_copy(update={"kpis": misses[:1], "grain": "quarter"})).reasons


def test_a_server_that_is_down_ends_no_run_and_is_tried_again(
    sample_home: Home, tmp_path: Path, mail: tuple[Inbox, str], caplog: pytest.LogCaptureFixture
) -> None:
    inbox, to = mail
    digest = Digest(name="Support", to=["mailto://127.0.0.1:1?from=a@example.org&to=b@example.org&mode=insecure"], kpis=["csat"],
                    grain="month", always=True)  # fmt: skip
    settings = settings_of(sample_home, tmp_path, digest)
    send_due(settings, lambda _: None)
    assert "digest Support was not sent" in caplog.text
    repaired = settings.model_copy(update={"digests": [digest.model_copy(update={"to": [to]})]})
    send_due(repaired, lambda _: None)
    assert len(inbox.mails) == 1


def test_a_digest_that_is_not_there_is_named(sample_home: Home, tmp_path: Path) -> None:
    settings = settings_of(sample_home, tmp_path, Digest(name="Support", to=["mailto://x"], kpis=["csat"]))
    with pytest.raises(ConfigurationError, match="did you mean 'Support'"):
        digest_named(settings, "Suport")


def test_a_digest_as_pdf(sample_home: Home, tmp_path: Path, mail: tuple[Inbox, str]) -> None:
    """Printed by Chromium: the mail holds the numbers, and the file is a page with the same text."""
    if chromium() is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    inbox, to = mail
    digest = Digest(name="Head", to=[to], kpis=["csat", "nps"], grain="quarter", form="pdf", always=True)
    send_due(settings_of(sample_home, tmp_path, digest), lambda _: None)
    (sent,) = inbox.mails
    assert "Customer satisfaction" in body(sent)
    (attached,) = sent.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_filename() == "Head 2026-04-01.pdf"
    printed = attached.get_content()
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/Type /Page\n") == 1
    assert b"/Font" in printed


def test_a_machine_without_chromium_says_so_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "exports").mkdir()
    digest = Digest(name="Head", to=["mailto://x@example.org"], kpis=["csat"], form="pdf")
    with pytest.raises(ConfigurationError, match="digests, Head: form pdf needs Chromium"):
        check_configuration(Settings(home=tmp_path / "home", digests=[digest]))
