"""Messages with KPIs that people get once a period: only when something is worth it, unless they want them always."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from orchestration.core import durable
from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.messages.pdf import as_pdf
from orchestration.publish.reading import open_published
from orchestration.published.display import format_interval, format_value, kpis_text, published_file
from orchestration.published.marts import Marts, period_end, period_name, period_start
from orchestration.query.asking import COMPARED, FIGURES, Question, Row, answer
from orchestration.query.change import LEVEL
from orchestration.query.explain import explain
from orchestration.settings.digests import Digest
from orchestration.settings.model import Settings

_STATE = "digests.json"
_MISSES = ("breach", "warning")
_templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True)
class Message:
    """A digest of one period, made ready; ``reasons`` say why it is worth sending, none if it is not."""

    title: str
    html: str
    csv: str
    period: date
    reasons: list[str]


def compose(marts: Marts, digest: Digest) -> Message:
    """A digest of the newest period that is over.

    Raises:
        ConfigurationError: it asks for what cannot be answered.
    """
    yesterday = marts.today - timedelta(days=1)
    start = period_start(digest.grain, yesterday)
    if period_end(digest.grain, start) > marts.today:
        start = period_start(digest.grain, start - timedelta(days=1))
    by = (digest.by,) if digest.by else ()
    rows = answer(marts, Question(tuple(digest.kpis), by, digest.where, digest.grain, start, start, "previous"))
    shown = [_shown(row, marts, digest) for row in rows]
    title = f"{digest.name}: {period_name(digest.grain, start)}"
    html = _templates.get_template("digest.html.j2").render(
        title=title, by=digest.by, where=digest.where, rows=shown, least=marts.least, version=marts.publication.version,
    )  # fmt: skip
    names = ("kpi_id", "period_start", *by, *FIGURES, *COMPARED)
    csv = kpis_text([{name: row.get(name) for name in names} for row in rows], "csv")
    return Message(title, html, csv, start, [str(row["name"]) for row in shown if row["is_worth_it"]])


def _shown(row: Row, marts: Marts, digest: Digest) -> Row:
    definition = marts.definitions[row["kpi_id"]]
    unit = definition["unit"]
    is_changed = row["p_value"] is not None and row["p_value"] < LEVEL
    why = None
    if is_changed and not digest.by and not digest.where:
        explanation = explain(marts, row["kpi_id"], digest.grain, row["period_start"])
        why = explanation.sentence if explanation else None
    member = row[digest.by] if digest.by else ""
    return {
        "name": f"{definition['label']} ({member})" if member else definition["label"],
        "value": format_value(row["value"], unit),
        "before": format_value(row["value_before"], unit),
        "target": format_value(row["target"], unit) if row["target"] is not None else "",
        "interval": format_interval(row["ci_low"], row["ci_high"], unit),
        "n": "" if row["n"] is None else f"{row['n']:,}",
        "status": row["status"].replace("_", " ") if row["status"] != "suppressed" else "too few people to show",
        "is_final": row["is_final"],
        "is_changed": is_changed,
        "why": why,
        "is_worth_it": is_changed or row["status"] in _MISSES,
    }  # fmt: skip


def send_due(settings: Settings, say: Callable[[str], None]) -> None:
    """Send the digests whose period is over and was not sent. One that cannot be sent ends no run: the next tries again."""
    sent = _sent(settings)
    for digest in settings.digests:
        try:
            with open_published(published_file(settings)) as con:
                message = compose(Marts(con), digest)
            if sent.get(digest.name) == message.period.isoformat() or not (message.reasons or digest.always):
                continue
            send(digest, message)
        except Exception as error:  # of mail servers, and of what is asked for
            reason = str(error) if isinstance(error, CxhouseError) else type(error).__name__
            logging.getLogger("cxhouse").error("digest %s was not sent: %s", digest.name, reason)
            continue
        sent[digest.name] = message.period.isoformat()
        durable.write_text(settings.home / _STATE, json.dumps(sent, indent=1))
        say(f"digest sent: {message.title}")


def send(digest: Digest, message: Message) -> None:
    """Send a digest to its recipients.

    Raises:
        CxhouseError: not every message could be sent.
    """
    import apprise

    messenger = apprise.Apprise()
    for address in digest.to:
        messenger.add(address)
    with tempfile.TemporaryDirectory() as folder:
        attached = None
        if digest.form != "html":
            file = Path(folder) / f"{digest.name.replace('/', '-')} {message.period}.{digest.form}"
            file.write_bytes(message.csv.encode() if digest.form == "csv" else as_pdf(message.html, message.title))
            attached = str(file)
        is_sent = messenger.notify(title=message.title, body=message.html, body_format="html", attach=attached)
    if not is_sent:
        raise CxhouseError("a recipient's server did not take it")


def digest_named(settings: Settings, name: str) -> Digest:
    """A digest of the settings.

    Raises:
        ConfigurationError: there is none of that name.
    """
    from orchestration.core.nearest import none_of

    for digest in settings.digests:
        if digest.name == name:
            return digest
    if not settings.digests:
        raise ConfigurationError("no digests: write some into cxhouse.yml (docs/queries.md)")
    raise ConfigurationError(none_of(name, [digest.name for digest in settings.digests], "digest "))


def _sent(settings: Settings) -> dict[str, str]:
    path = settings.home / _STATE
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
