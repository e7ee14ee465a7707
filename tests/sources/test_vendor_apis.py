"""Each vendor's API, as its documentation says that it pages and filters: what lands is read by the shipped contract.

The records are those of `tests/contracts/vendors/`, whose canonical rows were worked out by hand.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from asking import Api, Reply, Request, api_server
from databases import postgresql, postgresql_programs
from homes import REPOSITORY
from landing import Home, writing
from reading import canonicalise, read
from vendor_cases import ALL_PARAMS, CASES, CONTRACTS, VENDORS, Case, as_texts

from orchestration.pull.contracts.claiming import claims
from orchestration.pull.contracts.library import load_contracts
from orchestration.pull.files.readers import read_header
from orchestration.pull.home.landing import landed_path
from orchestration.pull.jobs import options_of
from orchestration.pull.rows.sorting import Origin
from orchestration.pull.sources.api import client
from orchestration.pull.sources.api.description import SHIPPED, read_description

SECRET = "sesame"
#: Pages of two, so that small fixtures have several.
SIZE = 2


def records(path: str) -> list[dict[str, Any]]:
    """The records of a fixture, without what is around them."""
    found = json.loads((VENDORS / path).read_text())
    return found if isinstance(found, list) else next(value for value in found.values() if isinstance(value, list) and value)


def instant(value: Any) -> datetime:
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC)
    made = datetime.fromisoformat(value)
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def pages_by_number(
    all_of: list[dict[str, Any]], by: str, since: str, key: str | None, page_size: str, oldest: bool = True
) -> Any:
    """A list that takes `page` and a size, filtered by a parameter."""

    def answer(request: Request) -> Reply:
        stated = request.query.get(since)
        begin = instant(int(stated) if stated and stated.isdecimal() else stated) if stated else instant(0)
        found = sorted((one for one in all_of if instant(one[by]) >= begin), key=lambda one: instant(one[by]), reverse=not oldest)
        size, page = int(request.query[page_size]), int(request.query["page"])
        part = found[(page - 1) * size : page * size]
        return Reply({key: part, "meta": {"total": len(found)}} if key else part, headers={"X-WP-Total": str(len(found))})

    return answer


def pages_by_url(all_of: list[dict[str, Any]], key: str) -> Any:
    """A list whose answer holds the address of the next page, as Zendesk's cursor pagination does."""

    def answer(request: Request) -> Reply:
        start = int(request.query.get("page[after]", 0))
        more = start + SIZE < len(all_of)
        link = f"{request.address}{request.path}?page%5Bafter%5D={start + SIZE}" if more else None
        return Reply({key: all_of[start : start + SIZE], "meta": {"has_more": more}, "links": {"next": link}})

    return answer


def pages_by_cursor(all_of: list[dict[str, Any]], key: str, where: str) -> Any:
    """A list, newest first, whose answer holds a cursor."""

    def answer(request: Request) -> Reply:
        start = int(request.query.get("cursor", 0))
        following = str(start + SIZE) if start + SIZE < len(all_of) else None
        return Reply({key: all_of[start : start + SIZE], where: {"next_cursor": following}})

    return answer


def _zendesk(api: Api) -> None:
    tickets = records("zendesk_api_tickets/tickets_page_1.json")
    audits = records("zendesk_api_audits/audits.json")
    # Each audit's ticket is one of those that changed.
    missing = {audit["ticket_id"] for audit in audits} - {ticket["id"] for ticket in tickets}
    tickets = [*tickets, *({**tickets[0], "id": ticket} for ticket in sorted(missing))]

    def incremental(request: Request) -> Reply:
        start = int(request.query.get("cursor") or 0)
        assert request.query["include"] == "metric_sets"
        assert "start_time" in request.query
        part = tickets[start : start + SIZE]
        end = start + len(part)
        return Reply({"tickets": part, "after_cursor": str(end), "after_url": None, "end_of_stream": end >= len(tickets)})

    def of_ticket(request: Request) -> Reply:
        ticket = int(request.path.split("/")[4])
        return pages_by_url([audit for audit in audits if audit["ticket_id"] == ticket], "audits")(request)

    api.routes["/api/v2/incremental/tickets/cursor.json"] = incremental
    api.routes["/api/v2/tickets/"] = of_ticket
    api.routes["/api/v2/users.json"] = pages_by_url(records("zendesk_api_audits/users.json"), "users")
    ratings = records("zendesk_api_satisfaction_surveys/satisfaction_ratings.json")
    api.routes["/api/v2/satisfaction_ratings.json"] = pages_by_url(ratings, "satisfaction_ratings")


