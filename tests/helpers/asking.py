"""APIs of vendors for tests, on loopback: a server that pages, filters and refuses as their documentation says."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """What was asked."""

    path: str
    query: dict[str, str]
    body: Any
    headers: Any
    #: Address of the server.
    address: str

    def user(self) -> str:
        """User and password of basic authentication."""
        return base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()


@dataclass
class Reply:
    """What is answered."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Api:
    """Answers by the longest path that fits; ``before`` may answer in their place."""

    def __init__(self) -> None:
        self.routes: dict[str, Callable[[Request], Reply]] = {}
        self.asked: list[Request] = []
        self.before: Callable[[Request], Reply | None] = lambda _: None

    def answer(self, request: Request) -> Reply:
        self.asked.append(request)
        if (reply := self.before(request)) is not None:
            return reply
        fitting = [path for path in self.routes if request.path == path or (path.endswith("/") and request.path.startswith(path))]
        return self.routes[max(fitting, key=len)](request) if fitting else Reply(status=404)


@contextmanager
def api_server() -> Iterator[tuple[str, Api]]:
    """A running server; gives its address and what it answers."""
    api = Api()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {key: ",".join(values) for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_json = "json" in (self.headers.get("Content-Type") or "")
            body = json.loads(raw) if raw and is_json else raw.decode()
            reply = api.answer(Request(parts.path, query, body, self.headers, f"http://{self.headers['Host']}"))
            text = json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", api
    finally:
        server.shutdown()
        server.server_close()
