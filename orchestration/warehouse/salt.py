"""The home's own secret in customer keys: without it a published key could be found out by hashing guesses.

It is in one private file, which the models read when they run; no text of a query and no artefact holds it.
"""

from __future__ import annotations

import hashlib
import os
import secrets

from orchestration.core.errors import ConfigurationError
from orchestration.pull.home.ledger import Ledger
from orchestration.settings.model import Settings

_MARK = "identity_salt"


def read_salt(settings: Settings) -> str:
    """The secret; empty where there is none."""
    try:
        return settings.salt_file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def ensure_salt(settings: Settings) -> None:
    """Make the secret of a new home; hold that of one with data against the one its customer keys were made with.

    Raises:
        ConfigurationError: it is lost or another: every customer would get a new key, and none would be recognised.
    """
    salt, ledger = read_salt(settings), Ledger(settings.ledger)
    known = ledger.mark(_MARK)
    if not salt and not known and not ledger.landed():
        salt = _write(settings)
    found = _fingerprint(salt)
    if not salt or known not in (None, found):
        what = "is not the one that this home's customer keys were made with" if salt else "is missing or empty"
        raise ConfigurationError(
            f"{settings.salt_file} {what}: put the file back from a backup, or give every customer a new key with "
            "'cxhouse run --new-salt' (keys in BI tools and in earlier versions then lead nowhere)"
        )
    if known is None:
        ledger.set_mark(_MARK, found)


def renew_salt(settings: Settings) -> None:
    """Make another secret; every table must be rebuilt with it."""
    Ledger(settings.ledger).set_mark(_MARK, _fingerprint(_write(settings)))


def _fingerprint(salt: str) -> str:
    return hashlib.sha256(salt.encode()).hexdigest()


def _write(settings: Settings) -> str:
    salt, draft = secrets.token_hex(16), settings.salt_file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as stream:
        stream.write(salt)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, settings.salt_file)
    return salt
