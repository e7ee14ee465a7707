"""Drafted contracts: what a file's names and contents are taken for, and that what is not sure is marked."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from dressing import Dress, dress
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import Canonical, canonicalise, loaded, read

from orchestration.draft.drafting import draft
from orchestration.draft.lexicon import Meaning, names_of, plain, vocabulary, written_names
from orchestration.draft.matching import column_by_name
from orchestration.draft.parts import Draft
from orchestration.draft.trial import try_out
from orchestration.draft.writing import text
from orchestration.pull.contracts.claiming import canonical
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.kinds import NUMBERS, all_kinds
from orchestration.pull.rows.sorting import Origin

DRESSED = ("tickets", "calls", "reviews", "orders", "order_items", "surveys", "customers", "shipments", "subscriptions")


def expected_of(dressed: Dress, folder: Path) -> Canonical:
    """The rows that the file was made of, by the contract of a file that needs none."""
    import csv

    path = folder / "canonical.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(dressed.plain_rows[0]))
        writer.writeheader()
        writer.writerows(dressed.plain_rows)
    content = read(path, path.name, ReadOptions())
    return canonicalise(content, canonical(dressed.kind, content.header), Origin("x", "x", 1, "x"))


def is_marked(made: Draft, column: str, name: str | None) -> bool:
    """Is there a `check` where a person would look for this column?"""
    entry = made.entries.get(column)
    if entry is not None and (entry.doubts or any(word.doubt for word in entry.words)):
        return True
    if name is not None and name in made.unused:
        return True
    kind = all_kinds()[made.kind]
    keys = [made.keys.get("encoding"), made.keys.get("kind")]
    keys += [made.keys.get("decimal")] if kind.columns[column].type in NUMBERS else []
    return any(key is not None and key.doubt for key in keys)


def wrong_columns(dressed: Dress, made: Draft, folder: Path) -> tuple[list[str], int]:
    """Columns that a drafted contract reads otherwise than they were meant; and how many it reads right and is sure of."""
    contract = Contract.model_validate(made.as_contract())
    expected, actual = expected_of(dressed, folder), loaded(dressed.path, contract)
    assert expected.quarantined.num_rows == 0
    wanted = {row["_row"]: row for row in expected.loaded.to_pylist()}
    shift = min(row["_row"] for row in [*actual.loaded.to_pylist(), *actual.quarantined.to_pylist()]) - min(wanted)
    got = {row["_row"] - shift: row for row in actual.loaded.to_pylist()}
    wrong, sure = [], 0
    # Constants, such as the scale of ratings, are said of what the file does not tell.
    of_the_file = {name for name, entry in made.entries.items() if "value" not in entry.mapping}
    for column in of_the_file | dressed.names.keys():
        same = all(got[number][column] == wanted[number][column] for number in got)
        if not same:
            wrong.append(column)
        sure += same and column in dressed.names and not is_marked(made, column, dressed.names.get(column))
    rejected = {name for row in actual.quarantined.to_pylist() for name in (row["column_name"] or "").split(", ")}
    return [*wrong, *(name for name in rejected if name not in wrong)], sure


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(kind=st.sampled_from(DRESSED), seed=st.integers(0, 2**32), with_kind=st.booleans())
def test_a_draft_is_right_or_says_that_it_is_not_sure(kind: str, seed: int, with_kind: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        dressed = dress(kind, seed, folder)
        made = draft(dressed.path, kind if with_kind else None)
        written = text(made, "next", *try_out(made, dressed.path))
        assert Contract.model_validate(yaml.safe_load(written)) == Contract.model_validate(made.as_contract())
        if made.kind != kind:
            assert made.keys["kind"].doubt, f"taken for {made.kind}"
            return
        wrong, _ = wrong_columns(dressed, made, folder)
        for column in wrong:
            assert is_marked(made, column, dressed.names.get(column)), f"{column} of {dressed}\n{written}"


@pytest.mark.parametrize("kind", list(all_kinds()))
def test_no_name_stands_for_two_columns(kind: str) -> None:
    spec = all_kinds()[kind]
    owners: dict[str, set[str]] = {}
    for column in spec.columns:
        for names in written_names(spec, column).values():
            for name in [*names, column]:
                owners.setdefault(plain(name).replace(" ", ""), set()).add(column)
    assert {name: columns for name, columns in owners.items() if len(columns) > 1} == {}


def test_most_columns_are_right_without_a_mark(tmp_path: Path) -> None:
    """What is always marked is never wrong, and of no use."""
    columns = sure = 0
    for seed in range(18):
        folder = tmp_path / str(seed)
        folder.mkdir()
        dressed = dress(DRESSED[seed % len(DRESSED)], seed, folder)
        made = draft(dressed.path, dressed.kind.name)
        try_out(made, dressed.path)
        columns += len(dressed.names)
        sure += wrong_columns(dressed, made, folder)[1]
    assert sure > 0.9 * columns, f"{sure} of {columns}"


@pytest.mark.parametrize("kind", list(all_kinds()))
def test_each_required_column_has_a_name_beside_its_own(kind: str) -> None:
    spec = all_kinds()[kind]
    required = [
        name for name in spec.required_columns if len({plain(n) for ns in written_names(spec, name).values() for n in ns}) < 2
    ]
    assert required == [], f"orchestration/draft/names.yml: under {kind} each of these wants a name beside its own"


@pytest.mark.parametrize(
    ("kind", "column", "word", "value", "is_sure"),
    [
        ("tickets", "status", "Wartet auf Kunde", "pending", True),
        ("tickets", "status", "Warten auf Kunden", "pending", True),
        ("tickets", "status", "En attente du client", "pending", True),
        ("tickets", "status", "Esperando al cliente", "pending", True),
        ("tickets", "status", "In attesa del cliente", "pending", True),
        ("tickets", "status", "Oczekuje na klienta", "pending", True),
        ("tickets", "status", "Aguardando cliente", "pending", True),
        ("tickets", "status", "Beim Lieferanten", "on_hold", True),
        ("tickets", "status", "Wartet auf Dritte", "on_hold", True),
        ("tickets", "status", "Wartet auf Lieferant", "on_hold", True),
        ("tickets", "status", "En attente du fournisseur", "on_hold", True),
        ("tickets", "status", "Esperando al proveedor", "on_hold", True),
        ("tickets", "status", "In attesa del fornitore", "on_hold", True),
        ("tickets", "status", "Oczekuje na dostawcę", "on_hold", True),
        ("tickets", "status", "Aguardando fornecedor", "on_hold", True),
        ("tickets", "channel", "WhatsApp", "messaging", True),
        ("tickets", "channel", "Whatsapp", "messaging", True),
        ("tickets", "channel", "WHATSAPP", "messaging", True),
        ("tickets", "channel", "WhatsApp Business", "messaging", True),
        ("tickets", "channel", "LinkedIn", "social", True),
        ("tickets", "channel", "Livechat", "chat", True),
        ("tickets", "status", "Résolue", "solved", True),
        ("tickets", "priority", "1 - Critical", "urgent", True),
        ("orders", "status", "completed", "delivered", False),
        ("orders", "status", "Zwrócone", "returned", True),
        ("calls", "direction", "Wychodzące", "outbound", True),
        ("calls", "disposition", "Appel manqué", "abandoned", True),
        ("customers", "preferred_channel", "Teléfono", "phone", True),
    ],
)
def test_words(kind: str, column: str, word: str, value: str, is_sure: bool) -> None:
    assert vocabulary(kind, column)[plain(word)] == Meaning(value, is_sure)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Eingegangen", "created_at"), ("Recibido", "created_at"), ("Ricevuto il", "created_at"), ("Data wpływu", "created_at"),
        ("Erstreaktion", "first_response_at"), ("Premier retour", "first_response_at"),
        ("Pierwsza reakcja", "first_response_at"), ("Primeira resposta", "first_response_at"),
    ],
)  # fmt: skip
def test_names(name: str, column: str) -> None:
    assert names_of("tickets")[plain(name)].column == column


@pytest.mark.parametrize(
    ("kind", "name", "column"),
    [
        ("orders", "OrderNumber", "order_id"), ("orders", "tbl_OrderNo", "order_id"), ("tickets", "TICKETID", "ticket_id"),
        # The words between say what is meant, and those of the shop whose it is.
        ("orders", "customer_OrderNumber", None), ("orders", "STORE_ID", None), ("orders", "Shop Email", None),
        ("tickets", "Support Email", None), ("orders", "Store Country", None), ("orders", "Shop Order ID", "order_id"),
        ("tickets", "Helpdesk-Team", "team"), ("orders", "Store Currency", None), ("orders", "Total Orders", None),
        ("calls", "Agent Phone", None), ("surveys", "NPS Category", None), ("order_items", "List Price", None),
        ("order_items", "Line Cost", None),
    ],
)  # fmt: skip
def test_names_that_are_sure(kind: str, name: str, column: str | None) -> None:
    found = column_by_name(name, all_kinds()[kind])
    assert (found[0] if found else None) == column


def drafted(path: Path, content: str, kind: str | None = None) -> Draft:
    path.write_text(content)
    return draft(path, kind)


def test_two_calls_of_one_day_are_two(tmp_path: Path) -> None:
    """Their day and their time of day are in two columns, and no column is an id."""
    path = tmp_path / "anrufe.csv"
    rows = "01.06.2026;09:00;eingehend;+49301234567\n01.06.2026;09:30;eingehend;+49301234567\n"
    made = drafted(path, f"Datum;Uhrzeit;Richtung;Anrufer\n{rows}", "calls")
    found = loaded(path, Contract.model_validate(made.as_contract())).loaded
    assert len(set(found["call_id"].to_pylist())) == 2


@pytest.mark.parametrize(
    ("content", "is_doubted"),
    [
        ('"1780300800","A1001","5","fine"\n"1780387200","A1002","2","late"\n', True),
        ("a@example.com,2026-06-01,yes\nb@example.com,2026-06-02,no\n", True),
        # Years, months and answers are names of columns, and so is whatever is known.
        ("Filiale,2024,2025\nNord,10,12\nWest,11,13\n", False),
        ("Filiale,1,2,3\nNord,10,12,1\nWest,11,13,2\n", False),
        ("status,country,1780300800,1780387200\nopen,DE,1,2\nclosed,AT,1,2\n", False),
    ],
)
def test_a_first_row_that_looks_like_a_record_is_no_header(tmp_path: Path, content: str, is_doubted: bool) -> None:
    made = drafted(tmp_path / "export.csv", content, "reviews")
    key = made.keys.get("header_rows")
    assert (key is not None and key.value == 0 and bool(key.doubt)) == is_doubted
    assert made.rows == content.count("\n") - (0 if is_doubted else 1)


def test_words_of_another_column_are_doubted(tmp_path: Path) -> None:
    rows = "".join(f"{n},2026-06-0{n}T10:00:00Z,{word}\n" for n, word in enumerate(["incoming", "missed", "abandoned"], start=1))
    made = drafted(tmp_path / "calls.csv", f"call_id,started,category\n{rows}", "calls")
    assert made.entries["topic"].doubts == ["its words are those of direction, disposition: is it that?"]


@pytest.mark.parametrize(
    ("kind", "content", "column"),
    [
        ("orders", "Order ID,Date,Status,Discount %\n1,2026-06-01,paid,10\n2,2026-06-02,paid,5\n", "discount_amount"),
        # The day that is wished for, as often as that on which it came.
        ("orders", "Order ID,Date,Status,Delivery date\n1,2026-06-01,paid,2026-06-05\n2,2026-06-02,paid,\n", "delivered_at"),
        ("reviews", "Bewertungs-ID,Bewertungsdatum,Note,Kommentar\n1,2026-06-01,1,fein\n2,2026-06-02,5,schlecht\n", "rating"),
        ("calls", "Call ID,Start,Email\n1,2026-06-01T10:00:00Z,a@example.com\n", "customer_email"),
        ("orders", "Order ID,Date,Status,Order delivery date\n1,2026-06-01,paid,2026-06-05\n", "delivered_at"),
        ("calls", "Call ID,Start,Call notes\n1,2026-06-01T10:00:00Z,asked for a refund\n", "transcript"),
    ],
)
def test_columns_that_may_be_another_thing_are_doubted(tmp_path: Path, kind: str, content: str, column: str) -> None:
    made = drafted(tmp_path / "export.csv", content, kind)
    assert made.entries[column].doubts


def test_a_french_note_is_no_grade(tmp_path: Path) -> None:
    content = "ID avis,Date de l'avis,Note,Commentaire\n1,2026-06-01,1,non\n2,2026-06-02,5,bien\n"
    made = drafted(tmp_path / "avis.csv", content, "reviews")
    assert made.entries["rating"].doubts == []


@pytest.mark.parametrize(
    "names", [["Ana", "Leo"], ["J. DOE", "A. BEE"], ["Jean-Luc Martin", "Anne O'Neil"], ["Ann Bee", "Cy Dee"]]
)
def test_names_of_persons_as_customers_are_doubted(tmp_path: Path, names: list[str]) -> None:
    rows = "".join(f"{n};2026-06-0{n};Livré;{name}\n" for n, name in enumerate(names, start=1))
    made = drafted(tmp_path / "commandes.csv", f"ID;Date;État;Client\n{rows}", "orders")
    assert any("names or addresses of persons" in doubt for doubt in made.entries["customer_id"].doubts)


@pytest.mark.parametrize(
    ("text", "same"), [("Créé le", "cree_le"), ("createdAt", "Created At"), ("Łódź-Nr.", "lodz nr"), ("№ 5", "No 5")]
)
def test_names_are_compared_in_plain_words(text: str, same: str) -> None:
    assert plain(text) == plain(same)
