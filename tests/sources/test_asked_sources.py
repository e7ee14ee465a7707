"""APIs and databases as sources: what changed is read, whatever servers do meanwhile, and nothing is lost on the way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from asking import Api, Reply, Request, api_server
from databases import postgresql, postgresql_programs
from landing import Home, writing
from pydantic import ValidationError

from orchestration.check.survey import survey
from orchestration.core import durable
from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.pull.home.landing import landed_path
from orchestration.pull.sources import database
from orchestration.pull.sources.api import client, streams
from orchestration.pull.sources.locations import forget_listings, sources_of
from orchestration.settings.model import Settings
from orchestration.warehouse.settled import offered_version

DESK: dict[str, Any] = {
    "name": "mydesk",
    "vendor": "Mine",
    "docs": "https://desk.example/docs",
    "address": "https://{account}.desk.example",
    "params": {"account": "its name"},
    "credentials": {"bearer": "{token}"},
    "streams": {
        "tickets": {
            "path": "/tickets",
            "query": {"since": "{since}", "size": 2},
            "records": "data",
            "next": {"page": "page", "size": 2},
            "changes": {"by": "updated_at", "order": "oldest_first", "from_last": True, "overlap": 60},
        },
        "notes": {"each": "tickets", "path": "/tickets/{id}/notes", "records": "notes"},
        "people": {"path": "/people", "records": "people"},
    },
}
TICKETS = ["tickets"]


def ticket(number: int, hour: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": number, "updated_at": f"2026-06-{number:02}T{hour:02}:00:00Z", "status": "open", **more}


class Desk:
    """A help desk of one's own."""

    def __init__(self, api: Api) -> None:
        self.tickets = [ticket(number) for number in range(1, 8)]
        self.people = [{"id": 1, "role": "agent"}]
        self.api = api
        api.routes = {"/tickets": self._list, "/tickets/": self._notes, "/people": lambda _: Reply({"people": self.people})}

    def _list(self, request: Request) -> Reply:
        found = sorted(
            (one for one in self.tickets if one["updated_at"] >= request.query["since"]), key=lambda one: one["updated_at"]
        )
        page = int(request.query["page"])
        return Reply({"data": found[(page - 1) * 2 : page * 2]})

    def _notes(self, request: Request) -> Reply:
        number = int(request.path.split("/")[2])
        return Reply(status=404) if number == 3 else Reply({"notes": [{"id": number * 10, "ticket_id": number}]})

    def asked(self, path: str = "/tickets") -> list[Request]:
        return [request for request in self.api.asked if request.path == path]


@pytest.fixture
def desk() -> Iterator[tuple[str, Desk]]:
    with api_server() as (address, api):
        yield address, Desk(api)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setenv("CXHOUSE_DESK_TOKEN", "sesame")


class AskingHome(Home):
    """A home whose source `desk` is an API or a database."""

    def __init__(self, path: Path, place: dict[str, Any], description: dict[str, Any] = DESK) -> None:
        super().__init__(path, {"desk": place})
        (path / "config" / "apis").mkdir(parents=True, exist_ok=True)
        (path / "config" / "apis" / "mydesk.yml").write_text(yaml.safe_dump(description, sort_keys=False))
        self.settings = self.settings.model_copy(update={"config_dir": path / "config"})

    def land(self) -> Any:
        with writing(self.settings.home):
            return super().land()

    def records(self, stream: str = "tickets") -> list[dict[str, Any]]:
        """All that landed of a stream, in the order of its coming."""
        files = [file for file in self.ledger.landed() if file.file.startswith(f"desk/{stream}_")]
        texts = [gzip.decompress(landed_path(self.settings.landing, file).read_bytes()) for file in files]
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def ids(self, stream: str = "tickets") -> list[int]:
        return [record["id"] for record in self.records(stream)]


def api_home(path: Path, address: str, description: dict[str, Any] = DESK, **more: Any) -> AskingHome:
    return AskingHome(path, {"kind": "api", "api": "mydesk", "at": address, **more}, description)


def changed(stream: str, **keys: Any) -> dict[str, Any]:
    return {**DESK, "streams": {**DESK["streams"], stream: {**DESK["streams"][stream], **keys}}}


# -- what changed ------------------------------------------------------------------------------------------------------


