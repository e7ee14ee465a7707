"""Servers on this machine: who may ask them, and how they start and end."""

LOOPBACK = "127.0.0.1"