def _freshdesk(api: Api) -> None:
    deleted = [{k: v for k, v in one.items() if k != "deleted"} for one in records("freshdesk_api_tickets/deleted_tickets.json")]
    alive = pages_by_number(records("freshdesk_api_tickets/tickets.json"), "updated_at", "updated_since", None, "per_page")
    gone = pages_by_number(deleted, "updated_at", "updated_since", None, "per_page")
    api.routes["/api/v2/tickets"] = lambda request: (gone if request.query.get("filter") == "deleted" else alive)(request)
    talks = records("freshdesk_api_conversations/conversations.json")

    def conversations(request: Request) -> Reply:
        page, size = int(request.query["page"]), int(request.query["per_page"])
        of_ticket = [one for one in talks if str(one["ticket_id"]) == request.path.split("/")[4]]
        return Reply(of_ticket[(page - 1) * size : page * size])

    api.routes["/api/v2/tickets/"] = conversations
    ratings = records("freshdesk_api_satisfaction/survey_satisfaction.json")
    api.routes["/api/v2/surveys/satisfaction_ratings"] = pages_by_number(ratings, "created_at", "created_since", None, "per_page")


def _intercom(api: Api) -> None:
    found = records("intercom_conversations/conversations.json")
    whole = {str(one["id"]): one for one in _lines("intercom_conversation_parts")}
    # The list does not hold the parts.
    found += [{key: value for key, value in one.items() if key != "conversation_parts"} for one in whole.values()]

    def search(request: Request) -> Reply:
        asked = request.body["query"]
        assert (asked["field"], asked["operator"]) == ("updated_at", ">")
        start = int(request.body["pagination"].get("starting_after", 0))
        more = start + SIZE < len(found)
        following = {"next": {"starting_after": str(start + SIZE)}} if more else {}
        return Reply({"type": "conversation.list", "total_count": len(found), "conversations": found[start : start + SIZE],
                      "pages": {"type": "pages", **following}})  # fmt: skip

    api.routes["/conversations/search"] = search
    api.routes["/conversations/"] = lambda request: (
        Reply(whole[request.path.split("/")[2]]) if request.path.split("/")[2] in whole else Reply(status=404)
    )


def _gorgias(api: Api) -> None:
    newest = {"tickets": "updated_datetime", "messages": "created_datetime", "satisfaction-surveys": "created_datetime"}
    files = {
        "tickets": "gorgias_tickets",
        "messages": "gorgias_messages",
        "satisfaction-surveys": "gorgias_satisfaction_surveys",
    }
    for name, by in newest.items():
        file = next((VENDORS / files[name]).glob("[!e]*.json"))
        found = sorted(records(f"{files[name]}/{file.name}"), key=lambda one, by=by: one[by], reverse=True)
        api.routes[f"/api/{name}"] = pages_by_cursor(found, "data", "meta")


def _hubspot(api: Api) -> None:
    found = records("hubspot_api_tickets/tickets.json")

    def search(request: Request) -> Reply:
        (one,) = request.body["filterGroups"][0]["filters"]
        assert (one["propertyName"], one["operator"]) == ("hs_lastmodifieddate", "GTE")
        assert request.body["sorts"] == [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}]
        start, size = int(request.body.get("after", 0)), request.body["limit"]
        fitting = [record for record in found if instant(record["updatedAt"]).timestamp() * 1000 >= one["value"]]
        more = {"paging": {"next": {"after": str(start + size)}}} if start + size < len(fitting) else {}
        return Reply({"total": len(fitting), "results": fitting[start : start + size], **more})

    api.routes["/crm/v3/objects/tickets/search"] = search
    api.routes["/crm/v3/objects/tickets"] = lambda request: (
        Reply({"results": records("hubspot_api_tickets/archived_tickets.json")})
        if request.query["archived"] == "true" and "hs_pipeline_stage" in request.query["properties"]
        else Reply(status=400)
    )
    api.routes["/crm/v3/pipelines/tickets"] = lambda _: Reply({"results": records("hubspot_api_tickets/pipelines.json")})


def _shopify(api: Api) -> None:
    found = records("shopify_api_orders/orders.json")

    def orders(request: Request) -> Reply:
        start = int(request.query.get("page_info", 0))
        # With page_info Shopify takes no other filter.
        assert start or request.query["status"] == "any"
        link = f'<{request.address}{request.path}?limit={SIZE}&page_info={start + SIZE}>; rel="next"'
        return Reply({"orders": found[start : start + SIZE]}, headers={"Link": link} if start + SIZE < len(found) else {})

    api.routes["/admin/api/2026-07/orders.json"] = orders


