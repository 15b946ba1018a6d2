"""Options of every command that scores with a PRM."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Device = Annotated[
    str | None, typer.Option(help="A torch device, such as cpu or cuda:1.", show_default="a GPU if there is one")
]
Dtype = Annotated[
    Literal["auto", "bf16", "fp32"], typer.Option(help="Precision; auto is bf16 on a GPU, fp32 on a CPU.")
]
MaxBatchTokens = Annotated[
    int | None,
    typer.Option(min=1, help="Tokens per forward pass, padding included.", show_default="16,384; 1,024 on a CPU"),
]
StepFormat = Annotated[
    str | None,
    typer.Option(help="Step format of a PRM from elsewhere: a name, or a JSON file.", show_default="detected"),
]
