"""Streamlit's server with the dashboard, behind the guard: ``python dashboard.py PUBLISHED_FILE HOST PORT``."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import streamlit as st
from starlette.middleware import Middleware

from orchestration.serving.guard import Guard

SCRIPT = Path(__file__).parents[1] / "dashboard" / "app.py"
#: The address to open in a browser, if any.
OPENED = "CXHOUSE_OPENED"


#: What the pages need, the slow ones of it: more than a processor second to import, which the first reader would wait for.
_NEEDED = (
    "duckdb", "pandas", "plotly.graph_objects", "scipy.special",
    "orchestration.dashboard.pages", "orchestration.dashboard.explorer",
)  # fmt: skip


def _import_ahead() -> None:
    for name in _NEEDED:
        importlib.import_module(name)


@asynccontextmanager
async def _opened(_app: st.App) -> AsyncIterator[None]:
    asyncio.get_running_loop().run_in_executor(None, _import_ahead)
    if address := os.environ.get(OPENED):
        asyncio.get_running_loop().call_later(0.5, click.launch, address)
    yield


app = st.App(SCRIPT, middleware=[Middleware(Guard)], lifespan=_opened)

if __name__ == "__main__":
    app.run(
        config={
            "server.address": sys.argv[2],
            "server.port": int(sys.argv[3]),
            # Known, it is not looked up at a service outside.
            "browser.serverAddress": "127.0.0.1",
            "server.headless": True,
            "server.fileWatcherType": "none",
            "server.showEmailPrompt": False,
            "browser.gatherUsageStats": False,
            "client.toolbarMode": "minimal",
        }
    )
