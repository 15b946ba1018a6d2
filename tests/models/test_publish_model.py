"""`publish_model`: a PRM goes up in one commit, without anything that can be run, and comes down scoring the same."""

from __future__ import annotations

import json
import logging
import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from loopback import Hub
from real_tokenizers import tokenizer
from transformers import LlamaConfig, LlamaForTokenClassification, Qwen2Config, Qwen2ForTokenClassification

from prm_gsm8k import ProcessRewardModel
from prm_gsm8k.exceptions import CheckpointError, HubError, PrmGsm8kError, UsageError, VerificationError
from prm_gsm8k.models.card import model_card
from prm_gsm8k.models.encoder import Encoder
from prm_gsm8k.models.export import export_qwen2_prm
from prm_gsm8k.models.publish import publish_model
from prm_gsm8k.models.scorers import load_scorer

ID = "org/prm"
COMMIT = r"/commit/main$"
SOLUTION = ("Ali has 3 apples and buys 4. How many does he have?", ["He has 3+4=7 apples.", "So 8."])
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,
    "num_labels": 2,
}


def save(folder: Path, seed: int = 1, qwen: bool = False, **options: str) -> Path:
    a_tokenizer = tokenizer("qwen")
    config, model = (Qwen2Config, Qwen2ForTokenClassification) if qwen else (LlamaConfig, LlamaForTokenClassification)
    torch.manual_seed(seed)
    made = model(config(vocab_size=len(a_tokenizer), **SMALL))
    prm = ProcessRewardModel(made, a_tokenizer, Encoder.for_tokenizer(a_tokenizer))
    prm.save_pretrained(folder)
    if options:
        made.save_pretrained(folder, **options)
    record = {"base_model": "HuggingFaceTB/SmolLM2-135M", "metrics": {"validation": {"auc": 0.5 + seed / 100}}}
    (folder / "prm_training.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PRM as a training leaves it, with what is not to be published beside it. Not to be changed: copy it."""
    folder = save(tmp_path_factory.mktemp("models") / "prm")
    (folder / "curves").mkdir()
    (folder / "curves" / "loss.png").write_bytes(b"\x89PNG")
    for path in (
        "evil.py",
        "prm_run.json",
        "training_args.bin",
        "optimizer.pt",
        "checkpoint-10/model.safetensors",
        "runs/events.out",
    ):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(b"not for others")
    return folder


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other weights, in one file."""
    return save(tmp_path_factory.mktemp("models") / "newer", seed=2)


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PRM whose weights are in several files."""
    folder = save(tmp_path_factory.mktemp("models") / "sharded", seed=3)
    (folder / "model.safetensors").unlink()
    model = LlamaForTokenClassification(LlamaConfig(vocab_size=len(tokenizer("qwen")), **SMALL))
    model.save_pretrained(folder, max_shard_size="100KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    return folder


def commits(hub: Hub) -> int:
    return len(list(hub.model(ID).history())) - 1


def expected(folder: Path) -> set[str]:
    names = {path.name for path in folder.iterdir() if path.suffix in (".json", ".safetensors", ".jinja")}
    return names - {"prm_run.json"} | {"README.md"} | ({"curves/loss.png"} if (folder / "curves").exists() else set())


# ------------------------------------------------------------------------------------------------------- what is there


def test_it_goes_up_in_one_commit_and_comes_down_the_same(hub: Hub, saved: Path) -> None:
    done = publish_model(saved, ID, tag="v1.0.0")
    repo = hub.model(ID)
    assert (commits(hub), done.committed, done.commit) == (1, True, repo.head)
    assert repo.tags == {"v1.0.0": repo.head}
    assert set(repo.files()) == expected(saved)
    assert done.load_line == 'ProcessRewardModel.from_pretrained("org/prm", revision="v1.0.0")'
    here = ProcessRewardModel.from_pretrained(saved, device="cpu").score(*SOLUTION)
    assert ProcessRewardModel.from_pretrained(ID, revision="v1.0.0", device="cpu").score(*SOLUTION) == here
    assert load_scorer(ID, device="cpu").score_many([SOLUTION]) == [here]


def test_the_card_is_the_repositorys(hub: Hub, saved: Path) -> None:
    publish_model(saved, ID)
    card = hub.model(ID).files()["README.md"].decode()
    assert 'from_pretrained("org/prm")' in card
    assert ModelCard.load(ID).data.pipeline_tag == "token-classification"


ERRATA = "## Errata\n\nIt fails on dates."


def test_what_people_wrote_into_the_card_stays(hub: Hub, saved: Path, newer: Path) -> None:
    publish_model(saved, ID)
    repo = hub.model(ID)
    card = repo.files()["README.md"].decode()
    assert card == model_card(saved, ID)
    ours = "---\nextra_gated_prompt: Ask first.\n"
    theirs = card.replace("---\n", ours, 1).replace("license: ", "licence: ").replace("- prm\n", "- prm\n- ours\n")
    theirs = theirs.replace(
        "  - task:", "  - {dataset: {name: other, type: other}, metrics: [{type: f1, value: 1}]}\n  - task:"
    )
    repo.put({"README.md": theirs.replace("## Limits", f"{ERRATA}\n\n## Limits").replace("\n", "\r\n").encode()})
    done = publish_model(newer, ID)
    assert "README.md" in done.plan.overwritten
    head, _, body = repo.files()["README.md"].decode().partition("\n---\n")
    assert body.count(ERRATA) == body.count("## Limits") == 1 and "0.52" in body and "0.51" not in head + body
    made = yaml.safe_load(head)
    assert (made["extra_gated_prompt"], made["tags"].count("prm"), "ours" in made["tags"]) == ("Ask first.", 1, True)
    results = made["model-index"][0]["results"]
    assert [[metric["value"] for metric in result["metrics"]] for result in results] == [[0.52], [1]]
    assert publish_model(newer, ID).committed is False
    repo.put({"README.md": f"{head}\n---\n{body}".replace("A score is no proof", "A score is proof").encode()})
    with pytest.raises(VerificationError, match=r"org/prm at \w{8}: README.md: somebody changed it between"):
        publish_model(newer, ID, plan_only=True)


@pytest.mark.parametrize(
    "theirs",
    ["# Theirs\n\n## Limits\n\nNone.\n", "\n---\ngated: auto\nlicense: mit\n---\nHello.\n"],
    ids=["no head", "head"],
)
def test_the_card_of_a_repository_that_is_not_ours_stays_whole(hub: Hub, saved: Path, theirs: str) -> None:
    hub.create(ID, "models").put({"README.md": theirs.encode()})
    publish_model(saved, ID)
    card = hub.model(ID).files()["README.md"].decode()
    assert card.endswith(theirs.rpartition("---\n")[2]) and "## Use it" in card
    assert (
        ("\ngated: auto\n" in card)
        == ("gated" in theirs)
        == (yaml.safe_load(card.split("---\n")[1]).get("license") == "mit")
    )


def test_a_card_of_ones_own_is_sent_and_what_is_on_the_hub_stays(hub: Hub, saved: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved, tmp_path / "prm")
    repo = hub.create(ID, "models")
    for mine in ("---\nlicense: mit\n---\n# Mine", "# Mine, again", model_card(folder).replace("# prm", "# Mine")):
        (folder / "README.md").write_text(mine)
        publish_model(folder, ID)
        card = repo.files()["README.md"].decode()
        assert card.count("# Mine") == 1 and card.count("## Use it") == mine.count("## Use it")
        if mine.endswith("# Mine"):
            repo.put({"README.md": f"{card}\n{ERRATA}".encode()})
        else:
            assert card.count(ERRATA) == 1
    (folder / "README.md").write_text(model_card(folder))
    publish_model(folder, ID)
    assert "# Mine" not in repo.files()["README.md"].decode()
    (folder / "README.md").write_bytes(b"# M\xfcne")
    with pytest.raises(VerificationError, match=r"prm/README.md: is not UTF-8 .*; correct it"):
        publish_model(folder, ID)


def test_publishing_again_sends_nothing_and_makes_no_commit(hub: Hub, saved: Path) -> None:
    first = publish_model(saved, ID, tag="v1")
    hub.requests.clear()
    again = publish_model(saved, ID, tag="v1")
    assert (again.committed, again.commit) == (False, first.commit)
    assert (hub.lfs_bytes(), hub.asked("POST", COMMIT), commits(hub)) == (0, [], 1)


def test_weights_of_an_earlier_prm_go_in_the_same_commit(hub: Hub, sharded: Path, newer: Path) -> None:
    publish_model(sharded, ID)
    hub.model(ID).put({"LICENSE": b"MIT", "logo.png": b"png", "notes/a.json": b"{}"})
    publish_model(newer, ID)
    assert commits(hub) == 3
    assert set(hub.model(ID).files()) == expected(newer) | {"LICENSE", "logo.png", "notes/a.json"}
    here = ProcessRewardModel.from_pretrained(newer, device="cpu").score(*SOLUTION)
    assert ProcessRewardModel.from_pretrained(ID, device="cpu").score(*SOLUTION) == here


def test_a_plan_sends_nothing(hub: Hub, saved: Path, newer: Path) -> None:
    plan = publish_model(saved, ID, plan_only=True).plan
    assert (plan.head, set(plan.add), ("models", ID) in hub.repos) == (None, expected(saved), False)
    publish_model(saved, ID)
    hub.requests.clear()
    plan = publish_model(newer, ID, plan_only=True).plan
    assert {request.method for request in hub.requests} <= {"GET", "HEAD"}
    assert set(plan.add) == {"model.safetensors", "prm_training.json", "README.md"}


def test_an_exported_prm_is_published_as_what_it_is(hub: Hub, tmp_path: Path) -> None:
    out = export_qwen2_prm(save(tmp_path / "ours", qwen=True), tmp_path / "theirs")
    done = publish_model(out, ID)
    assert done.load_line == 'load_scorer("org/prm")'
    assert 'prm = load_scorer("org/prm")' in hub.model(ID).files()["README.md"].decode()
    here = load_scorer(tmp_path / "ours", device="cpu").score_many([SOLUTION])
    assert load_scorer(ID, device="cpu").score_many([SOLUTION])[0] == pytest.approx(here[0], abs=1e-6)


def test_what_cannot_be_scored_with_is_not_fetched(hub: Hub) -> None:
    config = json.dumps({"architectures": ["LlamaForSequenceClassification"], "model_type": "llama"})
    hub.create(ID, "models").put({"config.json": config.encode(), "model.safetensors": b"much"})
    with pytest.raises(CheckpointError, match="holds a LlamaForSequenceClassification; what can score steps is"):
        load_scorer(ID)
    assert hub.asked("GET", "safetensors") == []


# ------------------------------------------------------------------------------------------------------------- cut off


@pytest.mark.parametrize("cut", [pytest.param("before", marks=pytest.mark.slow), "after"])
@pytest.mark.parametrize(
    "times", [pytest.param(1, id="once"), pytest.param(math.inf, id="for good", marks=pytest.mark.slow)]
)
def test_cut_at_every_request(
    hub: Hub, sharded: Path, newer: Path, cut: Literal["before", "after"], times: float
) -> None:
    """The connection is lost at the k-th request, once or for good, for every k of a publish over another."""
    publish_model(sharded, ID)
    old, asked = hub.model(ID).files(), len(hub.requests)
    publish_model(newer, ID, tag="v2")
    new, requests = hub.model(ID).files(), len(hub.requests) - asked
    assert old != new and requests >= 10
    outcomes = set()
    for k in range(1, requests + 1):
        hub.reset()
        hub.create(ID, "models").put(old)
        hub.fail(nth=k, times=times, cut=cut)
        try:
            publish_model(newer, ID, tag="v2")
            ended = True
        except HubError:
            ended = False
        if len(hub.requests) < k:  # what is in the cache by now is not asked for
            break
        repo = hub.model(ID)
        assert repo.files() in (old, new), f"half old, half new after request {k}"
        assert repo.files() == new or not ended
        outcomes.add((ended, repo.files() == new))
        hub.faults.clear()
        sent = hub.lfs_bytes()
        publish_model(newer, ID, tag="v2")
        assert repo.files() == new
        assert repo.tags["v2"] == repo.head
        assert commits(hub) == 2, f"a commit twice after request {k}"
        assert hub.lfs_bytes() - sent in (0, len(new["model.safetensors"]))
    assert k > requests - 6
    assert outcomes == ({(True, True)} if times == 1 else {(False, False), (False, True)})


def test_a_commit_in_between_is_kept_and_ours_stands_on_it(hub: Hub, saved: Path, newer: Path) -> None:
    publish_model(saved, ID)
    repo = hub.model(ID)
    hub.requests.clear()
    hub.before("POST", COMMIT, lambda: repo.put({"notes.txt": b"first"}))
    publish_model(newer, ID)
    assert [request.status for request in hub.asked("POST", COMMIT)] == [412, 200]
    assert [commit.title for commit in repo.history()][:2] == ["Publish newer", "by somebody else"]
    assert repo.files()["notes.txt"] == b"first"


def test_no_tag_on_something_else_than_was_meant(hub: Hub, saved: Path) -> None:
    """The Hub says that all is well, and a file is missing in what it made."""
    repo = hub.create(ID, "models")

    def lose_a_file() -> None:
        commit = repo.commits[repo.head]
        files = {path: blob for path, blob in commit.files.items() if path != "model.safetensors"}
        repo.commits[repo.head] = replace(commit, files=files)

    hub.before("GET", r"/tree/", lose_a_file, nth=3)
    with pytest.raises(
        VerificationError, match=r"not what was published: model.safetensors is missing; no tag is made"
    ):
        publish_model(saved, ID, tag="v1")
    assert repo.tags == {}


def test_a_tag_never_moves(hub: Hub, saved: Path, newer: Path) -> None:
    first = publish_model(saved, ID, tag="v1").commit
    with pytest.raises(HubError, match=r"tag v1 names commit \w{8}, which holds something else; a tag never moves"):
        publish_model(newer, ID, tag="v1")
    assert (hub.model(ID).tags["v1"], hub.model(ID).head) == (first, first)


# ------------------------------------------------------------------------------------------------------ it may not be


def test_a_model_of_another_kind_is_not_written_over(hub: Hub, saved: Path) -> None:
    hub.create(ID, "models").put({"config.json": b"{}", "pytorch_model.bin": b"theirs"})
    with pytest.raises(UsageError, match=r"org/prm holds a model that is not a PRM of this package \(config.json\)"):
        publish_model(saved, ID)


def test_a_dataset_of_the_same_name_is_a_slip(hub: Hub, saved: Path) -> None:
    hub.create(ID)
    with pytest.raises(UsageError, match="org/prm is a dataset, and there is no model of that name"):
        publish_model(saved, ID)
    assert ("models", ID) not in hub.repos


def test_a_private_repository(hub: Hub, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_model(saved, ID, private=True)
    assert hub.model(ID).private
    monkeypatch.setenv("HF_TOKEN", Hub.STRANGER)
    with pytest.raises(CheckpointError, match="no such model on the Hub, or this token may not see it"):
        ProcessRewardModel.from_pretrained(ID)
    monkeypatch.setenv("HF_TOKEN", Hub.READ)
    assert ProcessRewardModel.from_pretrained(ID, device="cpu").score(*SOLUTION)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "not logged in; run `hf auth login`, or set HF_TOKEN"),
        (Hub.READ, "this token may not do that; use one with write access"),
        ("hf_nobody", "the token is not valid"),
    ],
)
def test_no_write_access(hub: Hub, saved: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, said: str) -> None:
    monkeypatch.delenv("HF_TOKEN")
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=said):
        publish_model(saved, ID)
    assert hub.lfs_bytes() == 0


