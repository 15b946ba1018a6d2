"""The reviewed list: each entry against its text, and all that makes rows leaves it out by number."""

from __future__ import annotations

import json
import re
from pathlib import Path

from command_line import run_command

from prm_gsm8k.build.registry import ModelSampledRecipe
from prm_gsm8k.dataset.disputed import ANSWERS, DISPUTED
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.recipe import Tally

PROBLEMS = {problem.id: problem for split in ("train", "test") for problem in shipped_problems(split)}  # type: ignore[arg-type]
CARD = Path(__file__).parents[2] / "dataset_card.md"


def test_the_card_says_how_many_there_are() -> None:
    assert set(DISPUTED) <= set(PROBLEMS)
    train = sum(name.startswith("gsm8k/train/") for name in DISPUTED)
    assert f"disputed.py`: {train} of train, {len(DISPUTED) - train} of test" in CARD.read_text()


def test_what_an_entry_quotes_is_in_the_text() -> None:
    quoted = 0
    for name, reason in DISPUTED.items():
        question, answer = PROBLEMS[name].question, re.sub(r"<<[^>]*>>", "", PROBLEMS[name].answer)
        if found := re.match(r"says \D*?([\d.]+) .*where the question says \D*?([\d.]+)", reason):
            assert found[1] in answer and found[2] in question, name
        elif found := re.fullmatch(r"calls (\w+) (\w+)", reason):
            assert found[1] in question and found[2] in answer, name
        elif found := re.match(r"concludes (\S+) where (\S+) was computed", reason):
            assert answer.endswith(f"#### {found[1]}") and re.search(rf"= ?\$?{found[2]}\b", answer), name
        quoted += found is not None
    assert quoted > len(DISPUTED) / 3


def test_a_wrong_answer_is_not_sampled_for(tmp_path: Path) -> None:
    read, _ = ModelSampledRecipe().read_problems(tally := Tally())
    assert not {problem.id for chosen in read.values() for problem in chosen} & set(ANSWERS)
    assert tally.counts["problem skipped/its answer is wrong or disputed"] == len(ANSWERS) == len(tally.skipped)


def test_nothing_is_labelled_by_a_wrong_reference(tmp_path: Path) -> None:
    asked = ["gsm8k/train/1081", "gsm8k/test/454", "gsm8k/train/0"]
    lines = ({"problem": PROBLEMS[name].question, "response": PROBLEMS[name].answer} for name in asked)
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run_command("label", "s.jsonl", "--test-questions", "--json", "--num-proc", "1", place=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["drops"]["solution left out/its reference solution is wrong or disputed"] == 2
    assert said["all"]["rows"] == 1
