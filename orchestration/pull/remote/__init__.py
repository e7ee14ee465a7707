"""Exports that are not in a folder: in buckets, on SFTP and HTTPS servers."""