def _cut(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-100])


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")


def _other_kind(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["LlamaForCausalLM"]}))


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: (f / "prm_encoder.json").unlink(), CheckpointError, "has no prm_encoder.json"),
        (lambda f: (f / "config.json").unlink(), CheckpointError, "has no config.json that can be read"),
        (_pickled, CheckpointError, "has no model.safetensors; other formats can run code"),
        (_cut, CheckpointError, r"model.safetensors is truncated: it has [\d,]+ of [\d,]+ bytes"),
        (lambda f: (f / "model.safetensors").write_bytes(b"PK"), CheckpointError, "is not a safetensors file"),
        (_adapter, CheckpointError, "holds a LoRA adapter; merge it"),
        (_other_kind, CheckpointError, "holds a language model, not a PRM of this package or"),
        (
            lambda f: (f / "prm_training.json").write_text(json.dumps({"hub_token": "hf_" + "a1B2" * 9})),
            UsageError,
            "prm_training.json holds what looks like an access token of the Hub; take it out",
        ),
    ],
)
def test_what_is_not_whole_or_not_for_others_stays_here(
    hub: Hub,
    saved: Path,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    error: type[PrmGsm8kError],
    message: str,
) -> None:
    folder = shutil.copytree(saved, tmp_path / "prm")
    spoil(folder)
    with pytest.raises(error, match=message) as raised:
        publish_model(folder, ID)
    assert hub.requests == []
    assert "a1B2" not in str(raised.value)


