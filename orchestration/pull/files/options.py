"""How a file is to be read, as its contract says."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.pull.files.headers import Header, HeaderShape
from orchestration.pull.files.records import Rows
from orchestration.pull.files.shaping import between


@dataclass(frozen=True)
class ReadOptions:
    """What a contract says about the form of a file."""

    encoding: str | None = None
    delimiter: str | None = None
    #: What numbers of a format that has numbers are written with as text, so that they are read as those of a CSV.
    decimal: str = "."
    sheet: str | int = 0
    #: Several sheets instead; "all" for all that hold the columns.
    sheets: tuple[str | int, ...] | None = None
    records: str | None = None
    #: Keys of the lists in each record of JSON whose objects are rows; `.` is the record.
    lines: tuple[str, ...] | None = None
    skip_rows: int = 0
    #: Names that the header must hold, by which it is recognised below whatever is above it.
    columns: tuple[str, ...] = ()
    header_row: int | None = None
    header_rows: int = 1
    #: Rows right below the header, and at the end, that are no records.
    skip_below_header: int = 0
    skip_footer: int = 0
    carry_down: tuple[str, ...] = ()
    #: Columns that a wide file keeps, and what the names and the cells of the others become.
    unpivot: tuple[tuple[str, ...], str, str] | None = None

    @property
    def header(self) -> HeaderShape:
        return HeaderShape(self.columns, self.skip_rows, self.header_row, self.header_rows)

    def records_of(self, rows: Rows, header: Header) -> Rows:
        """The rows that are records."""
        if header.height <= 1 and not self.skip_below_header and not self.skip_footer:
            return rows
        return between(rows, header.last + self.skip_below_header, self.skip_footer)
