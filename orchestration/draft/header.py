"""Which row of a file is its header, and whether it has one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from orchestration.draft.lexicon import names_of, plain
from orchestration.pull.files.headers import HEADER_LINES
from orchestration.pull.kinds import all_kinds

#: Forms of values that are seldom names: an address, a day or an instant, a number.
_VALUES = (
    re.compile(r"[^@\s]+@[^@\s]+\.\w+"),
    re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T].*)?"),
    re.compile(r"[+-]?\d+([.,]\d+)?"),
)
#: A year, a number of an answer, a month of a wide file.
_MAY_NAME = re.compile(r"\d{1,3}|(19|20)\d\d([-/.]\d\d?)?")


def header_line(rows: Sequence[Sequence[str]]) -> int:
    """The first row that names nearly as many columns as the rows have."""
    widths = Counter(sum(bool(cell.strip()) for cell in row) for row in rows if any(cell.strip() for cell in row))
    lengths = Counter(len(row) for row in rows if any(cell.strip() for cell in row))
    if not widths:
        return 0
    width = lengths.most_common(1)[0][0]
    for at, row in enumerate(rows[:HEADER_LINES]):
        named = sum(bool(cell.strip()) for cell in row)
        if named and named >= 0.6 * width and len(row) >= 0.6 * width:
            return at
    return next(at for at, row in enumerate(rows) if any(cell.strip() for cell in row))


def has_no_header(rows: Sequence[Sequence[str]]) -> bool:
    """Are there, in the first row, two values of the same form as those below, one of them telling, and fewer known names?

    Years and small numbers may be names, those of wide files.
    """
    first, below = rows[0], [row for row in rows[1:] if any(cell.strip() for cell in row)]
    known = {name for kind in all_kinds() for name in names_of(kind)}
    names = sum(plain(cell) in known for cell in first if re.search(r"[^\W\d_]", cell))
    alike = []
    for place, cell in enumerate(first):
        form = next((form for form in _VALUES if form.fullmatch(cell.strip())), None)
        others = [row[place].strip() for row in below if place < len(row) and row[place].strip()]
        if form is not None and others and sum(bool(form.fullmatch(other)) for other in others) >= 0.9 * len(others):
            alike.append(cell.strip())
    return len(alike) > max(1, names) and any(not _MAY_NAME.fullmatch(cell) for cell in alike)
