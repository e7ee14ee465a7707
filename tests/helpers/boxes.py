"""A home with an exports folder that anything is put into."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from orchestration.pull.home.ledger import Load
from orchestration.settings.model import Settings
from orchestration.steps.pulling import Pull

HEADER = "ticket_id,created_at,status,subject\n"


GOOD = HEADER + "t1,2026-06-01T10:00:00,open,hello\n"


class Box:
    """A home with an exports folder that anything is put into."""

    def __init__(self, root: Path) -> None:
        self.root, self.exports, self.home = root, root / "exports", root / "home"
        self.exports.mkdir(parents=True)
        (self.exports / "tickets_good.csv").write_text(GOOD)

    def pull(self) -> dict[str, Load]:
        """Pull, and hold the ledger against the files: rows read = loaded + quarantined, as they lie there."""
        settings = Settings(exports=str(self.exports), home=self.home)
        pulling = Pull(settings, lambda _: None)
        for _ in pulling.kinds(lambda _, batches: [True] * len(batches)):
            pass
        names = {file.batch: file.file for file in pulling.ledger.landed()}
        loads = {names[load.batch]: load for load in pulling.ledger.loads()}
        for load in loads.values():
            assert load.rows_read == load.rows_loaded + load.rows_quarantined
            stem = f"{load.kind}/{load.batch:08d}_{load.contract}.*"
            for folder, rows in ((settings.raw, load.rows_loaded), (settings.quarantine, load.rows_quarantined)):
                found = sum(pq.read_metadata(path).num_rows for path in folder.glob(stem))
                assert found == rows
        assert loads["tickets_good.csv"].rows_loaded == 1, "a bad neighbour does no harm"
        outside = [path for path in self.root.rglob("*") if not path.is_relative_to(self.home)]
        assert {path.parent for path in outside if path.is_file()} <= {self.exports, *self.exports.rglob("*")}
        return loads
