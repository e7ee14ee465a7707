"""Vendors' APIs as sources of exports: what is read lands as NDJSON, and is then an export like any other."""
