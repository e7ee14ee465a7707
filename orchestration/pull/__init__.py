"""Exports in: land the original bytes, read them by contract, write canonical Parquet or quarantine."""
