"""Text from files does nothing on its way to people."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from orchestration.core.output import SafeConsole, as_csv, cell_for_csv, lines_shown, row_for_csv, shown

CLEARS_SCREEN = "\x1b[2J\x1b]0;owned\x07tickets\r.csv"


def test_a_terminal_obeys_nothing_from_a_file() -> None:
    stream = io.StringIO()
    terminal = SafeConsole(file=stream, force_terminal=True, color_system="standard", width=100)
    table = Table("file")
    table.add_row(CLEARS_SCREEN)
    terminal.print(table)
    terminal.print(f"[red]cxhouse:[/] {CLEARS_SCREEN}", markup=True)
    written = stream.getvalue()
    assert "\x1b[2J" not in written
    assert "\x1b]0" not in written
    assert "\r" not in written
    assert "owned" in written
    # Its own colours go through.
    assert "\x1b[31mcxhouse:" in written


@given(st.text())
def test_what_is_shown_can_be_printed(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) == len(text)
    assert lines_shown(text).count("\n") == text.count("\n")
    assert shown(shown(text)) == shown(text)


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        '=HYPERLINK("http://x")',
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|x",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "+A1",
        " =1+1",
        "\n=1",
        "\uff1d1+1",
        "\ufeff@SUM(1)",
    ],
)
def test_a_spreadsheet_computes_nothing(cell: str) -> None:
    assert row_for_csv({cell: cell}) == {f"'{cell}": f"'{cell}"}


@pytest.mark.parametrize(
    "cell", ["-5", " -5", "+49 30 1234-56", "-12.50 %", "+1.5", "-1,5", "2026-06-01", "a=b", "", "'=1", None, -5, 1.5]
)
def test_other_cells_stay_what_they_are(cell: object) -> None:
    assert cell_for_csv(cell) == cell
    assert type(cell_for_csv(cell)) is type(cell)


def test_a_csv_keeps_whole_numbers_whole() -> None:
    rows = [{"n": 27, "=who": "=1+1", "more": 1}, {"n": None, "=who": "x", "more": 2}]
    assert as_csv(rows, ["n", "=who"]).decode().splitlines() == ["n,'=who", "27,'=1+1", ",x"]