def _woocommerce(api: Api) -> None:
    found = records("woocommerce_orders/orders.json")
    alive = [one for one in found if one["status"] != "trash"]
    trash = [one for one in found if one["status"] == "trash"]
    lists = {
        name: pages_by_number(part, "date_modified_gmt", "modified_after", None, "per_page")
        for name, part in (("any", alive), ("trash", trash))
    }
    api.routes["/wp-json/wc/v3/orders"] = lambda request: lists[request.query.get("status", "any")](request)


def _aircall(api: Api) -> None:
    api.routes["/v1/calls"] = pages_by_number(records("aircall_calls/calls.json"), "started_at", "from", "calls", "per_page")


def _twilio(api: Api) -> None:
    found = records("twilio_calls/calls.json")

    def calls(request: Request) -> Reply:
        start = int(request.query.get("Page", 0)) * SIZE
        following = f"{request.path}?Page={start // SIZE + 1}&PageSize={SIZE}" if start + SIZE < len(found) else None
        return Reply({"calls": found[start : start + SIZE], "next_page_uri": following, "page_size": SIZE})

    api.routes["/2010-04-01/Accounts/AC1/Calls.json"] = calls


def _trustpilot(api: Api) -> None:
    reviews = pages_by_number(
        records("trustpilot_api_reviews/reviews.json"), "createdAt", "none", "reviews", "perPage", oldest=False
    )

    def token(request: Request) -> Reply:
        assert request.body == "grant_type=client_credentials"
        return Reply({"access_token": "for a while"}) if request.user() == f"{SECRET}:{SECRET}" else Reply(status=401)

    api.routes["/v1/oauth/oauth-business-users-for-applications/accesstoken"] = token
    api.routes["/v1/private/business-units/507f/reviews"] = lambda request: (
        reviews(request) if request.headers["Authorization"] == "Bearer for a while" else Reply(status=401)
    )


def _typeform(api: Api) -> None:
    found = records("typeform_api_responses/responses.json")

    def responses(request: Request) -> Reply:
        tokens = [one["token"] for one in found]
        start = tokens.index(request.query["before"]) + 1 if "before" in request.query else 0
        return Reply(
            {"total_items": len(found), "page_count": 1, "items": found[start : start + int(request.query["page_size"])]}
        )

    api.routes["/forms/abc/responses"] = responses


def _lines(contract: str) -> list[dict[str, Any]]:
    """The records of a fixture that holds them in any form."""
    file = next(path for path in sorted((VENDORS / contract).iterdir()) if path.name != "expected.json")
    text = file.read_text()
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return found if isinstance(found, list) else [found]


