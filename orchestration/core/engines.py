"""What builds the models: its names alone, which the command line shows before anything is imported."""

from __future__ import annotations

from typing import Literal, get_args

Engine = Literal["duckdb", "spark"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
