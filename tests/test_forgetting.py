"""Whom a home was asked to forget leaves no trace in it, comes back with no delivery, and still counts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from persons import EMAIL, ID, PHONE, VISITOR, plant, rows_of, traces, write

from orchestration.privacy.identifiers import Identifier, normalised, read_lines
from orchestration.privacy.roll import Roll
from orchestration.privacy.sweep import PROOF, begin, carry_out, finish_requests
from orchestration.pull.kinds import all_kinds
from orchestration.pull.ledger import Ledger
from orchestration.pull.pulling import Pull
from orchestration.settings import Settings

PERSON = [
    Identifier("id", ID),
    Identifier("email", EMAIL.lower()),
    Identifier("phone", normalised("phone", PHONE) or ""),
    Identifier("visitor", VISITOR),
]


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
    place.forget()
    assert place.traces == []
    assert shape(place) == before
    # The other person is as before, but for the mention.
    tickets = place.rows("tickets")
    assert [row["customer_email"] for row in tickets[2:]] == ["bert@other.example"] * 2
    assert tickets[3]["text"] == "my friend is [forgotten], [forgotten]"
    assert {row["text"] for row in tickets[:2]} == {"[forgotten]"}


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
    assert line["changed"]["originals"] == len([kind for kind in all_kinds() if kind not in ("costs", "competitors", "agents")])


@pytest.mark.parametrize("steps", range(1, 7))
def test_a_request_that_is_cut_short_is_finished(place: Place, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at each of its steps, then gone on with."""
    before = shape(place)
    count = 0

    def die(_: str) -> None:
        nonlocal count
        count += 1
        if count == steps:
            raise KeyboardInterrupt

    roll = Roll(place.settings)
    roll.add(PERSON)
    begin(place.settings, roll, {"request": "r1"})
    try:
        carry_out(place.settings, die)
    except KeyboardInterrupt:
        assert list(finish_requests(place.settings)) == ["1 request(s) that were cut short are carried out"]
    assert place.traces == []
    assert shape(place) == before
    assert not list(finish_requests(place.settings))


def test_lines_say_whom_they_mean() -> None:
    assert read_lines(["A@B.example ", "", "id:17", "phone: 0049 170 1"], None, "") == [
        [Identifier("email", "a@b.example")], [Identifier("id", "17")], [Identifier("phone", "+491701")],
    ]  # fmt: skip
    assert [one.what for one in read_lines(["0170555019"], None, "+49")[0]] == ["phone", "id"]
