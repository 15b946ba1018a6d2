"""`prm-gsm8k export`: a PRM as a checkpoint of another kind."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from prm_gsm8k.cli.common import errors, printer


class Format(StrEnum):
    """What `export` writes."""

    qwen2_prm = "qwen2-prm"


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A PRM: a folder, or ORG/NAME on the Hub.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write; it is made.")],
    format: Annotated[
        Format, typer.Option(help="qwen2-prm: Qwen2ForProcessRewardModel, as Qwen2.5-Math-PRM; for Qwen2 bases.")
    ] = Format.qwen2_prm,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of ORG/NAME.")] = None,
) -> None:
    """Write a PRM as a checkpoint of another kind, with the same scores."""
    with errors(f"interrupted; what {out} holds is not whole: delete it"):
        from prm_gsm8k.models.encoder import EncoderConfig
        from prm_gsm8k.models.export import export_qwen2_prm
        from prm_gsm8k.models.vllm_reward_model import vllm_serve_command

        export_qwen2_prm(model, out, revision=revision)
        console = printer()
        console.print(f"{out}: a Qwen2ForProcessRewardModel that scores as {model}", highlight=False, soft_wrap=True)
        console.print(
            f"  {vllm_serve_command(out, EncoderConfig.load(out))}", highlight=False, markup=False, soft_wrap=True
        )
