"""The sample's roster: who works when, and what is planned."""

from __future__ import annotations

import numpy as np
import pandas as pd

from orchestration.sample import company, story
from orchestration.sample.company import Scope, pick


def roster(scope: Scope) -> pd.DataFrame:
    """Who works when: five days a week, with holidays and sickness; some agents leave, some join. Four weeks are plans."""
    rng = np.random.default_rng([scope.seed, 99])
    today = np.datetime64(scope.day_after, "D")
    days = np.arange(np.datetime64(scope.starts_at, "D"), today + 28)
    agent = np.repeat(np.arange(scope.agents), len(days))
    day = np.tile(days, scope.agents)
    hired = days[0] + (rng.random(scope.agents) * len(days) * 0.5).astype(int) * (rng.random(scope.agents) < 0.2)
    leaves = rng.random(scope.agents) < 0.12
    left = np.where(leaves, today - 1 - (rng.random(scope.agents) * 90).astype(int), np.datetime64("NaT"))
    weekday = (day.astype(int) + 3) % 7
    present = (day >= hired[agent]) & ~(day > left[agent]) & (weekday < 5)
    agent, day = agent[present], day[present]
    week = (day.astype(int) // 7) * 1000 + agent
    away = pd.Series(week).map(dict(zip(np.unique(week), rng.random(len(np.unique(week))), strict=True))).to_numpy()
    team = np.array(company.TEAMS, dtype=object)[agent % len(company.TEAMS)]
    ill = (rng.random(len(day)) < 0.04) | story.is_ill(rng, scope, day, team)
    absence = np.where(away < 0.1, "holiday", np.where(ill & (day < today), "sick", None))
    shift_starts, shift_ends = _shifts(agent, day)
    pay = np.round(pick(rng, {"2600": 1, "2900": 1, "3300": 1}, scope.agents).astype(float))
    return pd.DataFrame(
        {
            "agent_id": [f"agent{n:03d}" for n in agent],
            "work_date": np.datetime_as_string(day),
            "team": team,
            "scheduled_minutes": 480,
            "worked_minutes": np.where(day < today, np.where(absence == None, 480, 0), None),  # noqa: E711
            "absence": absence,
            "hired_on": np.datetime_as_string(hired[agent]),
            "left_on": np.where(np.isnat(left[agent]), None, np.datetime_as_string(left[agent]).astype(object)),
            "monthly_pay": pay[agent],
            "shift_starts_at": shift_starts,
            "shift_ends_at": shift_ends,
        }
    )


def _shifts(agent: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eight hours and a half of each day, half an hour of it for a meal: the early shift, or in turn by week the late one."""
    is_late = (agent + (day.astype(int) + 3) // 7) % 2 == 1
    local = pd.to_datetime(day.astype("datetime64[s]")) + pd.to_timedelta(np.where(is_late, 9.5, 8.0), unit="h")
    starts = local.tz_localize(company.TIMEZONE).tz_convert("UTC")
    ends = starts + pd.Timedelta(hours=8.5)
    return (starts.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy(), ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy())
