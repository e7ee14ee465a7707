"""SFTP by paramiko, to servers whose key is known. (fsspec's class has one connection for all threads.)"""

from __future__ import annotations

import stat
import threading
from typing import Any

import paramiko
from fsspec.utils import infer_storage_options

from orchestration.pull.sources.remote import SILENCE_SECONDS


class SFTP:
    """As much of a file system as exports need. A connection for each thread: a client answers one at a time."""

    def __init__(self, host: str, known_hosts: str | None, **options: Any) -> None:
        self._host, self._known_hosts, self._options = host, known_hosts, options
        self._threads = threading.local()

    def _connect(self) -> paramiko.SFTPClient:
        client = paramiko.SSHClient()
        client.load_system_host_keys(self._known_hosts)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(self._host, **self._options)
        opened = client.open_sftp()
        opened.sock.settimeout(SILENCE_SECONDS)
        # The client goes with its last reference, and the connection with it.
        self._threads.client, self._threads.ftp = client, opened
        return opened

    @property
    def _ftp(self) -> paramiko.SFTPClient:
        """This thread's client; a connection that was lost is opened again."""
        known: paramiko.SFTPClient | None = getattr(self._threads, "ftp", None)
        return self._connect() if known is None or known.sock.closed else known

    def _strip_protocol(self, path: str) -> str:
        return infer_storage_options(path)["path"]

    def find(self, path: str, **_: Any) -> dict[str, dict[str, Any]]:
        """Files below a folder with their sizes and times; links are passed over."""
        found, folders = {}, [path or "."]
        while folders:
            folder = folders.pop()
            for item in self._ftp.listdir_iter(folder):
                name = f"{folder.rstrip('/')}/{item.filename}"
                mode = item.st_mode or 0
                if stat.S_ISDIR(mode):
                    folders.append(name)
                elif stat.S_ISREG(mode):
                    found[name] = {"type": "file", "size": item.st_size, "mtime": item.st_mtime}
        return found

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Size and time of a file."""
        known = self._ftp.stat(path)
        return {"type": "file", "name": path, "size": known.st_size, "mtime": known.st_mtime}

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """The bytes of a file from ``start`` to ``end``."""
        with self._ftp.open(path, "rb") as file:
            file.seek(start or 0)
            if end is None:
                return bytes(file.read())
            file.prefetch(end)
            return bytes(file.read(end - (start or 0)))
