"""What a training run can be told: our own options, and transformers' `TrainingArguments` with our defaults.

train_prm.py --model Qwen/Qwen3-8B --output_dir prm --max_steps 500
train_prm.py run.yaml --learning_rate 2e-5        # options from a file, in their own names; the command line wins
"""

from __future__ import annotations

import os
import sys
from argparse import Action
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import HfArgumentParser, TrainingArguments
from transformers.trainer_utils import IntervalStrategy, SaveStrategy, SchedulerType
from transformers.utils import is_torch_bf16_gpu_available, is_torch_mps_available

from prm_gsm8k.exceptions import BadInputError, UsageError
from prm_gsm8k.train.batches import accumulation

METRICS = (
    "auc average_precision step_accuracy loss brier ece first_error_f1 error_accuracy correct_accuracy "
    "best_first_error_f1"
).split()
# Options of transformers that would do nothing, or harm: name, the value that stands for not given, what to do instead
REFUSED: tuple[tuple[str, Any, str], ...] = (
    ("resume_from_checkpoint", None, "not needed: the same command goes on where it was killed"),
    ("save_only_model", False, "no run can go on from such a checkpoint; --save_strategy no keeps none at all"),
    ("label_smoothing_factor", 0.0, "labels are trained on as they are; --soft_labels takes the column `values`"),
    (
        "auto_find_batch_size",
        False,
        "see --dry_run for what fits; a smaller --per_device_train_batch_size changes nothing else",
    ),
    (
        "train_sampling_strategy",
        "random",
        "rows are put together by problem and length; --data_seed changes their order",
    ),
    ("dataloader_drop_last", False, "every row is trained on"),
    ("remove_unused_columns", False, "our columns are all used"),
)
ROWS_PER_STEP = 64  # 16 problems of `synthetic`
USAGE = "train_prm.py [OPTIONS.yaml] --model MODEL --output_dir FOLDER [--dataset ROWS] [--OPTION VALUE ...]"


def _option(default: Any, text: str, choices: Sequence[str] | None = None) -> Any:
    return field(default=default, metadata={"help": text} | ({"choices": list(choices)} if choices else {}))


