"""Contracts: which file is read how, and what is wrong with a contract."""
