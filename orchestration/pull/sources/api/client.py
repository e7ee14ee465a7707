"""Requests to an API: with credentials from the environment, tried again where that helps, as late as the vendor says."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from requests.utils import parse_header_links
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from orchestration.pull.sources.api.description import Credentials, Description, filled
from orchestration.pull.sources.base import UnreadableSourceError
from orchestration.pull.sources.remote import SILENCE_SECONDS
from orchestration.pull.sources.remote.stores import problem, secret
from orchestration.settings.locations import ApiLocation

#: A request is made so often; the pauses between grow from so many seconds on, to two minutes all in all.
ATTEMPTS, FIRST_PAUSE_SECONDS = 7, 1.0
#: A vendor that wants to be left alone for longer is one for the next run.
MOST_WAITING_SECONDS = 900


class RefusedError(UnreadableSourceError):
    """An answer that is none; its ``status`` says which."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(_of_status(self))

    @property
    def is_of_request(self) -> bool:
        """Is it what was asked that is wrong, and not who asks or when?"""
        return 400 <= self.status < 500 and self.status not in (401, 403, 408, 429)


class _Patient(Retry):
    """Waits as long as the vendor says, within reason."""

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            seconds = max(float(retry_after), 0)  # Shopify writes 2.0
        except ValueError:
            try:
                seconds = super().parse_retry_after(retry_after)
            except InvalidHeader:
                return 0  # the pauses grow by themselves
        if seconds > MOST_WAITING_SECONDS:
            raise UnreadableSourceError(f"it takes no more requests for {seconds / 60:,.0f} minutes")
        return seconds


class _Headers(AuthBase):
    """Credentials as headers. What requests reads in ~/.netrc does not come in their place."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


@dataclass(frozen=True)
class Answer:
    """What an API says: its JSON, the next page by its header `Link`, the other headers."""

    body: Any
    link: str | None
    headers: Any


class Client:
    """One API, asked by one thread."""

    def __init__(self, name: str, description: Description, location: ApiLocation) -> None:
        self._name, self._description = name, description
        values = description.values(location)
        self.address = str(location.at or filled(description.address, values)).rstrip("/")
        self._verify: str | bool = str(location.ca) if location.ca else True
        self._session: requests.Session | None = None
        self._asked_at = 0.0

    def ask(self, request: dict[str, Any], per_minute: float | None = None, may_be_gone: bool = False) -> Answer | None:
        """The answer to a request (keys method, url, query, body); none where what it is about is gone, and may be.

        Raises:
            UnreadableSourceError: there is none; the message holds no address, credential or value.
        """
        self._pace(per_minute)
        try:
            answer = self._answer(request)
            if answer.status_code == 401 and self._description.credentials.oauth:
                self._session = None  # the token has run out
                answer = self._answer(request)
            if may_be_gone and answer.status_code in (404, 410):
                return None
            if answer.status_code != 200:
                raise RefusedError(answer.status_code)
            links = [link.get("url") for link in parse_header_links(answer.headers.get("Link", "")) if link.get("rel") == "next"]
            return Answer(answer.json(), links[0] if links else None, answer.headers)
        except UnreadableSourceError:
            raise
        except (requests.RequestException, ValueError) as error:
            raise UnreadableSourceError(_in_words(error)) from error

    def _answer(self, request: dict[str, Any]) -> requests.Response:
        session = self._session = self._session or self._opened()
        return session.request(
            request.get("method", "GET"),
            request["url"],
            params=request.get("query"),
            json=request.get("body"),
            timeout=(10, SILENCE_SECONDS),
            # Elsewhere nobody may see the credentials.
            allow_redirects=False,
        )

    def _pace(self, per_minute: float | None) -> None:
        if per_minute and (wait := self._asked_at + 60 / per_minute - time.monotonic()) > 0:
            time.sleep(wait)
        self._asked_at = time.monotonic()

    def whole_address(self, url: str) -> str:
        """The address of a next page.

        Raises:
            UnreadableSourceError: it is another server's.
        """
        whole = urljoin(f"{self.address}/", url)
        if urlsplit(whole)[:2] != urlsplit(self.address)[:2]:
            raise UnreadableSourceError("it names a next page on another server, which does not get the credentials")
        return whole

    def _opened(self) -> requests.Session:
        session = requests.Session()
        session.verify = self._verify
        session.headers.update({"Accept": "application/json", "User-Agent": "cxhouse", **self._description.headers})
        retry = _Patient(
            total=ATTEMPTS - 1,
            backoff_factor=FIRST_PAUSE_SECONDS,
            status_forcelist=[408, 429, 500, 502, 503, 504],
            # A search is a POST, and changes nothing.
            allowed_methods=["GET", "POST"],
            raise_on_status=False,
        )
        session.mount("https://", HTTPAdapter(max_retries=retry))
        session.mount("http://", HTTPAdapter(max_retries=retry))
        session.auth = self._auth(session, self._description.credentials)
        return session

    def _auth(self, session: requests.Session, credentials: Credentials) -> AuthBase:
        values = self._secrets()
        if credentials.oauth:
            user, password = (filled(text, values) for text in credentials.oauth.basic)
            response = session.post(
                f"{self.address}{credentials.oauth.at}",
                data=credentials.oauth.form,
                auth=HTTPBasicAuth(user, password),
                timeout=(10, SILENCE_SECONDS),
                allow_redirects=False,
            )
            if response.status_code != 200:
                raise RefusedError(response.status_code)
            return _Headers({"Authorization": f"Bearer {response.json()['access_token']}"})
        if credentials.basic:
            user, password = (str(filled(text, values)) for text in credentials.basic)
            return HTTPBasicAuth(user.encode(), password.encode())
        headers = {name: str(filled(text, values)) for name, text in credentials.headers.items()}
        if credentials.bearer:
            headers["Authorization"] = f"Bearer {filled(credentials.bearer, values)}"
        return _Headers(headers)

    def _secrets(self) -> dict[str, str]:
        found = {name: secret(self._name, name.upper()) for name in self._description.secrets}
        if lacking := [name for name, value in found.items() if not value]:
            variables = " and ".join(f"CXHOUSE_{self._name.upper()}_{name.upper()}" for name in lacking)
            raise UnreadableSourceError(f"the environment has no {variables}")
        return {name: value for name, value in found.items() if value}


def _in_words(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted (setting `ca`)"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not let it through"
    if isinstance(error, requests.Timeout):
        return "the server does not answer"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to the server"
    if isinstance(error, (requests.exceptions.JSONDecodeError, ValueError, KeyError)):
        return "its answer is no JSON that was expected"
    return problem(error)


def _of_status(error: RefusedError) -> str:
    if error.status == 404:
        return "the server knows no such address: check the params (status 404)"
    return problem(error)
