"""The Python API: the same rows as the command line makes, as a `datasets.Dataset`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k.exceptions import HubUnreachable, PrmGsm8kError, UsageError, VerificationError

if TYPE_CHECKING:
    import datasets

    from prm_gsm8k.hub.snapshot import Snapshot

# half a gigabyte to download; hours of a GPU; a file of your own
BUILT_ON_REQUEST_ONLY = ("prm800k", "model_sampled", "labelled")


def build_synthetic(
    problems: Iterable[Mapping[str, Any]] | datasets.Dataset,
    num_incorrect_per_problem: int = 3,
    max_examples: int | None = 50_000,
    seed: int = 0,
    *,
    num_correct_per_problem: int = 1,
    error_mix: Mapping[str, float] | None = None,
    styles: bool = True,
    twins: bool = True,
    variants: int = 0,
    drop_test_questions: bool = False,
) -> datasets.Dataset:
    """Make labelled correct and incorrect solutions to your problems and their twins, in memory, without a model.

        rows = build_synthetic([{"question": "…", "answer": "…48/2 = <<48/2=24>>24 clips…\\n#### 72"}], seed=0)
        rows[1]["completions"], rows[1]["labels"], rows[1]["error_reason"]

    Args:
        problems: dicts (or a `datasets.Dataset`) with `question` and `answer`, in GSM8K's format.
        num_incorrect_per_problem: maximum of incorrect solutions per problem.
        max_examples: maximum of rows; whole problems are kept, drawn by `seed`. None for no limit.
        seed: the same seed gives the same rows.
        num_correct_per_problem: correct solutions per problem.
        error_mix: weight of each error type; None for the default mix.
        styles: whether to vary the style.
        twins: whether the edited questions have rows, too: each step that is an error is a correct one there.
        variants: so many times each problem is made again with other numbers.
        drop_test_questions: skip problems that hold a question of GSM8K test instead of raising.

    Returns:
        Rows of the contract (`prm_gsm8k.dataset.schema`), in the order of the problems. Problems that cannot be
        parsed are skipped, with one warning that counts and names them.

    Raises:
        BadInputError: a problem lacks `question` or `answer`, an answer has no final number, or one holds a
            question of a test set, of which no training rows may be made.
        UsageError: a number is out of range.
        PrmGsm8kError: no row could be made.
    """
    from prm_gsm8k.build.registry import SyntheticRecipe
    from prm_gsm8k.dataset.contamination import refuse_test_questions
    from prm_gsm8k.dataset.in_memory import as_dataset
    from prm_gsm8k.dataset.problems import problems_from
    from prm_gsm8k.dataset.recipe import Tally
    from prm_gsm8k.synthetic.generate import generate

    recipe = SyntheticRecipe(
        num_incorrect_per_problem=num_incorrect_per_problem,
        num_correct_per_problem=num_correct_per_problem,
        max_examples=max_examples,
        seed=seed,
        error_mix=error_mix,
        styles=styles,
        twins=twins,
        variants=variants,
    )
    tally = Tally()
    given = problems_from(problems)
    read = refuse_test_questions(given, tally if drop_test_questions else None)
    chosen = recipe.kept({"train": read}).get("train", [])
    made = as_dataset(generate(chosen, recipe.options, tally), "synthetic", tally)
    if tally.skipped:
        warnings.warn(f"{len(tally.skipped)} of {len(given)} problems were skipped: {tally.listed()}", stacklevel=2)
    return made


def load(
    config: str = "synthetic",
    split: str | None = None,
    *,
    repo_id: str | None = None,
    revision: str | None = None,
    folder: str | Path | None = None,
    num_proc: int | None = None,
    token: str | None = None,
    **options: Any,
) -> datasets.Dataset | datasets.DatasetDict:
    """Load a config: the published rows, else those built here, else build them. Prints on stderr which it does.

        train = load("synthetic", split="train", repo_id="org/prm-gsm8k", revision="v1.0.0")
        train = load("synthetic", split="train")        # no repository: `data` here, or the cache, or built now

    Published rows come from exactly the revision that was asked for, online or not, and are returned only if each file
    has the sha256, and the rows have the digest, of the manifest. Only `synthetic` is built by default; `prm800k` is a
    large download, so it is built only if you say how (`source=` or `phase=`).

    Args:
        config: `synthetic`, `prm800k`, or whatever the folder or repository holds.
        split: `train`, `validation` or `test`, or a slice such as `train[:10%]`; None for all, as a `DatasetDict`.
        repo_id: `ORG/NAME`, a data set that `prm-gsm8k publish` made; nothing else is ever returned.
        revision: of `repo_id`: tag, branch or commit; None for `main`, or what was last fetched of it if the Hub does
            not answer.
        folder: a built folder; nothing else is tried.
        num_proc: processes to build with; by default one per core, at most 4.
        token: for a private repository, instead of the one of `hf auth login` or HF_TOKEN.
        **options: fields of the recipe, such as `seed`, to build with; see `prm_gsm8k.build.registry`.

    Raises:
        UsageError: there is no such config or split, or the arguments contradict each other.
        VerificationError: a file has changed since it was published or built; it is named, and nothing is returned.
        HubError: the repository or the revision does not exist, may not be read, or the Hub does not answer.
        PrmGsm8kError: a disk is full; or the config is not built, and is only built on request.
    """
    from prm_gsm8k.build.build import prepared
    from prm_gsm8k.dataset.folder import DEFAULT_FOLDER
    from prm_gsm8k.dataset.loading import load_verified
    from prm_gsm8k.dataset.manifest import read_manifest
    from prm_gsm8k.dataset.schema import SPLITS

    if split is not None and split.partition("[")[0] not in SPLITS:
        raise UsageError(f"there is no split {split!r}; there is {', '.join(SPLITS)}")
    if folder is not None and repo_id is not None:
        raise UsageError("give `folder` or `repo_id`, not both")
    if revision is not None and repo_id is None:
        raise UsageError(f"revision {revision!r} of what? Give `repo_id` too")
    if options and (made := folder or repo_id) is not None:
        raise UsageError(f"{made} is already built; {', '.join(options)} cannot change it (leave it out to build)")

    if repo_id is not None:
        from prm_gsm8k.hub.snapshot import snapshot

        try:
            here = snapshot(repo_id, revision, config=config, token=token)
        except HubUnreachable as error:
            raise HubUnreachable(f"{error}; without repo_id the rows of {config} come from here") from None
        _say(f"reading {config} {here.manifest.configs[config].version} of {here}{_how(here)}")
        return load_verified(here.folder, here.manifest, config, split, str(here))
    if folder is not None or (not options and _holds(DEFAULT_FOLDER, config)):
        folder = Path(folder or DEFAULT_FOLDER).expanduser()
        manifest = read_manifest(folder)
        if config in manifest.configs:
            _say(f"reading {config} {manifest.configs[config].version} from the folder {folder}")
        return load_verified(folder, manifest, config, split, str(folder))
    if config in BUILT_ON_REQUEST_ONLY and not options and not _in_cache(config):
        raise PrmGsm8kError(
            f"{config} is not built here: `prm-gsm8k build {config}`, or give the `folder` or `repo_id` that holds it"
        )
    with prepared(config, num_proc=num_proc, announce=_say, **options) as (builder, _):
        builder.check()
        return builder.as_dataset(split)


def _how(here: Snapshot) -> str:
    return "" if here.online else ", from the cache: the Hub cannot be asked whether there is something newer"


def _holds(folder: Path, config: str) -> bool:
    from prm_gsm8k.dataset.manifest import read_manifest

    try:
        return config in read_manifest(folder).configs
    except VerificationError:
        return False


def _in_cache(config: str) -> bool:
    """Whether it was built into the datasets cache, with its default options."""
    from prm_gsm8k.dataset import cache as datasets_cache

    return any((datasets_cache.place() / "prm-gsm8k" / config).glob("*/*/dataset_info.json"))


def _say(what: str) -> None:
    print(f"prm-gsm8k: {what}", file=sys.stderr)
