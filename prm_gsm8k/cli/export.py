"""`prm-gsm8k export`: a PRM in another checkpoint format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from prm_gsm8k.cli.common import errors


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A PRM: a folder, or ORG/NAME on the Hub.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to create.")],
    format: Annotated[
        Literal["qwen2-prm"],
        typer.Option(help="qwen2-prm: Qwen2ForProcessRewardModel, the format of Qwen2.5-Math-PRM; for PRMs on Qwen2."),
    ] = "qwen2-prm",
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of MODEL on the Hub.")] = None,
) -> None:
    """Convert a PRM to another format with the same scores."""
    with errors(f"interrupted; {out} is incomplete: delete it"):
        from prm_gsm8k.models.encoder import EncoderConfig
        from prm_gsm8k.models.export import export_qwen2_prm
        from prm_gsm8k.models.vllm_reward_model import vllm_serve_command

        export_qwen2_prm(model, out, revision=revision)
        print(f"{out}: a Qwen2ForProcessRewardModel with the scores of {model}")
        print(f"  {vllm_serve_command(out, EncoderConfig.load(out))}")
