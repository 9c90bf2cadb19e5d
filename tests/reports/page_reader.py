"""Reads an HTML report back, as a browser would take it apart: for tests that ask what is live in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["PageReader", "read_page"]

_VOID = {"meta", "br", "img", "link", "input"}


@dataclass(slots=True)
class PageReader:
    """What a page holds.

    Attributes:
        tags: Every element's name with its attributes, in order.
        words: Text of each paragraph of class ``words``, without the text of links.
        marked: Text of each ``mark``, in order.
        unclosed: Elements left open at the end.
        misnested: End tags that closed nothing.
    """

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list[tuple[str, dict[str, str | None]]])
    words: list[str] = field(default_factory=list[str])
    marked: list[str] = field(default_factory=list[str])
    unclosed: list[str] = field(default_factory=list[str])
    misnested: list[str] = field(default_factory=list[str])

    def ids(self) -> list[str]:
        """Return every id."""
        return [value for _, attributes in self.tags if (value := attributes.get("id"))]

    def links(self) -> list[str]:
        """Return every link's target."""
        return [value for _, attributes in self.tags if (value := attributes.get("href"))]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = PageReader()
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append((tag, dict(attrs)))
        if tag in _VOID:
            return
        is_words = tag == "p" and dict(attrs).get("class") == "words"
        if is_words:
            self.page.words.append("")
        if tag == "mark":
            self.page.marked.append("")
        self._open.append((tag, is_words))
        self.page.unclosed = [name for name, _ in self._open]

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.page.misnested.append(tag)
            return
        self._open.pop()
        self.page.unclosed = [name for name, _ in self._open]

    def handle_data(self, data: str) -> None:
        inside = [name for name, _ in self._open]
        if any(is_words for _, is_words in self._open) and "a" not in inside:
            self.page.words[-1] += data
            if "mark" in inside:
                self.page.marked[-1] += data


def read_page(text: str) -> PageReader:
    """Take a page apart."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.page
