"""The questions that a stage's KPIs answer, in the order in which people ask them."""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.dashboard.blocks import Cards
from orchestration.dashboard.families import families, family_of
from orchestration.dashboard.kpi import Kpi

#: Question -> measures (a KPI's id without clock and statistic), or facts for all of theirs that no question names.
_QUESTIONS: dict[str, tuple[str, ...]] = {
    "How fast do we answer?": (
        "response_sla_rate", "first_response_time", "message_response_24h", "return_response_48h", "requester_wait_time",
        "agent_wait_time", "fct_conversation_windows",
    ),
    "Do we keep what our policies promise?": ("sla_attainment_rate", "fct_sla_targets"),
    "Do we solve it, and how fast?": (
        "resolution_time", "first_resolution_time", "fcr_observed", "fcr_claimed", "fcr_verified", "fcr_discrepancy",
        "issue_resolution_rate", "issue_resolution_rate_flow", "reopen_rate", "escalation_rate", "resolved_issues",
        "active_issues",
    ),
    "What do bots take off us, and does it last?": (
        "bot_resolution_rate", "bot_durable_resolution_rate", "bot_containment_rate", "bot_false_containment_rate",
        "bot_hand_over_rate", "bot_hand_over_time", "bot_hand_over_wait_time", "bot_involvement_rate", "bot_csat", "human_csat",
        "bot_cost_per_contained", "first_reply_time",
    ),
    "How often does a case change hands?": ("one_touch_rate", "two_touch_rate", "fct_conversations", "merged_rate"),
    "How do calls go?": (
        "call_service_level", "call_wait_time", "call_abandonment_rate", "average_handle_time", "fct_calls", "fct_queue_visits",
    ),
    "Do we call back, and what does the menu take off us?": ("fct_call_returns", "fct_ivr_calls"),
    "Is it easy for customers?": (
        "ces", "low_effort_share", "complaint_rate", "complaint_rate_customers", "self_service_failure_rate",
        "help_pages_per_session",
    ),
    "Do we have the people, and what do they cost?": (
        "fct_staffing_half_hours", "occupancy_rate", "utilisation_rate", "schedule_adherence_rate", "after_call_work_rate",
        "fct_agent_half_hours", "fct_agent_days", "fct_headcount", "cost_per_contact",
    ),
    "Does contact lead to a purchase?": ("fct_contact_conversions",),
    "Would they recommend us, and are they satisfied?": (
        "nps", "csat", "overall_satisfaction", "satisfaction_change", "satisfaction_change_year", "nps_transactional", "enps",
    ),
    "What do they say of us?": ("fct_sentiment", "fct_brand_answers", "fct_competitor_periods"),
    "Where does the journey go on, and where does it end?": ("fct_stage_entries",),
    "How good are our reviews?": (
        "review_score", "positive_review_rate", "negative_feedback_rate", "review_volume", "review_burst", "review_steadiness",
    ),
    "Do we answer reviews?": ("review_response_rate", "review_response_time"),
    "Do they tell us at all?": ("review_rate", "review_rate_asked", "review_rate_unasked", "survey_response_rate"),
    "Do they stay?": ("retention_rate", "churn_rate", "churn_rate_paying", "cohort_retention", "p_alive"),
    "Do they buy again, and more?": (
        "repeat_sales_share", "repeat_sales", "repeat_sales_value", "repeat_sales_value_share", "cross_sell_rate", "up_sell_rate",
    ),
    "What are they worth?": ("clv_predicted", "clv_historic", "cohort_revenue"),
    "Do they bring others?": ("referral_rate", "referred_customers_rate"),
    "What do they buy?": ("order_size", "order_size_items", "checkout_completion_rate"),
    "What goes wrong with orders?": ("order_defect_rate", "cancellation_rate", "refund_rate"),
}  # fmt: skip
#: Of what no question names.
_OTHERS = "Further KPIs"


def by_question(kpis: Iterable[Kpi]) -> list[Cards]:
    """The KPIs under the questions that they answer, one card a measure; those that no question names come last."""
    shown = families(kpis)
    named = {name: question for question, names in _QUESTIONS.items() for name in names}
    groups: dict[str, list[Kpi]] = {}
    for kpi in shown:
        measure = family_of(kpi.id)[0]
        question = named.get(kpi.id) or named.get(measure) or named.get(str(kpi.definition["fact"])) or _OTHERS
        groups.setdefault(question, []).append(kpi)
    if set(groups) == {_OTHERS}:
        return [Cards(groups[_OTHERS])]
    return [Cards(sorted(groups[name], key=_place), name) for name in (*_QUESTIONS, _OTHERS) if name in groups]


def _place(kpi: Kpi) -> tuple[int, str]:
    """As the questions name them, what has no value last."""
    names = [name for names in _QUESTIONS.values() for name in names]
    measure = family_of(kpi.id)[0]
    at = names.index(measure) if measure in names else len(names)
    return at + (len(names) + 1 if kpi.absence else 0), str(kpi.definition["label"])
