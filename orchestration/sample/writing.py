"""Write the sample as its tools would export it: vendors' shapes, several formats, and some dirt."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import zstandard

from orchestration.core.connections import connect
from orchestration.sample import bots, money, optional, shapes
from orchestration.sample.company import Scope
from orchestration.sample.life import Life, live
from orchestration.sample.roster import roster
from orchestration.sample.states import agent_states

CHUNK_CUSTOMERS = 20_000
#: The stream of random numbers of the bot's chats: others are named by the length of a file's name.
_OF_BOTS = 1000
CONFIG = Path(__file__).with_name("config")


class CsvFile:
    """A CSV that grows chunk by chunk; every value is text."""

    def __init__(self, path: Path, delimiter: str = ",", mark: bool = False) -> None:
        self._stream = cast(BinaryIO, zstandard.open(path, "wb") if path.suffix == ".zst" else path.open("wb"))
        if mark:
            self._stream.write(b"\xef\xbb\xbf")
        self._options = pa_csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
        self._writer: pa_csv.CSVWriter | None = None

    def write(self, frame: pd.DataFrame) -> None:
        table = text_table(frame)
        if self._writer is None:
            self._writer = pa_csv.CSVWriter(self._stream, table.schema, write_options=self._options)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._stream.close()


class JsonFile:
    """NDJSON that grows chunk by chunk, from an SQL query over the chunk's frame."""

    def __init__(self, path: Path, query: str) -> None:
        self._stream = cast(BinaryIO, gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb"))
        self._query = query

    def write(self, frame: pd.DataFrame) -> None:
        with tempfile.NamedTemporaryFile(suffix=".json") as part, connect() as con:
            con.register("frame", pa.Table.from_pandas(frame, preserve_index=False))
            con.execute(f"copy ({self._query}) to '{part.name}' (format json)")
            with open(part.name, "rb") as text:
                shutil.copyfileobj(text, self._stream)

    def close(self) -> None:
        self._stream.close()


class ParquetFile:
    """Parquet that grows chunk by chunk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def write(self, frame: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        self._writer = self._writer or pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table.cast(self._writer.schema))

    def close(self) -> None:
        if self._writer:
            self._writer.close()


def text_table(frame: pd.DataFrame) -> pa.Table:
    """All columns as text, instants as ``YYYY-MM-DD HH:MM:SS``."""
    columns = {}
    for name in frame.columns:
        values = frame[name]
        if values.dtype.kind == "M":
            array = pa.array(values.to_numpy().astype("datetime64[s]"))
        else:
            array = pa.array([_cell(v) for v in values.tolist()], pa.string())
        columns[name] = array.cast(pa.string())
    return pa.table(columns)


def _cell(value: Any) -> str | None:
    if value is None or value is pd.NaT or value != value:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def write_sample(folder: Path, scope: Scope, progress: Callable[[str], None] = lambda _: None) -> dict[str, int]:
    """Write ``folder/exports`` and ``folder/config``; returns rows by file.

    The same scope writes the same bytes. Memory stays bounded: people are generated and written in chunks.
    """
    exports = folder / "exports"
    for part in ("zendesk", "amazon_connect", "trustpilot"):
        (exports / part).mkdir(parents=True, exist_ok=True)
    shutil.copytree(CONFIG, folder / "config", dirs_exist_ok=True)
    files: dict[str, tuple[CsvFile | JsonFile | ParquetFile, Callable[[Life, np.random.Generator], pd.DataFrame]]] = {
        "zendesk/tickets.csv": (CsvFile(exports / "zendesk/tickets.csv"), shapes.zendesk_tickets),
        "ticket_events.ndjson.gz": (
            JsonFile(exports / "ticket_events.ndjson.gz", shapes.EVENTS_QUERY), shapes.ticket_events
        ),
        "amazon_connect/contacts.ndjson": (
            JsonFile(exports / "amazon_connect/contacts.ndjson", shapes.CONNECT_QUERY), shapes.connect_contacts
        ),
        "trustpilot/reviews.csv": (CsvFile(exports / "trustpilot/reviews.csv"), shapes.trustpilot_reviews),
        "orders.csv": (CsvFile(exports / "orders.csv"), shapes.orders),
        "order_items.parquet": (ParquetFile(exports / "order_items.parquet"), shapes.order_items),
        "surveys.tsv": (CsvFile(exports / "surveys.tsv", delimiter="\t"), shapes.surveys),
        "customers.csv": (CsvFile(exports / "customers.csv", delimiter=";", mark=True), shapes.customers),
        "surveys_brand.csv": (CsvFile(exports / "surveys_brand.csv"), optional.brand_surveys),
        "returns.csv": (CsvFile(exports / "returns.csv"), money.returns),
        **{
            f"{kind}.csv": (CsvFile(exports / f"{kind}.csv"), getattr(optional, kind))
            for kind in ("web_sessions", "signups", "subscriptions", "shipments", "product_usage", "survey_invitations")
        },
    }  # fmt: skip
    chats = {name: CsvFile(exports / name) for name in bots.FILES if scope.has_bots}
    rows = dict.fromkeys([*files, *chats], 0)
    for first in range(0, scope.customers, CHUNK_CUSTOMERS):
        count = min(CHUNK_CUSTOMERS, scope.customers - first)
        life = live(scope, first, count)
        for name, (file, shape) in files.items():
            frame = shape(life, np.random.default_rng([scope.seed, first, len(name)]))
            file.write(frame)
            rows[name] += len(frame)
        rng = np.random.default_rng([scope.seed, first, _OF_BOTS])
        for name, frame in zip(chats, bots.bot_conversations(life, rng) if chats else (), strict=True):
            chats[name].write(frame)
            rows[name] += len(frame)
        progress(f"{first + count:,} of {scope.customers:,} customers")
    for written in [*(file for file, _ in files.values()), *chats.values()]:
        written.close()
    for name in [name for name, count in rows.items() if not count]:
        # A small company has no return, say: nobody exports a list of none.
        (exports / name).unlink(missing_ok=True)
        del rows[name]
    days = roster(scope)
    for name, frame in {
        "agents.csv.zst": days,
        "agent_states.csv.zst": agent_states(scope, days),
        "surveys_staff.csv": optional.staff_surveys(scope),
        "costs.csv": optional.costs(scope),
        "competitors.csv": optional.competitors(scope),
    }.items():
        whole = CsvFile(exports / name)
        whole.write(frame)
        whole.close()
        rows[name] = len(frame)
    rates = money.exchange_rates(scope)
    (exports / "eurofxref-hist.csv").write_text(rates, encoding="utf-8")
    rows["eurofxref-hist.csv"] = rates.count("\n") - 1
    return rows
