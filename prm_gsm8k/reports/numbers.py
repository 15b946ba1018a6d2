"""Numbers as they are printed."""

from __future__ import annotations


def percent(part: int, whole: int) -> str:
    """`12.3%`, and `<0.1%` for little that is not nothing."""
    if not whole:
        return "–"
    return "<0.1%" if 0 < part < whole / 2000 else f"{100 * part / whole:.1f}%"
