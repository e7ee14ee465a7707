"""A layer before a server of pages: only this machine's own pages may ask it.

A server on the loopback is reached by every page that is open in a browser there: by a form or a link of a foreign page, or by
a name that its owner lets lead to 127.0.0.1. So the host that is asked for and the page that asks must be known ones, no
statement to Dagster's GraphQL is taken from a plain link, and with a token in the settings nobody is answered without it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS_VARIABLE = "CXHOUSE_SERVED_HOSTS"
TOKEN_VARIABLE = "CXHOUSE_ACCESS_TOKEN"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_COOKIE = "cxhouse_token"
#: Where a server takes statements: by GET they could come from any link.
_STATEMENTS = ("/graphql",)


class Guard:
    """An ASGI application in front of another.

    ``hosts`` are names by which it may be asked for besides those of the loopback; these and the token are given by the command
    that started the process (see ``serving.starting``), unless they are given.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None = None, token: str | None = None) -> None:
        self._app = app
        self._token = os.environ.get(TOKEN_VARIABLE, "") if token is None else token
        known = os.environ.get(HOSTS_VARIABLE, "").split() if hosts is None else hosts
        self._hosts = {*LOOPBACK_HOSTS, *(host.lower() for host in known)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        await (answer or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | _Closed | None:
        """What to answer in the place of the application; none where it may."""
        is_http = scope["type"] == "http"
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if _hostname(f"//{host}") not in self._hosts:
            return self._say(is_http, 400, "this server is not asked for by that name (setting: served_hosts)")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return self._say(is_http, 403, "a page of another origin may not ask this server")
        if is_http and scope["path"].rstrip("/") in _STATEMENTS and scope["query_string"] and scope["method"] != "POST":
            return self._say(is_http, 405, "send statements by POST")
        return self._token_refusal(scope, headers, is_http) if self._token else None

    def _token_refusal(self, scope: Scope, headers: Headers, is_http: bool) -> Response | _Closed | None:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        offered = query.pop("token", "")
        cookie = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
        if is_http and self._is_token(offered):
            # From now on the browser's cookie says it: the token leaves the address line and the history.
            place = scope["path"] + (f"?{urlencode(query)}" if query else "")
            answer = RedirectResponse("/" + place.lstrip("/"), status_code=303)
            answer.set_cookie(_COOKIE, self._token, httponly=True, samesite="strict")
            return answer
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token(bearer) or (cookie and self._is_token(cookie.value)):
            return None
        return self._say(is_http, 401, "open the address with ?token=… once (setting: access_token)")

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self._token.encode())

    @staticmethod
    def _say(is_http: bool, status: int, text: str) -> Response | _Closed:
        return PlainTextResponse(text + "\n", status) if is_http else _Closed()


class _Closed:
    """A web socket that is refused before it opens."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1008})


def _hostname(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""
