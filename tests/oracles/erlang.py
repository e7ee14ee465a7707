"""Erlang C by its textbook form."""

from __future__ import annotations

import math

SERVICE_SECONDS, SERVICE_LEVEL = 20, 0.8


def waiting_share(agents: int, traffic: float) -> float:
    """Share of calls that wait (Erlang C), from B(n) = a B(n-1) / (n + a B(n-1)); `traffic` in Erlang."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = traffic * blocked / (n + traffic * blocked)
    return agents * blocked / (agents - traffic * (1 - blocked))


def erlang_agents(calls: float, handle_seconds: float) -> int:
    """Fewest agents that answer the target share of the calls of a half hour in time."""
    traffic = calls * handle_seconds / 1800
    agents = math.floor(traffic) + 1
    while (
        not 1 - waiting_share(agents, traffic) * math.exp(-(agents - traffic) * SERVICE_SECONDS / handle_seconds) >= SERVICE_LEVEL
    ):
        agents += 1
    return agents
