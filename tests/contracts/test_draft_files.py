"""Files as people have them, in several languages: what is drafted for each, and the rows that it loads."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from openpyxl import Workbook
from reading import loaded

from orchestration.cli import main
from orchestration.draft.drafting import draft
from orchestration.draft.file_names import contract_name, glob_of
from orchestration.draft.parts import Draft
from orchestration.draft.trial import try_out
from orchestration.draft.writing import CHECK, text
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.contracts.library import load_contracts
from orchestration.settings import PROJECT


@dataclass
class Case:
    """A file, and what its draft must say and load."""

    name: str
    content: str
    kind: str
    #: Canonical column -> the file's column.
    columns: dict[str, str]
    keys: dict[str, Any]
    #: Some values of the rows that are loaded.
    rows: list[dict[str, Any]]
    #: Canonical columns, and keys of the contract, that must carry `check`; no other one may.
    checks: set[str]
    encoding: str = "utf-8"
    formats: dict[str, Any] = field(default_factory=dict)
    timezone: str | None = "UTC"


CASES = {
    "a German help desk": Case(
        "helpdesk_2026-06.csv",
        "Ticket-Nr;Erstellt am;Zustand;Kanal;E-Mail-Adresse;Dringlichkeit;Bearbeiter;Gelöst am;Zufriedenheit;Erstlösung\n"
        "T-1;31.05.2026 09:05;Erledigt;Telefon;a@example.com;hoch;Jörg;01.06.2026 10:00;5;ja\n"
        "T-2;01.06.2026 23:59;Wartet auf Kunde;E-Mail;b@example.com;mittel;Jörg;;1;nein\n"
        "T-3;02.06.2026 00:00;Quatsch;Chat;;niedrig;k.A.;;;\n",
        "tickets",
        {"ticket_id": "Ticket-Nr", "created_at": "Erstellt am", "agent_id": "Bearbeiter", "solved_at": "Gelöst am"},
        {"encoding": "cp1252", "timezone": "Europe/Berlin"},
        [
            {"ticket_id": "T-1", "created_at": datetime(2026, 5, 31, 9, 5), "status": "solved", "channel": "phone",
             "priority": "high", "solved_at": datetime(2026, 6, 1, 10), "agent_id": "Jörg",
             "csat_score": 5.0, "csat_scale": 5, "solved_on_first_contact": True},
            {"ticket_id": "T-2", "status": "pending", "channel": "email", "priority": "normal", "solved_on_first_contact": False},
        ],
        {"status", "timezone"},
        "cp1252",
        {"created_at": "%d.%m.%Y %H:%M", "solved_at": "%d.%m.%Y %H:%M"},
        None,
    ),
    "a French shop": Case(
        "commandes.csv",
        "Numéro de commande;Date de commande;Statut;Montant total;Remise;Frais de port;Courriel;Livré le\n"
        "C1;03/05/2026 10:15;Livrée;1 234,56 €;0,00 €;4,90 €;a@example.fr;28/05/2026\n"
        "C2;04/05/2026 11:15;Annulée;12,00 €;1,50 €;4,90 €;b@example.fr;\n",
        "orders",
        {"order_id": "Numéro de commande", "ordered_at": "Date de commande", "delivered_at": "Livré le"},
        {"decimal": ","},
        [
            {"order_id": "C1", "ordered_at": datetime(2026, 5, 3, 8, 15), "status": "delivered",
             "total_amount": Decimal("1234.56"), "shipping_amount": Decimal("4.9"), "delivered_at": datetime(2026, 5, 27, 22)},
            {"order_id": "C2", "status": "cancelled", "discount_amount": Decimal("1.5")},
        ],
        set(),
        formats={"ordered_at": "%d/%m/%Y %H:%M", "delivered_at": "%d/%m/%Y"},
        timezone="Europe/Paris",
    ),
    "a Polish call centre": Case(
        "rejestr.csv",
        "ID połączenia;Czas rozpoczęcia;Kierunek;Wynik;Czas oczekiwania (s);Czas rozmowy;Konsultant;Kolejka;Rozwiązane\n"
        "p1;2026-05-01 10:00:00+02:00;Przychodzące;Odebrane;12;0:03:05;Łucja;Zwroty;tak\n"
        "p2;2026-05-01 10:05:00+02:00;Przychodzące;Nieodebrane;45;0:00:00;brak;Zwroty;nie\n"
        "p3;2026-05-01 10:06:00+02:00;Wychodzące;Odebrane;0;1:00:01;Łucja;Sprzedaż;brak\n",
        "calls",
        {"call_id": "ID połączenia", "wait_seconds": "Czas oczekiwania (s)", "queue": "Kolejka"},
        {"encoding": "cp1250"},
        [
            {"call_id": "p1", "started_at": datetime(2026, 5, 1, 8), "direction": "inbound", "disposition": "answered",
             "wait_seconds": 12, "talk_seconds": 185, "agent_id": "Łucja", "resolved": True},
            {"call_id": "p2", "disposition": "abandoned", "agent_id": None, "resolved": False},
            {"call_id": "p3", "direction": "outbound", "talk_seconds": 3601, "resolved": None},
        ],
        set(),
        "cp1250",
    ),
    "Spanish reviews without an id": Case(
        "reseñas.csv",
        "Fecha de la reseña,Estrellas,Título,Comentario,Correo electrónico\n"
        "2026-05-01T10:00:00Z,5,Bien,Muy bien,a@example.es\n"
        "2026-05-02T10:00:00Z,1,Mal,Llegó roto,b@example.es\n",
        "reviews",
        {"created_at": "Fecha de la reseña", "rating": "Estrellas", "title": "Título", "text": "Comentario"},
        {},
        [{"rating": 5.0, "rating_scale": 5, "customer_email": "a@example.es"}, {"rating": 1.0, "text": "Llegó roto"}],
        {"review_id"},
    ),
    "an Italian survey": Case(
        "sondaggio_nps.csv",
        "ID risposta;Data risposta;Punteggio;Commento\nr1;2026-05-01T10:00:00Z;9;Bravi\nr2;2026-05-02T10:00:00Z;0;-\n",
        "surveys",
        {"response_id": "ID risposta", "responded_at": "Data risposta", "score": "Punteggio", "comment": "Commento"},
        {},
        [
            {"response_id": "r1", "kind": "nps", "score": 9.0, "comment": "Bravi"},
            {"response_id": "r2", "score": 0.0, "comment": None},
        ],
        {"kind"},
    ),
    "Portuguese order lines with a total": Case(
        "itens.csv",
        "Número do pedido;Código do produto;Quantidade;Preço unitário\n"
        "P1;A;2;3,50\nP1;B;1;1.004,00\nP2;A;1;3,50\nTotal;;4;1.014,50\n",
        "order_items",
        {"order_id": "Número do pedido", "product_id": "Código do produto"},
        {"decimal": ",", "where": {"Número do pedido": {"not": ["Total"]}}},
        [
            {"order_id": "P1", "line_id": "1", "quantity": 2.0, "unit_price": Decimal("3.5")},
            {"order_id": "P1", "line_id": "2", "unit_price": Decimal(1004)},
            {"order_id": "P2", "line_id": "1"},
        ],
        {"line_id"},
    ),
    "an American phone system": Case(
        "call_log.csv",
        "Call Report\nAll times US/Pacific\n\n"
        "Call ID,Start Time,Direction,Result,From,To,Queue Wait (min),Agent\n"
        "1,6/30/2026 9:05 AM,Inbound,Answered,+15550001111,+15559990000,2,Pat\n"
        "2,7/1/2026 1:05 PM,Outbound,Missed,+15559990000,+15550002222,0.5,Pat\n",
        "calls",
        {"call_id": "Call ID", "started_at": "Start Time", "wait_seconds": "Queue Wait (min)"},
        {"timezone": "US/Pacific"},
        [
            {"started_at": datetime(2026, 6, 30, 16, 5), "wait_seconds": 120, "customer_phone": "+15550001111"},
            {"direction": "outbound", "disposition": "abandoned", "wait_seconds": 30, "customer_phone": "+15550002222"},
        ],
        {"customer_phone"},
        formats={"started_at": "%m/%d/%Y %I:%M %p"},
    ),
    "a day and its time of day apart": Case(
        "anrufe.csv",
        "Anruf-ID;Datum;Uhrzeit;Richtung;Anrufstatus\na;13.05.2026;09:05;eingehend;angenommen\nb;14.05.2026;17:45;ausgehend;verpasst\n",
        "calls",
        {"call_id": "Anruf-ID"},
        {},
        [{"started_at": datetime(2026, 5, 13, 7, 5)}, {"started_at": datetime(2026, 5, 14, 15, 45), "disposition": "abandoned"}],
        set(),
        timezone="Europe/Berlin",
    ),
}  # fmt: skip


def drafted(case: Case, folder: Path) -> tuple[Draft, Path]:
    path = folder / case.name
    path.write_text(case.content, encoding=case.encoding)
    made = draft(path, timezone=None if case.timezone == "UTC" else case.timezone)
    return made, path


@pytest.mark.parametrize("name", CASES)
def test_a_file(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    made, path = drafted(case, tmp_path)
    written = text(made, "next", *try_out(made, path))
    assert made.kind == case.kind
    sources = {column: entry.mapping.get("from") for column, entry in made.entries.items()}
    assert {column: sources.get(column) for column in case.columns} == case.columns
    keys = {key: setting.value for key, setting in made.keys.items()}
    assert {key: keys.get(key) for key in case.keys} == case.keys
    assert {column: made.entries[column].mapping.get("format") for column in case.formats} == case.formats
    rows = loaded(path, Contract.model_validate(yaml.safe_load(written))).loaded.to_pylist()
    assert [{key: row[key] for key in wanted} for row, wanted in zip(rows, case.rows, strict=False)] == case.rows
    checked = {column for column, entry in made.entries.items() if entry.doubts or any(word.doubt for word in entry.words)}
    checked |= {key for key, setting in made.keys.items() if setting.doubt}
    assert checked == case.checks, written
    assert (CHECK in written) == bool(checked or made.unused or made.doubts)


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _with_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command makes its process do without pandas; this one has other tests."""
    monkeypatch.setattr("orchestration.core.lightly.import_lightly", lambda: None)