class _Each(Action):
    """`--dataset A --dataset B` is `--dataset A B`, not B alone; on the command line, not in addition to a file's."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        given = getattr(namespace, self.dest)
        setattr(namespace, self.dest, values if given is self.default else [*given, *values])


@dataclass
class PrmArguments:
    """What to make a PRM from, and how rows become targets."""

    model: str = field(metadata={"help": "The language model to start from: a Hub id or a folder."})
    model_revision: str | None = _option(None, "Branch, tag or commit of the model.")
    dataset: list[str] | None = field(
        default=None,
        metadata={
            "action": _Each,
            "help": "Labelled rows: ORG/NAME on the Hub, a built folder, or a JSONL or Parquet file with the columns "
            "prompt, completions and labels. Several are mixed: ORG/NAME:CONFIG:0.5 rows.jsonl:0.5. Without it, what "
            "`prm-gsm8k build` left here, or `synthetic` built now.",
        },
    )
    dataset_revision: str | None = _option(None, "Branch, tag or commit of the dataset.")
    config: str | None = _option(
        None,
        "Which config, or a mix with weights: synthetic:0.5,prm800k:0.5. If not given, synthetic, or the only one.",
    )
    validation: str | None = _option(
        None,
        "Rows to validate on: another data set, or another config of the one. Without it the split `validation`; where "
        "there is none, the rows of one problem in twenty are set apart.",
    )
    drop_test_questions: bool = _option(False, "Leave out rows that hold a question of GSM8K test, else an error.")
    max_train_rows: int | None = _option(None, "At most so many rows to train on, of whole problems drawn by --seed.")
    max_eval_rows: int | None = _option(2000, "At most so many rows to validate on, of whole problems.")
    soft_labels: bool = _option(False, "Train on the column `values` where a row has it.")
    after_error: str = _option("mask", "Steps after the first error: not trained on, or wrong.", ("mask", "wrong"))
    wrong_weight: float = _option(1.0, "How much a wrong step counts in the loss.")
    right_weight: float = _option(1.0, "How much a right step counts in the loss.")
    step_tag: str | None = _option(None, "The special token that ends a step; chosen for the tokenizer if not given.")
    template: str = _option("auto", "How a prompt is written: the chat template, or plain.", ("auto", "chat", "plain"))
    max_length: int = _option(1024, "Tokens a row may have in training; scoring takes all the model has positions for.")
    too_long: str = _option(
        "cut", "A longer row loses its last steps, or is left out. Both are counted.", ("cut", "refuse")
    )
    batching: str = _option(
        "auto",
        "How rows lie in a micro-batch: padded; packed, one after the other (with FlashAttention); as trees, what rows "
        "of a problem begin with alike computed once; auto is packed with FlashAttention, else trees.",
        ("auto", "padded", "packed", "trees"),
    )
    attn_implementation: str = _option(
        "auto", "As transformers names them; auto is flash_attention_2 if it is installed."
    )
    dry_run: bool = _option(False, "Say what a GPU needs and what fits, and end.")
    gpus: str | None = _option(
        None, "For --dry_run: how many GPUs of how many GB, as 2x24; those of this machine if not given."
    )
    head_learning_rate: float | None = _option(None, "Learning rate of the new head; that of the model if not given.")
    early_stopping_patience: int | None = _option(
        None, "End after so many validations in a row that are no better than the best."
    )
    calibrate: bool = _option(True, "Put a calibration, fitted on the validation rows, into the head.")
    save_dtype: str = _option(
        "auto", "Numbers of the saved weights: bf16, fp32, or that of the computation.", ("auto", "bf16", "fp32")
    )
    lora_r: int = _option(0, "Rank of LoRA adapters; 0 trains all weights.")
    load_in_4bit: bool = _option(
        False, "QLoRA: under its adapters the model has 4 bits a weight (bitsandbytes); each GPU holds all of it."
    )
    lora_alpha: int | None = _option(None, "LoRA's alpha; twice the rank if not given.")
    lora_dropout: float = _option(0.0, "Dropout before LoRA adapters.")
    lora_target_modules: str = _option("all-linear", "Layers that get an adapter: names with commas, or all-linear.")

    def __post_init__(self) -> None:
        if isinstance(self.dataset, str):  # of a YAML file
            self.dataset = [self.dataset]
        for name in ("max_train_rows", "max_eval_rows"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise UsageError(f"--{name} is {value}; give at least 1")
        if self.max_length < 8:
            raise UsageError(f"--max_length is {self.max_length}; a row has a prompt, a step and a tag")
        if self.batching == "trees" and self.attn_implementation.startswith("flash"):
            raise UsageError("trees need a mask, which FlashAttention does not take: --attn_implementation sdpa")
        if self.lora_r < 0:
            raise UsageError(f"--lora_r is {self.lora_r}; 0 is no LoRA")
        if self.load_in_4bit and not self.lora_r:
            raise UsageError("--load_in_4bit is a model that adapters are trained on: give --lora_r 16 too")
        for name, option in (("peft", "lora_r"), ("bitsandbytes", "load_in_4bit")):
            if getattr(self, option) and not self.dry_run and find_spec(name) is None:
                raise UsageError(f"{name} is not installed: pip install {name}; or leave out --{option}")
        if self.load_in_4bit and shared_by():
            raise UsageError(
                "--load_in_4bit is for GPUs that hold the whole model: --config_file train/configs/ddp.yaml"
            )
        if self.early_stopping_patience is not None and self.early_stopping_patience < 1:
            raise UsageError(f"--early_stopping_patience is {self.early_stopping_patience}; give at least 1")


@dataclass
class PrmTrainingArguments(TrainingArguments):
    """transformers' own, with defaults for a PRM; every one of them can be given."""

    learning_rate: float = _option(1e-5, "Peak learning rate; for LoRA try 1e-4.")
    lr_scheduler_type: SchedulerType | str = _option("cosine", "As transformers names them.")  # noqa: RUF009
    warmup_steps: float = _option(0.05, "Steps, or below 1 the share of all steps.")
    weight_decay: float = _option(0.01, "Weight decay.")
    num_train_epochs: float = _option(1.0, "Passes over the rows.")
    rows_per_step: int | None = _option(
        None, "Rows of an optimizer step, of all devices; 64 if not given. Devices and micro-batches change nothing."
    )
    per_device_train_batch_size: int = _option(8, "Rows a device computes at once: what it has memory for.")
    gradient_accumulation_steps: int = _option(
        0, "Micro-batches of a step; follows from --rows_per_step. Given without it: rows a step are devices x both."
    )
    per_device_eval_batch_size: int = _option(16, "Rows a device in validation.")
    bf16: bool = _option(True, "Compute in bf16, keep weights and sums in fp32; in fp32 where the device has no bf16.")
    logging_steps: float = _option(10, "Steps between two lines of the log.")
    eval_strategy: IntervalStrategy | str = _option("steps", "When to validate.")  # noqa: RUF009
    eval_steps: float | None = _option(0.1, "Steps between two validations, or below 1 the share of all steps.")
    save_strategy: SaveStrategy | str = _option("steps", "When to keep a checkpoint; no: the last PRM, not the best.")  # noqa: RUF009
    save_steps: float | None = _option(
        None, "Steps between two checkpoints, or below 1 a share; those of --eval_steps."
    )
    save_total_limit: int | None = _option(2, "Checkpoints to keep: the last, and the best.")
    load_best_model_at_end: bool = _option(True, "The PRM is the best checkpoint, not the last.")
    metric_for_best_model: str | None = _option(
        "eval_auc", "By which number of the validation it is the best: the lowest loss, brier or ece, else the highest."
    )
    greater_is_better: bool | None = _option(None, "Whether the highest is; it follows from the number.")
    remove_unused_columns: bool = _option(False, "Stays off: our collator makes the columns.")
    report_to: None | str | list[str] = _option(  # noqa: RUF009, RUF036
        "tensorboard", "Where curves go besides the PNG: tensorboard, wandb, trackio, none."
    )
    disable_tqdm: bool | None = _option(None, "No progress bar; none is shown where stderr is no terminal.")
    overwrite_output_dir: bool = _option(
        False, "Delete what another run left in --output_dir; this run's own checkpoints it goes on from."
    )
    use_cpu: bool = _option(False, "Train on the CPU, also where a GPU is; without a GPU it is so anyway.")
    hub_model_id: str | None = _option(None, "ORG/NAME for --push_to_hub.")

    def __post_init__(self) -> None:
        if self.output_dir is None:
            raise UsageError("--output_dir is missing: the folder for checkpoints and the PRM")
        if self.push_to_hub and self.hub_model_id is None:
            raise UsageError("--push_to_hub to where? Give --hub_model_id ORG/NAME too")
        if self.save_total_limit is not None and self.save_total_limit < 2:
            raise UsageError(
                "--save_total_limit is at least 2: a run killed while it saves goes on from the one before"
            )
        for name, usual, why in REFUSED:
            if getattr(self, name, usual) != usual:
                raise UsageError(f"--{name}: {why}")
        self._set_validation()
        self._check_installed()
        if os.environ.get("FSDP_ACTIVATION_CHECKPOINTING", "").lower() == "true":
            # accelerate wraps layers for it, and peft (0.21) then finds no adapters in them to save; and what dropout
            # drops in the forward pass, it does not drop again. transformers' own has neither fault.
            os.environ["FSDP_ACTIVATION_CHECKPOINTING"] = "false"
            self.gradient_checkpointing = True
        if self.disable_tqdm is None:
            self.disable_tqdm = not sys.stderr.isatty()
        self._set_rows_per_step()
        if not self.use_cpu:
            check_devices()
        if not torch.cuda.is_available() and not is_torch_mps_available():
            self.use_cpu = True
        if self.bf16 and not (cpu_has_bf16() if self.use_cpu else is_torch_bf16_gpu_available()):
            self.bf16 = False  # a GPU from before 2020, a CPU that would emulate it at a third of the speed of fp32
        super().__post_init__()
        if self.n_gpu > 1:
            raise UsageError(
                f"{self.n_gpu} GPUs are here and one process was started; use accelerate launch --config_file "
                "accelerate_config.yaml, or train/configs/one_gpu.yaml"
            )

    def _set_validation(self) -> None:
        """When to save, and by what the best checkpoint is chosen."""
        validates, saves = (
            str(getattr(chosen, "value", chosen)) for chosen in (self.eval_strategy, self.save_strategy)
        )
        if "no" in (validates, saves):
            self.load_best_model_at_end = False
        if self.load_best_model_at_end:
            if saves == "steps":
                self.save_strategy = self.eval_strategy
            name = str(self.metric_for_best_model).removeprefix("eval_")
            if name not in METRICS:
                raise UsageError(f"--metric_for_best_model {name}: there is no such number; {', '.join(METRICS)} are")
            if self.greater_is_better is None:
                self.greater_is_better = name not in ("loss", "brier", "ece")
        if self.save_steps is None:
            self.save_steps = (self.eval_steps if self.load_best_model_at_end else None) or 0.1

    def _check_installed(self) -> None:
        """Raise `UsageError` for a package that an option or the launch wants and that is not here."""
        wanted = self.report_to if isinstance(self.report_to, list) else [self.report_to or "none"]
        if str(self.optim).endswith(("8bit", "4bit")):
            wanted = [*wanted, "bitsandbytes"]
        if self.deepspeed or shared_by() == "DEEPSPEED":
            wanted = [*wanted, "deepspeed"]
        for name in wanted:
            if name not in ("none", "all") and find_spec(str(name)) is None:
                more = "; or --report_to none" if name not in ("deepspeed", "bitsandbytes") else ""
                raise UsageError(f"{name} is not installed: pip install {name}{more}")

    def _set_rows_per_step(self) -> None:
        """Of rows a step, rows a micro-batch and micro-batches a step, the one that is not given."""
        devices, rows = int(os.environ.get("WORLD_SIZE", "1")), self.per_device_train_batch_size
        if rows < 1:
            raise UsageError(f"--per_device_train_batch_size is {rows}; give at least 1")
        if given := self.gradient_accumulation_steps:
            product = given * rows * devices
            if self.rows_per_step not in (None, product):
                raise UsageError(
                    f"--gradient_accumulation_steps {given} x --per_device_train_batch_size {rows} x {devices} devices "
                    f"are {product} rows a step, not --rows_per_step {self.rows_per_step}; leave one out"
                )
            self.rows_per_step = product
        elif self.rows_per_step is None:
            self.rows_per_step = ROWS_PER_STEP
        if self.rows_per_step < 1:
            raise UsageError(f"--rows_per_step is {self.rows_per_step}; give at least 1")
        self.gradient_accumulation_steps = accumulation(self.rows_per_step, rows, devices)