def test_later_runs_read_what_changed(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    home = api_home(tmp_path, address)
    assert home.land().new == 3
    assert home.ids() == [1, 2, 3, 4, 5, 6, 7]
    assert home.ids("notes") == [10, 20, 40, 50, 60, 70], "the third was deleted meanwhile"
    assert home.ids("people") == [1]
    vendor.api.asked.clear()
    assert home.land().new == 0
    assert [request.query["since"] for request in vendor.asked()] == ["2026-06-06T23:00:00Z"], "an hour before the newest"
    assert not vendor.asked("/tickets/7/notes")
    # A change, a new one, and one that came late within the overlap.
    vendor.tickets[0] = ticket(1) | {"updated_at": "2026-06-09T08:00:00Z", "status": "solved"}
    vendor.tickets += [ticket(8), {**ticket(9), "updated_at": "2026-06-06T23:30:00Z"}]
    vendor.people.append({"id": 2, "role": "admin"})
    assert home.land().new == 3
    assert home.ids()[7:] == [9, 8, 1]
    assert home.ids("notes")[6:] == [90, 80, 10]
    assert home.ids("people") == [1, 1, 2], "what is read whole is one file each time that it changed"
    assert not list(home.settings.asked.rglob("*.gz")), "what has landed lies once"


def test_of_another_account_nothing_is_known(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    """Else its records from before the other one's newest would never be read."""
    address, vendor = desk
    home = api_home(tmp_path, address, streams=TICKETS, params={"account": "one"})
    home.land()
    vendor.tickets = [ticket(1, status="solved")]
    other = home.settings.exports["desk"].model_copy(update={"params": {"account": "two"}})
    home.settings = home.settings.model_copy(update={"exports": {"desk": other}})
    home.land()
    assert home.ids() == [1, 2, 3, 4, 5, 6, 7, 1]


def test_a_cursor_that_ran_out_begins_again(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk

    def export(request: Request) -> Reply:
        start = int(request.query.get("cursor", "0").partition("-")[0])
        if "cursor" in request.query and not request.query["cursor"].endswith(age):
            return Reply(status=422)
        if len(vendor.asked()) == 2:
            return Reply(status=403)
        return Reply({"data": vendor.tickets[start : start + 3], "after": f"{start + 3}-{age}" if start < 4 else None})

    age = "old"
    description = changed("tickets", next={"cursor": "after", "into": "cursor"}, changes={"by": "updated_at"})
    vendor.api.routes["/tickets"] = export
    home = api_home(tmp_path, address, description, streams=TICKETS)
    with pytest.raises(CxhouseError, match="3 records are kept"):
        home.land()
    age = "new"
    home.land()
    assert home.ids() == [1, 2, 3, 4, 5, 6, 7]


def test_what_came_while_the_rest_was_down_is_asked_about_too(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    vendor.api.before = lambda request: Reply(status=403) if request.path == "/tickets/5/notes" else None
    home = api_home(tmp_path, address)
    with pytest.raises(CxhouseError, match="notes: access is denied"):
        home.land()
    vendor.tickets.append(ticket(9))
    vendor.api.before = lambda _: None
    home.land()
    assert home.ids("notes") == [10, 20, 40, 50, 60, 70, 90]
    assert home.ids() == [1, 2, 3, 4, 5, 6, 7, 9]


def test_what_is_again_as_it_was_comes_again(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    """Equal bytes are one file: what changed in between would stay."""
    address, vendor = desk
    home = api_home(tmp_path, address, streams=["people"])
    for people in ([1], [1, 2], [1]):
        vendor.people = [{"id": number} for number in people]
        assert home.land().new == 1
    assert home.ids("people") == [1, 1, 2, 1]
    assert home.land().new == 0


def test_a_run_may_begin_from_a_day_and_read_again(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    home = api_home(tmp_path, address, streams=TICKETS, since="2026-06-05")
    home.land()
    assert home.ids() == [5, 6, 7]
    home.settings = home.settings.model_copy(update={"since": date(2026, 6, 3)})
    home.land()
    assert home.ids() == [5, 6, 7, 3, 4, 5, 6, 7]
    home.settings = home.settings.model_copy(update={"since": None})
    vendor.api.asked.clear()
    assert home.land().new == 0
    assert vendor.asked()[0].query["since"] == "2026-06-06T23:00:00Z", "it goes on from the newest"


def test_the_cursor_of_a_vendor_goes_on_where_it_was(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk

    def export(request: Request) -> Reply:
        start = int(request.query.get("cursor", 0))
        part = vendor.tickets[start : start + 3]
        return Reply({"data": part, "after": str(start + len(part)), "end": start + len(part) >= len(vendor.tickets)})

    vendor.api.routes["/tickets"] = export
    description = changed("tickets", next={"cursor": "after", "into": "cursor", "end": "end"}, changes={"by": "cursor"})
    home = api_home(tmp_path, address, description, streams=TICKETS)
    home.land()
    vendor.tickets.append({**ticket(2), "status": "deleted"})
    vendor.api.asked.clear()
    assert home.land().new == 1
    assert [request.query["cursor"] for request in vendor.asked()] == ["7"]
    assert home.records()[-1]["status"] == "deleted", "a deleted record is reported as deleted"


def test_records_of_one_instant_are_not_lost_between_pages(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    vendor.tickets = [{**ticket(1), "id": number} for number in range(1, 8)] + [ticket(9), ticket(10)]
    home = api_home(tmp_path, address, streams=TICKETS)
    home.land()
    assert sorted(home.ids()) == [1, 2, 3, 4, 5, 6, 7, 9, 10]


def test_a_record_that_moves_while_pages_are_read_pushes_none_off(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    moves = iter([1, 2])

    def move(request: Request) -> None:
        if request.path == "/tickets" and len(vendor.asked()) in (2, 3):
            number = next(moves)
            vendor.tickets[number - 1] = {**vendor.tickets[number - 1], "updated_at": f"2026-06-2{number}T00:00:00Z"}

    vendor.api.before = move
    home = api_home(tmp_path, address, streams=TICKETS)
    home.land()
    assert set(home.ids()) == {1, 2, 3, 4, 5, 6, 7}


# -- servers in trouble ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("says", "waits"), [("7", 7), ("2.5", 2.5), ("soon", 0.002)])
def test_a_limit_is_waited_for_as_long_as_the_server_says(
    says: str, waits: float, tmp_path: Path, desk: tuple[str, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, vendor = desk
    waited: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waited.append)
    replies = iter([Reply(status=429, headers={"Retry-After": says}), Reply(status=503), None])
    vendor.api.before = lambda _: next(replies, None)
    home = api_home(tmp_path, address, streams=TICKETS)
    assert home.land().new == 1
    assert waited[0] == waits
    assert home.ids() == [1, 2, 3, 4, 5, 6, 7]


def test_a_server_that_wants_to_be_left_alone_for_long_is_one_for_the_next_run(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    vendor.api.before = lambda _: Reply(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(CxhouseError, match="takes no more requests for 60 minutes"):
        api_home(tmp_path, address, streams=TICKETS).land()


def test_what_breaks_off_goes_on_after_the_last_page(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    vendor.api.before = lambda request: Reply(status=400) if len(vendor.api.asked) > 2 else None
    home = api_home(tmp_path, address)
    with pytest.raises(CxhouseError, match=r"tickets: the server answered 400; 3 records are kept"):
        home.land()
    assert home.ledger.landed() == []
    # A page was half written when the process died.
    (part,) = home.settings.asked.rglob("*.part")
    part.write_bytes(part.read_bytes() + b"\x1f\x8b\x08rubbish")
    vendor.api.before = lambda request: Reply(status=500) if request.path == "/tickets/5/notes" else None
    vendor.api.asked.clear()
    with pytest.raises(CxhouseError, match=r"notes: the server answered 500; 3 records are kept"):
        home.land()
    assert vendor.asked()[0].query["since"] == "2026-06-02T23:59:59Z"
    vendor.api.before = lambda _: None
    vendor.api.asked.clear()
    home.land()
    assert home.ids() == [1, 2, 3, 4, 5, 6, 7]
    assert home.ids("notes") == [10, 20, 40, 50, 60, 70]
    assert not vendor.asked("/tickets/2/notes")


@pytest.mark.parametrize("step", ["truncate", "state", "move", "offered"])
def test_a_run_that_is_killed_loses_nothing(tmp_path: Path, desk: tuple[str, Desk], step: str, monkeypatch: Any) -> None:
    """At each write: the next run finds either what was before, or what was meant."""
    address, _ = desk
    (tmp_path / "whole").mkdir()
    clean = api_home(tmp_path / "whole", address)
    clean.land()
    home = api_home(tmp_path, address)
    write, move, compress = durable.write_text, durable.move, gzip.compress
    count = 0

    class KilledError(BaseException):
        pass

    def dying(name: str, call: Callable[..., Any], last: int) -> Callable[..., Any]:
        def made(*given: Any, **more: Any) -> Any:
            nonlocal count
            if name != step or (name in ("state", "offered") and step not in str(given[0])):
                return call(*given, **more)
            count += 1
            if count == last:
                raise KilledError
            return call(*given, **more)

        return made

    killed = 0
    for last in (1, 2, 3):
        count = 0
        monkeypatch.setattr(gzip, "compress", dying("truncate", compress, last))
        monkeypatch.setattr(durable, "move", dying("move", move, last))
        monkeypatch.setattr(durable, "write_text", dying("offered" if step == "offered" else "state", write, last))
        try:
            home.land()
        except KilledError:
            killed += 1
    assert killed > 1
    for name, call in (("move", move), ("write_text", write)):
        monkeypatch.setattr(durable, name, call)
    monkeypatch.setattr(gzip, "compress", compress)
    home.land()
    for stream in ("tickets", "notes", "people"):
        assert {json.dumps(one) for one in home.records(stream)} == {json.dumps(one) for one in clean.records(stream)}


def test_an_api_that_is_down_does_not_keep_the_others_from_landing(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "orders.csv").write_text("order_id,ordered_at,status\nO1,2026-06-01,paid\n")
    home = api_home(tmp_path, address, streams=TICKETS)
    both = Settings(home=home.settings.home, config_dir=home.settings.config_dir, exports={
        "shop": str(tmp_path / "near"), "desk": {"kind": "api", "api": "mydesk", "at": address, "streams": TICKETS},
    })  # fmt: skip
    home.settings = both
    assert home.land().new == 2
    vendor.api.before = lambda _: Reply(status=500)
    arrivals = home.land()
    assert home.pull.unreadable_sources == {"desk": "tickets: the server answered 500"}
    assert {file.file.partition("/")[0] for file in home.ledger.landed() if file.sha256 in arrivals.offered} == {"shop", "desk"}


WRONG: dict[str, tuple[Callable[[Request], Reply], str]] = {
    "refused": (lambda _: Reply(status=403), "access is denied: check the credentials in the environment"),
    "unknown": (lambda _: Reply(status=404), "the server knows no such address"),
    "moved": (lambda _: Reply(status=302, headers={"Location": "https://elsewhere.example/"}), "the server answered 302"),
    "no list": (lambda _: Reply({"rows": []}), "there is no list of records under 'data'"),
    "no instants": (lambda _: Reply({"data": [{"id": 1}]}), "no record has an instant under 'updated_at'"),
    "another order": (lambda _: Reply({"data": [ticket(2), ticket(1)]}), "not in the order oldest_first of 'updated_at'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_answers_that_are_not_as_described_are_no_empty_source(case: str, tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    vendor.api.before, text = WRONG[case]
    home = api_home(tmp_path, address, streams=TICKETS)
    with pytest.raises(CxhouseError, match="no source of exports can be read") as caught:
        home.land()
    assert text in str(caught.value)
    assert "sesame" not in str(caught.value) + "".join(home.progress)
    assert address not in str(caught.value)


def test_another_server_does_not_get_the_credentials(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    vendor.api.before = lambda _: Reply({"data": [ticket(1)], "next": "https://elsewhere.example/tickets"})
    home = api_home(tmp_path, address, changed("tickets", next={"url": "next"}), streams=TICKETS)
    with pytest.raises(CxhouseError, match="next page on another server"):
        home.land()


def test_credentials_that_are_not_there_are_named(
    tmp_path: Path, desk: tuple[str, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXHOUSE_DESK_TOKEN")
    with pytest.raises(CxhouseError, match="the environment has no CXHOUSE_DESK_TOKEN"):
        api_home(tmp_path, desk[0]).land()
    assert desk[1].api.asked == []


def test_a_first_run_says_how_long_it_will_take(tmp_path: Path, desk: tuple[str, Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    address, vendor = desk
    vendor.api.routes["/tickets"] = lambda request, listing=vendor._list: Reply({**listing(request).body, "count": 7})
    # Each page takes two minutes.
    monkeypatch.setattr(streams, "time", SimpleNamespace(monotonic=lambda: 120.0 * len(vendor.asked())))
    home = api_home(tmp_path, address, changed("tickets", total="count"), streams=TICKETS)
    home.land()
    assert home.progress[0] == "pull: desk: tickets: 2 of 7 records, about 5 min to go"


def test_requests_for_each_record_are_forecast_too(
    tmp_path: Path, desk: tuple[str, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, vendor = desk
    monkeypatch.setattr(streams, "time", SimpleNamespace(monotonic=lambda: 120.0 * len(vendor.api.asked)))
    home = api_home(tmp_path, address)
    home.land()
    assert "pull: desk: notes: 1 of 7 records, about 12 min to go" in home.progress


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (
            {"kind": "api", "api": "zendeks", "params": {"account": "a"}},
            r"no description of an API 'zendeks'; did you mean 'zendesk'",
        ),
        ({"kind": "api", "api": "zendesk"}, r"zendesk needs params \(account: "),
        ({"kind": "api", "api": "zendesk", "params": {"acount": "a"}}, r"no param 'acount'; did you mean 'account'"),
        (
            {"kind": "api", "api": "zendesk", "params": {"account": "a"}, "streams": ["ticket"]},
            r"no stream 'ticket'; did you mean",
        ),
    ],
)
def test_a_wrong_setting_is_named_before_anything_starts(place: dict[str, Any], text: str, tmp_path: Path) -> None:
    forget_listings()
    with pytest.raises(ConfigurationError, match=text):
        sources_of(Settings(home=tmp_path / "home", exports={"desk": place}))


@pytest.mark.parametrize(
    ("exports", "text"),
    [
        ({"kind": "api", "api": "zendesk"}, "needs a name"),
        ({"desk": {"kind": "api", "api": "zendesk", "at": "http://desk.example"}}, "is no https:// address"),
        ({"desk": {"kind": "api", "api": "zendesk", "token": "sesame"}}, "not permitted"),
        ({"store": {"kind": "database", "at": "postgresql://me:sesame@db/x", "tables": {"a": "b"}}}, "holds a password"),
        (
            {"store": {"kind": "database", "at": "postgresql://db/x", "tables": {"a": {"changed": "b"}}}},
            "give either table or query",
        ),
    ],
)
def test_settings_hold_no_credentials_and_no_halves(exports: Any, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        Settings(exports=exports)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"next": {"page": "page"}}, "need `size`"),
        ({"next": {"page": "page", "link": True, "size": 2}}, "give one of cursor, url, link, page, last"),
        ({"path": "/{sicne}"}, "{sicne} is none of"),
        ({"each": "people"}, "'people' is no stream above it"),
    ],
)
def test_a_wrong_description_is_named(keys: dict[str, Any], text: str, tmp_path: Path) -> None:
    home = api_home(tmp_path, "https://desk.example", changed("tickets", **keys))
    forget_listings()
    with pytest.raises(ConfigurationError, match="is no valid description of an API") as caught:
        sources_of(home.settings)
    assert text in str(caught.value)


def test_sources_shows_how_far_each_was_read_without_asking(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    address, vendor = desk
    home = api_home(tmp_path, address)
    forget_listings()
    assert list(survey(home.settings)) == [
        "desk/tickets (API of Mine): not read yet; a run reads what changed",
        "desk/notes (API of Mine): not read yet; a run asks for each changed record",
        "desk/people (API of Mine): not read yet; a run reads all of it",
    ]
    assert vendor.api.asked == []
    home.land()
    vendor.api.asked.clear()
    forget_listings()
    first = next(survey(home.settings))
    assert first.startswith("desk/tickets (API of Mine): 7 records, read at 2")
    assert first.endswith("-> NOT CLAIMED: write a contract")
    assert vendor.api.asked == []


def test_whoever_does_not_write_the_home_asks_nobody(tmp_path: Path, desk: tuple[str, Desk]) -> None:
    """A sensor looks every five minutes, and beside a run."""
    address, vendor = desk
    home = api_home(tmp_path, address)
    before = offered_version(home.settings)
    assert vendor.api.asked == []
    home.land()
    vendor.api.asked.clear()
    forget_listings()
    assert offered_version(home.settings) != before
    assert vendor.api.asked == []


# -- databases ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("psycopg")
    if postgresql_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture
def con(server: str) -> Iterator[Any]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as con:
        con.execute("drop schema if exists desk cascade; create schema desk")
        con.execute("create table desk.ticket (id bigint, status text, price numeric(20, 4), tags jsonb, updated_at timestamptz)")
        con.execute(
            "insert into desk.ticket select n, 'open', 1234567890123456.7891, '{\"a\": [1]}',"
            " timestamptz '2026-06-01 00:00+02' + n * interval '1 day' from generate_series(1, 7) as n"
        )
        yield con


def database_home(path: Path, server: str, **tables: Any) -> AskingHome:
    return AskingHome(path, {"kind": "database", "at": server, "tables": tables})


def test_of_a_table_later_runs_read_what_changed(tmp_path: Path, server: str, con: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "ROWS_TOGETHER", 2)
    home = database_home(tmp_path, server, tickets={"table": "desk.ticket", "changed": "updated_at"})
    assert home.land().new == 1
    assert home.ids() == [1, 2, 3, 4, 5, 6, 7]
    first = home.records()[0]
    assert first == {
        "id": 1,
        "status": "open",
        "price": "1234567890123456.7891",
        "tags": {"a": [1]},
        "updated_at": first["updated_at"],
    }
    assert first["updated_at"][:13] in ("2026-06-01T22", "2026-06-02T00"), "an instant keeps its offset"
    assert home.land().new == 0
    con.execute("update desk.ticket set status = 'solved', updated_at = '2026-06-09 08:00Z' where id = 1")
    con.execute("insert into desk.ticket values (8, 'new', null, null, '2026-06-07 21:30Z'), (9, 'new', null, null, null)")
    assert home.land().new == 1
    assert home.ids()[7:] == [9, 8, 1], "late within the hour before the newest, and without an instant, too"
    assert home.land().new == 0
    home.settings = home.settings.model_copy(update={"since": date(2026, 6, 7)})
    home.land()
    assert home.ids()[10:] == [9, 8, 7, 1]


def test_amounts_of_a_database_are_numbers(tmp_path: Path, server: str, con: Any) -> None:
    """As text, 19.125 and 10.000 would be thousands under a contract with a decimal comma."""
    query = "select 1 as id, 19.125::numeric(12, 3) as a, 10::numeric(12, 3) as b, 0.1::numeric as c, 7::numeric as d"
    home = database_home(tmp_path, server, amounts={"query": query})
    home.land()
    assert home.records("amounts") == [{"id": 1, "a": 19.125, "b": 10.0, "c": 0.1, "d": "7"}]


def test_a_table_is_read_by_number_a_query_by_date_and_others_whole(tmp_path: Path, server: str, con: Any) -> None:
    home = database_home(
        tmp_path,
        server,
        numbered={"table": "desk.ticket", "changed": "id"},
        dated={"query": "select id, updated_at::date as day from desk.ticket", "changed": "day"},
        whole={"query": "select id, status from desk.ticket"},
    )
    assert home.land().new == 3
    assert home.land().new == 0
    con.execute("insert into desk.ticket values (8, 'new', null, null, '2026-06-08 10:00Z')")
    assert home.land().new == 3
    assert home.ids("numbered") == [*range(1, 8), 8]
    assert home.ids("dated") == [*range(1, 8), 8]
    assert len(home.ids("whole")) == 7 + 8


def test_a_reading_that_breaks_off_goes_on(tmp_path: Path, server: str, con: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    monkeypatch.setattr(database, "ROWS_TOGETHER", 2)
    home = database_home(tmp_path, server, tickets={"table": "desk.ticket", "changed": "updated_at"})
    take, taken = database.DatabaseSource._take, []

    def breaking(*given: Any) -> None:
        taken.append(given)
        if len(taken) == 3:
            raise psycopg.OperationalError("gone")
        take(*given)

    monkeypatch.setattr(database.DatabaseSource, "_take", breaking)
    with pytest.raises(CxhouseError, match="the server does not answer"):
        home.land()
    monkeypatch.setattr(database.DatabaseSource, "_take", take)
    assert home.land().new == 1
    assert home.ids() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("desk.tickets", "there is no such table or column"),
        ({"table": "desk.ticket", "changed": "updated"}, "there is no such table or column"),
        ({"table": "desk.ticket", "changed": "status"}, "is neither an instant nor a number"),
        ({"query": "delete from desk.ticket returning *"}, "there is no such table or column, or the query is not valid"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_without_values(table: Any, text: str, tmp_path: Path, server: str, con: Any) -> None:
    with pytest.raises(CxhouseError, match=text) as caught:
        database_home(tmp_path, server, tickets=table).land()
    assert "127.0.0.1" not in str(caught.value)
    assert con.execute("select count(*) from desk.ticket").fetchone() == (7,)


def test_a_database_that_is_down_is_a_failed_source(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(CxhouseError, match="no source of exports can be read"):
        database_home(tmp_path, "postgresql://me@127.0.0.1:1/bi", tickets="ticket").land()
