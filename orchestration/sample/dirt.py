"""A few percent of the dirt that real exports have."""

from __future__ import annotations

import numpy as np
import pandas as pd


def spoilt(rng: np.random.Generator, frame: pd.DataFrame, column: str, bad: list[object], share: float) -> pd.DataFrame:
    """Replace a share of a column's values by bad ones."""
    hit = rng.random(len(frame)) < share
    frame[column] = frame[column].astype(object).where(~hit, rng.choice(np.array(bad, dtype=object), len(frame)))
    return frame


def respelled(rng: np.random.Generator, frame: pd.DataFrame, column: str, share: float) -> pd.DataFrame:
    """Write a share of a column's words as people and other tools spell them: ON-HOLD, Canceled."""
    words = frame[column].astype(object)
    other = words.str.upper().str.replace("_", "-").str.replace("CANCELLED", "Canceled")
    frame[column] = words.where(words.isna() | (rng.random(len(frame)) >= share), other)
    return frame


def repeated(rng: np.random.Generator, frame: pd.DataFrame, share: float) -> pd.DataFrame:
    """Some rows twice, as overlapping export windows give them."""
    return pd.concat([frame, frame[rng.random(len(frame)) < share]], ignore_index=True)


def text_times(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Instants as texts with a blank between day and time."""
    for column in columns if len(frame) else ():
        texts = np.datetime_as_string(frame[column].to_numpy().astype("datetime64[s]")).astype(object)
        frame[column] = np.where(frame[column].isna(), None, np.char.replace(texts.astype(str), "T", " "))
    return frame