def test_no_heavy_library_is_imported(helpdesk: Path, tmp_path: Path) -> None:
    heavy = "('pandas', 'dagster', 'dbt', 'great_expectations', 'scipy', 'plotly')"
    code = (
        "import sys\nfrom orchestration.cli import main\n"
        f"main(['contract', 'draft', {str(helpdesk)!r}, '--output', '-'], standalone_mode=False)\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "[]"), done.stderr
    assert "kind: tickets" in done.stdout


def ran(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["contract", "draft", *map(str, words)])


@pytest.fixture
def helpdesk(tmp_path: Path) -> Path:
    case = CASES["a German help desk"]
    path = tmp_path / case.name
    path.write_text(case.content, encoding=case.encoding)
    return path


def test_the_command_writes_a_contract_that_loads(helpdesk: Path, tmp_path: Path) -> None:
    done = ran(helpdesk, "--config", tmp_path / "config")
    assert done.exit_code == 0, done.output
    written = tmp_path / "config" / "contracts" / "helpdesk_tickets.yml"
    assert f"Next: cxhouse check {helpdesk} --contract helpdesk_tickets --config {tmp_path / 'config'}" in done.output
    assert "2 rows load, 1 are rejected" in done.output
    ours = next(one for one in load_contracts(tmp_path / "config") if one.name == "helpdesk_tickets")
    assert (ours.kind, ours.encoding) == ("tickets", "cp1252")
    assert ours.files.claims(
        "helpdesk_2027-01.csv", ["Ticket-Nr", "Erstellt am", "Zustand", "Kanal", "E-Mail-Adresse", "Bearbeiter"]
    )
    assert "# Quatsch:  # check: 1 row" in written.read_text(encoding="utf-8")


_SHOP = "Order;Ordered at;State;Customer;Total;SKU;Quantity;Unit price\n"
_FIRST, _NEXT = "B-1;2026-06-02T08:12Z;shipped;K-1;59.80;", "B-2;2026-06-13T09:12Z;paid;K-2;19.90;"


@pytest.mark.parametrize("begins", [_FIRST, ";;;;;"], ids=["repeated", "empty below"])
def test_orders_and_their_lines_are_one_contract(begins: str, tmp_path: Path) -> None:
    path, config = tmp_path / "shop.csv", tmp_path / "config"
    path.write_text(f"{_SHOP}{_FIRST}S1;2;19.90\n{begins}S2;1;20.00\n{_NEXT}S1;1;19.90\n")
    done = ran(path, "--config", config)
    assert "shop.yml: orders and order_items, 5 rows load, 0 are rejected" in done.output
    assert f"Next: cxhouse check {path} --config {config}\n" in done.output
    ours = {contract.name: contract for contract in load_contracts(config)}
    rows = {kind: loaded(path, ours[f"shop_{kind}"]).loaded.to_pylist() for kind in ("orders", "order_items")}
    assert [(row["order_id"], row["total_amount"], row["status"]) for row in rows["orders"]] == [
        ("B-1", Decimal("59.8"), "shipped"),
        ("B-2", Decimal("19.9"), "paid"),
    ]
    assert [(row["order_id"], row["line_id"], row["product_id"], row["quantity"]) for row in rows["order_items"]] == [
        ("B-1", "1", "S1", 2),
        ("B-1", "2", "S2", 1),
        ("B-2", "1", "S1", 1),
    ]
    # An amount that is in each row of an order may be that of the row.
    assert ("of the row, or of the whole" in (config / "contracts" / "shop.yml").read_text()) == (begins == _FIRST)


def test_a_file_that_a_contract_reads_needs_no_other(helpdesk: Path, tmp_path: Path) -> None:
    desk = PROJECT / "tests" / "contracts" / "vendors" / "zendesk_tickets" / "tickets.csv"
    done = ran(desk, "--config", tmp_path / "config")
    assert done.exit_code == 0
    assert f"zendesk_tickets reads {desk} already, as tickets" in done.output
    assert f"Next: cxhouse check {desk}" in done.output
    assert not (tmp_path / "config").exists()
    assert ran(desk, "--config", tmp_path / "config", "--anyway").exit_code == 0
    # Of another kind it is another contract.
    assert ran(desk, "--config", tmp_path / "config", "--kind", "surveys").exit_code == 0
    # And a draft of one's own says so too.
    assert ran(helpdesk, "--config", tmp_path / "config").exit_code == 0
    assert "helpdesk_tickets reads" in ran(helpdesk, "--config", tmp_path / "config", "--name", "second").output
    assert ran(helpdesk, "--config", tmp_path / "config").exit_code == 2


def test_nothing_is_overwritten(helpdesk: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.yml"
    target.write_text("mine")
    refused = ran(helpdesk, "--output", target)
    assert refused.exit_code == 2
    assert target.read_text() == "mine"
    assert ran(helpdesk, "--output", target, "--force").exit_code == 0
    assert target.read_text(encoding="utf-8").startswith("# Drafted")


def test_a_draft_on_standard_output_is_a_contract(helpdesk: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["contract", "draft", str(helpdesk), "--output", "-", "--name", "ours", "--timezone", "Europe/Berlin"]
    )
    contract = Contract.model_validate(yaml.safe_load(done.stdout))
    assert (contract.name, contract.timezone) == ("ours", "Europe/Berlin")
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing.csv"], "is no file"),
        (["{}", "--kind", "ticket"], "none of: tickets"),
        (["{}", "--timezone", "Berlin"], "Europe/Berlin"),
        (["{}", "--name", "Ours!"], "lower snake case"),
    ],
)
def test_wrong_usage_is_a_sentence(words: list[str], said: str, helpdesk: Path, tmp_path: Path) -> None:
    done = ran(*(word.format(helpdesk) for word in words), "--config", tmp_path / "config")
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "config").exists()


