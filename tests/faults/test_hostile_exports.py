"""Whatever is in the exports folder: every row is loaded or quarantined, or its file is refused with the reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from boxes import GOOD, HEADER, Box
from homes import REPOSITORY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.core.limits import Limits
from orchestration.pull.kinds import all_kinds
from orchestration.settings import model
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def _xlsx_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 5_000_000)
    return stream.getvalue()


def _rows(*lines: str) -> bytes:
    return (HEADER + "".join(line + "\n" for line in lines)).encode()


#: A call that ended before it started keeps its row: its duration is unknown, and `quality_time_order` lists it.
#: name -> (bytes, rows loaded, rows quarantined), or the reason for which the file is refused.
CORPUS: dict[str, tuple[bytes, tuple[int, int] | str]] = {
    "tickets_truncated.csv.gz": (gzip.compress(GOOD.encode() * 50)[:-20], "truncated"),
    "tickets_not_packed.csv.zst": (GOOD.encode() * 2, "not packed as its name says"),
    "tickets_latin.csv": (_rows("a,2026-06-01,open,M\xfcller").decode().encode("cp1252"), "not utf-8"),
    "tickets_utf16.csv": (GOOD.encode("utf-16"), (1, 0)),
    "tickets_binary.csv": (bytes(range(256)) * 20, "is no text"),
    "tickets_bytes.csv": (bytes(range(32, 256)) * 20, "not utf-8"),
    "tickets_nul.csv": (b"\x00" * 1000, "is no text: it holds NUL bytes"),
    "tickets_ragged.csv": (_rows("a,2026-06-01,open", "b,2026-06-01,open,x,y", "c,2026-06-01,open,x"), (1, 2)),
    "tickets_quotes.csv": (_rows('a,2026-06-01,open,"never closed', "b,2026-06-01,open,x"), "opens a quote in row 2"),
    "tickets_quote_at_the_end.csv": (_rows("b,2026-06-01,open,x", 'a,2026-06-01,open,"one\ntwo"'), (2, 0)),
    "tickets_wide_field.csv": (_rows(f"a,2026-06-01,open,{'x' * 10_000_000}", "b,2026-06-01,open,y"), (2, 0)),
    "tickets_twice.csv": (b"ticket_id,created_at,status,Status\na,2026-06-01,open,odd\n", (1, 0)),
    "tickets_lacking.csv": (b"ticket_id,status\na,open\n", "lacks the column(s) created_at"),
    "tickets_reordered.csv": (b"status,subject,CREATED_AT,ticket_id\nopen,x,2026-06-01,a\n", (1, 0)),
    "tickets_header_only.csv": (HEADER.encode(), (0, 0)),
    "tickets_empty.csv": (b"", "is empty"),
    "tickets_blank.csv": (b"\n \n\n", "is empty"),
    "tickets_years.csv": (
        _rows("a,1900-01-01,open,x", "b,2999-12-31,open,x", "c,01/02/26,open,x", "d,26-06-01,open,x", "e,0000-00-00,open,x"),
        (0, 5),
    ),
    "tickets_offsets.csv": (
        _rows("a,2026-06-01T10:00:00+02:00,open,x", "b,2026-06-01T10:00:00Z,open,x", "c,2026-06-01 10:00,open,x"),
        (3, 0),
    ),
    "tickets_scripts.csv": (_rows("a,2026-06-01,open,😀 \u202eשלום\u202c", "\u202eb,2026-06-01,open,مرحبا"), (2, 0)),
    "tickets_formula.csv": (_rows("=cmd()|' /C calc'!A0,2026-06-01,open,=1+1", "@SUM(1),2026-06-01,+open,x"), (1, 1)),
    "tickets_sql.csv": (_rows("'; drop table tickets; --,2026-06-01,open,x", "b,2026-06-01,open'); select 1; --,x"), (1, 1)),
    "tickets_'; drop table x; --.csv": (_rows("a,2026-06-01,open,x"), (1, 0)),
    f"tickets_.{'a' * 200}.csv": (_rows("a,2026-06-01,open,x"), (1, 0)),
    "tickets_line\nbreak.csv": (_rows("a,2026-06-01,open,x"), (1, 0)),
    "tickets_$(touch hacked) `id`.csv": (_rows("a,2026-06-01,open,x"), (1, 0)),
    "calls_for_ever.csv": (
        b"call_id,started_at,talk_seconds\na,2026-06-01,1E20\nb,2026-06-01,99999999999999:00:00\nc,2026-06-01,60\n", (1, 2)
    ),
    "calls_negative.csv": (
        b"call_id,started_at,wait_seconds,ended_at\na,2026-06-01,-5,\nb,2026-06-01,NaN,\nc,2026-06-01,inf,\n"
        b"d,2026-06-01,1e400,\ne,2026-06-02,5,2026-06-01\n",
        (2, 3),
    ),
    "reviews_numbers.ndjson": (
        b'{"review_id": "a", "created_at": "2026-06-01", "rating": NaN}\n'
        b'{"review_id": "b", "created_at": "2026-06-01", "rating": Infinity}\n'
        b'{"review_id": "c", "created_at": "2026-06-01", "rating": 1e999}\n'
        b'{"review_id": "d", "created_at": "2026-06-01", "rating": ' + b"9" * 5000 + b"}\n"
        b'{"review_id": "e", "created_at": "2026-06-01", "rating": 5}\n',
        (1, 4),
    ),
    "reviews_deep.json": (b"[" * 10_000 + b"]" * 10_000, "cannot be read as json"),
    "reviews_deep.ndjson": (
        b'{"review_id": "x", "created_at": "2026-06-01", "rating": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001 + b"\n"
        b'{"review_id": "e", "created_at": "2026-06-01", "rating": 5}\n',
        (1, 1),
    ),
    "reviews_arrays.ndjson": (
        b'[1, 2]\n"text"\n12\nnull\n{"review_id": "e", "created_at": "2026-06-01", "rating": 5}\n', (1, 4),
    ),
    "orders_no_parquet.parquet": (b"PAR1" + b"\x00" * 100 + b"PAR1", "cannot be read as parquet"),
    "orders_bomb.xlsx": (_xlsx_bomb(), "cannot be read as xlsx"),
    "orders_no_zip.xlsx": (b"PK\x03\x04 nothing", "cannot be read as xlsx"),
}  # fmt: skip


@pytest.mark.parametrize("name", CORPUS)
def test_corpus(box: Box, name: str) -> None:
    data, expected = CORPUS[name]
    (box.exports / name).write_bytes(data)
    loads = box.pull()
    assert len(loads) == 2, "each file is accounted for"
    load = loads[next(found for found in loads if found != "tickets_good.csv")]
    if isinstance(expected, str):
        assert load.status == "refused"
        assert expected in str(load.reason)
    else:
        assert (load.rows_loaded, load.rows_quarantined) == expected
    assert not (REPOSITORY / "hacked").exists()


def test_names_that_are_no_text(box: Box) -> None:
    path = os.fsencode(box.exports) + b"/tickets_\xff\xfe.csv"
    with open(path, "wb") as stream:
        stream.write(_rows("a,2026-06-01,open,x"))
    loads = box.pull()
    assert sorted(load.rows_loaded for load in loads.values()) == [1, 1]


def test_names_that_look_the_same(box: Box) -> None:
    """Two names that are shown alike are two files."""
    for number, byte in enumerate((b"\xff", b"\xfe")):
        with open(os.fsencode(box.exports) + b"/tickets_" + byte + b".csv", "wb") as stream:
            stream.write(_rows(f"same{number},2026-06-01,open,x"))
    chosen = Settings(exports=str(box.exports), home=box.home)
    list(Pull(chosen, lambda _: None).kinds(lambda _, batches: [True] * len(batches)))
    rows = pq.read_table(box.home / "raw" / "tickets")["ticket_id"].to_pylist()
    assert sorted(rows) == ["same0", "same1", "t1"]


def test_links_and_ways_out_lead_nowhere(box: Box) -> None:
    secret = box.root / "secret"
    secret.mkdir()
    (secret / "tickets_secret.csv").write_text(GOOD.replace("t1", "secret"))
    (box.exports / "tickets_link.csv").symlink_to(secret / "tickets_secret.csv")
    (box.exports / "folder").symlink_to(secret, target_is_directory=True)
    (box.exports / "loop").symlink_to(box.exports, target_is_directory=True)
    (box.exports / "tickets_dead.csv").symlink_to(box.exports / "nothing.csv")
    os.mkfifo(box.exports / "tickets_pipe.csv")
    (box.exports / "tickets..csv").write_text(GOOD.replace("t1", "t2"))
    (box.exports / "..tickets.csv").write_text(GOOD.replace("t1", "hidden"))
    chosen = Settings(exports=str(box.exports), home=box.home)
    list(Pull(chosen, lambda _: None).kinds(lambda _, batches: [True] * len(batches)))
    rows = pq.read_table(box.home / "raw" / "tickets")["ticket_id"].to_pylist()
    assert sorted(rows) == ["t1", "t2"]


def test_a_renamed_file_is_taken_under_its_new_name(box: Box) -> None:
    """The remedies that messages name: pack it as its name says, or give it a name that a contract claims."""
    wrong = {"tickets_b.csv.gz": "tickets_b.csv", "nobody_knows.csv": "tickets_c.csv"}
    for number, name in enumerate(wrong):
        (box.exports / name).write_text(GOOD.replace("t1", f"t{number + 2}"))
    assert set(box.pull()) == {"tickets_good.csv", "tickets_b.csv.gz"}
    for old, new in wrong.items():
        (box.exports / old).rename(box.exports / new)
    loads = box.pull()
    assert {name: load.rows_loaded for name, load in loads.items()} == dict.fromkeys(["tickets_good.csv", *wrong.values()], 1)
    # Once it is loaded, the same bytes under any name are the same file.
    (box.exports / "tickets_b.csv").rename(box.exports / "tickets_d.csv")
    assert set(box.pull()) == set(loads)


def test_two_files_that_claim_the_same_record(box: Box) -> None:
    (box.exports / "tickets_again.csv").write_text(GOOD.replace("hello", "other"))
    loads = box.pull()
    assert [load.rows_loaded for load in loads.values()] == [1, 1], "both versions are kept; staging takes the newer"


LIMITS: dict[str, Callable[[], bytes]] = {
    "tickets.csv.gz": lambda: gzip.compress(GOOD.encode() + b"0" * 50_000),
    "tickets.csv.zst": lambda: zstandard.compress(GOOD.encode() + b"0" * 50_000),
    "tickets.ndjson.gz": lambda: gzip.compress(b'{"ticket_id": "' + b"0" * 50_000 + b'"}'),
    "orders.xlsx": _xlsx_bomb,
    "tickets.json": lambda: json.dumps([{"ticket_id": "0" * 50_000}]).encode(),
}


@pytest.mark.parametrize("name", LIMITS)
def test_what_unpacks_to_too_much_is_refused(box: Box, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(model, "SHIPPED", Limits(unpacked=20_000, group=20_000, line=20_000, json=20_000))
    (box.exports / f"big_{name}").write_bytes(LIMITS[name]())
    (box.exports / name).write_bytes(LIMITS[name]())
    load = box.pull()[name]
    assert load.status == "refused"
    assert "20,000 bytes" in str(load.reason)


def test_a_table_wider_than_memory_is_refused(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "SHIPPED", Limits(cells=100_000))
    lines = "".join(f'{{"key{number}": 1}}\n' for number in range(400))
    (box.exports / "tickets_wide.ndjson").write_text(lines)
    pq.write_table(pa.table({f"c{n}": pa.nulls(60_000, pa.int8()) for n in range(2)}), box.exports / "orders.parquet")
    loads = box.pull()
    assert "different columns" in str(loads["tickets_wide.ndjson"].reason)
    assert "120,000" in str(loads["orders.parquet"].reason) or "60,000 rows" in str(loads["orders.parquet"].reason)


@pytest.mark.ci
def test_memory_stays_bounded(tmp_path: Path) -> None:
    """A bomb of three gigabytes in three megabytes is refused by a process that may use one."""
    box = Box(tmp_path)
    packer = zstandard.ZstdCompressor().compressobj()
    with (box.exports / "tickets_bomb.csv.zst").open("wb") as stream:
        stream.write(packer.compress(HEADER.encode()))
        for _ in range(3 * 1024):
            stream.write(packer.compress(b"0" * 2**20))
        stream.write(packer.flush())
    code = (
        "import sys; from orchestration.settings.model import Settings; from orchestration.steps.pulling import Pull\n"
        "pull = Pull(Settings(exports=sys.argv[1], home=sys.argv[2]), print)\n"
        "for _ in pull.kinds(lambda _, batches: [True] * len(batches)): pass\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = subprocess.run(
        [sys.executable, "-c", code, box.exports, box.home], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "a line (2) of more than" in done.stdout or "unpacks to more than" in done.stdout
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak == before or peak < 1.5 * 2**20, f"{peak} KiB"


@pytest.mark.ci
def test_a_file_is_never_held_whole(tmp_path: Path) -> None:
    """Twice the rows take no more memory."""
    code = (
        "import sys; from orchestration.settings.model import Settings; from orchestration.steps.pulling import Pull\n"
        "pull = Pull(Settings(exports=sys.argv[1], home=sys.argv[2], memory_limit='100MiB'), lambda _: None)\n"
        "for _ in pull.kinds(lambda _, batches: [True] * len(batches)): pass\n"
        "import re; print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
    )
    peaks = []
    for rows in (400_000, 800_000):
        box = Box(tmp_path / str(rows))
        line = ",2026-06-01 10:00:00,open," + "x" * 300 + "\n"
        with (box.exports / "tickets_many.csv").open("w") as stream:
            stream.write(HEADER)
            stream.writelines(f"m{number}{line}" for number in range(rows))
        done = subprocess.run(
            [sys.executable, "-c", code, box.exports, box.home], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))
        found = sum(pq.read_metadata(path).num_rows for path in (box.home / "raw" / "tickets").glob("0*"))
        assert found == rows + 1
    # The text of what the larger file has more is 126 MiB, held once.
    assert peaks[1] - peaks[0] < 100 * 1024, peaks


texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "NaN", "inf", "-1", "2026-06-01", "2026-06-01T10:00+05:30", "=1+1", "';--", "open", "true", "1e308"]),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.tuples(texts, texts, texts, texts), max_size=8),
    kind=st.sampled_from(["tickets", "calls", "reviews", "orders", "surveys"]),
    form=st.sampled_from(["csv", "ndjson", "json", "parquet"]),
    data=st.data(),
)
@pytest.mark.ci
def test_any_rows_are_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], kind: str, form: str, data: st.DataObject
) -> None:
    columns = all_kinds()[kind].columns
    names = [*all_kinds()[kind].required_columns, *data.draw(st.lists(st.sampled_from(sorted(columns)), max_size=3, unique=True))]
    names = list(dict.fromkeys(names))
    box = Box(tmp_path_factory.mktemp("any"))
    records_ = [dict(zip(names, [*row, *[""] * len(names)], strict=False)) for row in rows]
    path = box.exports / f"{kind}.{form}"
    if form == "csv":
        with path.open("w", newline="", encoding="utf-8", errors="replace") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(records_)
    elif form == "parquet":
        clean = [{k: v.encode("utf-8", "replace").decode() for k, v in record.items()} for record in records_]
        pq.write_table(pa.Table.from_pylist(clean, schema=pa.schema([(name, pa.string()) for name in names])), path)
    else:
        lines = [json.dumps(record) for record in records_]
        path.write_text("\n".join(lines) if form == "ndjson" else f"[{','.join(lines)}]", encoding="utf-8")
    load = box.pull().get(path.name)
    if load is None:
        assert not rows, "only a file without a single record tells nothing"
    elif load.status == "loaded" and form != "csv":
        assert load.rows_read == len(rows)
