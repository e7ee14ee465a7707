"""The guides and references of the project as pages of the docs site, which open without a network."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestration.settings import PROJECT

_SOURCE = PROJECT / "docs"
#: The index of the guides is the first page of its folder.
_INDEX = "README.md"


def write_guides(folder: Path, page: Callable[[str, str], str]) -> None:
    """Write each page of `docs/` as HTML into a folder, with its pictures.

    Args:
        page: makes a whole page from a title and the HTML of its content.
    """
    folder.mkdir()
    if (_SOURCE / "images").is_dir():
        shutil.copytree(_SOURCE / "images", folder / "images")
    for path in sorted(_SOURCE.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        title = re.sub(r"[`*]", "", text.partition("\n")[0].lstrip("# ")) or path.stem
        (folder / _named(path.name)).write_text(page(title, as_html(text)), encoding="utf-8")


def as_html(text: str) -> str:
    """Markdown as HTML: headings have the anchors that GitHub gives them, links lead to the pages written here."""
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(text)
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and after:
            token.attrSet("id", _anchor(after.content))
        for child in token.children or []:
            _lead(child)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _anchor(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _lead(token: Token) -> None:
    """A link to a page of the docs leads to its HTML; one to a file of the checkout, which is not here, leads nowhere."""
    if token.type != "link_open":
        return
    target, mark, anchor = str(token.attrGet("href")).partition("#")
    if target.endswith(".md") and "/" not in target:
        token.attrSet("href", f"{_named(target)}{mark}{anchor}")
    elif target and not re.match(r"[a-z]+:", target):
        token.attrs = {"title": f"{target} of the project's checkout"}


def _named(page: str) -> str:
    return "index.html" if page == _INDEX else f"{page.removesuffix('.md')}.html"
