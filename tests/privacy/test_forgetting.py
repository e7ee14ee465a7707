"""Whom a home was asked to forget leaves no trace in it, comes back with no delivery, and still counts."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from persons import EMAIL, ID, PHONE, VISITOR, plant, rows_of, traces, write

from orchestration.cli import main
from orchestration.core.errors import ConfigurationError, LimitExceededError
from orchestration.privacy import screening
from orchestration.privacy.identifiers import Identifier, normalised, read_lines
from orchestration.privacy.linking import Meant
from orchestration.privacy.person import collect
from orchestration.privacy.roll import Roll
from orchestration.privacy.sweep import PROOF, begin, carry_out, finish_requests
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.home.originals import has_original
from orchestration.pull.home.tables import put_table
from orchestration.pull.kinds import all_kinds
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull

PERSON = [
    Identifier("id", ID),
    Identifier("email", EMAIL.lower()),
    Identifier("phone", normalised("phone", PHONE) or ""),
    Identifier("visitor", VISITOR),
]


#: Kinds that name no customer.
WITHOUT_CUSTOMERS = {"agents", "agent_states", "competitors", "costs", "exchange_rates"}
#: Of a request over the planted home: renames and removals on disk, about so many.
CHANGES = 120


class Place:
    """A home that is pulled in this process."""

    def __init__(self, root: Path) -> None:
        self.exports = root / "exports"
        self.exports.mkdir(exist_ok=True)
        self.settings = Settings(exports=str(self.exports), home=root / "home", config_dir=root / "config")
        self.said: list[str] = []

    def pull(self) -> None:
        for _ in Pull(self.settings, self.said.append).kinds(lambda _, batches: [True] * len(batches)):
            pass

    def forget(self, identifiers: list[Identifier] = PERSON) -> dict[str, int]:
        roll = Roll(self.settings)
        roll.add(identifiers)
        begin(self.settings, roll, {"request": "r1"})
        return carry_out(self.settings)

    def rows(self, kind: str) -> list[dict[str, object]]:
        tables = [pq.ParquetFile(path).read() for path in sorted((self.settings.raw / kind).glob("0*.parquet"))]
        return [row for table in tables for row in table.to_pylist()]

    @property
    def traces(self) -> list[str]:
        return list(traces(self.settings.home))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has read the person in every kind."""
    root = tmp_path_factory.mktemp("planted")
    plant(root / "exports")
    Place(root).pull()
    return root


@pytest.fixture
def place(tmp_path: Path, planted: Path) -> Place:
    shutil.copytree(planted, tmp_path, dirs_exist_ok=True)
    return Place(tmp_path)


def shape(place: Place) -> dict[str, object]:
    """What of the rows may not change: how many they are, which belong together, and all that is not personal."""
    found: dict[str, object] = {}
    for kind in all_kinds().values():
        rows = place.rows(kind.name)
        personal = {
            "customer_id",
            "email",
            "phone",
            "customer_email",
            "customer_phone",
            "visitor_id",
            "user_id",
            "referred_by",
            "actor_id",
        }
        numbers: dict[object, int] = {}
        kept = []
        for row in rows:
            together = [
                row[name] and numbers.setdefault((name[-5:], row[name]), len(numbers)) for name in personal & set(kind.columns)
            ]
            others = {
                name: row[name] is None if column.type == "prose" else row[name]
                for name, column in kind.columns.items()
                if name not in personal
            }
            kept.append((sorted(map(str, together)), others))
        found[kind.name] = kept
    return found


