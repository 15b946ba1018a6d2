"""Speed of `prm800k` compared with TRL's conversion, and peak memory for its largest file.

    python benchmarks/prm800k.py [--megabytes 456]

Both get the same file of real lines and write rows to Arrow files in one process. The lines are repeated with new ids
in the first step, so that no line repeats another, and in the problem, of which there are as many as in PRM800K. TRL's
script (examples/datasets/prm800k.py, release 1.13) is not in its package, so its algorithm is copied here:
`load_dataset("json")`, then `map` in batches of 10 lines; every completion that was not chosen ends a row, and so does
the chosen path.

Then the whole command builds files as large as the largest of PRM800K (456 MB) in its own process: once from such
lines, once from lines that differ only in labeler and time, where nearly everything is merged.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import datasets
import orjson

from prm_gsm8k.build.build import prepared
from prm_gsm8k.dataset.jsonl import read_rows, to_line

PROBLEMS = 12_000

DATA = Path(__file__).parent.parent / "tests" / "data" / "prm800k"


def real_lines(phase: int) -> list[dict[str, Any]]:
    """The released lines of a phase in the tests' data, 4 or 2, with the screening question as an ordinary one."""
    return [
        {**line, "is_initial_screening_question": False}
        for *_, line in read_rows(DATA / "original_lines.jsonl")
        if (line["generation"] is None) == (phase == 1)
    ]


def repeated(lines: list[dict[str, Any]], size: int, distinct: bool) -> Iterator[bytes]:
    """About `size` bytes of lines with new labelers and times, and with `distinct` new problems and first steps."""
    for i in count():
        line = orjson.loads(orjson.dumps(lines[i % len(lines)]))
        line |= {"labeler": f"{i:036x}", "timestamp": f"2022-11-22T{i:012d}"}
        if distinct:
            line["question"]["problem"] += f" (copy {i % PROBLEMS})"
            for completion in line["label"]["steps"][0]["completions"]:
                completion["text"] += f" (copy {i})"
        text = to_line(line)
        if (size := size - len(text)) < 0:
            return
        yield text


def as_trl(examples: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """TRL's conversion of a batch of lines: a neutral step is incorrect, every alternative is a row."""
    rows: dict[str, list[Any]] = {"prompt": [], "completions": [], "labels": []}

    def add(prompt: str, completions: list[str], labels: list[bool]) -> None:
        rows["prompt"].append(prompt)
        rows["completions"].append(completions)
        rows["labels"].append(labels)

    for question, label in zip(examples["question"], examples["label"], strict=True):
        steps: list[str] = []
        labels: list[bool] = []
        for step in label["steps"]:
            chosen, human = step["chosen_completion"], step["human_completion"]
            if step["completions"] is None and human is None and chosen is None:
                break
            for i, completion in enumerate(step["completions"]):
                if i != chosen:
                    add(question["problem"], [*steps, completion["text"]], [*labels, completion["rating"] == 1])
            if chosen is not None:
                steps.append(step["completions"][chosen]["text"])
                labels.append(step["completions"][chosen]["rating"] == 1)
            elif human is not None:
                steps.append(human["text"])
                labels.append(True)
            else:
                break
        add(question["problem"], steps, labels)
    return rows


def convert_as_trl(path: Path, place: Path) -> int:
    """Number of rows that TRL's script makes of a file."""
    lines = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(place))
    made = lines.map(as_trl, batched=True, batch_size=10, remove_columns=lines.column_names)
    return int(made.num_rows)


def convert(path: Path, place: Path, num_proc: int | None = 1) -> int:
    """Number of rows that we make of a file, up to the datasets cache."""
    with prepared("prm800k", num_proc=num_proc, source=str(path), cache_dir=str(place)) as (builder, cached):
        assert not cached
        return sum(int(split.num_examples) for split in builder.info.splits.values())


def compare(lines: list[dict[str, Any]], name: str, megabytes: int, place: Path) -> None:
    path = place / name / "phase2_train.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"".join(repeated(lines, megabytes * 10**6, distinct=True)))
    size, rates = path.stat().st_size, []
    print(f"{name}: {size / 1e6:.0f} MB, {path.read_bytes().count(10):,} lines")
    every_core = partial(convert, num_proc=None)
    for who, work in (("TRL's algorithm", convert_as_trl), ("prm-gsm8k", convert), ("… by default", every_core)):
        start = time.perf_counter()
        rows = work(path, place / name / who)
        seconds = time.perf_counter() - start
        rates.append(rows / seconds)
        print(f"  {who:16} {seconds:6.2f} s {rows:9,d} rows {rates[-1]:9,.0f} rows/s {size / seconds / 1e6:7.1f} MB/s")
    print(f"  ratio {rates[1] / rates[0]:.1f}, by default {rates[2] / rates[0]:.1f} (target 10)")
    start = time.perf_counter()
    for line in path.open("rb"):
        orjson.loads(line)
    seconds = time.perf_counter() - start
    print(f"  orjson.loads alone {seconds:.2f} s, which would be a ratio of {rows / seconds / rates[0]:.1f}")


def whole_command(distinct: bool, megabytes: int, place: Path) -> None:
    path = place / f"large{distinct}" / "phase2_train.jsonl"
    path.parent.mkdir()
    with path.open("wb") as out:
        out.writelines(repeated(real_lines(2), megabytes * 10**6, distinct))
    out_folder = path.parent / "out"
    command = ["build", "prm800k", "--source", str(path), "--out", str(out_folder), "--num-proc", "1", "--json"]
    environment = os.environ | {"HF_HOME": str(path.parent / "hf")}
    start = time.perf_counter()
    # a new process reports the peak memory of its only child
    code = "import resource, subprocess, sys; subprocess.run([sys.executable, '-m', 'prm_gsm8k.cli', *sys.argv[1:]], "
    code += "check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", code, *command], env=environment, capture_output=True, check=True)
    seconds = time.perf_counter() - start
    manifest = orjson.loads((out_folder / "manifest.json").read_bytes())["configs"]["prm800k"]
    rows = sum(split["rows"] for split in manifest["splits"].values())
    size = path.stat().st_size
    what = "distinct lines" if distinct else "equal lines"
    print(
        f"whole command, {size / 1e6:.0f} MB, {what}: {seconds:.1f} s (target 30), {size / seconds / 1e6:.0f} MB/s, "
        f"{rows:,} rows, peak {int(done.stdout) / 1024:.0f} MB (target 1000)"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=456)
    megabytes = parser.parse_args().megabytes
    datasets.disable_progress_bars()
    print(f"{os.cpu_count()} cores, one process; Python {sys.version.split()[0]}, datasets {datasets.__version__}")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        compare(real_lines(1), "phase 1", max(1, megabytes // 20), place)
        compare(real_lines(2), "phase 2", max(1, megabytes // 20), place)
        whole_command(True, megabytes, place)
        whole_command(False, megabytes, place)


if __name__ == "__main__":
    main()
