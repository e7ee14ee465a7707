"""Streamlit's server with the dashboard, behind the guard: ``python dashboard.py PUBLISHED_FILE PORT``."""

from __future__ import annotations

import asyncio
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
ADDRESS = "127.0.0.1"
#: The address to open in a browser, if any.
OPENED = "CXHOUSE_OPENED"


@asynccontextmanager
async def _opened(_app: st.App) -> AsyncIterator[None]:
    if address := os.environ.get(OPENED):
        asyncio.get_running_loop().call_later(0.5, click.launch, address)
    yield


app = st.App(SCRIPT, middleware=[Middleware(Guard)], lifespan=_opened)

if __name__ == "__main__":
    app.run(
        config={
            "server.address": ADDRESS,
            "server.port": int(sys.argv[2]),
            # Known, it is not looked up at a service outside.
            "browser.serverAddress": ADDRESS,
            "server.headless": True,
            "server.fileWatcherType": "none",
            "server.showEmailPrompt": False,
            "browser.gatherUsageStats": False,
            "client.toolbarMode": "minimal",
        }
    )
