"""Erlang A by its Markov chain: the stationary distribution of the calls in the system, and what a call that arrives meets."""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm


def chain(calls: float, handle: float, patience: float, agents: int) -> np.ndarray:
    """Shares of time with 0, 1, 2 … calls in the system, by the balance of births and deaths."""
    arrival, service, leaving = calls / 1800, 1 / handle, 1 / patience
    logs = [0.0]
    while logs[-1] > max(logs) - 60 or len(logs) <= agents + 5:
        n = len(logs)
        logs.append(logs[-1] + np.log(arrival) - np.log(min(n, agents) * service + max(n - agents, 0) * leaving))
    weights = np.exp(np.array(logs) - max(logs))
    return np.asarray(weights / weights.sum())


def abandoned(calls: float, handle: float, patience: float, agents: int) -> float:
    """Callers who hang up, out of all: those who wait, at their rate, by the rate at which calls come."""
    shares = chain(calls, handle, patience, agents)
    waiting = np.maximum(np.arange(len(shares)) - agents, 0)
    return float((shares * waiting).sum() / patience / (calls / 1800))


def answered_in_time(calls: float, handle: float, patience: float, agents: int, seconds: float) -> float:
    """Calls answered within some seconds, out of all: a call that finds q before it waits for q + 1 departures, if it stays.

    The chain of a waiting call, its place in the queue going down at the rate of answers and hang-ups before it, until it is
    answered or hangs up itself; its state after the seconds is a matrix exponential.
    """
    shares = chain(calls, handle, patience, agents)
    longest = len(shares) - agents
    # Places 0 .. longest - 1 before it, then answered, then gone.
    rates = np.zeros((longest + 2, longest + 2))
    for before in range(longest):
        onwards = agents / handle + before / patience
        rates[before, before - 1 if before else longest] += onwards
        rates[before, longest + 1] += 1 / patience
        rates[before, before] -= onwards + 1 / patience
    at_once = shares[:agents].sum()
    return float(at_once + shares[agents:] @ expm(rates * seconds)[:longest, longest])
