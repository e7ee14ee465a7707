"""Files made to hurt: each is refused with a plain reason, the run goes on, and none is tried to death again."""

from __future__ import annotations

import gzip
import io
import os
import re
import signal
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from boxes import GOOD, HEADER, Box

from orchestration.core import limits
from orchestration.core.errors import LimitExceededError
from orchestration.core.limits import Limits
from orchestration.pull.home.landing import land
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.isolated import Isolated
from orchestration.pull.sources.base import FolderSource, SourceFile, archive_members, open_export
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull

COLUMNS = HEADER.strip().split(",")
#: What reading one file may take here.
MEMORY = "700MiB"


def _workbook(rows: list[list[object]]) -> dict[str, bytes]:
    """The parts of a workbook."""
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(stream)
    with zipfile.ZipFile(stream) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def _packed(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    return stream.getvalue()


def _far_cell() -> bytes:
    parts = _workbook([COLUMNS, ["a", "2026-06-01", "open", "x"]])
    sheet = "xl/worksheets/sheet1.xml"
    far = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    return _packed({**parts, sheet: parts[sheet].replace(b"</sheetData>", far)})


def _shared_string() -> bytes:
    text = b"x" * 250_000
    cells = b"".join(
        b'<row r="%d"><c r="A%d" t="s"><v>0</v></c><c r="B%d" t="s"><v>0</v></c></row>' % (n, n, n) for n in range(1, 10_001)
    )
    parts = _workbook([["a"]])
    strings = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1"><si><t>%b</t></si></sst>' % text
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    sheet = head + cells + b"</sheetData></worksheet>"
    return _packed({**parts, "xl/sharedStrings.xml": strings, "xl/worksheets/sheet1.xml": sheet})


def _billion_laughs() -> bytes:
    parts = _workbook([["a"]])
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">{entities}]><sst><si><t>&l9;</t></si></sst>'
    return _packed({**parts, "xl/sharedStrings.xml": text.encode()})


def _old_workbook() -> bytes:
    """The beginning of an .xls, and no more of it."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 4096


def _parquet(table: pa.Table, **options: object) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def _dictionary() -> bytes:
    """One value of a megabyte, which every row has."""
    indices, values = pa.array([0] * 60_000, pa.int32()), pa.array(["x" * 2**20])
    columns = [pa.array([str(n) for n in range(60_000)])] * 2 + [pa.DictionaryArray.from_arrays(indices, values)]
    return _parquet(pa.table(columns, ["ticket_id", "created_at", "status"]), use_dictionary=["status"], compression="zstd")


def _lying_count() -> bytes:
    """Its footer says of the row group, and of the file, that it holds other numbers of rows than it does."""
    columns = dict.fromkeys(["ticket_id", "created_at", "status"], ["2026-06-01"] * 1000)
    data = _parquet(pa.table(columns), compression="none")
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    true, lie = b"\xd0\x0f", b"\xfe\xff\xff\xff\x0f"  # 1,000 and 2,147,483,647, as the footer writes numbers
    footer = data[start:-8].replace(true, lie)
    assert footer != data[start:-8]
    return data[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def _gzip_of_one_line() -> bytes:
    packed = io.BytesIO()
    with gzip.open(packed, "wb", compresslevel=9) as stream:
        stream.write(HEADER.encode() + b"a,2026-06-01,open,")
        for _ in range(500):
            stream.write(b"x" * 2**20)
    return packed.getvalue()


def _gzip_of_a_value() -> bytes:
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as stream:
        stream.write(b'{"ticket_id": "')
        for _ in range(600):
            stream.write(b"x" * 2**20)
        stream.write(b'"}\n')
    return packed.getvalue()


def _wide() -> bytes:
    names = [*COLUMNS, *(f"column_{n}" for n in range(100_000))]
    return (",".join(names) + "\n" + ",".join(["a", "2026-06-01", "open", "x"] + ["1"] * 100_000) + "\n").encode()


def _zip_of(members: dict[str, bytes]) -> bytes:
    return _packed(members)


def _many_members() -> bytes:
    """10,000 members that unpack to 20 GB."""
    one = b"\0" * 2 * 2**20
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("tickets_0.csv", one)
        info = packed.infolist()[0]
        for number in range(1, 10_000):
            # All of them are the bytes of the first.
            twin = zipfile.ZipInfo(f"tickets_{number}.csv")
            for name in ("compress_type", "CRC", "compress_size", "file_size", "header_offset", "flag_bits"):
                setattr(twin, name, getattr(info, name))
            packed.filelist.append(twin)
            packed.NameToInfo[twin.filename] = twin
    return stream.getvalue()


def _nested() -> bytes:
    data = _packed({"tickets.csv": b"\0" * 2**20})
    for _ in range(5):
        data = _packed({f"{n}.zip": data for n in range(10)})
    return data


#: name -> its bytes, and what is said of it.
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "tickets_far_cell.xlsx": (_far_cell, "more than 50,000,000 cells"),
    "tickets_shared_string.xlsx": (_shared_string, "takes more memory"),
    "tickets_laughs.xlsx": (_billion_laughs, "cannot be read as xlsx|has no|is empty|lacks the column"),
    "tickets_renamed.xlsx": (_old_workbook, "cannot be read as xlsx"),
    "tickets_dictionary.parquet": (_dictionary, "takes more memory|cannot be read as parquet"),
    "tickets_lying.parquet": (_lying_count, "holds 1,000 rows where it says that it has"),
    "tickets_line.csv.gz": (_gzip_of_one_line, "takes more memory|has a line|cannot be split into rows"),
    "tickets_value.ndjson.gz": (_gzip_of_a_value, "takes more memory|has a line"),
    "tickets_deep.json": (lambda: b'{"a":' * 500_000 + b"1" + b"}" * 500_000, "cannot be read as json"),
    "tickets_wide.csv": (_wide, "more than 16,384 columns"),
    "tickets_zeros.csv.gz": (lambda: gzip.compress(b"\0" * 2**29), "is no text"),
}
#: The same for archives, of which nothing lands.
ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "many.zip": (_many_members, "unpacks to 20,971,520,000 bytes"),
    "nested.zip": (_nested, "archives in archives are not opened"),
}


def pull(box: Box) -> tuple[Pull, list[str]]:
    said: list[str] = []
    pulling = Pull(Settings(exports=str(box.exports), home=box.home, read_memory=MEMORY, memory_limit="400MiB"), said.append)
    for report in pulling.kinds(lambda _, batches: [True] * len(batches)):
        said += report.messages
    return pulling, said


@pytest.mark.ci
def test_bombs_are_refused_and_the_run_goes_on(tmp_path: Path) -> None:
    box = Box(tmp_path)
    for name, (data, _) in {**BOMBS, **ARCHIVES}.items():
        (box.exports / name).write_bytes(data())
        assert (box.exports / name).stat().st_size < 4 * 2**20, name
    (box.exports / "tickets_zzz.csv").write_text(GOOD.replace("t1", "t2"))
    pulling, said = pull(box)
    files = {file.batch: file.file for file in pulling.ledger.landed()}
    loads = {files[load.batch]: load for load in pulling.ledger.loads()}
    assert {name for name, load in loads.items() if load.status == "loaded"} == {"tickets_good.csv", "tickets_zzz.csv"}
    for name, (_, reason) in BOMBS.items():
        assert loads[name].status == "refused"
        assert re.search(reason, str(loads[name].reason)), (name, loads[name].reason)
        assert any(line.startswith(f"{name}: refused: it ") for line in said)
    for name, (_, reason) in ARCHIVES.items():
        assert any(name in line and reason in line for line in said), name
    rows = pq.read_table(box.home / "raw" / "tickets", columns=["ticket_id"])["ticket_id"].to_pylist()
    assert sorted(rows) == ["t1", "t2"]
    # They stay, and the next run has nothing to do with them.
    again, said = pull(box)
    assert again.ledger.loads() == pulling.ledger.loads()
    assert not [line for line in said if "refused: it" in line]


# -- the process -------------------------------------------------------------------------------------------------------


def hold(mebibytes: int) -> int:
    return len(bytearray(mebibytes * 2**20))


def abort() -> None:
    os.abort()


def own_process() -> int:
    return os.getpid()


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Isolated]:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setattr(limits, "_used", Limits(memory_bytes=600 * 2**20, seconds=20))
    process = Isolated()
    yield process
    process.stop()


@pytest.mark.ci
def test_a_death_is_one_files_and_the_next_is_read(reading: Isolated, monkeypatch: pytest.MonkeyPatch) -> None:
    first = reading.call(0, own_process)
    assert first == reading.call(0, own_process) != os.getpid(), "one process reads them all"
    with pytest.raises(LimitExceededError, match=r"end its process \(Aborted\)"):
        reading.call(0, abort)
    with pytest.raises(LimitExceededError, match="more memory to read than a file may \\(600 MiB"):
        reading.call(0, hold, 5000)
    reading.call(0, own_process)
    monkeypatch.setattr(limits, "_used", Limits(seconds=0.5))
    with pytest.raises(LimitExceededError, match="takes longer"):
        reading.call(0, time.sleep, 60)
    monkeypatch.setattr(limits, "_used", Limits(seconds=60))
    assert reading.call(0, own_process) not in (first, os.getpid())


def test_what_files_before_left_behind_is_not_a_files_fault(reading: Isolated) -> None:
    first = reading.call(0, own_process)
    os.kill(first, signal.SIGKILL)
    assert reading.call(0, own_process) != first


def test_errors_arrive_as_they_were(reading: Isolated) -> None:
    with pytest.raises(OSError, match="nowhere"):
        reading.call(0, os.stat, "/nowhere")
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        reading.call(0, divmod, 1, 0)


def test_other_limits_are_another_try(tmp_path: Path) -> None:
    box = Box(tmp_path)
    lines = "".join(
        f'{{"ticket_id": "m{n}", "created_at": "2026-06-01", "status": "open", "subject": "x"}}\n' for n in range(2000)
    )
    (box.exports / "tickets_large.ndjson").write_text(lines)
    found = []
    for cells in (7000, 7001, 10_000):
        pulling = Pull(Settings(exports=str(box.exports), home=box.home, read_cells=cells), lambda _: None)
        list(pulling.kinds(lambda _, batches: [True] * len(batches)))
        found.append([load.status for load in pulling.ledger.loads()])
    assert found == [["loaded", "refused"], ["loaded", "refused"], ["loaded", "loaded"]]


# -- what is in a folder ------------------------------------------------------------------------------------------------


class Folder(FolderSource):
    """A folder in which things happen to files while they are read."""

    def __init__(self, folder: Path, happens: Callable[[SourceFile], None]) -> None:
        super().__init__(folder)
        self._happens = happens

    def open(self, file: SourceFile) -> BinaryIO:
        self._happens(file)
        return super().open(file)


def landed(box: Box, happens: Callable[[SourceFile], None]) -> tuple[Ledger, list[str]]:
    ledger, scratch = Ledger(box.home / "ledger.sqlite"), box.home / "tmp"
    scratch.mkdir(exist_ok=True)
    return ledger, land(Folder(box.exports, happens), box.home / "landing", scratch, ledger).unreadable


def test_a_file_that_cannot_be_read_does_not_end_the_run(tmp_path: Path) -> None:
    box = Box(tmp_path)
    (box.exports / "tickets_secret.csv").write_text(GOOD.replace("t1", "t2"))

    def refuse(file: SourceFile) -> None:
        if "secret" in file.name:
            raise PermissionError(13, "Permission denied")

    ledger, unreadable = landed(box, refuse)
    assert [file.file for file in ledger.landed()] == ["tickets_good.csv"]
    assert unreadable == ["tickets_secret.csv cannot be read (Permission denied); the next run tries again"]
    ledger, unreadable = landed(box, lambda _: None)
    assert [file.file for file in ledger.landed()] == ["tickets_good.csv", "tickets_secret.csv"]


def test_a_file_that_changes_while_it_is_read_is_taken_whole(tmp_path: Path) -> None:
    box, times = Box(tmp_path), []

    def append(file: SourceFile) -> None:
        if len(times) < most:
            times.append(file)
            with Path(file.location).open("a") as stream:
                stream.write(f"n{len(times)},2026-06-01,open,x\n")

    most = 100
    ledger, unreadable = landed(box, append)
    assert ledger.landed() == []
    assert unreadable == ["tickets_good.csv is still being written: the next run takes it"]
    most = len(times) + 1
    ledger, unreadable = landed(box, append)
    (file,) = ledger.landed()
    assert (unreadable, file.bytes) == ([], (box.exports / "tickets_good.csv").stat().st_size)


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    box = Box(tmp_path)
    os.mkfifo(box.exports / "tickets_pipe.csv")
    (box.exports / "tickets_round.csv").symlink_to("tickets_square.csv")
    (box.exports / "tickets_square.csv").symlink_to("tickets_round.csv")
    (box.exports / "tickets_zero.csv").symlink_to("/dev/zero")

    def replace(file: SourceFile) -> None:
        Path(file.location).unlink()
        os.mkfifo(file.location)

    assert landed(box, lambda _: None)[1] == []
    (box.exports / "tickets_late.csv").write_text(GOOD.replace("t1", "t3"))
    ledger, _ = landed(box, replace)
    assert [file.file for file in ledger.landed()] == ["tickets_good.csv"]


def test_an_archive_of_a_million_files_is_not_listed(tmp_path: Path) -> None:
    """The length of its list is at its end: who reads the list first has a million objects in memory."""
    path = tmp_path / "many.zip"
    names = [b"tickets_%07d.csv" % number for number in range(300_000)]
    listing = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name for name in names
    )
    ending = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(listing), 0, 0)
    path.write_bytes(listing + ending)
    (file,) = archive_members(path, "many.zip", "1").values()
    assert file.problem is not None
    assert file.problem.startswith("lists its files in 19,500,000 bytes, more than")
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("tickets.csv", "ticket_id\n1\n")
    (file,) = archive_members(path, "few.zip", "2").values()
    assert file.problem is None
    with open_export(file) as stream:
        assert stream.read() == b"ticket_id\n1\n"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("tickets.csv", "ticket_id\n2\n3\n")
    with open_export(file) as stream:
        assert stream.read() == b"ticket_id\n2\n3\n", "another archive of the name is opened again"
