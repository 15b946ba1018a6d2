"""A page as a browser takes it apart: its elements, its texts, and whether every element is closed."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"br", "meta", "link", "input", "wbr"}


class Read(HTMLParser):
    """What a page says: elements with their attributes, texts by element, and whether every element is closed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(content)
        self.close()
        assert self.open == [], "left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def named(self, name: str) -> Iterator[dict[str, str | None]]:
        return (attributes for element, attributes in self.elements if element == name)

    def words(self) -> str:
        return "".join(data for name, data in self.texts if name not in ("style", "script"))