USER = {"user": SECRET, "token": SECRET}
#: vendor: its server, params, credentials as sent, and the contracts that read what lands.
APIS: dict[str, tuple[Callable[[Api], None], dict[str, str], str, list[str]]] = {
    "zendesk": (_zendesk, {"account": "acme"}, f"{SECRET}/token:{SECRET}", [
        "zendesk_api_tickets", "zendesk_api_audits",
        "zendesk_api_satisfaction_surveys", "zendesk_api_satisfaction_survey_invitations",
    ]),
    "freshdesk": (_freshdesk, {"account": "acme"}, f"{SECRET}:X", [
        "freshdesk_api_tickets", "freshdesk_api_conversations", "freshdesk_api_satisfaction",
    ]),
    "intercom": (_intercom, {}, f"Bearer {SECRET}", ["intercom_conversations", "intercom_conversation_parts"]),
    "gorgias": (_gorgias, {"account": "acme"}, f"{SECRET}:{SECRET}", [
        "gorgias_tickets", "gorgias_messages", "gorgias_satisfaction_surveys", "gorgias_satisfaction_survey_invitations",
    ]),
    "hubspot": (_hubspot, {}, f"Bearer {SECRET}", ["hubspot_api_tickets"]),
    "shopify": (_shopify, {"account": "acme"}, SECRET, ["shopify_api_orders", "shopify_api_order_items"]),
    "woocommerce": (_woocommerce, {"shop": "acme.example"}, f"{SECRET}:{SECRET}", [
        "woocommerce_orders", "woocommerce_order_items",
    ]),
    "aircall": (_aircall, {}, f"{SECRET}:{SECRET}", ["aircall_calls"]),
    "twilio": (_twilio, {"account": "AC1"}, f"{SECRET}:{SECRET}", ["twilio_calls"]),
    "trustpilot": (_trustpilot, {"business_unit": "507f"}, "Bearer for a while", ["trustpilot_api_reviews"]),
    "typeform": (_typeform, {"form": "abc"}, f"Bearer {SECRET}", ["typeform_api_responses"]),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages, no pauses, and the credentials where they belong."""
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(client.Client, "_pace", lambda *_: None)
    for name in ("USER", "TOKEN", "KEY", "SECRET"):
        monkeypatch.setenv(f"CXHOUSE_DESK_{name}", SECRET)


@pytest.fixture
def server() -> Iterator[tuple[str, Api]]:
    with api_server() as (address, api):
        yield address, api


def small(vendor: str, config: Path) -> None:
    """The vendor's description with pages of two."""
    (config / "apis").mkdir(parents=True)
    text = (SHIPPED / f"{vendor}.yml").read_text()
    for size in ("1000", "100", "50", "150", "250"):
        for name in ("per_page", "size", "limit", "page_size", "perPage", "PageSize"):
            text = text.replace(f"{name}: {size}}}", f"{name}: {SIZE}}}").replace(f"{name}: {size},", f"{name}: {SIZE},")
            text = text.replace(f"{name}: {size}\n", f"{name}: {SIZE}\n")
    (config / "apis" / f"{vendor}.yml").write_text(text)


class ApiHome(Home):
    """A home that lands what an API or a database tells."""

    def __init__(self, path: Path, place: dict[str, Any]) -> None:
        super().__init__(path, {"desk": place})
        self.settings = self.settings.model_copy(update={"config_dir": path / "config"})

    def land(self) -> Any:
        with writing(self.settings.home):
            return super().land()

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Canonical rows of all that landed, by stream and contract, as a pull finds the contracts."""
        contracts = load_contracts(None, ALL_PARAMS)
        files = [(file, landed_path(self.settings.landing, file)) for file in self.ledger.landed()]
        found: dict[str, list[dict[str, Any]]] = {}
        for file, path in files:
            stream = file.file.removeprefix("desk/").rsplit("_", 2)[0]
            header = read_header(path, file.file)
            for contract in claims(file.file, header, contracts):
                along = {
                    name: read(beside, other.file, options_of(other_spec))
                    for name, other_spec in contract.also_reads.items()
                    for other, beside in files
                    if other_spec.claims(other.file, other.header)
                }
                content = read(path, file.file, options_of(contract))
                made = canonicalise(content, contract, Origin("desk", file.file, 1, contract.name), along)
                found.setdefault(f"{stream}/{contract.name}", []).extend(as_texts(row) for row in made.loaded.to_pylist())
        return found


def expected(contract: str) -> list[dict[str, Any]]:
    """Rows worked out by hand, of those fixtures that are the API's form."""
    cases: list[Case] = [case for case in CASES if case.contract == contract and "airbyte" not in case.file]
    return [{name: value for name, value in row.items() if name != "_why"} for case in cases for row in case.rows]


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))


def test_every_shipped_api_has_a_server_that_speaks_it() -> None:
    assert {path.stem for path in SHIPPED.glob("*.yml")} == set(APIS)
    for path in SHIPPED.glob("*.yml"):
        description = read_description(path)
        assert description.docs.startswith("https://")
        assert description.address.startswith("https://")


@pytest.mark.parametrize("vendor", APIS)
def test_what_an_api_tells_is_read_by_the_shipped_contracts(vendor: str, tmp_path: Path, server: tuple[str, Api]) -> None:
    address, api = server
    speak, params, sent, contracts = APIS[vendor]
    speak(api)
    small(vendor, tmp_path / "config")
    home = ApiHome(tmp_path, {"kind": "api", "api": vendor, "at": address, "params": params})
    assert home.land().new > 0
    assert home.pull.unreadable_sources == {}
    rows = home.rows()
    for contract in contracts:
        wanted = expected(contract)
        # A conversation by itself is read as a ticket, too.
        streams = [name for name in rows if name.endswith(f"/{contract}") and name != "conversation_parts/intercom_conversations"]
        got = [row for name in streams for row in rows[name]]
        if CONTRACTS[contract].kind == "tickets":
            # Some were added, so that each audit or part has a ticket.
            ids = {row["ticket_id"] for row in wanted}
            got = [row for row in got if row["ticket_id"] in ids]
        assert in_order(got) == in_order(wanted), contract
    # Who asked, every time.
    for request in api.asked:
        if "oauth" not in request.path:
            given = request.headers.get("Authorization") or request.headers["X-Shopify-Access-Token"]
            assert sent in (given, request.user() if given.startswith("Basic") else given)
    assert SECRET not in "".join(home.progress)
    everything = b"".join(path.read_bytes() for path in home.settings.asked.rglob("*") if path.is_file())
    assert SECRET.encode() not in everything
    # The second run asks for what is new, and finds nothing.
    assert home.land().new == 0


