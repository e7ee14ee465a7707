"""Takes the pictures of the README and docs anew, of a run of the sample. Run: make screenshots"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from browsing import chromium, dashboard, free_port
from playwright.sync_api import Browser, Page
from rich.console import Console

from orchestration.cli.run_output import print_run
from orchestration.runs.record import PAGES, RunRecord
from orchestration.settings import PROJECT
from orchestration.settings.loading import load_settings

IMAGES = PROJECT / "docs" / "images"
EXPLORED = "explore?kpi=on_time_delivery_rate&grain=quarter&by=country"
#: As wide as a terminal that shows every column.
COLUMNS = 132


def cxhouse(*arguments: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments], stdout=subprocess.DEVNULL, check=False
    ).returncode


def shot(browser: Browser, name: str, address: str, width: int, height: int, scheme: str, ready: Callable[[Page], None]) -> None:
    """One picture of a page, once it is ready."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    ready(page)
    page.screenshot(path=IMAGES / f"{name}.png")
    context.close()
    print(IMAGES / f"{name}.png")


def end_of_a_run() -> Path:
    """The end of the run as a terminal shows it, as a page."""
    settings = load_settings(home="home", config="sample/config")
    record = RunRecord.load(settings.home)
    assert record
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        print_run(console, settings, record)
    page = Path("run.html").absolute()
    page.write_text(console.export_html(), encoding="utf-8")
    return page


def stopped_run() -> Path:
    """The page of a run that a gate stopped: a file of which a third cannot be read."""
    exports = Path("broken")
    shutil.copytree("sample/exports", exports)
    rows = [f"late-{n},{'2026-06-30T12:00:00Z' if n % 3 else 'yesterday'},paid" for n in range(90)]
    (exports / "orders_2026-07-01.csv").write_text("\n".join(["order_id,ordered_at,status", *rows]), encoding="utf-8")
    assert cxhouse("run", "--exports", str(exports), "--config", "sample/config", "--home", "home") == 1
    return max((Path("home") / PAGES).glob("*.html")).absolute()


def pause(milliseconds: int) -> Callable[[Page], None]:
    return lambda page: page.wait_for_timeout(milliseconds)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        os.chdir(folder)
        assert cxhouse("sample", "--out", "sample") == 0
        assert cxhouse("run", "--record", "--exports", "sample/exports", "--config", "sample/config", "--home", "home") == 0
        shot(browser, "run", end_of_a_run().as_uri(), 1200, 700, "light", pause(300))
        report = Path("home/published/report.html").absolute().as_uri()
        shot(browser, "report", f"{report}#overview", 1280, 1080, "light", pause(1500))
        shot(browser, "support", f"{report}#stage-support", 1280, 700, "light", pause(1500))
        shot(browser, "journey", f"{report}#journey", 1280, 900, "dark", pause(1500))
        with dashboard(Path("home").absolute(), Path("dashboard.log")) as address:
            shot(browser, "dashboard", f"{address}/kpi?kpi=on_time_delivery_rate", 1280, 1000, "light", pause(6000))
            shot(browser, "explore", f"{address}/{EXPLORED}", 1280, 1000, "light", pause(6000))
        port = free_port()
        ui = [sys.executable, "-m", "orchestration.cli", "ui", "--exports", "sample/exports", "--config", "sample/config"]
        with Path("ui.log").open("w") as log:
            server = subprocess.Popen([*ui, "--home", "home", "--port", str(port)], stdout=log, stderr=log)
            try:
                pause(25_000)(browser.new_page())
                shot(browser, "dagster", f"http://127.0.0.1:{port}/asset-groups", 1500, 600, "light", pause(9000))
            finally:
                server.terminate()
                server.wait(30)
        shot(browser, "gates", stopped_run().as_uri(), 1100, 760, "light", pause(300))


if __name__ == "__main__":
    main()
