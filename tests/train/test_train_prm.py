"""A training run as its user starts it: what it leaves, that it goes on where it was killed, and what it refuses."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from launching import killed_and_resumed
from loopback import Hub
from real_tokenizers import tokenizer
from safetensors.torch import load_file
from tiny import common, rows_file, tiny_model
from transformers import AutoConfig, AutoModelForTokenClassification, TrainerState

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.dataset.contamination import problem_digest
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.splits import origin_of
from prm_gsm8k.exceptions import BadInputError, CheckpointError, PrmGsm8kError, StepsError, TokenizerError, UsageError
from prm_gsm8k.models.architecture import attention_kind, check_architecture
from prm_gsm8k.models.encoder import EncoderConfig
from prm_gsm8k.train.arguments import PrmArguments, PrmTrainingArguments, parse, shared_by
from prm_gsm8k.train.train_prm import layout_of, main, train
from prm_gsm8k.train.trainer import _WholeCheckpoints, checkpoints

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow  # nearly every test here trains

PROMPT, STEPS = "Ali has 3 apples and buys 4. How many does he have?", ["He has 3+4=7 apples.", "The answer is 7"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model and rows."""
    place = tmp_path_factory.mktemp("training")
    tiny_model(place / "model")
    rows_file(place / "rows.jsonl")
    return place


def words(place: Path, out: str, *more: str) -> list[str]:
    usual = common(place)
    if "--dataset" in more:  # given twice it is both
        del usual[:2]
    return [*usual, "--output_dir", str(place / out), *more]


def run(place: Path, out: str, *more: str) -> Path:
    return train(*parse(words(place, out, *more)))


@pytest.fixture(scope="module")
def trained(place: Path) -> Path:
    return run(place, "trained")


# ---- what is left ---------------------------------------------------------------------------------------------------


def test_the_checkpoint_loads_as_any_token_classification_model(trained: Path) -> None:
    model = AutoModelForTokenClassification.from_pretrained(trained)
    assert type(model).__name__ == "LlamaForTokenClassification"
    assert model.config.id2label == {0: "wrong", 1: "right"}
    assert model.config.classifier_dropout == 0.0


def test_the_checkpoint_scores(trained: Path) -> None:
    scores = ProcessRewardModel.from_pretrained(trained).score(PROMPT, STEPS)
    assert len(scores) == 2 and all(0 <= score <= 1 for score in scores)


def test_it_scores_longer_solutions_than_it_was_trained_on(place: Path) -> None:
    """One solution of 1,351 tokens among 15,104 once kept all of them from being evaluated."""
    prm = ProcessRewardModel.from_pretrained(run(place, "short", "--max_length", "200", "--max_steps", "1"))
    assert prm.encoder.config.max_length == 1024  # the positions of the model
    assert len(prm.score(PROMPT, STEPS * 20)) == 40


def test_it_has_learnt(trained: Path) -> None:
    history = json.loads((checkpoints(trained)[-1] / "trainer_state.json").read_text())["log_history"]
    losses = [entry["loss"] for entry in history if "loss" in entry]
    assert len(losses) == 6
    assert losses[-1] < losses[0]
    assert all(entry["tokens_per_second"] > 0 for entry in history if "loss" in entry)


def test_it_says_what_made_it(trained: Path, place: Path) -> None:
    record = json.loads((trained / "prm_training.json").read_text())
    assert record["base_model"] == record["arguments"]["model"] == "model"
    assert [record["data"]["sources"][0]["dataset"]] == record["arguments"]["dataset"] == ["rows.jsonl"]
    assert str(place) not in (trained / "prm_training.json").read_text()
    assert record["data"]["sources"][0]["rows"] > 100
    assert len(record["data"]["digest"]) == 64
    assert len(record["data"]["problems"]) > 30 and {len(name) for name in record["data"]["problems"]} == {16}
    assert record["steps"] == 6 and record["tokens"] > 1000
    assert record["arguments"]["learning_rate"] == 1e-2
    assert 0 <= record["metrics"]["validation"]["auc"] <= 1
    assert 0 <= record["threshold"]["value"] <= 1 and record["threshold"]["chosen_on"] == "validation"
    assert record["versions"]["torch"] == torch.__version__


