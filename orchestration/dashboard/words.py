"""The page of pain points: what customers complain of, in their own words."""

from __future__ import annotations

from orchestration.dashboard.blocks import Block, Chart, Table
from orchestration.dashboard.charts import lines
from orchestration.dashboard.kpi import TOO_FEW
from orchestration.published.display import format_value
from orchestration.published.marts import Marts, Row, View, period_name

_TOPICS, _CHARTED = 30, 6
_TRENDS = {"rising": "↑ rising", "falling": "↓ falling", "steady": "steady", "insufficient_data": "too little data"}
_CUTS = ("product", "stage", "segment", "channel", "language")
#: Members of a dimension that a topic stands out in.
_MEMBERS = 15


def pain_points(marts: Marts, view: View) -> list[Block]:
    """Topics with their share, trend, satisfaction and sentiment; where they stand out; examples."""
    if not marts.has("pain_points"):
        return []
    topics = marts.rows(
        """
        select * from pain_points where grain = 'all' and dimension = 'all'
        order by coalesce(polarity < rest_polarity, false) desc, texts desc, topic_id
        limit $topics
        """,
        topics=_TOPICS,
    )
    months = marts.rows(
        "select * from pain_points where grain = 'month' and list_contains($topics, topic_id) order by period_start",
        topics=[row["topic_id"] for row in topics],
    )
    whole = [row for row in months if row["period_start"] < marts.today.replace(day=1)]
    newest = max((row["period_start"] for row in whole), default=None)
    trends = {row["topic_id"]: row for row in whole if row["period_start"] == newest}
    return [
        _topics(topics, trends, period_name("month", newest) if newest else ""),
        *_shares(topics, months),
        _where(marts),
        *_examples(topics),
    ]


def _topics(topics: list[Row], trends: dict[str, Row], month: str) -> Table:
    rows = []
    for row in topics:
        trend = trends.get(row["topic_id"])
        rows.append(
            [
                row["topic_name"],
                row["words"],
                f"{row['texts']:,}",
                _share(row["share"]),
                _share(trend["share"]) if trend else "",
                _TRENDS.get(trend["trend"], TOO_FEW) if trend else "",
                _beside(_share(row["csat"]), _share(row["rest_csat"])),
                _beside(_number(row["polarity"]), _number(row["rest_polarity"])),
                row["languages"],
            ]
        )
    return Table(
        "What customers write about",
        ["topic", "words", "texts", "share", month or "month", "trend", "CSAT (others)", "sentiment (others)", "languages"],
        rows,
        numbers=("texts", "share", month or "month", "CSAT (others)", "sentiment (others)"),
        note="Of tickets, calls and reviews of at most four stars; topics more negative than the rest come first. A text can be "
        "about several topics. Trend: "
        f"{month or 'the month'} against up to twelve months before; of topics called rising or falling about one in twenty is "
        "by chance. Name, merge or leave out topics in the seed topics. "
        f"At most {_TOPICS} are shown; the table pain_points has all.",
        empty="No topic: there are no texts, or none that enough people share.",
        is_whole=True,
    )


def _shares(topics: list[Row], months: list[Row]) -> list[Block]:
    shown = topics[:_CHARTED]
    periods = sorted({row["period_start"] for row in months})
    if len(periods) < 2:
        return []
    shares = {(row["topic_id"], row["period_start"]): row["share"] for row in months}
    series: dict[str, list[float | None]] = {}
    for row in shown:
        line = [shares.get((row["topic_id"], period)) for period in periods]
        series[row["topic_name"]] = [None if share is None else 100 * share for share in line]
    figure = lines([period.isoformat() for period in periods], series, yaxis={"title": "% of texts", "rangemode": "tozero"})
    return [
        Chart(
            "Share of texts by month", figure, "The first topics of the table. The month that is on is not over.", is_whole=True
        )
    ]


def _where(marts: Marts) -> Table:
    """Members in which a topic is more frequent than over all."""
    found = marts.rows(
        """
        select parts.*, whole.share as whole_share, parts.share / whole.share as times
        from pain_points as parts
        inner join pain_points as whole
            on parts.topic_id = whole.topic_id and whole.grain = 'all' and whole.dimension = 'all'
        where parts.grain = 'all' and list_contains($cuts, parts.dimension) and parts.member <> 'unknown'
            and parts.share > whole.share
            -- More than two standard errors above the whole.
            and parts.share - whole.share > 2 * sqrt(whole.share * (1 - whole.share) / parts.all_texts)
        order by (parts.share - whole.share) * parts.all_texts desc, parts.topic_id, parts.dimension, parts.member
        limit $members
        """,
        cuts=list(_CUTS),
        members=_MEMBERS,
    )
    rows = [
        [
            row["topic_name"],
            row["dimension"],
            row["member"],
            f"{row['texts']:,}",
            _share(row["share"]),
            _share(row["whole_share"]),
            f"{row['times']:.1f}",
        ]
        for row in found
    ]
    return Table(
        "Where a topic stands out",
        ["topic", "breakdown", "member", "texts", "share", "share of all", "times"],
        rows,
        numbers=("texts", "share", "share of all", "times"),
        note="Members whose share is above that of all texts by more than two standard errors, most texts above it first.",
        empty="None.",
        is_whole=True,
    )


def _examples(topics: list[Row]) -> list[Block]:
    rows = [
        [row["topic_name"], text] for row in topics for text in (row["example_1"], row["example_2"], row["example_3"]) if text
    ]
    if not rows:
        return []
    note = "Redacted; a word that few people use is left out (…). Each sentence of a topic is somebody else's."
    return [Table("In their words", ["topic", "example"], rows, note=note, is_whole=True)]


def _share(value: float | None) -> str:
    return "" if value is None else format_value(value, "rate")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"


def _beside(value: str, rest: str) -> str:
    return f"{value} ({rest})" if value and rest else value
