"""What goes wrong, and when: rules that the server asks about every request."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """What happens to a request: an action before it, then a cut connection or a status instead of an answer."""

    cut: Literal["before", "after"] | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    action: Callable[[], object] | None = None


@dataclass
class _Rule:
    method: str
    path: re.Pattern[str]
    wait: int  # matching requests still to let pass
    times: float
    fault: Fault

    def applies(self, method: str, path: str) -> bool:
        if self.method not in ("*", method) or not self.path.search(path) or self.times <= 0:
            return False
        if self.wait:
            self.wait -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Faults:
    """The rules of a Hub. The first one that applies to a request decides."""

    rules: list[_Rule] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, method: str, path: str, nth: int, times: float, fault: Fault) -> None:
        with self.lock:
            self.rules.append(_Rule(method, re.compile(path), nth - 1, times, fault))

    def of(self, method: str, path: str) -> Fault:
        """What happens to this request: mostly nothing."""
        with self.lock:
            return next((rule.fault for rule in self.rules if rule.applies(method, path)), Fault())

    def clear(self) -> None:
        with self.lock:
            self.rules.clear()