# -- tables that a connector filled --------------------------------------------------------------------------------------

#: table: the contract whose fixture it holds, and the one that reads it as it lands.
TABLES = {
    "ticket": ("zendesk_fivetran_tickets", "zendesk_fivetran_tickets"),
    "user_": ("zendesk_fivetran_field_history", None),
    "ticket_comment": ("zendesk_fivetran_comments", "zendesk_fivetran_comments"),
    "order_": ("shopify_fivetran_orders", "shopify_fivetran_orders"),
    "order_line": ("shopify_fivetran_order_items", "shopify_fivetran_order_items"),
    # Columns of JSON land as nested values: as the API gives them.
    "airbyte_tickets": ("zendesk_airbyte_tickets", "zendesk_api_tickets"),
    "airbyte_orders": ("shopify_api_orders", "shopify_api_orders"),
}
_FILES = {"user_": "user.csv", "order_": "order.ndjson", "airbyte_orders": "airbyte_orders.ndjson"}


def _fixture(name: str) -> Path:
    folder = VENDORS / TABLES[name][0]
    return folder / _FILES[name] if name in _FILES else next(folder.glob("[!e]*.*"))


def _table(con: Any, name: str, rows: list[dict[str, Any]]) -> None:
    """A table with the types that a connector gives its columns."""

    def type_of(column: str) -> str:
        values = [row[column] for row in rows if row[column] not in (None, "")]
        if name.startswith("airbyte") and any(isinstance(value, dict | list) or str(value)[0] in "{[" for value in values):
            return "jsonb"
        if column.endswith(("_at", "_synced")) and values:
            return "timestamptz" if any(re.search(r"Z$|[+-]\d\d(:\d\d)?$", str(value)) for value in values) else "timestamp"
        if values and all(str(value).lower() in ("true", "false") for value in values):
            return "boolean"
        if values and all(str(value).lstrip("-").isdecimal() and len(str(value)) < 18 for value in values):
            return "bigint"
        return "text"

    types = {column: type_of(column) for column in rows[0]}
    columns = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
    con.execute(f"create table desk.{name} ({columns})")
    for row in rows:
        values = [
            None
            if row[column] in (None, "")
            else json.dumps(row[column])
            if isinstance(row[column], dict | list)
            else row[column]
            if kind == "jsonb"
            else str(row[column])
            for column, kind in types.items()
        ]
        con.execute(f"insert into desk.{name} values ({', '.join(f'%s::{kind}' for kind in types.values())})", values)


def _rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_tables_that_a_connector_filled_are_read_by_the_shipped_contracts(tmp_path: Path) -> None:
    psycopg = pytest.importorskip("psycopg")
    if postgresql_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    (tmp_path / "server").mkdir()
    with postgresql(tmp_path / "server") as address, psycopg.connect(address, autocommit=True) as con:
        con.execute("create schema desk")
        for name in TABLES:
            _table(con, name, _rows_of(_fixture(name)))
        tables = {name: {"table": f"desk.{name}"} for name in TABLES}
        home = ApiHome(tmp_path, {"kind": "database", "at": address, "tables": tables})
        assert home.land().new == len(TABLES)
        assert home.land().new == 0
    found = home.rows()
    for name, (worked_out, contract) in TABLES.items():
        if contract is None:
            continue
        cases = [case for case in CASES if case.contract == worked_out and case.path == _fixture(name)]
        rows = [{key: value for key, value in row.items() if key != "_why"} for case in cases for row in case.rows]
        assert rows
        assert in_order(found[f"{name}/{contract}"]) == in_order(rows), name


def documented_query() -> str:
    """The query of docs/sources.md that brings refunds to Fivetran's orders of Shopify."""
    page = (REPOSITORY / "docs" / "sources.md").read_text()
    block = next(part for part in page.split("```yaml\n") if "from shopify.transaction" in part).partition("```")[0]
    return str(yaml.safe_load(block)["orders"]["query"])


