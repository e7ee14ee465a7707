"""Which tickets miss their response target, and which end in a bad score: as known at their opening and while they are open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestration.risk.cases import Cases
from orchestration.risk.features import Feature, counted, hours_in_words, matrix
from orchestration.risk.judging import Array, Rules
from orchestration.risk.trying import Target

MISSED, BAD = "response target missed", "bad score"
#: A ticket is seen when these shares of the time that its target allows are used, as long as it is not answered ...
SHARES = (0.0, 0.25, 0.5, 0.75)
#: ... and these days after its opening, as long as it was neither solved nor scored.
AGES = (0.0, 1.0, 3.0, 7.0, 14.0)
#: Whole months that are held back: the fewest that hold enough.
_HELD_BACK = range(2, 7)
_DAY = 86_400.0


def _rate(what: str) -> Feature:
    name, _, text = what.partition(":")
    return Feature(name, lambda v: f"{v:.0%} {text}", is_amount=False)


_OPENING: Sequence[Feature] = (
    Feature("is_off_hours", lambda v: "opened between 18 and 8 o'clock" if v else "opened in the day", is_amount=False),
    Feature("is_weekend", lambda v: "opened at a weekend" if v else "opened on a weekday", is_amount=False),
    Feature("is_complaint", lambda v: "a complaint" if v else "no complaint", is_amount=False),
    Feature("contacts_90", counted("contact of the customer in 90 days before", "contacts of the customer in 90 days before")),
    Feature("bad_share_365", lambda v: f"{v:.0%} of the customer's earlier scores are bad", is_amount=False),
    Feature("sentiment", lambda v: f"a sentiment of {v:+.2f} in its text (-1 is worst)", is_amount=False),
    Feature("busy", lambda v: f"{v:.1f} times as many tickets as usual in the week before", is_amount=False),
)
FEATURES: dict[str, Sequence[Feature]] = {
    MISSED: (
        Feature("used_share", lambda v: f"{v:.0%} of the time allowed is used", is_amount=False),
        Feature("target_hours", lambda v: f"an answer is due within {hours_in_words(v)}"),
        *_OPENING,
        _rate("missed_of_all:of all responses were late in the four weeks before"),
        _rate("missed_of_channel:of the responses of its channel were late in the four weeks before"),
        _rate("missed_of_priority:of the responses of its priority were late in the four weeks before"),
        _rate("missed_of_team:of the responses of its team were late in the four weeks before"),
    ),
    BAD: (
        Feature("age_days", counted("day open", "days open")),
        Feature("is_answered", lambda v: "answered" if v else "not answered yet", is_amount=False),
        Feature("waited_hours", lambda v: f"the customer waited {hours_in_words(v)} for an answer"),
        Feature("is_missed", lambda v: "its response target was missed" if v else "its response target was not missed",
                is_amount=False),
        *_OPENING,
        _rate("bad_of_all:of all scores were bad in 90 days before"),
        _rate("bad_of_channel:of the scores of its channel were bad in 90 days before"),
        _rate("bad_of_priority:of the scores of its priority were bad in 90 days before"),
        _rate("bad_of_team:of the scores of its team were bad in 90 days before"),
    ),
}  # fmt: skip


def targets(tickets: pd.DataFrame, until: int, rules: Rules) -> list[Target]:
    """What is modelled of tickets (the table int_ticket_openings, ordered), of what was known by a day: the first of a month."""
    found = []
    for name, cases in ((MISSED, missed_cases(tickets)), (BAD, bad_cases(tickets))):
        known = cases.chosen(cases.judged_on < until)
        found.append(Target(name, FEATURES[name], known, known.split, _held_back_from(known, until, rules)))
    return found


def missed_cases(tickets: pd.DataFrame) -> Cases:
    """Tickets whose response was in time or not, at shares of the time allowed at which neither was known."""
    own = tickets[
        is_so(tickets, "is_response_tracked") & (tickets["response_target_seconds"] > 0) & tickets["is_response_in_time"].notna()
    ]
    target, taken = _number(own, "response_target_seconds"), _number(own, "response_seconds")
    # Of one that was not answered: when its time was over; of opening hours, in which that is not known, a bound.
    in_opening_hours = is_so(own, "is_target_in_opening_hours")
    over = seconds_of(own, "response_starts_at") + np.where(in_opening_hours, 7 * target + 7 * _DAY, target)
    judged = np.where(np.isnan(taken), over, seconds_of(own, "first_response_at"))
    happened = is_so(own, "is_response_in_time", False)
    parts = [
        _cases(
            own[seen], {**opening(own[seen]), **_time_used(own[seen], share)}, MISSED, happened[seen], judged[seen],
            seconds_of(own[seen], "created_at"),
        )
        for share in SHARES
        for seen in [np.isnan(taken) | (taken > share * target)]
    ]  # fmt: skip
    return _joined(parts)


def bad_cases(tickets: pd.DataFrame) -> Cases:
    """Tickets that were scored, at ages at which they were neither scored nor solved."""
    own = tickets[tickets["rated_at"].notna() & tickets["is_score_bad"].notna()]
    created, rated, solved = (seconds_of(own, name) for name in ("created_at", "rated_at", "first_solved_at"))
    happened = is_so(own, "is_score_bad")
    parts = []
    for age in AGES:
        seen_at = created + age * _DAY
        seen = (rated > seen_at) & (np.isnan(solved) | (solved > seen_at))
        columns = {**opening(own[seen]), **_life_so_far(own[seen], seen_at[seen])}
        parts.append(_cases(own[seen], columns, BAD, happened[seen], rated[seen], seen_at[seen]))
    return _joined(parts)


def waiting(tickets: pd.DataFrame, now: datetime) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Open tickets whose response target is neither met nor missed, with their features now."""
    own = tickets[
        is_so(tickets, "is_response_tracked")
        & (tickets["response_target_seconds"] > 0)
        & tickets["is_response_in_time"].isna()
        & ~is_so(tickets, "is_solved")
    ].reset_index(drop=True)
    elapsed = now.timestamp() - seconds_of(own, "response_starts_at")
    open_seconds = _number(own, "unanswered_open_seconds")
    elapsed = np.where(is_so(own, "is_target_in_opening_hours") & ~np.isnan(open_seconds), open_seconds, elapsed)
    return own, {**opening(own), **_time_used(own, elapsed / _number(own, "response_target_seconds"))}