def test_required_columns_that_are_not_there_are_named_and_reject_each_row(tmp_path: Path) -> None:
    path = tmp_path / "tickets_export.csv"
    path.write_text("Ticket ID,Subject,Opened\n1,Hi,2026-05-01T10:00:00Z\n2,Ho,2026-05-02T10:00:00Z\n")
    made = draft(path, "tickets")
    load, reject = try_out(made, path)
    written = text(made, "next", load, reject)
    assert (load, reject) == (0, 2)
    assert "# check: required, and no column of the file is known to be it" in written
    assert Contract.model_validate(yaml.safe_load(written)).columns["status"].sql == "null"


def test_no_value_of_a_person_is_in_a_draft(tmp_path: Path) -> None:
    rows = ["Ticket ID,Created,Status,Requester,Full name,Phone,Email,Subject,Customer"]
    rows += [
        f"{n},2026-05-0{n}T10:00:00Z,open,Zenobia Quux,Zenobia Quux,+49 30 5550{n}23,zq{n}@example.com,Secret {n},Zenobia Quux"
        for n in range(1, 7)
    ]
    path = tmp_path / "desk.csv"
    path.write_text("\n".join(rows))
    made = draft(path)
    written = text(made, "next", *try_out(made, path))
    assert not any(word in written for word in ("Zenobia", "5550", "example.com", "Secret"))


