"""The cases of the support KPIs that are means, rates or medians of contacts, from the raw rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from independent import Company, Row, read_seed, topic_of

FCR_WINDOW = timedelta(days=7)
#: (instant that dates the case, its value)
Cases = Iterator[tuple[datetime, Any]]
REQUESTER_WAITS, AGENT_WAITS = ("new", "open", "on_hold"), ("pending",)


def waits(states: tuple[str, ...], business: bool = False) -> Callable[[Company], Cases]:
    """Seconds that each logged and solved ticket spent in some states, at its last solving."""

    def cases(c: Company) -> Cases:
        for t in c.tickets:
            if t["counts"] and t["states"]:
                clock = c.calendars(t).seconds if business else lambda start, end: (end - start).total_seconds()
                yield t["last_solved"], sum(clock(start, end) for state, start, end in t["states"] if state in states)

    return cases


def contact_rows(c: Company) -> list[Row]:
    """Tickets and calls as contacts: when, who, what about, and what became of them."""
    complaints = {topic_of(row) for row in read_seed(c.seeds / "complaint_topics.csv")}
    answers: dict[tuple[str, str], bool] = {}
    for s in sorted(c.surveys, key=lambda s: s["responded_at"]):
        for kind, record in (("ticket", s["ticket_id"]), ("call", s["call_id"])):
            if record and s["issue_solved"] is not None:
                answers[kind, record] = s["issue_solved"]
    rows = [
        {
            "id": ("ticket", t["ticket_id"]), "at": t["created_at"], "person": c.person(t), "topic": t["topic"],
            "is_solved": t["is_solved"], "claim": t["solved_on_first_contact"], "is_escalated": t["escalated_ever"],
            "is_complaint": bool({topic_of(t), (t["type"] or "").lower()} & complaints),
            "country": t["country"],
        }
        for t in c.tickets
        if t["counts"]
    ] + [
        {
            "id": ("call", k["call_id"]), "at": k["started_at"], "person": c.person(k), "topic": k["topic"],
            "is_solved": bool(k["resolved"]), "claim": k["solved_on_first_contact"], "is_escalated": bool(k["escalated"]),
            "is_complaint": topic_of(k) in complaints, "country": None,
        }
        for k in c.calls
    ]  # fmt: skip
    times = defaultdict(list)
    for row in rows:
        times[row["person"], topic_of(row)].append(row["at"])
    for row in rows:
        came = times[row["person"], topic_of(row)] if row["person"] else []
        row["is_repeated"] = any(row["at"] < at < row["at"] + FCR_WINDOW for at in came)
        row["is_claimed"] = row["is_solved"] and bool(row["claim"])
        row["answer"] = answers.get(row["id"])
    return rows


def claimed(c: Company) -> Cases:
    for row in contact_rows(c):
        if row["is_solved"]:
            yield row["at"], row["is_claimed"]


def verified(c: Company) -> Cases:
    for row in contact_rows(c):
        if row["is_claimed"] and row["answer"] is not None:
            yield row["at"], row["answer"]


def contradicted(c: Company) -> Cases:
    for row in contact_rows(c):
        if row["is_claimed"]:
            yield row["at"], row["answer"] is False or row["is_repeated"]


def escalated(c: Company) -> Cases:
    for row in contact_rows(c):
        if row["is_complaint"]:
            yield row["at"], row["is_escalated"]


def recommendations_after_contacts(c: Company) -> Cases:
    for s in c.surveys:
        if s["kind"] == "nps" and s["mode"] == "transactional" and s["score"] is not None:
            yield s["responded_at"], 100 if s["score"] >= 9 else 0 if s["score"] >= 7 else -100


def texts(value: Callable[[Row], Any]) -> Callable[[Company], Cases]:
    """A value of each text's score, at the time of its record; tickets' subjects and reviews are all words of the sample."""

    def cases(c: Company) -> Cases:
        said = {("review", r["review_id"]): r["created_at"] for r in c.reviews if r["title"] or r["text"]}
        said |= {("ticket", t["ticket_id"]): t["created_at"] for t in c.tickets if t["subject"]}
        silent = {("ticket", t["ticket_id"]) for t in c.tickets if not t["counts"]}
        others = [(c.calls, "transcript"), (c.tickets, "text"), (c.surveys, "comment"), (c.tickets, "csat_comment")]
        assert not any(row[column] for rows, column in others for row in rows), "the sample has more texts than these"
        assert said.keys() == c.scores.keys()
        for record, at in said.items():
            if record not in silent and (found := value(c.scores[record])) is not None:
                yield at, found

    return cases


MEANS: dict[str, Callable[[Company], Cases]] = {
    "sentiment": texts(lambda score: score["polarity"]),
    "negative_sentiment_rate": texts(lambda score: score["is_negative"]),
    "requester_wait_time": waits(REQUESTER_WAITS),
    "requester_wait_time_business": waits(REQUESTER_WAITS, business=True),
    "agent_wait_time": waits(AGENT_WAITS),
    "agent_wait_time_business": waits(AGENT_WAITS, business=True),
    "fcr_claimed": claimed,
    "fcr_verified": verified,
    "fcr_discrepancy": contradicted,
    "escalation_rate": escalated,
    "nps_transactional": recommendations_after_contacts,
}
MEDIANS = {
    "requester_wait_time_median": (waits(REQUESTER_WAITS), 0.5),
    "agent_wait_time_median": (waits(AGENT_WAITS), 0.5),
}
#: Neither mean nor median of cases: computed in test_agents_independently.py.
OTHERS = {
    "complaint_rate", "complaint_rate_customers", "tickets_per_agent_day", "agent_productivity", "agent_occupancy",
    "employee_turnover", "employee_retention", "employee_pay", "staffing_gap",
    # In test_calls_independently.py.
    "agent_handle_time",
    # In test_agent_time_independently.py.
    "occupancy_rate", "utilisation_rate", "after_call_work_rate", "concurrent_contacts", "schedule_adherence_rate",
}  # fmt: skip


def is_satisfied(survey: Row) -> bool:
    """The top two of four and more answers, the top one of fewer."""
    lowest = survey["scale_min"] if survey["scale_min"] is not None else 0 if survey["scale_max"] in (1, 10) else 1
    answers = range(int(lowest), int(survey["scale_max"]) + 1)
    return survey["score"] >= answers[-2 if len(answers) >= 4 else -1]


def satisfied(c: Company) -> Cases:
    surveys = [s for s in c.surveys if s["kind"] == "csat" and s["score"] is not None]
    asked = {s["ticket_id"] for s in surveys} | {s["call_id"] for s in surveys}
    for s in surveys:
        yield s["responded_at"], is_satisfied(s)
    for t in counted(c):
        if t["last_csat"] is not None and t["ticket_id"] not in asked:
            yield t["rated_at"], t["last_csat"] == 2
    for k in c.calls:
        if k["csat_score"] is not None and k["call_id"] not in asked:
            yield k["started_at"], k["csat_score"] >= 4


def counted(company: Company) -> list[Row]:
    return [ticket for ticket in company.tickets if ticket["counts"]]
