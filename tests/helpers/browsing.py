"""A browser without a screen, and what is asked of every page in it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from orchestration.messages.pdf import chromium as program

CHROMIUM = program()
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_OWN = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:", "ws://127.0.0.1:")
#: Asked of each page: the contrast of its text on its ground, by WCAG's formula; buttons and Streamlit's sidebar are not ours.
_CONTRAST = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => { const [r, g, b] = parts(colour).slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (element) => { for (let e = element; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (parts(c)[3] !== 0) return c; } return "rgb(255, 255, 255)"; };
  return [...document.querySelectorAll("h1, h2, h3, p, td, th, .badge, a, summary")]
    .filter((e) => e.offsetParent && e.textContent.trim() && !e.closest("button, [data-testid=stSidebar]"))
    .map((e) => { const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className || e.tagName, e.textContent.trim().slice(0, 40)]; })
    .filter(([contrast]) => contrast < 4.5); }"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; a test that asks for it is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        yield browser
        browser.close()


class Watched:
    """A page whose console and requests are kept."""

    def __init__(self, browser: Browser, width: int = 1280, scheme: Any = "light") -> None:
        self.width = width
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True)
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda asked: None if asked.url.startswith(_OWN) else self.elsewhere.append(asked.url))

    def check(self, name: str) -> None:
        """No error, no request to anywhere else, nothing beyond the right edge, and text that can be read."""
        assert not self.errors, f"{name}: {self.errors[:3]}"
        assert not self.elsewhere, f"{name}: {self.elsewhere[:3]}"
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width, f"{name}: wider than {self.width}"
        faint = self.page.evaluate(_CONTRAST)
        assert not faint, f"{name}: {faint[:5]}"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def dashboard(home: Path, log: Path) -> Iterator[str]:
    """The address of a dashboard over a home, for as long as this lasts."""
    port = free_port()
    command = [sys.executable, "-m", "orchestration.cli", "dashboard", "--no-browser", "--home", str(home), "--port", str(port)]
    with log.open("w") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream)
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(60):
                try:
                    urllib.request.urlopen(f"{address}/_stcore/health", timeout=5)
                    break
                except (URLError, ConnectionError):
                    assert server.poll() is None, log.read_text()
                    time.sleep(1)
            yield address
        finally:
            server.terminate()
            server.wait(30)