@pytest.mark.parametrize(
    ("name", "cells", "column", "is_sure"),
    [
        ("Caller", ["+49301111111", "030 1111111", "493022222222"], "customer_phone", True),
        ("Caller", ["0301111111", "03022222222", "15550001111"], "customer_phone", True),
        ("Caller", ["0301111111", "03022222222", "anonymous caller"], "customer_phone", False),
        ("Caller", ["0301111111", "204", "205"], "customer_id", False),
        ("Caller", ["C-1", "C-2", "C-3"], "customer_id", True),
        ("Caller", ["a@example.com", "b@example.com", "c@example.com"], "customer_email", True),
        ("Caller ID", ["0301111111", "03022222222", "15550001111"], "customer_phone", True),
        ("Contact Number", ["0301111111", "03022222222", "15550001111"], "customer_phone", True),
        ("Customer", ["+49 30 1111111", "+49 30 2222222", "+1 555 000 1111"], "customer_phone", True),
        ("Customer", ["a@example.com", "b@example.com", "c@example.com"], "customer_email", True),
        # Long numbers of customers.
        ("Customer", ["100200301", "100200302", "100200303"], "customer_id", True),
        *((name, ["0301111111", "03022222222", "15550001111"], "customer_phone", True)
          for name in ("Anrufer", "Appelant", "Llamante", "Chiamante", "Dzwoniący", "Chamador")),
    ],
)  # fmt: skip
def test_a_word_for_the_customer_is_what_is_below_it(
    name: str, cells: list[str], column: str, is_sure: bool, tmp_path: Path
) -> None:
    path = tmp_path / "phone_log.csv"
    rows = "".join(f"{number},2026-05-0{number} 09:00,inbound,answered,{cell},Ann\n" for number, cell in enumerate(cells, 1))
    path.write_text(f"Call ID,Start Time,Direction,Disposition,{name},Agent\n{rows}", encoding="utf-8")
    made = draft(path)
    assert made.kind == "calls"
    assert {key for key, entry in made.entries.items() if entry.mapping.get("from") == name} == {column}
    assert bool(made.entries[column].doubts) is not is_sure


