"""Records that never were: reviews that the shop did not publish, drafts and tests of orders, spam, previews of surveys.

A column says so of each; such a record is marked as gone, not left out, for the next export may say that it is one after all.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.draft.fitting import UNDERSTOOD, Looks, is_yes
from orchestration.draft.lexicon import Meaning, listed, plain
from orchestration.draft.parts import Draft, Entry, Word
from orchestration.pull.kinds import Kind

#: What of a mapping holds for all words that it does not name.
OTHERS = "*"
#: A column of states is known by so many of its words.
_KNOWN = 0.6
#: More words than these are no states.
_FEW = 20
#: Words of flags of records that never were, of whatever kind.
_NEVER = {"test", "draft", "preview"}
#: What moderators of reviews say.
_USUAL = ("rejected", "pending", "spam", "unpublished", "hidden")
#: Kind -> the column of its states, and what a word of one that is gone is then.
_STATES = {"orders": ("status", "cancelled"), "tickets": ("status", "closed")}


def mark_gone(draft: Draft, kind: Kind, left: list[Looks]) -> None:
    """Map ``is_deleted``, and of tickets ``is_spam`` and ``is_merged``, by the words and flags that say so.

    Args:
        draft: gets the entries.
        kind: its kind.
        left: columns that nothing uses; those that say it are taken out.
    """
    _by_state(draft, kind)
    if "is_deleted" not in kind.columns or "is_deleted" in draft.entries:
        return
    found = [(looks, words) for looks in left if (words := _words(looks, kind))]
    for looks, words in found[:1]:
        draft.entries["is_deleted"] = _entry("is_deleted", looks, words, f"such {kind.name} count in no KPI")
        left.remove(looks)
        if len(found) > 1:
            more = ", ".join(repr(other.seen.name) for other, _ in found[1:])
            draft.entries["is_deleted"].doubts.append(f"{more} says so too: put both together with `sql`")
    draft.arrange(kind)


def _entry(column: str, looks: Looks, words: Iterable[Word], why: str) -> Entry:
    return Entry(column, {"from": looks.seen.name}, why, words=[*words, Word(OTHERS, False, 0)], looks=looks)


def _meaning(text: str, kind: Kind) -> Meaning | None:
    """'gone' or 'there', as far as a word says it of a review or an answer."""
    found: Meaning | None = listed(f"gone_{kind.name}").get(plain(text)) or listed("gone_always").get(plain(text))
    return found


def _words(looks: Looks, kind: Kind) -> list[Word]:
    """The words of a column that says which records are gone; none of another one."""
    name, seen = plain(looks.seen.name), looks.seen
    flag: Meaning | None = listed("gone_flags").get(name)
    if flag is not None and seen.present and all(text.lower() in UNDERSTOOD for text in seen.values):
        # An order that is hidden or rejected was one.
        if kind.name != "reviews" and not _NEVER & set(name.split()):
            return []
        words = [Word(text, is_yes(text) is (flag.value == "gone"), rows) for text, rows in seen.values.items()]
        return words if any(word.value for word in words) or flag.value == "gone" else []
    if (
        kind.name not in ("reviews", "surveys", "subscriptions")
        or len(seen.values) > _FEW
        or not listed("gone_columns").keys() & set(name.split())
    ):
        return []
    known = {text: _meaning(text, kind) for text in seen.values}
    if not seen.present or seen.share(lambda text: known[text] is not None) < _KNOWN:
        return []
    words = [
        Word(text, meaning.value == "gone" if meaning else None, seen.values[text], _doubt(meaning))
        for text, meaning in known.items()
        # A column of words that are known may hold others that name somebody.
        if meaning is not None or seen.may_be_shown
    ]
    if kind.name == "reviews":
        # The next file has them.
        return words + [Word(text, True, 0) for text in _USUAL if text not in {plain(text) for text in known}]
    return words if any(word.value for word in words) else []


def _doubt(meaning: Meaning | None) -> str | None:
    if meaning is None:
        return "is it one that counts? It is taken for one until it is mapped to true"
    return None if meaning.is_sure else "can mean something else too"


def _by_state(draft: Draft, kind: Kind) -> None:
    """Words among the states of an order, or a ticket, that say that there was none."""
    state, is_then = _STATES.get(kind.name, ("", ""))
    made = draft.entries.get(state)
    if made is None or made.looks is None:
        return
    for column, key in (("is_spam", "spam"), ("is_merged", "merged"), ("is_deleted", f"gone_{kind.name}")):
        if column not in kind.columns or column in draft.entries:
            continue
        words = listed(key)
        found = {text: rows for text, rows in made.looks.seen.values.items() if plain(text) in words}
        if not found:
            continue
        draft.entries[column] = _entry(
            column, made.looks, [Word(text, True, rows) for text, rows in found.items()], "by its state"
        )
        made.words = [word for word in made.words if word.written not in found]
        made.words += [Word(text, is_then, rows) for text, rows in found.items()]
    draft.arrange(kind)