def test_its_card_says_how_good_it_is_and_how_to_use_it(trained: Path) -> None:
    card = (trained / "README.md").read_text(encoding="utf-8")
    record = json.loads((trained / "prm_training.json").read_text())
    assert f"{record['metrics']['validation']['auc']:.4g}" in card
    assert "vllm serve" in card and "ProcessRewardModel.from_pretrained" in card
    assert str(trained.parent) not in card


@pytest.mark.parametrize("seed", [1, 42])
def test_threshold_and_figures_are_those_of_the_calibrated_prm(
    place: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scored again from the folder, the validation rows give the very numbers that were written down."""
    from prm_gsm8k.metrics import steps as metrics

    rows = [json.loads(line) for line in (place / "rows.jsonl").read_text().splitlines()]
    trained = run(place, f"seed {seed}", "--seed", str(seed))
    # one as small as this may score wrong steps above right ones, and then it says so
    assert (trained / "prm_calibration.json").exists() == ("not calibrated: wrong steps" not in capsys.readouterr().err)
    record = json.loads((trained / "prm_training.json").read_text())
    held_out = [row for row in rows if problem_digest(row["prompt"]) not in record["data"]["problems"]]
    assert len(held_out) == record["data"]["counts"]["validation"]["rows"]
    scores = ProcessRewardModel.from_pretrained(trained).score_many([(r["prompt"], r["completions"]) for r in held_out])
    steps = metrics.step_metrics(*metrics.judged_steps(scores, [row["first_error"] for row in held_out]))
    said = record["metrics"]["validation"]
    assert steps.auc == pytest.approx(said["auc"], abs=1e-3)
    assert steps.brier == pytest.approx(said["brier"], abs=1e-4)


def test_it_is_pushed_in_one_commit_and_loads_from_there(place: Path, hub: Hub, trained: Path) -> None:
    folder = run(place, "pushed", "--max_steps", "2", "--push_to_hub", "--hub_model_id", "org/prm")
    assert len(hub.repos["models", "org/prm"].commits) == 2  # the empty one that made it, and ours
    prm = ProcessRewardModel.from_pretrained("org/prm")
    assert prm.score(PROMPT, STEPS) == ProcessRewardModel.from_pretrained(folder).score(PROMPT, STEPS)


def test_nothing_in_it_is_a_pickle_and_curves_are_drawn(trained: Path) -> None:
    assert not [path for path in trained.glob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]
    assert (trained / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_best_checkpoint_is_the_one_kept(trained: Path) -> None:
    last = json.loads((checkpoints(trained)[-1] / "trainer_state.json").read_text())
    values = {entry["step"]: entry["eval_auc"] for entry in last["log_history"] if "eval_auc" in entry}
    assert list(values) == [2, 4, 6]
    assert last["best_global_step"] == max(values, key=lambda step: values[step])
    best = load_file(trained / f"checkpoint-{last['best_global_step']}" / "model.safetensors")
    final = load_file(trained / "model.safetensors")
    body = [name for name in best if not name.startswith("score.")]  # the calibration is in the head
    assert all(torch.equal(best[name], final[name]) for name in body)


def test_the_same_command_again_does_nothing(trained: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (trained / "model.safetensors").stat().st_mtime_ns
    assert run(place, "trained") == trained
    assert "already trained; nothing to do" in capsys.readouterr().err
    assert (trained / "model.safetensors").stat().st_mtime_ns == before


def test_another_run_does_not_get_the_folder(trained: Path, place: Path) -> None:
    with pytest.raises(UsageError, match=r"holds another run: learning_rate 0.01 there, 0.02 here. Name another"):
        run(place, "trained", "--learning_rate", "0.02")


def test_overwriting_does_not_delete_what_the_same_run_left(trained: Path, place: Path) -> None:
    """Left in the command, it once threw away the checkpoints of each run that was started again."""
    run(place, "trained", "--overwrite_output_dir")
    assert (trained / "prm_training.json").exists() and checkpoints(trained)


def test_what_does_not_decide_the_weights_does_not_forbid_going_on(
    trained: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(place, "trained", "--calibrate", "false", "--save_dtype", "bf16", "--per_device_train_batch_size", "2")
    assert "already trained; nothing to do" in capsys.readouterr().err


def test_a_run_that_gets_no_better_ends(place: Path) -> None:
    folder = run(place, "early", "--early_stopping_patience", "1", "--max_steps", "40", "--learning_rate", "0")
    assert json.loads((folder / "prm_training.json").read_text())["steps"] == 4  # the second of the validations


def test_a_folder_with_other_things_is_not_touched(place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "thesis.tex").touch()
    with pytest.raises(UsageError, match=r"holds something else \(thesis.tex\); name a new folder"):
        run(place, "mine")


def test_lora_trains_adapters_and_saves_the_whole_model(place: Path) -> None:
    folder = run(place, "lora", "--lora_r", "2", "--max_steps", "4")
    assert (folder / "adapter" / "adapter_config.json").exists()
    base, made = load_file(place / "model" / "model.safetensors"), load_file(folder / "model.safetensors")
    assert not torch.equal(made["model.layers.0.mlp.up_proj.weight"], base["model.layers.0.mlp.up_proj.weight"])
    assert torch.equal(made["model.embed_tokens.weight"], base["model.embed_tokens.weight"])
    assert len(ProcessRewardModel.from_pretrained(folder).score(PROMPT, STEPS)) == 2


@pytest.fixture(scope="module")
def of_eight(place: Path) -> list[dict[str, float]]:
    return history(run(place, "8x1", *EIGHT, "--per_device_train_batch_size", "8"))


EIGHT = ("--rows_per_step", "8", "--max_steps", "2", "--eval_steps", "1")


def history(folder: Path) -> list[dict[str, float]]:
    """Loss, gradient norm and loss in validation, step by step."""
    entries = history_of(folder)
    return [{k: e[k] for k in ("loss", "grad_norm", "eval_loss") if k in e} for e in entries if e["step"] <= 2]


def history_of(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((checkpoints(folder)[-1] / "trainer_state.json").read_text())[
        "log_history"
    ]
    return found


@pytest.mark.parametrize(
    "more",
    [
        "--per_device_train_batch_size 4 --per_device_eval_batch_size 5",
        "--per_device_train_batch_size 2 --batching packed",
        "--per_device_train_batch_size 1 --per_device_eval_batch_size 1",
        "--per_device_train_batch_size 8 --batching trees",
        "--per_device_train_batch_size 3 --batching trees",
    ],
)
def test_fewer_rows_at_once_train_the_same_prm(place: Path, of_eight: list[dict[str, float]], more: str) -> None:
    """The same rows a step; and the loss of a validation is a mean over steps, not over batches."""
    other = history(run(place, more.replace("--", "").replace(" ", "-"), *EIGHT, *more.split()))
    assert len(other) == len(of_eight) >= 4
    for mine, theirs in zip(other, of_eight, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-5)


def test_a_built_folder_is_trained_on_and_its_digest_written_down(place: Path) -> None:
    from prm_gsm8k.build.build import build
    from prm_gsm8k.dataset.manifest import read_manifest

    problems = [{"question": p.question, "answer": p.answer} for p in shipped_problems("train")[:60]]
    (place / "problems.jsonl").write_text("".join(json.dumps(problem) + "\n" for problem in problems))
    build("synthetic", place / "built", problems=str(place / "problems.jsonl"))
    folder = run(place, "of-folder", "--dataset", str(place / "built"), "--max_steps", "2")
    [source] = json.loads((folder / "prm_training.json").read_text())["data"]["sources"]
    assert source["content_digest"] == read_manifest(place / "built").configs["synthetic"].content_digest


def test_rows_as_trl_has_them_train(place: Path) -> None:
    """prompt, completions and labels alone, of so few problems that none of them draws the validation's lot."""
    rows = [json.loads(line) for line in (place / "rows.jsonl").read_text().splitlines()]
    few = sorted({row["prompt"] for row in rows if not all(row["labels"])})[:3]
    file = place / "trl.jsonl"
    file.write_text(
        "".join(
            json.dumps({name: row[name] for name in ("prompt", "completions", "labels")}) + "\n"
            for row in rows
            if row["prompt"] in few
        )
    )
    counts = json.loads((run(place, "trl", "--dataset", str(file)) / "prm_training.json").read_text())["data"]["counts"]
    assert counts["train"]["rows"] > counts["validation"]["rows"] > 0


def test_a_prm_is_trained_further_as_it_was_trained(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(place, "stage 1", "--template", "plain", "--step_tag", "<reponame>", "--max_steps", "1")
    more = ("--model", str(first), "--max_steps", "1", "--learning_rate", "0", "--calibrate", "false")
    second = run(place, "stage 2", *more)
    assert "stage 1 is a PRM: its head, template and step tag are trained on" in capsys.readouterr().err
    one, two = (EncoderConfig.load(folder) for folder in (first, second))
    assert (one.step_tag, one.before_prompt, one.probe) == (two.step_tag, two.before_prompt, two.probe)
    heads = [load_file(folder / "model.safetensors")["score.weight"] for folder in (first, second)]
    assert torch.equal(*heads)
    other = run(place, "stage 2 anew", *more, "--template", "chat")
    assert EncoderConfig.load(other).before_prompt != one.before_prompt
    assert "stage 1 is a LlamaForTokenClassification: its template and step tag are not" in capsys.readouterr().err


def test_a_prm_of_the_hub_is_trained_further_as_it_was_trained(
    place: Path, hub: Hub, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its template and tag were once looked for on this machine only."""
    hub.create("org/prm", "models").put({path.name: path.read_bytes() for path in trained.iterdir() if path.is_file()})
    run(place, "of the hub", "--model", "org/prm", "--max_steps", "1")
    assert "org/prm is a PRM: its head, template and step tag are trained on" in capsys.readouterr().err


def test_a_mix_is_measured_part_by_part(place: Path) -> None:
    """In each validation and in the end; and no path of this machine gets into the record."""
    rows = [json.loads(line) for line in (place / "rows.jsonl").read_text().splitlines()]
    origins = sorted({origin_of(row["problem_id"]) for row in rows})
    names = ("a", "b", "c", "d")
    for n, name in enumerate(names):
        some = [row for row in rows if origins.index(origin_of(row["problem_id"])) % 4 == n]
        (place / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    folders = []
    for name, *of_splits in (("one", "a", "b"), ("two", "c", "d")):
        folder = place / name
        folder.mkdir()
        for split, of in zip(("train", "validation"), of_splits, strict=True):
            shutil.copy(place / f"{of}.jsonl", folder / f"{split}.jsonl")
        folders.append(str(folder))
    mixed = run(place, "mixed", "--dataset", f"{folders[0]}:2", folders[1], "--max_steps", "2")
    record = json.loads((mixed / "prm_training.json").read_text())
    assert list(record["metrics"]) == ["validation", "validation, one", "validation, two"]
    assert record["arguments"]["dataset"] == ["one:2", "two"] and str(place) not in json.dumps(record)
    [entry] = [e for e in history_of(mixed) if "eval_auc" in e]
    for part in ("one", "two"):
        assert {f"eval_{part}_auc", f"eval_{part}_first_error_f1"} < set(entry)
    told = run(place, "told a path", "--validation", str(place / "b.jsonl"), "--dataset", str(place / "a.jsonl"))
    assert json.loads((told / "prm_training.json").read_text())["arguments"]["validation"] == "b.jsonl"


def test_it_validates_on_the_rows_it_is_told(place: Path) -> None:
    rows = (place / "rows.jsonl").read_text().splitlines()
    for name, some in (("first", rows[:100]), ("rest", rows[100:])):
        of_others = {json.loads(row)["prompt"] for row in rows[:100]} if name == "rest" else set()
        kept = [row for row in some if json.loads(row)["prompt"] not in of_others]
        (place / f"{name}.jsonl").write_text("\n".join(kept) + "\n")
    told = ("--dataset", str(place / "first.jsonl"), "--validation")
    folder = run(place, "told", *told, str(place / "rest.jsonl"), "--max_steps", "2")
    counts = json.loads((folder / "prm_training.json").read_text())["data"]["counts"]
    assert counts["train"]["rows"] == 100
    assert counts["validation"]["rows"] == len((place / "rest.jsonl").read_text().splitlines())
    with pytest.raises(BadInputError, match=r"rows.jsonl: \d+ of its questions are among the rows to train on, as"):
        run(place, "a", *told, str(place / "rows.jsonl"))


# ---- killed and resumed ---------------------------------------------------------------------------------------------


def test_cut_while_it_saves_and_started_again_it_ends_bit_equal(
    trained: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = _WholeCheckpoints.on_save

    def cut(self: _WholeCheckpoints, args: object, state: TrainerState, control: object, **more: object) -> None:
        if state.global_step == 4:
            raise KeyboardInterrupt
        usual(self, args, state, control, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as cutting, pytest.raises(KeyboardInterrupt):
        cutting.setattr(_WholeCheckpoints, "on_save", cut)
        run(place, "cut")
    folder = run(place, "cut")
    assert "checkpoint-2\n" in capsys.readouterr().err.partition("going on from ")[2]
    assert (folder / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


def test_killed_at_a_random_step_and_started_again_it_ends_bit_equal(place: Path) -> None:
    killed_and_resumed(place, "killed")


# ---- a disk that is full --------------------------------------------------------------------------------------------


def test_no_room_for_the_checkpoints_is_said_before_training(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(place)._replace(free=20_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    run(place, "two fit", "--eval_steps", "0.5")  # of 9.5 MB
    with pytest.raises(PrmGsm8kError, match=r"none fit: 0.02 GB free, and 3 more checkpoints of 0.00\d+ GB "):
        run(place, "none fit")


def test_a_checkpoint_that_cannot_be_written_is_said_and_the_run_goes_on_from_the_last(place: Path) -> None:
    most, limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, limit))
    try:
        with pytest.raises(PrmGsm8kError, match=r"GB could not be written, the disk is full or .* goes on from the"):
            run(place, "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, limit))
    assert (run(place, "full") / "prm_training.json").exists()


# ---- refused --------------------------------------------------------------------------------------------------------


def test_rows_without_the_columns_are_refused(place: Path) -> None:
    file = place / "other.jsonl"
    file.write_text('{"text": "a", "label": 1}\n')
    with pytest.raises(
        BadInputError, match=r"other.jsonl: has no column 'prompt'; it has text, label. Rows to train on"
    ):
        run(place, "a", "--dataset", str(file))


def test_labels_of_another_length_are_refused(place: Path) -> None:
    file = rows_file(place / "short.jsonl", problems=3, labels=[True])
    with pytest.raises(StepsError, match=r"^row \S+: \d steps but 1 labels$"):
        run(place, "a", "--dataset", str(file))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": [True, "yes"]}, r"column 'labels' is .*\. Rows to train on have"),
        ({"labels": "right"}, r"column 'labels' is string\. Rows to train on have"),
        ({"completions": "One step."}, r"column 'completions' is string\."),
        ({"prompt": ["a", "b"]}, r"column 'prompt' is list"),
    ],
)
def test_a_column_of_another_kind_is_refused(place: Path, changes: dict[str, object], says: str) -> None:
    file = rows_file(place / "kind.jsonl", problems=3, **changes)
    with pytest.raises(BadInputError, match=says):
        run(place, "a", "--dataset", str(file))


def test_a_dataset_that_is_not_there_is_refused(place: Path) -> None:
    with pytest.raises(BadInputError, match=r"\./nothing: no such file or folder$"):
        run(place, "a", "--dataset", "./nothing")
    (place / "damaged.jsonl").write_text('{"prompt": "a", \n')
    with pytest.raises(BadInputError, match=r"damaged\.jsonl:1: not valid JSON \("):
        run(place, "a", "--dataset", str(place / "damaged.jsonl"))


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ("all true", r"rows to train on have \d+ labelled steps, and no wrong one; a PRM learns from both kinds"),
        ("all false", r"rows to train on have \d+ labelled steps, and no right one"),
        ("null", r"row \S+: labels are null, not a list of true or false"),
    ],
)
def test_labels_that_teach_nothing_are_refused(place: Path, labels: str, says: str) -> None:
    rows = [json.loads(line) for line in (place / "rows.jsonl").read_text().splitlines()]
    for n, row in enumerate(rows):
        steps = len(row["completions"])
        if labels == "null":
            row["labels"] = None if n == 5 else row["labels"]
        else:
            row["labels"] = [labels == "all true"] * steps
    file = place / f"{labels}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(PrmGsm8kError, match=says):
        run(place, "a", "--dataset", str(file))


def test_rows_with_nothing_labelled_to_validate_on_are_refused(place: Path) -> None:
    """It was found out in the first validation."""
    rows = [json.loads(line) for line in (place / "rows.jsonl").read_text().splitlines()]
    trained = json.loads((run(place, "for its problems", "--max_steps", "1") / "prm_training.json").read_text())
    for row in rows:
        if problem_digest(row["prompt"]) not in trained["data"]["problems"]:
            row["labels"] = [None] * len(row["completions"])
    file = place / "unlabelled validation.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(PrmGsm8kError, match=r"\d+ rows to validate on have 0 labelled steps, and no right one"):
        run(place, "a", "--dataset", str(file))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("gpt_neox", r"a GPTNeoXForTokenClassification has another head than `score`"),
        ("bloom", r"a BloomForTokenClassification has another head"),
        ("falcon", r"a FalconForTokenClassification has another head"),
        ("bert", r"a BertForTokenClassification has another head than `score`, or sees later steps"),
        ("t5", r"a T5ForTokenClassification has another head than `score`, or sees later steps"),
        ("mpt", r"a MptForTokenClassification has another head"),
        ("mamba", r"transformers has no token classification for mamba; take a decoder"),
    ],
)
def test_models_that_cannot_become_a_prm_are_refused(place: Path, kind: str, says: str) -> None:
    folder = place / kind
    shutil.copytree(place / "model", folder, ignore=shutil.ignore_patterns("config.json", "*.safetensors"))
    AutoConfig.for_model(kind).save_pretrained(folder)
    with pytest.raises(CheckpointError, match=says):
        run(place, "a", "--model", str(folder))


def test_a_model_that_looks_both_ways_is_refused() -> None:
    with pytest.raises(CheckpointError, match="a step's score would know later steps"):
        check_architecture("x", AutoConfig.for_model("llama", is_causal=False))


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"model_type": "llama"}, "full"),
        ({"model_type": "mistral", "sliding_window": 4096}, "full"),
        ({"model_type": "mistral", "sliding_window": 512}, "sliding"),
        ({"model_type": "qwen2", "sliding_window": 512, "use_sliding_window": False}, "full"),
        ({"model_type": "qwen3_next", "num_hidden_layers": 4}, "hybrid"),
        ({"model_type": "qwen3_5", "text_config": {"num_hidden_layers": 4}}, "hybrid"),
    ],
)
def test_layers_that_do_not_see_all_before_are_known(config: dict[str, object], kind: str) -> None:
    made = AutoConfig.for_model(**config)
    assert attention_kind(made, 1024) == kind
    options = PrmArguments(model="x")
    assert layout_of(options, made) == ("trees" if kind == "full" else "padded")
    if kind != "full":
        with pytest.raises(UsageError, match=f"--batching trees: x has {kind} attention"):
            layout_of(PrmArguments(model="x", batching="trees"), made)


def test_rows_that_are_all_too_long_are_refused(place: Path) -> None:
    with pytest.raises(PrmGsm8kError, match=r"all \d+ rows are longer than --max_length 20"):
        run(place, "a", "--max_length", "20")


def test_a_model_that_is_not_there_is_refused(place: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere: no such folder$"):
        run(place, "a", "--model", str(place / "nowhere"))


def test_a_tokenizer_without_a_step_tag_is_refused(place: Path) -> None:
    shutil.copytree(place / "model", place / "gpt2")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (place / "gpt2" / name).unlink()
    tokenizer("gpt2").save_pretrained(place / "gpt2")
    with pytest.raises(TokenizerError, match="can be the step tag"):
        run(place, "a", "--model", str(place / "gpt2"))


def test_two_processes_need_two_gpus(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UsageError, match=r"2 processes, one a GPU, .* no GPU is here; launch with .*cpu.yaml"):
        parse(words(place, "a"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UsageError, match=r"1 GPU is here; launch with .*one_gpu.yaml"):
        parse(words(place, "a"))
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    assert parse(words(place, "a"))[1].use_cpu


@pytest.mark.parametrize(
    ("can", "bf16"),
    [
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"architecture": "x86_64", "avx512_bf16": True, "amx_bf16": False}, True),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, True),
        ({"architecture": "aarch64", "neon": True, "bf16": False}, False),
        ({"architecture": "aarch64", "neon": True, "bf16": True}, True),
        ({}, True),
    ],
)
def test_a_cpu_without_bf16_computes_in_fp32(
    can: dict[str, object], bf16: bool, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There bf16 is emulated: training SmolLM2-135M takes three times as long (benchmarks/README.md)."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can)
    asked = [*words(place, "a"), "--use_cpu", "--bf16"]
    assert parse(asked)[1].bf16 is bf16
    assert parse([*asked, "false"])[1].bf16 is False


def test_the_launch_for_two_gpus_says_that_they_are_not_there(place: Path) -> None:
    """As a user types it: it once trained on the CPU, in two processes, without a word. The first one comes late here,
    and the launcher ends all processes when one fails.
    """
    (late := place / "late").mkdir()
    (late / "sitecustomize.py").write_text("import os, time\nos.environ.get('RANK') == '0' and time.sleep(4)\n")
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(ROOT / "accelerate_config.yaml")]
    command = [*launch, "--main_process_port", "0", str(ROOT / "train" / "train_prm.py"), *words(place, "launched")]
    path = os.pathsep.join(filter(None, (str(late), os.environ.get("PYTHONPATH"))))
    none = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=none)
    assert done.returncode == 1
    assert done.stderr.count("train_prm: 2 processes, one a GPU, were asked for, but") == 1
    assert not (place / "launched").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--config", "synthetic:x"], "'x' is no weight"),
        (["--config", "synthetic,synthetic"], "a config occurs twice"),
        (["--max_length", "4"], "--max_length is 4; a row has"),
        (["--gradient_accumulation_steps", "3"], "are 24 rows a step, not --rows_per_step 4"),
        (["--save_total_limit", "1"], "--save_total_limit is at least 2"),
        (["--push_to_hub"], "--push_to_hub to where"),
        (["--batching", "trees", "--attn_implementation", "flash_attention_2"], "trees need a mask"),
        (["--save_only_model"], "no run can go on from such a checkpoint"),
        (["--label_smoothing_factor", "0.1"], "labels are trained on as they are"),
        (["--resume_from_checkpoint", "x"], "the same command goes on where it was killed"),
        (["--auto_find_batch_size"], "see --dry_run for what fits"),
        (["--report_to", "wandb"], "wandb is not installed: pip install wandb; or --report_to none"),
        (["--deepspeed", "zero3.json"], "deepspeed is not installed: pip install deepspeed"),
        (["--metric_for_best_model", "f1"], "there is no such number; auc, "),
        (["--early_stopping_patience", "0"], "give at least 1"),
        (["--load_in_4bit"], "adapters are trained on: give --lora_r 16 too"),
        (["--load_in_4bit", "--lora_r", "4"], "bitsandbytes is not installed: pip install bitsandbytes; or leave"),
        (["--save_steps", "3"], "saving steps to be a round multiple of the evaluation steps"),
        (["--dry_run", "--gpus", "many"], "give how many and their GB"),
        (["--dry_run"], "no GPU is here; say which are meant"),
    ],
)
def test_options_that_make_no_sense_are_refused(place: Path, options: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(place, "a", *options)


@pytest.mark.parametrize(("metric", "greater"), [("auc", True), ("eval_brier", False), ("ece", False), ("loss", False)])
def test_the_best_checkpoint_has_the_lowest_loss_or_the_highest_auc(place: Path, metric: str, greater: bool) -> None:
    _, training = parse(words(place, "a", "--metric_for_best_model", metric))
    assert training.greater_is_better is greater


@pytest.mark.parametrize("name", ["FSDP", "DEEPSPEED"])
def test_a_model_in_4_bits_is_not_shared(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ACCELERATE_USE_{name}", "true")
    assert shared_by() == name
    with pytest.raises(UsageError, match=r"for GPUs that hold the whole model: --config_file train/configs/ddp.yaml"):
        PrmArguments(model="x", load_in_4bit=True, lora_r=4, dry_run=True)
    monkeypatch.undo()
    assert shared_by() is None


def test_a_model_that_nothing_here_shares_is_not_trained_as_if_it_were(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On CPUs accelerate takes neither FSDP nor DeepSpeed, and trained the whole model in each process instead."""
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(UsageError, match=r"^FSDP shares a model between GPUs; here .* train/configs/cpu.yaml$"):
        run(place, "shared by none")


def test_no_checkpoints_means_none_and_saving_follows_validation(place: Path) -> None:
    """`--save_strategy no` was once overruled."""
    _, training = parse(words(place, "a", "--save_strategy", "no"))
    assert training.save_strategy == "no" and not training.load_best_model_at_end
    _, training = parse(words(place, "a", "--eval_strategy", "epoch"))
    assert training.save_strategy == "epoch" and training.load_best_model_at_end
    _, training = parse(words(place, "a"))
    assert training.save_steps == training.eval_steps == 2


@pytest.mark.parametrize(
    ("gpus", "given", "rows", "accumulation"),
    [
        (1, {}, 64, 8),
        (4, {}, 64, 2),
        (4, {"per_device_train_batch_size": 4}, 64, 4),
        (3, {"rows_per_step": 20}, 20, 1),
        (2, {"gradient_accumulation_steps": 3}, 48, 3),
    ],
)
def test_rows_a_step_are_as_many_on_any_number_of_gpus(
    gpus: int, given: dict[str, int], rows: int, accumulation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(gpus))
    usual = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 0, "rows_per_step": None}
    arguments = SimpleNamespace(**(usual | given))
    PrmTrainingArguments._set_rows_per_step(arguments)
    assert (arguments.rows_per_step, arguments.gradient_accumulation_steps) == (rows, accumulation)


def test_options_come_from_a_file_and_the_command_line_wins(place: Path) -> None:
    file = place / "run.yaml"
    file.write_text(f"model: {place / 'model'}\noutput_dir: x\nlearning_rate: 3e-5\nconfig: prm800k\nlora_r: 4\n")
    ours, training = parse([str(file), "--config", "synthetic"])
    assert (ours.config, ours.lora_r, training.learning_rate) == ("synthetic", 4, 3e-5)
    file.write_text("learning_rat: 1\n")
    with pytest.raises(BadInputError, match=r"run.yaml: there is no option 'learning_rat'"):
        parse([str(file)])


def test_any_error_is_one_line_and_debug_shows_where(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "a file").touch()
    monkeypatch.setattr(sys, "argv", ["train_prm.py", *words(place, "a file/prm")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("train_prm: NotADirectoryError: ") and last.endswith("; --debug shows where")
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--debug"])
    with pytest.raises(NotADirectoryError):
        main()


def test_the_script_prints_one_line_and_exits(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "train/train_prm.py", *words(place, "a", "--dataset", "./nothing")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "train_prm: ./nothing: no such file or folder\n"
