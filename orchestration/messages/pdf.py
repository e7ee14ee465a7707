"""A page of HTML as PDF, printed by the Chromium of this machine, if it has one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from orchestration.core.errors import CxhouseError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: It asks nobody for anything, whatever a text may bring along.
_QUIET = ("--headless", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND")
_SECONDS = 120


def chromium() -> str | None:
    """The program that prints; None where the machine has none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def as_pdf(html: str, title: str) -> bytes:
    """Print a page that needs nothing from elsewhere.

    Raises:
        CxhouseError: there is no Chromium, or it printed nothing.
    """
    program = chromium()
    if program is None:
        raise CxhouseError("a PDF is printed by Chromium, which this machine does not have (Debian: apt install chromium)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page, printed = folder / "page.html", folder / "page.pdf"
        page.write_text(html, encoding="utf-8")
        # Chromium refuses to shut itself in where it is run by root, as in a container.
        unshut = ["--no-sandbox"] if os.geteuid() == 0 else []
        options = [*_QUIET, *unshut, f"--user-data-dir={folder / 'profile'}", "--no-pdf-header-footer"]
        try:
            subprocess.run(
                [program, *options, f"--print-to-pdf={printed}", page.as_uri()], check=True, capture_output=True, timeout=_SECONDS
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise CxhouseError(f"Chromium could not print {title} ({type(error).__name__})") from None
        if not printed.exists():
            raise CxhouseError(f"Chromium printed nothing of {title}")
        return printed.read_bytes()
