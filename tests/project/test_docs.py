"""The documentation leads somewhere: its links have targets, its commands and options exist, each page is in the index."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from homes import REPOSITORY

from orchestration.cli import main

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("deploy/*.md")])
#: Commands of other programs behind ours take their own options.
PASSED_ON = {"dbt", "mf"}


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    headings = re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return named | {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def commands() -> list[tuple[str, str]]:
    """Each command of ours in the documentation, with its page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = [line for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL) for line in block.splitlines()]
        inline = re.findall(r"`((?:\.venv/bin/)?cxhouse [a-z][^`\n]*)`", text)
        for line in (*blocks, *inline):
            command = re.match(r"\s*(?:\S*/)?cxhouse +([^#|<>…]+)", line)
            if command:
                found.append((page.name, command[1].strip()))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_have_targets(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


def test_commands_exist() -> None:
    found = commands()
    assert len(found) > 40
    for page, text in found:
        words = shlex.split(text)
        command: click.Command = main
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            assert words[0] in command.commands, f"{page}: cxhouse {text}"
            name = words.pop(0)
            command = command.commands[name]
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        for word in () if command.name in PASSED_ON else words:
            if word.startswith("-") and word not in ("-", "--help"):
                assert word.partition("=")[0] in options, f"{page}: cxhouse {text}"


def test_the_index_has_every_page() -> None:
    index = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (REPOSITORY / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name


def test_the_files_that_pages_name_are_there() -> None:
    """Pages that lead through the code name files and folders of this repository."""
    for name in ("following.md", "architecture.md", "incremental.md"):
        text = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
        paths = re.findall(r"`((?:orchestration|models|dbt_project|expectations|tests)/[\w/.]+)`", text)
        assert paths, name
        for path in paths:
            assert (REPOSITORY / path).exists(), f"{name}: {path}"


def test_each_decision_has_a_date() -> None:
    text = (REPOSITORY / "docs" / "decisions.md").read_text(encoding="utf-8")
    decisions = re.findall(r"^\*\*(.+?)\*\*(.{14})", text, flags=re.MULTILINE | re.DOTALL)
    assert len(decisions) > 200
    for title, date in decisions:
        assert re.match(r" \(\d{4}-\d\d-\d\d\)", date), title
