"""Stores of exports by fsspec: how each is opened, listed, and read in blocks; and what went wrong, in words without data."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

from orchestration.core.errors import ConfigurationError
from orchestration.pull.sources.remote import SILENCE_SECONDS
from orchestration.settings.locations import SCHEMES, Location

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from orchestration.pull.sources.remote.sftp import SFTP

    FileSystem: TypeAlias = AbstractFileSystem | SFTP

#: Requests at a time to one server.
AT_ONCE = 8
_UNVERSIONED = "as of"


@dataclass(frozen=True)
class StoredObject:
    """One object of a store. ``version`` changes when its content may have; ``modified_at`` is UTC without a zone."""

    key: str
    name: str
    size: int | None
    version: str
    modified_at: datetime | None

    @property
    def is_versioned(self) -> bool:
        """Does the store say when the content changes?"""
        return _UNVERSIONED not in self.version


class Store:
    """One location. It may be used by several threads."""

    def __init__(self, name: str, location: Location, retried: Callable[[Callable[[], Any]], Any]) -> None:
        self._name, self._location, self._retried = name, location, retried
        self._filesystem: FileSystem | None = None

    @property
    def filesystem(self) -> FileSystem:
        """The connection, opened when it is first used."""
        if self._filesystem is None:
            self._filesystem = _open(self._name, self._location)
        return self._filesystem

    def _root(self) -> str:
        return str(self.filesystem._strip_protocol(self._location.at)).rstrip("/")

    def objects(self) -> list[StoredObject]:
        """Everything below the location, listed once."""
        if self._location.scheme in ("http", "https"):
            return self._linked()
        root = self._root()
        found = self._retried(lambda: self.filesystem.find(root, detail=True))
        return [_object(key, key.removeprefix(root).lstrip("/"), info) for key, info in found.items() if info["type"] == "file"]

    def _linked(self) -> list[StoredObject]:
        """HTTPS lists nothing by itself: the links of a page, or the lines of a list; then a request for each for its version."""
        root = self._location.at.rstrip("/") + "/"
        if self._location.list:
            text = self._retried(lambda: self.filesystem.cat_file(urljoin(root, self._location.list)))
            lines = text.decode("utf-8").splitlines()
            urls = [urljoin(root, line.strip()) for line in lines if line.strip() and not line.startswith("#")]
        else:
            # Without on_error, a folder that cannot be read is an empty one.
            urls = list(self._retried(lambda: self.filesystem.find(root, on_error="raise")))
        below = sorted({url for url in urls if url.startswith(root) and url != root})
        with ThreadPoolExecutor(AT_ONCE) as pool:
            infos = pool.map(lambda url: self._retried(lambda: self.filesystem.info(url)), below)
            return [
                _object(url, unquote(urlsplit(url.removeprefix(root)).path), info) for url, info in zip(below, infos, strict=True)
            ]

    def read(self, key: str, start: int, end: int | None) -> bytes:
        """A block of an object; all of it from ``start`` without ``end``."""
        return bytes(self.filesystem.cat_file(key, start=start, end=end))

    def version(self, key: str) -> str:
        """The version of an object now."""
        return _object(key, key, self.filesystem.info(key)).version


#: Where stores say when an object changed, and what stands for its content.
_MODIFIED = ("LastModified", "mtime", "last_modified", "updated", "Last-Modified")
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "Content-MD5")


def _object(key: str, name: str, info: dict[str, Any]) -> StoredObject:
    moment = _moment(next((info[field] for field in _MODIFIED if info.get(field)), None))
    tag = next((str(info[field]) for field in _TAGS if info.get(field)), "")
    size = info.get("size")
    # Without a tag or an instant nothing shows whether the content changed: it is then read each time.
    sign = tag or (moment.isoformat() if moment else f"{_UNVERSIONED} {datetime.now(UTC).isoformat()}")
    return StoredObject(key, name, None if size is None else int(size), f"{size}:{sign}", moment)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            try:
                value = parsedate_to_datetime(value)
            except ValueError:
                return None
    if isinstance(value, (int, float)):
        value = datetime.fromtimestamp(value, UTC)
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else None


# -- opening -----------------------------------------------------------------------------------------------------------


def _open(name: str, location: Location) -> FileSystem:
    """The file system of a location, with credentials from the environment or the provider's own chain.

    Raises:
        ConfigurationError: the package that reads it is not installed.
    """
    try:
        return _OPENERS[location.scheme](name, location)
    except ImportError as error:
        extra = SCHEMES[location.scheme]
        raise ConfigurationError(
            f"{location.scheme}:// needs an extra; install it with: pip install 'cxhouse[{extra}]'"
        ) from error


def secret(name: str, what: str) -> str | None:
    """A credential of a source from the environment, such as CXHOUSE_DESK_PASSWORD."""
    return os.environ.get(f"CXHOUSE_{name.upper()}_{what}" if name else f"CXHOUSE_EXPORTS_{what}")


def _s3(_: str, location: Location) -> FileSystem:
    from s3fs import S3FileSystem

    return S3FileSystem(
        anon=location.anonymous,
        endpoint_url=location.endpoint,
        client_kwargs={"verify": str(location.ca)} if location.ca else {},
        config_kwargs={"connect_timeout": 10, "read_timeout": SILENCE_SECONDS, "retries": {"max_attempts": 1}},
        skip_instance_cache=True,
        use_listings_cache=False,
    )


def _https(name: str, location: Location) -> FileSystem:
    from aiohttp import BasicAuth, ClientTimeout
    from fsspec.implementations.http import HTTPFileSystem

    options: dict[str, Any] = {}
    if token := secret(name, "TOKEN"):
        options["headers"] = {"Authorization": f"Bearer {token}"}
    elif password := secret(name, "PASSWORD"):
        options["auth"] = BasicAuth(secret(name, "USER") or "", password)
    if location.ca:
        options["ssl"] = ssl.create_default_context(cafile=str(location.ca))
    timeout = ClientTimeout(total=None, sock_connect=10, sock_read=SILENCE_SECONDS)
    return HTTPFileSystem(
        client_kwargs={"trust_env": True, "timeout": timeout}, skip_instance_cache=True, use_listings_cache=False, **options
    )


def _sftp(name: str, location: Location) -> SFTP:
    from orchestration.pull.sources.remote.sftp import SFTP

    parts = urlsplit(location.at)
    return SFTP(
        host=parts.hostname or "",
        known_hosts=str(location.known_hosts) if location.known_hosts else None,
        port=parts.port or 22,
        username=parts.username or secret(name, "USER"),
        password=secret(name, "PASSWORD"),
        timeout=10,
    )


def _gs(_: str, location: Location) -> FileSystem:
    from gcsfs import GCSFileSystem

    return GCSFileSystem(token="anon" if location.anonymous else None, skip_instance_cache=True, use_listings_cache=False)


def _abfs(_: str, location: Location) -> FileSystem:
    from adlfs import AzureBlobFileSystem

    account = urlsplit(location.at).hostname or ""
    return AzureBlobFileSystem(
        account_name=os.environ.get("AZURE_STORAGE_ACCOUNT_NAME", account),
        anon=location.anonymous,
        skip_instance_cache=True,
        use_listings_cache=False,
    )


_OPENERS: dict[str, Callable[[str, Location], FileSystem]] = {
    "s3": _s3,
    "http": _https,
    "https": _https,
    "sftp": _sftp,
    "gs": _gs,
    "abfs": _abfs,
}


def problem(error: BaseException) -> str:
    """What went wrong with a store, in words that hold no address, name or credential."""
    kind = type(error).__name__
    if isinstance(error, FileNotFoundError):
        return "there is no such folder or file"
    if isinstance(error, PermissionError) or "Auth" in kind or "Credential" in kind:
        return "access is denied: check the credentials in the environment"
    if "HostKey" in kind or "not found in known_hosts" in str(error):
        return "the server's key is not the one in known_hosts"
    if "Certificate" in kind or isinstance(error, ssl.SSLError):
        return "the server's certificate is not trusted (setting `ca`)"
    status = getattr(error, "status", None)
    if status in (401, 403):
        return "access is denied: check the credentials in the environment"
    if isinstance(error, TimeoutError) or "Timeout" in kind:
        return "the server does not answer"
    return f"the server answered {status}" if isinstance(status, int) else f"it cannot be read ({kind})"
