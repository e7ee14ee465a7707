"""Servers that hold exports, on loopback: S3 by moto, SFTP by OpenSSH, HTTPS with ranges; each can be slow, broken, or down."""

from __future__ import annotations

import http.server
import os
import pwd
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browsing import free_port

SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


class Web(http.server.SimpleHTTPRequestHandler):
    """Files of a folder with ranges and entity tags. ``before`` is asked with each path, and may break the answer."""

    before: Callable[[str, Any], None] = staticmethod(lambda path, handler: None)
    ranges = True
    asked: list[tuple[str, str, str | None]]

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def send_head(self) -> Any:
        self.asked.append((self.command, self.path, self.headers.get("Range")))
        path = Path(self.translate_path(self.path))
        if type(self).before(self.path, self) == "answered":
            return None
        if path.is_dir() or not path.exists():
            return super().send_head()
        content = path.read_bytes()
        start, end = 0, len(content)
        wanted = self.headers.get("Range") if self.ranges else None
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), int(last) + 1 if last else end
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(end - start))
        self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
        if self.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[start:end])
        return None


@contextmanager
def https_server(folder: Path, certificate: Path) -> Iterator[tuple[str, type[Web]]]:
    """An HTTPS server over a folder with a certificate of its own, which is written to a file."""
    key = certificate.with_suffix(".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    handler = type("Handler", (Web,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: handler(*given, directory=str(folder)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def s3_server() -> Iterator[tuple[str, Any]]:
    """A store that speaks S3; gives its address and a client that may write to it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1"
    )
    try:
        yield address, client
    finally:
        server.stop()


class SFTPServer:
    """OpenSSH's server of one user, over whatever folder is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, free_port()
        self.known_hosts = folder / "known_hosts"
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        (folder / "authorized_keys").write_bytes((folder / "user_key.pub").read_bytes())
        public = " ".join((folder / "host_key.pub").read_text().split()[:2])
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}\n")
        self.user = pwd.getpwuid(os.getuid()).pw_name
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host_key'}\nPidFile none\nStrictModes no\n"
            f"AuthorizedKeysFile {folder / 'authorized_keys'}\nPasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\n"
            "Subsystem sftp internal-sftp\n"
        )

    def start(self) -> None:
        """Start it, or start it again."""
        Path("/run/sshd").mkdir(exist_ok=True)
        with (self._folder / "log").open("ab") as log:
            command = [str(SSHD), "-D", "-e", "-f", str(self._folder / "sshd_config")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if b"listening" in (self._folder / "log").read_bytes():
                return
            time.sleep(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def stop(self) -> None:
        """End it, with the connections that it has."""
        if self._process:
            subprocess.run(["pkill", "-P", str(self._process.pid)], check=False)
            self._process.terminate()
            self._process.wait(10)

    def at(self, folder: Path) -> str:
        """The location of a folder."""
        return f"sftp://{self.user}@127.0.0.1:{self.port}{folder}"