def test_a_missing_shard_stays_here(hub: Hub, sharded: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sharded, tmp_path / "prm")
    gone = sorted(folder.glob("*.safetensors"))[1]
    gone.unlink()
    with pytest.raises(CheckpointError, match=f"has no {gone.name}"):
        publish_model(folder, ID)
    assert hub.requests == []


# -------------------------------------------------------------------------------------------------------- the command


def test_the_command_knows_a_model_by_what_is_in_the_folder(
    hub: Hub, saved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "publish", str(saved), ID, "--plan") == 0
    assert "+ model.safetensors" in capsys.readouterr().out
    assert run(monkeypatch, "publish", str(saved), ID, "--tag", "v1") == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1].strip() == 'ProcessRewardModel.from_pretrained("org/prm", revision="v1")'
    assert run(monkeypatch, "publish", str(saved), ID, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["committed"], said["commit"], said["add"]) == (False, hub.model(ID).head, {})
    assert run(monkeypatch, "publish", str(saved), ID, "--config", "synthetic") == 2
    assert "holds a model, which has no configs" in capsys.readouterr().err


def test_no_token_in_any_output(
    hub: Hub,
    saved: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for fault in ({"status": 401}, {"status": 403}, {"status": 500}, {"cut": "after"}):
        hub.fail(times=math.inf, **fault)  # type: ignore[arg-type]
        assert run(monkeypatch, "publish", str(saved), ID) == 1
        hub.faults.clear()
    assert run(monkeypatch, "publish", str(saved), ID, "--tag", "v1") == 0
    out, err = capsys.readouterr()
    assert "prm-gsm8k: org/prm: cannot be read: " in err
    assert Hub.WRITE not in out + err + caplog.text


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    from prm_gsm8k.cli.main import app

    monkeypatch.setattr(sys, "argv", ["prm-gsm8k", *arguments])
    with pytest.raises(SystemExit) as end:
        app(prog_name="prm-gsm8k")
    return int(end.value.code or 0)
