"""Load a PRM by what its config says it is: one of this package, or a published one of another kind."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from prm_gsm8k.exceptions import CheckpointError, UsageError
from prm_gsm8k.models.checkpoint import FILES, WITHOUT_WEIGHTS, check_weights, checkpoint_folder
from prm_gsm8k.models.encoder import FILE, Encoder, EncoderConfig
from prm_gsm8k.models.formats.encoding import FormatEncoder
from prm_gsm8k.models.formats.formats import FORMATS, StepFormat, step_format_of
from prm_gsm8k.models.formats.kinds import Kind, kind_of
from prm_gsm8k.models.formats.language_model import LEAST_SHARE, answer_share, keep_two_answers
from prm_gsm8k.models.reward_model import ProcessRewardModel, device_and_dtype

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

SENTENCEPIECE = "tokenizer.model"  # the only tokenizer file of some checkpoints of 2023, such as Math-Shepherd


class PublishedRewardModel(ProcessRewardModel):
    """A PRM of another kind: a `ProcessRewardModel` that cannot be saved."""

    def save_pretrained(self, folder: str | Path) -> NoReturn:
        """Refused: the loaded model differs from the published one.

        Raises:
            UsageError: always.
        """
        raise UsageError("a PRM of another kind cannot be saved; copy the checkpoint itself")


def open_checkpoint(
    model: str | Path,
    *,
    revision: str | None = None,
    device: str | None = None,
    dtype: Literal["auto", "bf16", "fp32"] = "auto",
    device_map: str | dict[str, Any] | None = None,
    step_format: str | Path | None = None,
    **options: Any,
) -> ProcessRewardModel:
    """A PRM, ours or of another kind, as `prm_gsm8k.models.scorers.load_scorer` describes it."""
    kind_of(checkpoint_folder(model, revision, WITHOUT_WEIGHTS))  # before the weights are downloaded
    folder = checkpoint_folder(model, revision, [*FILES, SENTENCEPIECE])
    kind = kind_of(folder)
    if kind == "ours":
        if step_format is not None:
            raise UsageError(f"{model} is a PRM of this package, which needs no step format")
        return ProcessRewardModel.from_pretrained(folder, dtype=dtype, device=device, device_map=device_map, **options)
    check_weights(folder, str(model))
    tokenizer = _tokenizer(folder, str(model))
    loaded = _loaded(kind, folder, str(model), device, dtype, device_map)
    encoder = _encoder(kind, folder, tokenizer, loaded, step_format, str(model))
    return PublishedRewardModel(loaded, tokenizer, encoder, **options)


def _tokenizer(folder: Path, name: str) -> PreTrainedTokenizerFast:
    from transformers import AutoTokenizer

    if (folder / SENTENCEPIECE).exists() and not (folder / "tokenizer.json").exists():
        needed = {"sentencepiece": "sentencepiece", "google.protobuf": "protobuf"}
        if missing := [package for module, package in needed.items() if not _is_there(module)]:
            raise CheckpointError(f"{name} has a tokenizer of SentencePiece: pip install {' '.join(missing)}")
    return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package is missing
        return False


def _loaded(
    kind: Kind, folder: Path, name: str, device: str | None, dtype: str, device_map: str | dict[str, Any] | None
) -> PreTrainedModel:
    from transformers import AutoModelForCausalLM, AutoModelForTokenClassification

    from prm_gsm8k.models.formats.qwen2 import Qwen2ForProcessRewardModel

    device, torch_dtype = device_and_dtype(device, dtype)
    classes = {
        "qwen2-prm": Qwen2ForProcessRewardModel,
        "language model": AutoModelForCausalLM,
        "trl": AutoModelForTokenClassification,
    }
    options = {} if kind == "qwen2-prm" else {"trust_remote_code": False}
    model, loading = classes[kind].from_pretrained(
        folder,
        dtype=torch_dtype,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        device_map=device_map,
        **options,
    )
    if missing := sorted(loading["missing_keys"]):
        raise CheckpointError(f"{name}: no weights for {missing[0]}: the model is incomplete")
    return model if device_map else model.to(device)


def _encoder(
    kind: Kind,
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    model: PreTrainedModel,
    given: str | Path | None,
    name: str,
) -> Any:
    """The checkpoint's encoder, or one for its format; the head of a language model is reduced to its two answers."""
    longest = getattr(model.config, "max_position_embeddings", None)
    if given is None and kind == "qwen2-prm" and (folder / FILE).exists():  # exported from one of ours
        config = EncoderConfig.load(folder)
        limits = [limit for limit in (config.max_length, longest) if limit is not None]
        return Encoder(tokenizer, replace(config, max_length=min(limits, default=None)))
    if given is not None:
        step_format = step_format_of(given)
        if step_format.is_language_model != (kind == "language model"):
            head = "a head of two labels" if kind != "language model" else "a language model's head"
            raise UsageError(f"{name} has {head}, which the step format {str(given)!r} does not fit")
    else:
        usual = "rlhflow" if tokenizer.chat_template else "math-shepherd"
        step_format = FORMATS[usual if kind == "language model" else kind]
    encoder = FormatEncoder(tokenizer, step_format, longest)
    if kind == "language model":
        _reduce(model, encoder, step_format, name, sure=given is not None)
    return encoder


def _reduce(model: PreTrainedModel, encoder: FormatEncoder, step_format: StepFormat, name: str, sure: bool) -> None:
    assert step_format.good is not None and step_format.bad is not None
    good, bad = encoder.token(step_format.good), encoder.token(step_format.bad)
    share = answer_share(model, encoder, good, bad)
    if not sure and share < LEAST_SHARE:
        raise CheckpointError(
            f"{name} gives {step_format.good!r} and {step_format.bad!r} {share:.1%} of its probability at the end of a "
            f"step, so it is not a PRM of the usual format; if it is one of another format, name that: "
            f"{', '.join(FORMATS)} or a JSON file"
        )
    keep_two_answers(model, good, bad)