def shared_by() -> str | None:
    """What shares the model between GPUs, as it was launched: FSDP or DeepSpeed; None if each has all of it."""
    launched = (
        name for name in ("FSDP", "DEEPSPEED") if os.environ.get(f"ACCELERATE_USE_{name}", "").lower() == "true"
    )
    return next(launched, None)


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies numbers in bf16 itself; also if that cannot be told (torch before 2.11)."""
    can: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return not can or any(can.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def check_devices() -> None:
    """As many GPUs as processes of this machine, unless it was launched for a CPU.

    Raises:
        UsageError: there are fewer; it says what to launch with.
    """
    wanted = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    there = torch.cuda.device_count()
    if wanted <= max(1, there) or os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"):
        return
    instead = {0: "--config_file train/configs/cpu.yaml", 1: "--config_file train/configs/one_gpu.yaml"}
    said = "no GPU is" if not there else f"{there} GPU is" if there == 1 else f"{there} GPUs are"
    raise UsageError(
        f"{wanted} processes, one a GPU, were asked for, but {said} here; launch with "
        f"{instead.get(there, f'--num_processes {there}')}"
    )


# Of our options, what does not decide the weights; everything else must be the same when a run goes on.
INDIFFERENT = ("calibrate", "save_dtype", "max_eval_rows", "dataset", "dataset_revision", "dry_run", "gpus")
# Of transformers' options, what does.
DECISIVE = (
    "learning_rate lr_scheduler_type lr_scheduler_kwargs warmup_steps weight_decay adam_beta1 adam_beta2 adam_epsilon "
    "max_grad_norm num_train_epochs max_steps rows_per_step bf16 fp16 tf32 "
    "optim optim_args seed data_seed full_determinism neftune_noise_alpha load_best_model_at_end "
    "metric_for_best_model eval_steps"
).split()


def parse(argv: Sequence[str] | None = None) -> tuple[PrmArguments, PrmTrainingArguments]:
    """Options of the command line, after those of a YAML file if the first word names one.

    Raises:
        UsageError, BadInputError: an option that is not there or out of range, or a file that is none of options.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    parser = HfArgumentParser([PrmArguments, PrmTrainingArguments], usage=USAGE, description=__doc__)
    if words and words[0].endswith((".yaml", ".yml")):
        _defaults_from(Path(words.pop(0)), parser)
    try:
        ours, theirs = parser.parse_args_into_dataclasses(words)
    except ValueError as error:  # of TrainingArguments
        raise UsageError(" ".join(str(error).split())) from error
    return ours, theirs


def _defaults_from(file: Path, parser: HfArgumentParser) -> None:
    try:
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(str(file), "no such file") from None
    except yaml.YAMLError as error:
        raise BadInputError(str(file), f"not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(given, dict):
        raise BadInputError(str(file), "not `option: value` lines")
    known = {f.name: f for cls in (PrmArguments, PrmTrainingArguments) for f in fields(cls)}
    if unknown := [name for name in given if name not in known]:
        raise BadInputError(str(file), f"there is no option {unknown[0]!r}; --help lists them")
    for name, value in given.items():
        if isinstance(known[name].default, float) and isinstance(value, (str, int)) and not isinstance(value, bool):
            given[name] = float(value)  # YAML 1.1 reads 1e-5, without a point, as text
    parser.set_defaults(**given)
    for action in parser._actions:
        if action.dest in given:
            action.required = False
