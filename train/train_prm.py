"""Train a process reward model (PRM) on labelled steps.

    accelerate launch --config_file accelerate_config.yaml train/train_prm.py \\
        --dataset org/prm-gsm8k --config synthetic --model Qwen/Qwen3-8B --output_dir prm

A language model's body gets a head of two labels, `wrong` and `right`, and learns to say at the tag that ends each step
how good that step is (`prm_gsm8k/models/encoder.py`, `train/loss.py`). It needs no remote code and no language-model
head, so the result loads with `AutoModelForTokenClassification` and vLLM serves it as it is.

The plan: options → rows as ids → model → train → threshold and calibration on validation → a folder that says what made
it. `accelerate_config.yaml` is for two GPUs or more; one GPU, DDP and a CPU have theirs in `train/configs/`. What fits
where stands in `train/README.md`.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    EarlyStoppingCallback,
    PreTrainedModel,
)
from transformers.utils import cached_file

from prm_gsm8k.exceptions import CheckpointError, PrmGsm8kError, UsageError
from prm_gsm8k.metrics.steps import best_threshold, judged_steps
from prm_gsm8k.models.architecture import attention_kind, check_architecture
from prm_gsm8k.models.calibrate import put_into_checkpoint
from prm_gsm8k.models.calibration import fit_calibration, log_odds
from prm_gsm8k.models.card import model_card
from prm_gsm8k.models.checkpoint import write_both_forms
from prm_gsm8k.models.encoder import FILE as ENCODER
from prm_gsm8k.models.encoder import Encoder, EncoderConfig
from prm_gsm8k.train import memory
from prm_gsm8k.train.arguments import DECISIVE, INDIFFERENT, PrmArguments, PrmTrainingArguments, parse, shared_by
from prm_gsm8k.train.batches import Layout
from prm_gsm8k.train.curves import draw_curves
from prm_gsm8k.train.data import Data, load_data
from prm_gsm8k.train.disk import check_room, said_if_full
from prm_gsm8k.train.lora import in_4bit, merged, with_adapters
from prm_gsm8k.train.loss import StepLoss
from prm_gsm8k.train.record import arguments_of, training_record, write_record
from prm_gsm8k.train.run import claim
from prm_gsm8k.train.trainer import PrmTrainer, checkpoints, new_model, summary

FAILS_ALIKE = 30.0  # seconds that the first process may take to fail after another one
OUT_OF_MEMORY = (
    "out of memory. What helps, in this order: --gradient_checkpointing; a smaller --per_device_train_batch_size, "
    "which trains the same PRM; a smaller --max_length; more GPUs with --config_file accelerate_config.yaml; "
    "--lora_r 16. --dry_run says what fits"
)


def train(options: PrmArguments, training: PrmTrainingArguments) -> Path:
    """Train, and return the folder of the PRM. All processes call it; see the module's own words."""
    first = training.process_index == 0
    folder = Path(training.output_dir)

    if options.dry_run:
        sys.exit(0 if fits(options, training, config_of(options)) else 1)
    tokenizer, base_revision, config = load_tokenizer(options)
    check_architecture(options.model, config)
    if first and torch.cuda.is_available():
        fits(options, training, config)
    encoder = encoder_of(options, tokenizer, config, aloud=first)
    with training.main_process_first(desc="rows"):
        data = load_data(options, encoder, training.seed, aloud=first)
    if first:
        tell(data, options)

    identity = {
        **{k: v for k, v in arguments_of(options, training).items() if hasattr(options, k) and k not in INDIFFERENT},
        **{name: value for name, value in training.to_dict().items() if name in DECISIVE},
        "shared_by": shared_by(),  # its checkpoints are others
        "base_revision": base_revision,
        "data": data.digest,
        "encoder": encoder.config.probe,
    }
    with training.main_process_first(local=False, desc="folder"):  # the others find it claimed
        claimed = claim(folder, identity, overwrite=training.overwrite_output_dir and first)
    if claimed.finished:
        if first:
            print(f"{folder} is already trained; nothing to do", file=sys.stderr)
        return folder
    if claimed.checkpoint and first:
        print(f"going on from {claimed.checkpoint}", file=sys.stderr)

    attention, layout = attention_of(options, config), layout_of(options, config)
    base: dict[str, Any] = {"revision": options.model_revision, "attn_implementation": attention}
    torch.manual_seed(training.seed)  # the new head
    # full training keeps weights in fp32 and computes in bf16; under LoRA the model itself is not trained
    dtype = torch.bfloat16 if options.lora_r and training.bf16 else torch.float32
    model: Any = load_model(options, **base, dtype=dtype, **(in_4bit(dtype) if options.load_in_4bit else {}))
    model.config.pad_token_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    if options.lora_r:
        model = with_adapters(model, options)

    push, training.push_to_hub = training.push_to_hub, False  # once, in the end, in one commit
    assert training.rows_per_step is not None  # since it was parsed
    trainer = PrmTrainer(
        model=model,
        args=training,
        rows_per_step=training.rows_per_step,
        layout=layout,
        loss=StepLoss(options.wrong_weight, options.right_weight),
        pad_id=model.config.pad_token_id,
        head_learning_rate=options.head_learning_rate,
        train_dataset=data.train,
        eval_dataset=data.validation,
        eval_names=data.names,
        callbacks=[EarlyStoppingCallback(patience)] if (patience := options.early_stopping_patience) else [],
    )
    if (shares := shared_by()) and not (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
        raise UsageError(
            f"{shares} shares a model between GPUs; here accelerate would train all of it in each process without a "
            "word: --config_file train/configs/cpu.yaml"
        )
    check_room(trainer.model, training, len(checkpoints(folder)))
    trainer.train(resume_from_checkpoint=str(claimed.checkpoint) if claimed.checkpoint else None)

    scores, labels, names = trainer.validation_scores()
    with said_if_full(trainer.model, training):
        save(trainer, options, encoder, tokenizer, folder, base)
    if first:
        if options.calibrate:
            scores = calibrated(folder, scores, labels)
        threshold, _ = best_threshold(scores, labels)
        found = summary(scores, labels)
        metrics = {"validation": found}
        for name in sorted(set(names)):
            mine = [n for n, its in enumerate(names) if its == name]
            metrics[f"validation, {name}"] = summary([scores[n] for n in mine], [labels[n] for n in mine])
        draw_curves(trainer.state.log_history, folder / "curves.png")
        record = training_record(
            options,
            training,
            data,
            base_revision=base_revision,
            steps=trainer.state.global_step,
            tokens=trainer.state.num_input_tokens_seen,
            metrics=metrics,
            threshold=threshold,
        )
        write_record(record, folder)  # a folder that has it is finished
        (folder / "README.md").write_text(model_card(folder, training.hub_model_id), encoding="utf-8")
        print(f"{folder}: " + ", ".join(f"{name} {value:.3f}" for name, value in found.items()), file=sys.stderr)
        if options.load_in_4bit:
            print(
                "measured and calibrated in 4 bits; the PRM has the base model's own weights under its adapters: "
                f"prm-gsm8k calibrate {folder} --dataset ROWS fits it anew",
                file=sys.stderr,
            )
        if push:
            publish(folder, training)
    trainer.accelerator.wait_for_everyone()
    return folder


def config_of(options: PrmArguments) -> Any:
    """The model's config."""
    if options.model.startswith((".", "/", "~")) and not Path(options.model).is_dir():
        raise CheckpointError(f"{options.model}: no such folder")
    try:
        return memory.config_of(options.model, options.model_revision)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{options.model}: cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def load_tokenizer(options: PrmArguments) -> tuple[Any, str | None, Any]:
    """The model's tokenizer, the commit the model is of, if it is the Hub's, and its config."""
    if options.model.startswith((".", "/", "~")) and not Path(options.model).is_dir():
        raise CheckpointError(f"{options.model}: no such folder")
    try:
        config = AutoConfig.from_pretrained(options.model, revision=options.model_revision, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(
            options.model, revision=options.model_revision, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{options.model}: cannot be loaded: {' '.join(str(error).split())[:300]}") from error
    return tokenizer, getattr(config, "_commit_hash", None), config


def encoder_of(options: PrmArguments, tokenizer: Any, config: Any, *, aloud: bool) -> Encoder:
    """What rows look like: of a model that is a PRM already as it was trained, unless other is said."""
    saved = cached_file(
        options.model,
        ENCODER,
        revision=options.model_revision,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    kind, said = (config.architectures or ["nothing"])[0], ""
    if saved and options.step_tag is None and options.template == "auto":
        encoder = Encoder(tokenizer, replace(EncoderConfig.load(Path(saved).parent), max_length=options.max_length))
        said = "is a PRM: its head, template and step tag are trained on"
    else:
        encoder = Encoder.for_tokenizer(
            tokenizer,
            tag=options.step_tag,
            template=options.template,  # type: ignore[arg-type]
            max_length=options.max_length,
        )
        if kind.endswith(("ForTokenClassification", "RewardModel")):
            said = f"is a {kind}: its template and step tag are not taken over"
    if said and not kind.endswith("ForTokenClassification"):
        said += ", and its head is new"
    if said and aloud:
        print(f"{options.model} {said}", file=sys.stderr)
    return encoder


def fits(options: PrmArguments, training: PrmTrainingArguments, config: Any) -> bool:
    """Say in two lines what a GPU needs, and what fits; whether this does, with a tenth to spare."""
    here = torch.cuda.device_count()
    if options.gpus:
        gpus, free = memory.parse_gpus(options.gpus)
    elif here:
        gpus, free = (training.world_size if training.world_size > 1 else here), torch.cuda.mem_get_info()[0]
    else:
        raise UsageError("--dry_run: no GPU is here; say which are meant, as --gpus 2x24")
    launched = training.world_size > 1
    fsdp = shared_by() is not None if launched else gpus > 1 and not options.load_in_4bit
    plan = memory.Plan(
        gpus=gpus,
        fsdp=fsdp,
        lora_r=options.lora_r,
        in_4bit=options.load_in_4bit,
        rows=training.per_device_train_batch_size,
        max_length=options.max_length,
        checkpointing=training.gradient_checkpointing or (fsdp and not launched),
        bf16=training.bf16 or options.dry_run,
    )
    check_architecture(options.model, config)
    well, lines = memory.says(memory.shape_of(options.model, config), plan, free)
    print("\n".join(lines), file=sys.stdout if options.dry_run else sys.stderr)
    return well


def load_model(options: PrmArguments, **base: Any) -> PreTrainedModel:
    """The language model with a new head."""
    try:
        return new_model(options.model, **base)
    except (OSError, ValueError, ImportError) as error:
        raise CheckpointError(f"{options.model}: cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def attention_of(options: PrmArguments, config: Any) -> str:
    """FlashAttention where there is a GPU and it is installed, else torch's own."""
    from transformers.utils import is_flash_attn_2_available

    if options.attn_implementation != "auto":
        return options.attn_implementation
    flash = torch.cuda.is_available() and is_flash_attn_2_available() and options.batching != "trees"
    flash = flash and attention_kind(config) != "hybrid"
    return "flash_attention_2" if flash else "sdpa"


def layout_of(options: PrmArguments, config: Any) -> Layout:
    """How rows lie in a micro-batch, if it is not said.

    Raises:
        UsageError: the model's layers do not see all that stands before a token, and it is said.
    """
    if (kind := attention_kind(config, options.max_length)) != "full":
        if options.batching not in ("auto", "padded"):
            raise UsageError(
                f"--batching {options.batching}: {options.model} has {kind} attention, under which rows that share "
                "tokens or follow one another would see each other or too little; --batching padded"
            )
        return "padded"
    if options.batching == "auto":
        return "packed" if attention_of(options, config) == "flash_attention_2" else "trees"
    return options.batching  # type: ignore[return-value]


def save(
    trainer: PrmTrainer, options: PrmArguments, encoder: Encoder, tokenizer: Any, folder: Path, base: dict[str, Any]
) -> None:
    """Weights, tokenizer, encoder. All processes call it, since FSDP gathers from all; the first one writes."""
    trained = folder / ("adapter" if options.lora_r else ".trained")
    if trainer.is_fsdp_enabled:  # checkpoints are sharded; what `save_model` writes is whole, or nothing
        trainer.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
    trainer.save_model(str(trained))
    if trainer.args.process_index == 0:
        (trained / "training_args.bin").unlink(missing_ok=True)  # a pickle, which nobody should load
        half = options.save_dtype == "bf16" or (options.save_dtype == "auto" and trainer.args.bf16)
        dtype = torch.bfloat16 if half else torch.float32
        if options.lora_r:
            torch.manual_seed(trainer.args.seed)
            model = merged(load_model(options, **base, dtype=torch.float32), trained).to(dtype)
        else:
            model = AutoModelForTokenClassification.from_pretrained(trained, dtype=dtype, use_safetensors=True)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        write_both_forms(folder)
        # --max_length is of the rows in training; a longer solution is scored as long as the model has positions
        replace(
            encoder.config, max_length=getattr(model.config.get_text_config(), "max_position_embeddings", None)
        ).save(folder)
        if not options.lora_r:
            shutil.rmtree(trained)
    trainer.accelerator.wait_for_everyone()


def calibrated(folder: Path, scores: list[list[float]], labels: list[int]) -> list[list[float]]:
    """Put a calibration into the saved head, and return the scores as they are from now on."""
    try:
        found, right = judged_steps(scores, labels)
        calibration = fit_calibration(log_odds(found), right, fitted_on="validation")
    except UsageError as error:  # a PRM that has learnt nothing
        print(f"not calibrated: {error}", file=sys.stderr)
        return scores
    put_into_checkpoint(folder, calibration)
    return [calibration.apply(log_odds(line)).tolist() for line in scores]


def publish(folder: Path, training: PrmTrainingArguments) -> None:
    """`--push_to_hub`: in one commit."""
    from prm_gsm8k.models.publish import publish_model

    assert training.hub_model_id is not None
    done = publish_model(
        folder, training.hub_model_id, private=bool(training.hub_private_repo), token=training.hub_token
    )
    print(f"published: {done.load_line}", file=sys.stderr)


def tell(data: Data, options: PrmArguments) -> None:
    """On stderr: what is trained on, and what was cut or left out on the way."""
    for name, n in data.counts.items():
        print(
            f"{name}: {n['rows']:,} rows, {n['steps']:,} steps, {n['tokens']:,} tokens"
            + (f"; {n['rows_cut']:,} rows cut by {n['steps_cut']:,} steps" if n["rows_cut"] else "")
            + (f"; {n['rows_left_out']:,} longer than --max_length {options.max_length}" if n["rows_left_out"] else ""),
            file=sys.stderr,
        )


def main() -> None:
    """The script: errors as one line, 2 for misuse, 1 for the rest, 130 for Ctrl-C; with --debug a traceback."""
    words = sys.argv[1:]
    debug = "--debug" in words
    first = os.environ.get("RANK", "0") == "0"
    try:
        train(*parse([word for word in words if word != "--debug"]))
    except KeyboardInterrupt:
        if first:
            print("train_prm: interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        out_of_memory = isinstance(error, torch.OutOfMemoryError)
        said = (
            " ".join(str(error).split())
            if isinstance(error, PrmGsm8kError)
            else f"{type(error).__name__}: {_short(error)}"
        )
        if out_of_memory:
            said = f"{OUT_OF_MEMORY} ({_short(error)})"
        elif not isinstance(error, PrmGsm8kError):
            said += "; --debug shows where"
        if not (first or out_of_memory):
            time.sleep(FAILS_ALIKE)  # the first process says it; then the launcher ends this one, and not the other way
        print(f"train_prm: {said}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, PrmGsm8kError) else 1)
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _short(error: BaseException) -> str:
    """An error's own words, on one line."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:299] + "…"


if __name__ == "__main__":
    main()
