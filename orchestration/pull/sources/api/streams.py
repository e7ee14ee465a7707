"""One stream of an API, read page by page to its end: from where the last run was, or where one that broke off stopped."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from orchestration.pull.sources.api.client import Answer, Client, RefusedError
from orchestration.pull.sources.api.deliveries import Deliveries
from orchestration.pull.sources.api.description import Changes, Stream, filled
from orchestration.pull.sources.api.values import as_line, as_text, dug, instant_of, with_value, written
from orchestration.pull.sources.base import UnreadableSourceError

#: Seconds between two lines of progress.
PROGRESS_SECONDS = 10
#: Whoever goes on from the newest instant asks for this much more, for records of the same instant.
_STEP_BACK = timedelta(seconds=1)


@dataclass(frozen=True)
class Asked:
    """What a run asks of a stream: values of params, the day from which all is read, and the one given for this run."""

    values: dict[str, Any]
    begin: date
    since: date | None


class StreamReader:
    """Reads one stream into the deliveries of its source."""

    def __init__(
        self,
        name: str,
        stream: Stream,
        client: Client,
        deliveries: Deliveries,
        asked: Asked,
        tell: Callable[[str], None],
    ) -> None:
        self._name, self._stream, self._client, self._deliveries = name, stream, client, deliveries
        self._asked, self._tell = asked, tell
        # Of another account, or by another key of changes, nothing is known.
        what = (client.address, stream.path, asked.values, stream.changes and stream.changes.by)
        self._known = deliveries.known_of(name, repr(what))
        self._began = self._reported_at = time.monotonic()
        #: What had been read before this run, as a share of all; none: nothing was reported yet.
        self._share_before: float | None = None if deliveries.work(name) else 0.0
        self._is_first = "read_at" not in self._known

    def read(self) -> None:
        """Read to the end.

        Raises:
            UnreadableSourceError: the API cannot be read, or its answers are not as described; what was read is kept.
        """
        if self._stream.each is not None:
            self._read_each()
            return
        work = self._deliveries.work(self._name)
        is_other = work is None or work["given"] != as_text(self._asked.since)
        work = self._begin() if work is None or is_other else self._gone_on_with(work)
        while True:
            request = work["request"]
            answer = self._client.ask(request, self._stream.per_minute)
            assert answer is not None
            records = self._records(answer)
            self._take(work, records)
            following = self._following(work, answer, records)
            if following == request:
                raise UnreadableSourceError(f"{self._name}: it names the same page as the next one")
            if following is None:
                break
            work["request"] = following
            if self._stream.changes is not None:  # what is read whole is one file, which others are read along with
                self._deliveries.cut(self._name)
            self._deliveries.save()
            self._report(work, answer)
        self._finish(work)

    def _gone_on_with(self, work: dict[str, Any]) -> dict[str, Any]:
        """What broke off; begun again where the server does not know the page any more, as cursors run out."""
        try:
            self._client.ask(work["request"], self._stream.per_minute)
        except RefusedError as error:
            if error.is_of_request:
                return self._begin()
            raise
        return work

    # -- where to begin ------------------------------------------------------------------------------------------------

    def _begin(self) -> dict[str, Any]:
        changes = self._stream.changes
        since = datetime.combine(self._asked.since or self._asked.begin, datetime.min.time(), UTC)
        request = self._request(since)
        if changes and self._asked.since is None:
            if changes.by == "cursor" and (cursor := self._known.get("cursor")):
                request = self._with(request, cursor)
            elif newest := self._known.get("newest"):
                since = datetime.fromisoformat(newest) - timedelta(minutes=changes.overlap)
                request = self._request(since)
        state: dict[str, Any] = {"since": since.isoformat(), "from": since.isoformat(), "newest": None, "seen": {}, "page": 1}
        return self._deliveries.begin(self._name, request=request, given=as_text(self._asked.since), **state)

    def _request(self, since: datetime, **more: Any) -> dict[str, Any]:
        values = {**self._asked.values, "since": written(since, self._stream.instants), **more}
        query = filled(self._stream.query, values)
        request: dict[str, Any] = {
            "method": self._stream.method,
            "url": f"{self._client.address}{filled(self._stream.path, values)}",
            "query": {key: ",".join(map(str, value)) if isinstance(value, list) else value for key, value in query.items()},
            "body": filled(self._stream.body, values),
        }
        if (following := self._stream.next) and following.page:
            request["query"][following.page] = 1
        return request

    # -- a page --------------------------------------------------------------------------------------------------------

    def _records(self, answer: Answer) -> list[dict[str, Any]]:
        found = dug(answer.body, self._stream.records) if self._stream.records else answer.body
        if isinstance(found, dict) and self._stream.each:
            found = [found]
        if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
            where = f"under {self._stream.records!r}" if self._stream.records else "in its answer"
            raise UnreadableSourceError(f"{self._name}: there is no list of records {where}")
        return [{**record, **self._stream.set} for record in found]

    def _take(self, work: dict[str, Any], records: list[dict[str, Any]]) -> None:
        """Write down what is new of a page: what an overlap brings again unchanged is passed over."""
        changes, seen = self._stream.changes, self._known.get("recent", {})
        newest = instant_of(work["newest"])
        since, lines = datetime.fromisoformat(work["since"]), []
        without = 0
        for record in records:
            line = as_line(record)
            if changes is None or changes.by == "cursor":
                lines.append(line)
                continue
            moment = instant_of(dug(record, changes.by))
            without += moment is None
            if moment is not None:
                newest = max(newest or moment, moment)
                if moment < since:
                    continue
            mark = hashlib.sha256(line).hexdigest()[:16]
            if mark in work["seen"] or (mark in seen and self._asked.since is None):
                work["seen"][mark] = as_text(moment)
                continue
            work["seen"][mark] = as_text(moment)
            lines.append(line)
        if changes is not None and changes.by != "cursor" and records:
            if without == len(records):
                raise UnreadableSourceError(f"{self._name}: no record has an instant under {changes.by!r}")
            self._check_order(changes, records)
        work["newest"] = as_text(newest)
        if changes is not None and newest is not None:
            # Only what the next page or run may bring again is remembered.
            limit = (newest - timedelta(minutes=changes.overlap) - _STEP_BACK).isoformat()
            work["seen"] = {mark: moment for mark, moment in work["seen"].items() if moment is None or moment >= limit}
        self._deliveries.add(self._name, lines)

    def _check_order(self, changes: Changes, records: list[dict[str, Any]]) -> None:
        """A list in another order than the description says would be left too early, or too late."""
        moments = [moment for record in records if (moment := instant_of(dug(record, changes.by)))]
        is_wrong = {
            "any": False,
            "oldest_first": moments[0] > moments[-1],
            "newest_first": moments[0] < moments[-1],
        }[changes.order]
        if is_wrong:
            raise UnreadableSourceError(f"{self._name}: its records are not in the order {changes.order} of {changes.by!r}")

    # -- the next page -------------------------------------------------------------------------------------------------

    def _following(self, work: dict[str, Any], answer: Answer, records: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The next request; none after the last page."""
        following, changes, request = self._stream.next, self._stream.changes, work["request"]
        if following is None:
            return None
        cursor = dug(answer.body, following.cursor) if following.cursor else None
        if changes and changes.by == "cursor" and cursor:
            work["cursor"] = cursor
        if following.more and not dug(answer.body, following.more):
            return None
        if following.end and dug(answer.body, following.end):
            return None
        if following.size and len(records) < following.size:
            return None
        if changes and changes.order == "newest_first" and self._is_past(work, records):
            return None
        if changes and changes.from_last and (from_last := self._from_last(work)):
            return from_last
        if following.page:
            work["page"] += 1
            return {**request, "query": {**request["query"], following.page: work["page"]}}
        if following.last:
            return self._with(request, dug(records[-1], following.last))
        if following.cursor:
            return self._with(request, cursor) if cursor else None
        url = dug(answer.body, following.url) if following.url else answer.link
        # The address holds the parameters.
        return {**request, "url": self._client.whole_address(url), "query": {}} if url else None

    def _is_past(self, work: dict[str, Any], records: list[dict[str, Any]]) -> bool:
        """Does a page reach back to before what is asked for?"""
        assert self._stream.changes is not None
        moments = [moment for record in records if (moment := instant_of(dug(record, self._stream.changes.by)))]
        return bool(moments) and min(moments) < datetime.fromisoformat(work["since"])

    def _from_last(self, work: dict[str, Any]) -> dict[str, Any] | None:
        """From the newest instant on: a record that moves while pages are counted cannot push another one off its page."""
        newest = instant_of(work["newest"])
        if newest is None or newest - _STEP_BACK <= datetime.fromisoformat(work["from"]):
            return None  # a whole page of one instant
        work["from"], work["page"] = (newest - _STEP_BACK).isoformat(), 1
        return self._request(newest - _STEP_BACK)

    def _with(self, request: dict[str, Any], value: Any) -> dict[str, Any]:
        """The request with a cursor in its place."""
        assert self._stream.next is not None
        into, where = self._stream.next.into or "", "body" if self._stream.method == "POST" else "query"
        if where == "query":
            return {**request, "query": {**request["query"], into: value}}
        return {**request, "body": with_value(request["body"] or {}, into.split("."), value)}

    # -- the end -------------------------------------------------------------------------------------------------------

    def _finish(self, work: dict[str, Any]) -> None:
        keep, changes = True, self._stream.changes
        if changes is None:
            digest = hashlib.sha256()
            for line in self._deliveries.lines_of_work(self._name):
                digest.update(line)
            whole = digest.hexdigest()
            # Nothing landed where there was nothing: an empty list does not say that everything is gone.
            keep, self._known["whole"] = whole != self._known.get("whole"), whole
        elif changes.by == "cursor":
            self._known["cursor"] = work.get("cursor") or self._known.get("cursor")
        else:
            newest = max(filter(None, (instant_of(work["newest"]), instant_of(self._known.get("newest")))), default=None)
            self._known["newest"] = as_text(newest)
            limit = as_text(newest - timedelta(minutes=changes.overlap)) if newest else None
            marks = {**self._known.get("recent", {}), **work["seen"]} if self._asked.since else work["seen"]
            self._known["recent"] = {mark: moment for mark, moment in marks.items() if limit and moment and moment >= limit}
        self._known["records"] = self._known.get("records", 0) + (work["records"] if keep else 0)
        self._known["read_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        self._deliveries.finish(self._name, keep)

    # -- one request for each record of another stream -------------------------------------------------------------------

    def _read_each(self) -> None:
        """Ask about the records of each file that has not landed: of what broke off first, then of those that came since."""
        assert self._stream.each is not None
        while True:
            work = self._deliveries.work(self._name)
            if work is None:
                done = self._known.get("done", [])
                names = [name for name in self._deliveries.unlanded(self._stream.each) if name not in done]
                if not names:
                    self._known["read_at"] = datetime.now(UTC).isoformat(timespec="seconds")
                    self._deliveries.save()
                    return
                work = self._deliveries.begin(self._name, names=names, index=0, given=None)
            self._ask_about(work)

    def _ask_about(self, work: dict[str, Any]) -> None:
        assert self._stream.each is not None
        total = sum(1 for _ in self._deliveries.records(work["names"]))
        for index, record in enumerate(self._deliveries.records(work["names"])):
            if index < work["index"]:
                continue
            request: dict[str, Any] | None = self._request(datetime.now(UTC), id=dug(record, self._stream.id))
            while request is not None:
                answer = self._client.ask(request, self._stream.per_minute, may_be_gone=True)
                if answer is None:
                    break
                records = self._records(answer)
                self._deliveries.add(self._name, [as_line(one) for one in records])
                request = self._following({"request": request, "page": request["query"].get("page", 1)}, answer, records)
            work["index"] = index + 1
            self._deliveries.cut(self._name)
            self._deliveries.save()
            self._say(index + 1, total, (index + 1) / total)
        there = set(self._deliveries.unlanded(self._stream.each))
        self._known["done"] = sorted({*self._known.get("done", []), *work["names"]} & there)
        self._known["records"] = self._known.get("records", 0) + work["records"]
        self._deliveries.finish(self._name)

    # -- progress ------------------------------------------------------------------------------------------------------

    def _report(self, work: dict[str, Any], answer: Answer) -> None:
        total = self._total(answer)
        share = work["records"] / total if total else self._share_of_time(work, datetime.now(UTC))
        self._say(work["records"], total, share, work["newest"])

    def _total(self, answer: Answer) -> int | None:
        total = None
        if self._stream.total:
            total = answer.headers.get(self._stream.total) or dug(answer.body, self._stream.total)
        return int(total) if isinstance(total, int) or (isinstance(total, str) and total.isdecimal()) else None

    def _share_of_time(self, work: dict[str, Any], now: datetime) -> float | None:
        """The share of the time that was read through, of a stream that goes from old to new."""
        newest = instant_of(work.get("newest"))
        if newest is None or not self._stream.changes or self._stream.changes.order != "oldest_first":
            return None
        begun = instant_of(work.setdefault("first", work["newest"])) or newest
        return (newest - begun) / (now - begun) if now > begun else None

    def _say(self, records: int, total: int | None, share: float | None, reached: str | None = None) -> None:
        """A line now and then; of a first reading the first one at once, so that it is known how long it will take."""
        now = time.monotonic()
        self._share_before = (share or 0) if self._share_before is None else self._share_before
        if now - self._reported_at < PROGRESS_SECONDS and not self._is_first:
            return
        self._reported_at, self._is_first = now, False
        text = f"{self._name}: {records:,}{f' of {total:,}' if total else ''} records"
        if reached and not total:
            text += f", up to {reached[:10]}"
        if share and self._share_before < share < 1:
            minutes = (now - self._began) * (1 - share) / (share - self._share_before) / 60
            text += f", about {minutes:,.0f} min to go" if minutes >= 1 else ", less than a minute to go"
        self._tell(text)
