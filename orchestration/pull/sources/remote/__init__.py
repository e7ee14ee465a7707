"""Exports that are not in a folder: in buckets, on SFTP and HTTPS servers."""

#: Seconds without a byte after which a server counts as gone.
SILENCE_SECONDS = 60
