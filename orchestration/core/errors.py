"""Errors that a user can act on, with the exit code that `cxhouse` ends with."""


class CxhouseError(Exception):
    """Something went wrong that is not the user's configuration (exit code 3)."""

    exit_code = 3


class ConfigurationError(CxhouseError):
    """A setting, contract, seed or option is wrong (exit code 2)."""

    exit_code = 2


class GateFailedError(CxhouseError):
    """A blocking gate did not pass; what is published stays as it was (exit code 1)."""

    exit_code = 1


class BusyError(CxhouseError):
    """Somebody else holds what is needed; later it is free."""


class RefusedFileError(CxhouseError):
    """A whole file that cannot be read; it stays landed, and the run goes on without it."""


class LimitExceededError(RefusedFileError):
    """A file that would take more memory, time, cells or bytes than reading one may; with higher limits it is tried again."""
