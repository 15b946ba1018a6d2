"""Anything that scores the steps of solutions, opened by what it is.

    scorer = load_scorer("output/prm")                                  # a PRM of this package: a folder
    scorer = load_scorer("Qwen/Qwen2.5-Math-PRM-7B")                    # or of the Hub, here one of another kind
    scorer = load_scorer("http://127.0.0.1:8000")                       # or served by vLLM
    scorer = load_scorer("org/other", step_format="my_format.json")     # see `prm_gsm8k.models.formats`

    scorer.score_many([("1+1?", ["1+1=2.", "So 3."])])                  # [[0.97, 0.08]]

What a checkpoint is, its config says: no name of a model decides anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.models.step_scorer import StepScorer


def load_scorer(
    model: str | Path,
    *,
    revision: str | None = None,
    device: str | None = None,
    dtype: Literal["auto", "bf16", "fp32"] = "auto",
    device_map: str | dict[str, Any] | None = None,
    max_batch_tokens: int | None = None,
    step_format: str | Path | None = None,
) -> StepScorer:
    """What scores the steps of solutions: a PRM of this package, a published one of another kind, or a vLLM server.

    Args:
        model: a folder, a repository of the Hub, or the address of a server, `http://…`.
        revision: branch, tag or commit of the repository.
        device: as torch names them; a GPU if there is one.
        device_map: instead of a device, as transformers takes it: `auto` spreads a large model over all GPUs.
        dtype: of weights and computation; `auto` is bf16 on a GPU and fp32 on a CPU.
        max_batch_tokens: tokens in a forward, padding included; as `ProcessRewardModel` takes it.
        step_format: how a PRM of another kind wants its steps: a name in `models.formats.FORMATS` or a JSON file;
            found out if None.

    Raises:
        CheckpointError: it is not there, or of a kind that is not supported; the message names those that are.
        TokenizerError: its tokenizer cannot write its format.
        HubError, EngineError: the Hub or the server said no, or did not answer.
    """
    if str(model).startswith(("http://", "https://")):
        from prm_gsm8k.models.vllm_reward_model import VllmRewardModel

        if step_format is not None:
            raise UsageError(f"{model} is a server, which tells the step format of its PRM; leave step_format out")
        return VllmRewardModel(str(model), revision=revision)
    from prm_gsm8k.models.formats.opening import open_checkpoint

    return open_checkpoint(
        model,
        revision=revision,
        device=device,
        dtype=dtype,
        device_map=device_map,
        step_format=step_format,
        max_batch_tokens=max_batch_tokens,
    )


open_scorer = load_scorer  # what it was called first, and cards of published models still say
