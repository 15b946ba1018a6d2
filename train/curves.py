"""The curves of a run as one PNG: loss, validation, learning rate, tokens a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PANELS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("loss", (("loss", "train"), ("eval_loss", "validation"))),
    (
        "validation",
        (("eval_auc", "AUC"), ("eval_best_first_error_f1", "first-error F1"), ("eval_ece", "calibration error")),
    ),
    ("learning rate", (("learning_rate", ""),)),
    ("tokens a second", (("tokens_per_second", ""),)),
)


def draw_curves(history: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Draw `trainer.state.log_history`, one panel a quantity, over optimizer steps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6))
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.08, top=0.95, wspace=0.22, hspace=0.32)
    for place, (title, lines) in enumerate(PANELS, start=1):
        axes = figure.add_subplot(2, 2, place)
        for name, label in lines:
            points = [(entry["step"], entry[name]) for entry in history if name in entry]
            if points:
                axes.plot(*zip(*points, strict=True), marker="." if len(points) < 30 else None, label=label)
        axes.set_title(title)
        axes.set_xlabel("optimizer step")
        axes.grid(alpha=0.3)
        if title == "validation":
            axes.set_ylim(0, 1)
        if any(label for _, label in lines) and axes.lines:
            axes.legend()
    FigureCanvasAgg(figure).print_png(str(file))