def test_refunds_come_with_fivetrans_orders_by_the_documented_query(tmp_path: Path) -> None:
    psycopg = pytest.importorskip("psycopg")
    if postgresql_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    (tmp_path / "server").mkdir()
    fixture = VENDORS / "shopify_fivetran_orders"
    with postgresql(tmp_path / "server") as address, psycopg.connect(address, autocommit=True) as con:
        con.execute("create schema desk")
        _table(con, '"order"', [row for row in _rows_of(fixture / "order.ndjson") if row["id"] != 820004])
        # 4.50 in two parts; a refund that failed and a payment are none.
        con.execute(
            "create table desk.transaction as select * from (values "
            "(1, 820001, 'sale', 'success', 19.9, '2026-02-03 09:00Z'), "
            "(2, 820001, 'refund', 'success', 2, '2026-02-04 08:00Z'), "
            "(3, 820001, 'refund', 'success', 2.5, '2026-02-05 08:00Z'), "
            "(4, 820001, 'refund', 'failure', 9, '2026-02-06 08:00Z'), "
            "(5, 820002, 'refund', 'success', 50, '2026-02-07 10:00Z')) "
            "as values_of (id, order_id, kind, status, amount, processed_at)"
        )
        con.execute("alter table desk.transaction alter processed_at type timestamptz using processed_at::timestamptz")
        con.execute("alter table desk.transaction add _fivetran_synced timestamptz default '2026-02-07 10:05Z'")
        table = {"query": documented_query().replace("shopify.", "desk."), "changed": "synced_at"}
        home = ApiHome(tmp_path, {"kind": "database", "at": address, "tables": {"orders": table}})
        assert home.land().new == 1
        # A refund of an order that Fivetran did not read again brings it once more.
        con.execute("insert into desk.transaction values (6, 820003, 'refund', 'success', 9, '2026-02-11Z', '2026-02-11 01:00Z')")
        assert home.land().new == 1
    rows = home.rows()["orders/shopify_fivetran_orders"]
    case = next(case for case in CASES if case.file == "order_with_refunds.ndjson")
    first, later = rows[: len(case.rows)], rows[len(case.rows) :]
    assert in_order(first) == in_order([{name: value for name, value in row.items() if name != "_why"} for row in case.rows])
    assert [(row["order_id"], float(row["refund_amount"])) for row in later] == [("820003", 9)]


@pytest.mark.slow
def test_runs_from_apis_publish_and_end_at_once_when_nothing_changed(
    tmp_path: Path, cxhouse: Callable[..., Any], server: tuple[str, Api]
) -> None:
    address, api = server
    _zendesk(api)
    _shopify(api)
    place = {"kind": "api", "at": address, "params": {"account": "acme"}}
    exports = {"desk": {**place, "api": "zendesk"}, "shop": {**place, "api": "shopify"}}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "cxhouse.yml").write_text(
        json.dumps({"exports": exports, "as_of": "2026-07-01", "max_quarantined_share": 1})
    )
    home = {"CXHOUSE_HOME": str(tmp_path / "home"), "CXHOUSE_CONFIG": str(tmp_path / "config")}
    secrets = {"CXHOUSE_DESK_USER": SECRET, "CXHOUSE_DESK_TOKEN": SECRET, "CXHOUSE_SHOP_TOKEN": SECRET}
    first = cxhouse("run", **home, **secrets)
    assert "Published version" in first.stdout
    assert "Nothing new" in cxhouse("run", **home, **secrets).stdout
    assert "desk/tickets (API of Zendesk)" in cxhouse("sources", **home).stdout
    con = duckdb.connect(str(tmp_path / "home" / "published" / "analysis.duckdb"), read_only=True)
    assert con.execute("select count(*) from fct_orders").fetchone() == (3,)
    assert con.execute("select count(*) from fct_tickets").fetchone() == (len(api_tickets(api)),)
    assert SECRET not in first.stdout + first.stderr


def api_tickets(api: Api) -> set[int]:
    """The tickets that are not deleted, by what was asked about each."""
    return {int(request.path.split("/")[4]) for request in api.asked if request.path.endswith("/audits.json")} - DELETED


#: Of the fixture: their status is `deleted`.
DELETED = {one["id"] for one in records("zendesk_api_tickets/tickets_page_1.json") if one["status"] == "deleted"}