def test_no_trace_is_left_in_any_kind_and_format(place: Place) -> None:
    before = shape(place)
    assert {trace.partition("/")[0] for trace in place.traces} >= {"landing", "raw"}
    assert all(before[kind] for kind in all_kinds()), "every kind was loaded"
    home = place.settings.home
    versions = home / "published" / "versions"
    names = ("warehouse.duckdb", "spark/tables/part", "spill/block", "docs/a.html", "dagster/history.db", "runs/page.html")
    for name in (*names, "last_run.json", "published/versions/20260101/a.html"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((b"\xff\x00" if path.suffix == ".db" else b"") + f"<b>{EMAIL}</b> {PHONE} {ID}".encode())
    (home / "published" / "current").symlink_to("versions/20260102")
    (versions / "20260102").mkdir()
    place.forget()
    assert (home / "runs" / "page.html").read_text() == "<b>[forgotten]</b> [forgotten] [forgotten]"
    assert not (home / "spark").exists()
    assert not (home / "dagster" / "history.db").exists()
    assert [path.name for path in versions.iterdir()] == ["20260102"]
    assert place.traces == []
    assert shape(place) == before
    # The other person is as before, but for the mention.
    tickets = place.rows("tickets")
    assert [row["customer_email"] for row in tickets[2:]] == ["bert@other.example"] * 2
    assert tickets[3]["text"] == "my friend is [forgotten], [forgotten]"
    assert {row["text"] for row in tickets[:2]} == {"[forgotten]"}


@pytest.mark.ci
def test_no_delivery_brings_them_back(place: Place) -> None:
    place.forget()
    before = shape(place)
    place.pull()
    assert (place.traces, shape(place)) == ([], before)
    # The same bytes under another name and time, and newer files with further rows.
    for path in list(place.exports.iterdir()):
        (place.exports / f"{path.stem}_again{path.suffix}").write_bytes(path.read_bytes())
        path.touch()
    for kind in all_kinds().values():
        newer = [{**row, **({"topic": "new"} if "topic" in row else {})} for row in rows_of(kind)]
        write(place.exports, f"{kind.name}_newer", [*newer, newer[0]])
    place.pull()
    assert place.traces == []
    old, new = (place.rows("tickets")[n]["customer_id"] for n in (0, 4))
    assert old == new
    assert str(old).startswith("forgotten-")


@pytest.mark.ci
def test_what_is_read_anew_stays_forgotten(place: Place) -> None:
    place.forget()
    before = shape(place)
    loads = {
        (load.batch, load.kind): (load.rows_read, load.rows_loaded, load.rows_quarantined)
        for load in Ledger(place.settings.ledger).loads()
    }
    place.settings = place.settings.model_copy(update={"replay": True})
    place.pull()
    assert place.traces == []
    assert shape(place) == before
    again = {
        (load.batch, load.kind): (load.rows_read, load.rows_loaded, load.rows_quarantined)
        for load in Ledger(place.settings.ledger).loads()
    }
    assert loads == again


def test_the_proof_names_nobody(place: Place) -> None:
    place.forget()
    (line,) = [json.loads(line) for line in (place.settings.home / PROOF).read_text().splitlines()]
    assert line["request"] == "r1"
    assert line["changed"]["tickets"] == 2
    assert line["changed"]["originals"] == len([kind for kind in all_kinds() if kind not in WITHOUT_CUSTOMERS])


def test_risks_go_with_the_person(place: Place) -> None:
    """What was fitted to a person, and what was said of them, is gone until the next run finds it again without them."""
    settings = place.settings
    rows = {"risk_customers": {"customer_key": "k", "risk": 0.5}, "risk_tickets": {"ticket_id": "t", "risk": 0.5}}
    for name, row in rows.items():
        put_table(pa.Table.from_pylist([row]), name, settings.raw, settings.scratch)
    settings.risks.mkdir()
    (settings.risks / "churn by purchases.json").write_text("{}")
    place.forget()
    assert not settings.risks.exists()
    assert not list(settings.raw.glob("risk_*/*.parquet"))
    place.pull()
    assert [pq.read_table(path).num_rows for path in settings.raw.glob("risk_customers/*.parquet")] == [0]


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@pytest.mark.parametrize("part", range(8))
def test_a_request_that_is_cut_short_is_finished(place: Place, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the part of its changes to the disk, and gone on with."""
    before, calls, limit = shape(place), 0, part * CHANGES // 8

    def dying(change: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            # Who is dead cleans nothing up, either.
            if calls > limit:
                raise Killed
            return change(*arguments, **options)

        return call

    with monkeypatch.context() as patched:
        for name in ("replace", "unlink", "rmdir"):
            patched.setattr(os, name, dying(getattr(os, name)))
        with pytest.raises(Killed):
            place.forget()
    if part == 0:
        # It had not been written down yet.
        place.forget()
    else:
        assert list(finish_requests(place.settings)) == ["1 request(s) that were cut short are carried out"]
    assert place.traces == []
    assert shape(place) == before
    assert not list(finish_requests(place.settings))


def test_lines_say_whom_they_mean() -> None:
    assert read_lines(["A@B.example ", "", "id:17", "phone: 0049 170 1"], None, "") == [
        [Identifier("email", "a@b.example")], [Identifier("id", "17")], [Identifier("phone", "+491701")],
    ]  # fmt: skip
    assert [one.what for one in read_lines(["0170555019"], None, "+49")[0]] == ["phone", "id"]


COMPANION = """
name: desk
kind: tickets
files: {name: "desk*.csv", columns: [Nr, Requester]}
also_reads: {people: {name: "people*.csv", columns: [Id, Mail]}}
query: |
  select file.*, people.Mail from file left join people on file.Requester = people.Id
columns:
  ticket_id: Nr
  created_at: Opened
  status: {value: open}
  customer_id: Requester
  customer_email: Mail
  subject: Subject
"""


@pytest.fixture
def desk(tmp_path: Path) -> Place:
    """Tickets whose customers are in a list beside them, rejected rows, and a file that nothing reads."""
    (tmp_path / "config" / "contracts").mkdir(parents=True)
    (tmp_path / "config" / "contracts" / "desk.yml").write_text(COMPANION)
    place = Place(tmp_path)
    people = [
        {"Id": ID, "Mail": EMAIL, "Name": "Xaveria Quillfeather"},
        {"Id": "7", "Mail": "bert@other.example", "Name": "Bert"},
    ]
    write(place.exports, "people", people, "xlsx")
    (place.exports / "people.xlsx").rename(place.exports / "people_list.xlsx")
    write(place.exports, "people", people)
    tickets = [(1, ID, "2026-05-01T10:00:00"), (2, "7", "2026-05-01T11:00:00"), (3, ID, "yesterday"), (4, "7", "soon")]
    write(place.exports, "desk", [{"Nr": str(n), "Requester": who, "Opened": at, "Subject": "hi"} for n, who, at in tickets])
    write(place.exports, "newsletter", [{"To": f"Xaveria <{EMAIL}>", "Sent": "yes"}, {"To": "bert@other.example", "Sent": "yes"}])
    place.pull()
    return place


def test_lists_beside_records_rejected_rows_and_files_that_nothing_reads(desk: Place) -> None:
    assert {row["customer_email"] for row in desk.rows("tickets")} == {EMAIL.lower(), "bert@other.example"}
    counts = desk.forget()
    assert desk.traces == []
    assert counts["rejected rows"] == 1
    # A later file still finds the others in what was kept of the list, and the person in none.
    write(desk.exports, "desk_2", [{"Nr": "5", "Requester": "7", "Opened": "2026-05-02T10:00:00", "Subject": "x"}])
    write(desk.exports, "desk_3", [{"Nr": "6", "Requester": ID, "Opened": "2026-05-02T10:00:00", "Subject": f"from {PHONE}"}])
    desk.pull()
    assert desk.traces == []
    by_ticket = {row["ticket_id"]: row for row in desk.rows("tickets")}
    assert by_ticket["5"]["customer_email"] == "bert@other.example"
    assert by_ticket["6"]["customer_id"] == by_ticket["1"]["customer_id"]
    # The contract looks at several rows at once: what it read stays, whatever becomes of the contract.
    contract = desk.settings.config_dir / "contracts" / "desk.yml"  # type: ignore[operator]
    contract.write_text(COMPANION.replace("status: {value: open}", "status: {value: solved}"))
    desk.pull()
    assert any("stay as they were read" in line for line in desk.said)
    assert {row["ticket_id"]: row["status"] for row in desk.rows("tickets")} == {
        "1": "open",
        "2": "open",
        "5": "solved",
        "6": "open",
    }


def test_a_file_that_was_held_back_is_tried_again(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write(place.exports, "tickets", rows_of(all_kinds()["tickets"]))
    for _ in Pull(place.settings, place.said.append).kinds(lambda _, batches: [False] * len(batches)):
        pass
    place.forget()
    assert place.traces == []
    place.pull()
    assert len(place.rows("tickets")) == 4
    assert place.traces == []


def test_without_its_key_a_roll_is_refused(place: Place) -> None:
    place.forget()
    (place.settings.forgotten / "key").unlink()
    with pytest.raises(ConfigurationError, match="put it back from a backup"):
        place.pull()


def test_all_that_is_held_about_a_person(place: Place) -> None:
    held = collect(place.settings, Meant(PERSON[:1], PERSON[1:], []))
    loaded = {kind: len(rows) for kind, rows in held["loaded"].items()}
    assert loaded["tickets"] == loaded["shipments"] == loaded["transcripts"] == 2
    assert set(loaded) == {kind for kind in all_kinds() if kind not in WITHOUT_CUSTOMERS}
    assert held["loaded"]["tickets"][0]["text"].startswith("Xaveria")
    cells = [row["cells"] for row in held["originals"] if row["file"] == "tickets.csv"]
    assert [row["Full name"] for row in cells] == ["Xaveria Quillfeather"] * 2
    assert "bert" not in json.dumps([held["loaded"], held["originals"]], default=str).lower()
    assert held["identifiers"]["in_earlier_versions"] == []


def test_identifiers_are_never_arguments(place: Place) -> None:
    done = CliRunner().invoke(main, ["forget", EMAIL, "--home", str(place.settings.home)])
    assert done.exit_code == 2
    assert "standard input" in done.output
    assert EMAIL not in done.output


def test_however_a_number_is_written(place: Place) -> None:
    """By their telephone alone, and with a mailbox that many share: it stays, since it joins or parts the others."""
    rows = rows_of(all_kinds()["tickets"])[2:]
    contacts = [("0049 (170) 5550199", ""), ("+49-170-5550199", "info@corp.example"), ("+49 171 1", "info@corp.example")]
    shared = [
        {**rows[0], "ticket_id": f"p{n}", "customer_id": "", "customer_phone": phone, "customer_email": mail}
        for n, (phone, mail) in enumerate(contacts)
    ]
    write(place.exports, "tickets_phones", shared)
    place.pull()
    place.forget([PERSON[2], Identifier("shared", "email:info@corp.example")])
    found = {row["ticket_id"]: row for row in place.rows("tickets")}
    first, second, third = (found[f"p{n}"] for n in range(3))
    assert first["customer_phone"] == second["customer_phone"] != third["customer_phone"]
    assert str(first["customer_phone"]).startswith("+999")
    assert second["customer_email"] == third["customer_email"] == "info@corp.example"
    assert (second["subject"], third["subject"]) == ("[forgotten]", "hello there")


@pytest.mark.ci
def test_a_text_is_searched_in_no_more_than_its_length(place: Place) -> None:
    """Hostile text: a million letters in one word, signs of addresses, digits and brackets. A tenth of it takes a tenth of the
    time; were each letter compared with all others, it would take a hundredth.
    """
    roll = Roll.of(place.settings, PERSON)

    def cost(text: str) -> float:
        started = time.process_time()
        assert roll.scrubbed(text, numbers=True) is None
        return time.process_time() - started

    for word in ("x", "@", "a@", "1", "1 ", "(0)", "#", "1:", "ä@1"):
        assert cost(word * (10**6 // len(word))) < 30 * cost(word * (10**5 // len(word))) + 0.5
    found = f"x{'y' * 10**5} {PHONE} <{EMAIL}>, +49 (0)170-555 01 99, {ID}."
    assert roll.scrubbed(found, numbers=True) == f"x{'y' * 10**5} [forgotten] <[forgotten]>, [forgotten], [forgotten]."


def test_what_nobody_can_look_through_is_not_kept(desk: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that ends the process that reads it may name anybody."""

    class Ended:
        def call(self, *_: object) -> bool:
            raise LimitExceededError("takes more memory")

    (file,) = [file for file in Ledger(desk.settings.ledger).landed() if file.file == "newsletter.csv"]
    Ledger(desk.settings.ledger).add_fatal(file.sha256, "limits", "takes more memory")
    monkeypatch.setattr(screening, "isolated", Ended)
    desk.forget()
    assert desk.traces == []
    assert not has_original(desk.settings.landing, file)
    # It comes again while it is offered, and goes again.
    desk.pull()
    assert desk.traces == []