@pytest.mark.parametrize(
    ("caller", "called"), [("Caller", "Callee"), ("Caller Number", "Called Number"), ("Llamante", "Llamado")]
)
def test_of_both_ends_of_a_line_the_direction_says_which_is_the_customer(caller: str, called: str, tmp_path: Path) -> None:
    path = tmp_path / "phone_log.csv"
    path.write_text(
        f"Call ID,Start Time,Direction,Disposition,{caller},{called},Agent\n"
        "1,2026-05-01 09:00,inbound,answered,+4930111111,+4989555555,Ann\n"
        "2,2026-05-02 09:00,outbound,answered,+4989555555,+4930222222,Ann\n",
        encoding="utf-8",
    )
    made = draft(path)
    rows = loaded(path, Contract.model_validate(made.as_contract())).loaded.to_pylist()
    assert [row["customer_phone"] for row in rows] == ["+4930111111", "+4930222222"]
    assert made.entries["customer_phone"].doubts


@pytest.mark.parametrize(
    ("days", "form", "is_sure"),
    [
        (["03/13/2026", "04/05/2026"], "%m/%d/%Y", True),
        (["13/03/2026", "05/04/2026"], "%d/%m/%Y", True),
        # Days vary more than months do: a guess, and marked.
        (["06/01/2026", "06/02/2026", "06/03/2026", "06/04/2026"], "%m/%d/%Y", False),
        (["01/06/2026", "02/06/2026", "03/06/2026", "04/06/2026"], "%d/%m/%Y", False),
        (["01.06.2026", "02.07.2026"], "%d.%m.%Y", True),
        (["26-05-31", "26-06-30"], "%d-%m-%y", False),
    ],
)
def test_which_number_is_the_day(days: list[str], form: str, is_sure: bool, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["Order ID,Order date,Status", *(f"{n},{day},paid" for n, day in enumerate(days))]))
    entry = draft(path, timezone="UTC").entries["ordered_at"]
    assert (entry.mapping["format"], not entry.doubts) == (form, is_sure)