def unsolved(tickets: pd.DataFrame, now: datetime) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Open tickets, with their features now."""
    own = tickets[~is_so(tickets, "is_solved")].reset_index(drop=True)
    return own, {**opening(own), **_life_so_far(own, np.full(len(own), now.timestamp()))}


def opening(own: pd.DataFrame) -> dict[str, Array]:
    """What was known when the tickets were opened."""
    shares = [f"{what}_of_{of}" for what in ("missed", "bad") for of in ("all", "channel", "priority", "team")]
    names = ["is_complaint", "contacts_90", "bad_share_365", "sentiment", "busy", *shares]
    hour, weekday = _number(own, "opening_hour"), _number(own, "opening_weekday")
    return {
        "is_off_hours": ((hour < 8) | (hour >= 18)).astype(float),
        "is_weekend": (weekday >= 6).astype(float),
        **{name: _number(own, name) for name in names},
    }


def _time_used(own: pd.DataFrame, share: float | Array) -> dict[str, Array]:
    return {
        "used_share": np.full(len(own), share) if np.isscalar(share) else np.asarray(share),
        "target_hours": _number(own, "response_target_seconds") / 3600,
    }


def oldest_known(cases: Cases, rules: Rules) -> float:
    """Days after which an open ticket is older than those that the models know: as many again as the oldest of enough cases."""
    ages = np.round(np.expm1(cases.features[:, cases.names.index("age_days")]))
    return 2 * max((age for age in AGES if (ages == age).sum() >= rules.min_held_back), default=0.0) + 1


def _life_so_far(own: pd.DataFrame, seen_at: Array) -> dict[str, Array]:
    """What had happened to tickets by an instant (seconds), each."""
    created, answered = seconds_of(own, "created_at"), seconds_of(own, "first_response_at")
    starts = seconds_of(own, "response_starts_at")
    is_answered = answered <= seen_at  # not for nan
    waited = np.where(is_answered, answered - starts, seen_at - starts)
    in_opening_hours = is_so(own, "is_target_in_opening_hours")
    is_over = ~is_answered & ~in_opening_hours & (seen_at - starts > _number(own, "response_target_seconds"))
    was_late = is_so(own, "is_response_in_time", False)
    return {
        "age_days": (seen_at - created) / _DAY,
        "is_answered": is_answered.astype(float),
        "waited_hours": np.maximum(waited, 0.0) / 3600,
        "is_missed": (is_over | (is_answered & was_late)).astype(float),
    }


def _cases(
    own: pd.DataFrame, columns: dict[str, Array], name: str, happened: NDArray[np.bool_], judged: Array, seen_at: Array
) -> Cases:
    features = FEATURES[name]
    hashes = pd.util.hash_array(own["ticket_id"].to_numpy(object), categorize=False)
    who = np.asarray((hashes >> np.uint64(1)).astype(np.int64))
    return Cases(
        names=tuple(feature.name for feature in features),
        features=matrix(features, columns),
        happened=happened,
        who=who,
        draw=who,
        seen_on=np.floor(seen_at / _DAY).astype(np.int64),
        judged_on=np.floor(judged / _DAY).astype(np.int64),
    )


def _joined(parts: list[Cases]) -> Cases:
    arrays = ("features", "happened", "who", "draw", "seen_on", "judged_on")
    return Cases(parts[0].names, *(np.concatenate([getattr(part, name) for part in parts]) for name in arrays))


def _held_back_from(cases: Cases, until: int, rules: Rules) -> int | None:
    """The first day of as few whole months as hold enough cases of both ends."""
    month = np.datetime64(until, "D").astype("datetime64[M]")
    starts = [int((month - count).astype("datetime64[D]").astype(np.int64)) for count in _HELD_BACK]
    for start in starts:
        if min(cases.split(start)[1].people()) >= rules.min_held_back:
            return start
    return starts[0] if len(cases) else None


def seconds_of(frame: pd.DataFrame, name: str) -> Array:
    """Instants as seconds; nan for none."""
    found = pd.to_datetime(frame[name])
    return np.where(found.isna(), np.nan, found.to_numpy("datetime64[us]").astype(np.int64) / 1e6)


def is_so(frame: pd.DataFrame, name: str, value: bool = True) -> NDArray[np.bool_]:
    """Where a flag is known and has a value."""
    return np.asarray(frame[name].astype("boolean").eq(value).fillna(False).to_numpy(bool))


def _number(frame: pd.DataFrame, name: str) -> Array:
    return np.asarray(pd.to_numeric(frame[name]).to_numpy(dtype=float, na_value=np.nan))
