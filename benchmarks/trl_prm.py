"""Our training compared with trl's last PRM trainer (1.13): does the loss depend on the layout, and how fast is it?

    pip install --no-deps --target build/trl trl==1.13.0      # its dependencies are installed
    PYTHONPATH=build/trl python benchmarks/trl_prm.py [--steps 10] [--model build/smollm2]

First table: the same 16 rows per optimizer step as one batch, in micro-batches, and in two processes (gloo), on a tiny
random model: loss and gradient norm of the first step, and the largest relative difference from the first layout over
three steps. Rows have 0 to 6 labelled steps. A trainer whose loss depends on the layout trains a different model on
another number of GPUs.

Second table: SmolLM2-135M, rows of `synthetic`, bf16, two batches of 8 rows per optimizer step, the same cores. Tokens
are counted as if rows were computed one by one; trees compute the shared prefix of a problem's rows once. Our rows have
more tokens, because they are in the chat format, while trl writes only the prompt and the steps; so rows per second are
given too.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainingArguments

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent.parent / "tests" / "train"))
LAYOUTS = ((16, 1, 1), (8, 2, 1), (4, 4, 1), (1, 16, 1), (1, 8, 2))
WARM_UP = 2  # optimizer steps that are not timed


class _Watch(TrainerCallback):
    """Records loss and gradient norm of each step, and when steps end."""

    def __init__(self) -> None:
        self.loss: list[float] = []
        self.grad_norm: list[float] = []
        self.ends: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" in logs:
            self.loss.append(logs["loss"])
            self.grad_norm.append(logs["grad_norm"])

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.ends.append(time.perf_counter())


def arguments(
    kind: type[TrainingArguments], folder: str, batch: int, accumulation: int, steps: int, **more: Any
) -> Any:
    return kind(
        output_dir=folder,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=accumulation,
        max_steps=steps,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        remove_unused_columns=False,
        disable_tqdm=True,
        **more,
    )


# ---- one loss for one set of rows -----------------------------------------------------------------------------------


def three_steps(whose: str, batch: int, accumulation: int, out: str) -> None:
    """Train three steps, as one of the processes of a layout, and write loss and gradient norm to `out`."""
    import layouts

    watch = _Watch()
    with tempfile.TemporaryDirectory() as folder:
        more = {
            "learning_rate": 0.5,
            "lr_scheduler_type": "constant",
            "optim": "sgd",
            "max_grad_norm": 1e9,
            "train_sampling_strategy": "sequential",
        }
        if whose == "ours":
            seen = layouts.three_steps(batch, accumulation, Path(folder))
            watch.loss, watch.grad_norm = seen["loss"], seen["grad_norm"]
        else:
            import datasets
            from trl.experimental.prm import PRMConfig, PRMTrainer

            from prm_gsm8k.train.loss import Collator

            def collate(some: list[Any]) -> dict[str, torch.Tensor]:
                made = Collator()([rows[row["n"]] for row in some])
                return made | {"labels": made["labels"].long()}

            rows = layouts.rows(48)
            numbered = datasets.Dataset.from_list([{"input_ids": row.input_ids, "n": n} for n, row in enumerate(rows)])
            PRMTrainer(
                model=layouts.tiny_model(),
                args=arguments(PRMConfig, folder, batch, accumulation, 3, **more),
                train_dataset=numbered,
                data_collator=collate,
                callbacks=[watch],
            ).train()
    if os.environ.get("RANK", "0") == "0":
        Path(out).write_text(json.dumps({"loss": watch.loss, "grad_norm": watch.grad_norm}))
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def run_layout(whose: str, batch: int, accumulation: int, processes: int) -> dict[str, list[float]]:
    if processes == 1:  # in this process: starting Python takes longer than the steps
        with tempfile.TemporaryDirectory() as folder:
            three_steps(whose, batch, accumulation, out := str(Path(folder, "out.json")))
            return json.loads(Path(out).read_text())  # type: ignore[no-any-return]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder, "out.json"))
        command = [sys.executable, str(HERE), "--layout", whose, str(batch), str(accumulation), out]
        ranks = []
        for rank in range(processes):
            more = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes)} if processes > 1 else {}
            ranks.append(
                subprocess.Popen(command, env=environment | more, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            )
        for rank_job in ranks:
            _, errors = rank_job.communicate(timeout=600)
            if rank_job.returncode:
                sys.exit(errors.decode()[-2000:])
        seen: dict[str, list[float]] = json.loads(Path(out).read_text())
        return seen


def layout_table() -> bool:
    """Print the first table; returns whether our loss is the same for all layouts."""
    columns = "loss, gradient norm, difference"
    print(f"batch x accumulation x processes    ours: {columns}    trl 1.13: {columns}")
    first: dict[str, dict[str, list[float]]] = {}
    worst = 0.0
    for layout in LAYOUTS:
        line = f"{' x '.join(map(str, layout)):32}"
        for whose in ("ours", "trl"):
            seen = run_layout(whose, *layout)
            base = first.setdefault(whose, seen)
            difference = max(abs(a - b) / abs(b) for name in seen for a, b in zip(seen[name], base[name], strict=True))
            if whose == "ours":
                worst = max(worst, difference)
            line += f"    {seen['loss'][0]:8.5f} {seen['grad_norm'][0]:9.5f} {difference:10.1e}     "
        print(line, flush=True)
    print(f"ours: largest difference {worst:.1e} (target 1e-5: {'met' if worst <= 1e-5 else 'missed'})")
    return worst <= 1e-5


# ---- speed ----------------------------------------------------------------------------------------------------------


def speed_table(model: str, steps: int) -> None:
    from transformers import AutoTokenizer
    from trl.experimental.prm import PRMConfig, PRMTrainer

    from prm_gsm8k import load
    from prm_gsm8k.models.encoder import Encoder
    from prm_gsm8k.train.arguments import PrmArguments
    from prm_gsm8k.train.data import load_data
    from prm_gsm8k.train.loss import StepLoss
    from prm_gsm8k.train.trainer import PrmTrainer, new_model

    tokenizer = AutoTokenizer.from_pretrained(model)
    # the same rows for both: four per problem, 16 per optimizer step, ours in trees of two problems at once
    wanted = 16 * (steps + WARM_UP)
    encoder = Encoder.for_tokenizer(tokenizer, max_length=1024)
    data = load_data(PrmArguments(model=model, max_train_rows=wanted, max_eval_rows=8), encoder, 0)
    speeds: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for whose in ("trl 1.13", "ours, padded", "ours, trees"):
            watch = _Watch()
            common = {"bf16": True, "learning_rate": 1e-5}
            body = new_model(model, dtype=torch.float32)
            if whose == "trl 1.13":
                problems = set(data.train["problem"])
                from prm_gsm8k.dataset.contamination import problem_digest

                rows = load("synthetic", split="train").select_columns(["prompt", "completions", "labels"])
                rows = rows.select([n for n, p in enumerate(rows["prompt"]) if problem_digest(p) in problems])
                settings = arguments(PRMConfig, folder, 8, 2, len(rows) // 16, max_length=1024, **common)
                trainer: Any = PRMTrainer(
                    model=body, args=settings, train_dataset=rows, processing_class=tokenizer, callbacks=[watch]
                )
                tokens = sum(map(len, trainer.train_dataset["input_ids"]))
            else:
                settings = arguments(TrainingArguments, folder, 8, 2, len(data.train) // 16, **common)
                tokens = sum(data.train["length"])
                trainer = PrmTrainer(
                    model=body,
                    args=settings,
                    rows_per_step=16,
                    layout="trees" if whose == "ours, trees" else "padded",
                    loss=StepLoss(),
                    pad_id=0,
                    train_dataset=data.train,
                    callbacks=[watch],
                )
            trainer.train()
            timed = len(watch.ends) - WARM_UP
            share = timed * 16 / len(data.train)  # of the rows, on average
            seconds = watch.ends[-1] - watch.ends[WARM_UP - 1]
            speeds[whose] = tokens * share / seconds, timed * 16 / seconds
            of_tokens, of_rows = (a / b for a, b in zip(speeds[whose], speeds["trl 1.13"], strict=True))
            said = (
                f"{speeds[whose][0]:6,.0f} tokens/s {of_tokens:5.2f}x   {speeds[whose][1]:5.2f} rows/s {of_rows:5.2f}x"
            )
            print(f"{whose:14} {said} trl", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="build/smollm2")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--only", choices=["layouts", "speed"])
    parser.add_argument("--layout", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.layout:
        three_steps(options.layout[0], int(options.layout[1]), int(options.layout[2]), options.layout[3])
        return
    print(f"{len(os.sched_getaffinity(0))} cores, torch {torch.__version__}")
    fine = layout_table() if options.only != "speed" else True
    if options.only != "layouts":
        from prm_gsm8k.train.small_model import small_model

        speed_table(str(small_model(options.model)), options.steps)
    sys.exit(not fine)


if __name__ == "__main__":
    main()
