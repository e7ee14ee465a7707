"""A mail server of this machine, and what it got."""

from __future__ import annotations

import email
import email.message
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Handler


class Inbox(Handler):
    """Every mail that came, to whomever."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[email.message.EmailMessage] = []

    def handle_message(self, message: email.message.Message) -> None:
        self.mails.append(email.message_from_bytes(message.as_bytes(), policy=email.policy.default))  # type: ignore[arg-type]

    def to(self, name: str) -> list[email.message.EmailMessage]:
        """The mails to an address of example.org."""
        return [mail for mail in self.mails if mail["to"] == f"{name}@example.org"]


@contextmanager
def mail_server() -> Iterator[tuple[Inbox, int]]:
    """An inbox, and the port of 127.0.0.1 that leads to it."""
    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield inbox, port
    finally:
        server.stop()


def address(port: int, name: str) -> str:
    """Apprise's address of somebody of example.org."""
    return f"mailto://127.0.0.1:{port}?from=cxhouse@example.org&to={name}@example.org&mode=insecure"