@pytest.mark.parametrize(
    ("texts", "mapping", "is_sure"),
    [
        (["0:12", "4:05"], {"unit": "mm:ss"}, False),
        (["0:12", "63:05"], {"unit": "mm:ss"}, True),
        (["1:02:03", "0:00:09"], {}, True),
        (["62.5 min", "1h 2m"], {}, True),
        (["12", "3723"], {}, False),
    ],
)
def test_durations(texts: list[str], mapping: dict[str, str], is_sure: bool, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("\n".join(["Call ID,Start,Talk", *(f"{n},2026-06-01T10:00:00Z,{text}" for n, text in enumerate(texts))]))
    entry = draft(path).entries["talk_seconds"]
    assert (entry.mapping, not entry.doubts) == ({"from": "Talk", **mapping}, is_sure)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Helpdesk Export 2026-06.csv", "helpdesk_export_tickets"),
        ("2026.csv", "export_tickets"),
        ("tickets_2026-06-01.csv.gz", "tickets"),
        ("Übersicht.xlsx", "ubersicht_tickets"),
        ("tickets_märz.csv", "tickets"),
        ("Tickets Q2 2026.csv", "tickets"),
    ],
)
def test_contracts_are_called_after_file_and_kind(file: str, name: str) -> None:
    assert contract_name(file, "tickets") == name


@pytest.mark.parametrize(
    ("file", "glob"),
    [
        ("ringdesk_calls_april.csv", "ringdesk_calls*"),
        ("ringdesk_calls_apr26.csv", "ringdesk_calls*"),
        ("Anrufe März 2026.csv", "Anrufe*"),
        ("appels-août.csv.gz", "appels*"),
        ("llamadas_enero_2026.xlsx", "llamadas*"),
        ("chiamate giugno.csv", "chiamate*"),
        ("zgłoszenia_października.csv", "zgłoszenia*"),
        ("chamados_set_2026.csv", "chamados*"),
        ("CallsApril2026.csv", "Calls*"),
        ("APRIL_calls.csv", "*calls*"),
        ("desk_2026_export.csv", "desk_*export*"),
        ("tickets_Q2.csv", "tickets*"),
        ("tickets_2026Q2.csv", "tickets*"),
        ("tickets-kw23.csv", "tickets*"),
        ("tickets KW 23.csv", "tickets*"),
        ("tickets_2026-W23.csv", "tickets*"),
        ("tickets_week_23.csv", "tickets*"),
        # Words that only begin as a month does, and those that mean something else.
        ("marketing_mayor_decks.csv", "marketing_mayor_decks*"),
        ("calls_out.csv", "calls_out*"),
        ("april.csv", None),
        ("q2.csv", None),
    ],
)
def test_what_changes_from_month_to_month_is_left_open(file: str, glob: str | None) -> None:
    assert glob_of(file) == glob
    assert glob is None or fnmatch(file, glob)


TOTALS = "Ticket-Nr;Erstellt am;Zustand;Antworten\nT1;01.06.2026 09:00;Offen;2\nT2;02.06.2026 09:00;Erledigt;3\n"


@pytest.mark.parametrize(
    ("last", "next_last"),
    [
        ("Summe;;;5", "summe;;;7"),
        ("Summe: 2;;;5", "Summe: 31;;;7"),
        (";Gesamt;;5", ";Gesamt;;7"),
        ("Total 1.024,50;;;5", "Total 9;;;7"),
    ],
)
def test_a_total_is_left_out_by_what_it_says(last: str, next_last: str, tmp_path: Path) -> None:
    """The next file has no total, or another one: none of its tickets is lost."""
    path, later = tmp_path / "desk_mai.csv", tmp_path / "desk_juni.csv"
    path.write_text(TOTALS + last + "\n", encoding="utf-8")
    made = draft(path)
    assert try_out(made, path) == (2, 0)
    assert "skip_footer" not in made.keys
    contract = Contract.model_validate(yaml.safe_load(text(made, "next", 2, 0)))
    for end in ("", next_last + "\n"):
        later.write_text(TOTALS.replace("T", "U").replace("Uicket", "Ticket") + end, encoding="utf-8")
        result = loaded(later, contract)
        assert (result.loaded["ticket_id"].to_pylist(), result.quarantined.num_rows) == (["U1", "U2"], 0)


@pytest.mark.parametrize("last", [";;;5", "Summe;5"])
def test_a_total_that_no_word_tells_goes_to_quarantine(last: str, tmp_path: Path) -> None:
    path = tmp_path / "desk.csv"
    path.write_text(TOTALS + last + "\n", encoding="utf-8")
    made = draft(path)
    assert try_out(made, path) == (2, 1)
    assert not {"where", "skip_footer"} & made.keys.keys()
    assert "rejected" in text(made, "next", 2, 1)
    assert made.doubts or any(entry.doubts for entry in made.entries.values())


@pytest.mark.parametrize(
    ("name", "is_utc"),
    [("Created (UTC)", True), ("created_at_gmt", True), ("Created (GMT+2)", False), ("Created UTC -05:00", False)],
)
def test_hours_from_utc_are_not_utc(name: str, is_utc: bool, tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text(f"Ticket ID,{name},Status\n1,2026-05-01 09:00,open\n2,2026-05-02 09:00,solved\n")
    zone = draft(path, "tickets").keys["timezone"]
    assert (zone.value == "UTC" and zone.doubt is None) is is_utc
    assert zone.is_open is not is_utc


def test_a_zone_that_nothing_tells_is_not_said_to_be_utc(helpdesk: Path) -> None:
    """So that `cxhouse check` goes on to say that UTC is taken."""
    made = draft(helpdesk)
    written = text(made, "next", *try_out(made, helpdesk))
    assert "# timezone: Europe/Berlin" in written
    assert "timezone" not in Contract.model_validate(yaml.safe_load(written)).model_fields_set


def test_the_largest_sheet_of_a_workbook_and_its_header_are_found(tmp_path: Path) -> None:
    book = Workbook()
    cover = book.active
    assert cover is not None
    cover.title = "Read me"
    cover.append(["About this report"])
    sheet = book.create_sheet("Tickets")
    sheet.append(["Support report"])
    sheet.append([None])
    sheet.append(["Ticket ID", "Created", "Status"])
    for number in range(20):
        sheet.append([number + 1, datetime(2026, 5, 1, 10, number), "open"])
    path = tmp_path / "report.xlsx"
    book.save(path)
    made = draft(path)
    assert (made.keys["sheet"].value, made.rows, made.kind) == ("Tickets", 20, "tickets")
    assert try_out(made, path) == (20, 0)


def test_the_walk_through_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file gives the lines that it shows, and its answers leave no row rejected."""
    guide = (PROJECT / "docs" / "onboarding.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    path = Path("exports", "servicedesk_2026-06.csv")
    path.parent.mkdir()
    path.write_text(guide.partition("<<'END'\n")[2].partition("END\n")[0], encoding="utf-8")
    said = ran(path).output
    assert said in guide
    written = Path("config", "contracts", "servicedesk_tickets.yml").read_text(encoding="utf-8")
    shown = guide.partition("```yaml\n")[2].partition("```")[0]
    assert shown in written
    answered = re.sub(r"(?m)^# timezone: .*$", "timezone: Europe/Berlin", written)
    answered = re.sub(r"(?m)^ *# Rückruf vereinbart:.*$", "      Rückruf vereinbart: open", answered)
    result = loaded(path, Contract.model_validate(yaml.safe_load(answered)))
    assert (result.loaded.num_rows, result.quarantined.num_rows) == (8, 0)
    assert result.loaded["status"].to_pylist().count("open") == 2
    assert [score for score in result.loaded["csat_score"].to_pylist() if score] == [5, 4, 2, 3, 5]


ODD = [
    "Ticket: ID",
    "#Status",
    "- Created",
    'Sub"ject',
    "{Tags}",
    "No",
    "true",
    "1.0",
    "Über\tsicht 😀",
    "a\nb",
    "ticket id ",
    "*x",
    "&y",
    "'z",
    "%p",
    "@q",
]


def test_odd_names_of_columns_stay_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "tickets: [odd] 2026.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(ODD)
        for number in range(12):
            writer.writerow([f"T{number}", "open", "2026-05-01T10:00:00Z", *(f"v{number}" for _ in ODD[3:])])
    made = draft(path, "tickets")
    written = text(made, "next", *try_out(made, path))
    contract = Contract.model_validate(yaml.safe_load(written))
    assert contract == Contract.model_validate(made.as_contract())
    assert contract.files.claims(path.name, made.header)
    assert {contract.columns[name].source for name in ("ticket_id", "status", "created_at")} == {
        "Ticket: ID",
        "#Status",
        "- Created",
    }
