"""From Python, in one line: the same rows as the command line makes, as a `datasets.Dataset`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prm_gsm8k.exceptions import PrmGsm8kError, UsageError, VerificationError

if TYPE_CHECKING:
    import datasets

ROWS_AT_A_TIME = 4_000  # that exist as Python objects: 8 MB


def build_synthetic(
    problems: Iterable[Mapping[str, Any]] | datasets.Dataset,
    num_incorrect_per_problem: int = 3,
    max_examples: int | None = 50_000,
    seed: int = 0,
    *,
    num_correct_per_problem: int = 1,
    error_mix: Mapping[str, float] | None = None,
    positions: str = "real",
    styles: bool = True,
) -> datasets.Dataset:
    """Make labelled right and wrong solutions of your problems, in memory, without a model.

        rows = build_synthetic([{"question": "…", "answer": "…48/2 = <<48/2=24>>24 clips…\\n#### 72"}], seed=0)
        rows[1]["completions"], rows[1]["labels"], rows[1]["error_reason"]

    Args:
        problems: dicts (or a `datasets.Dataset`) with `question` and `answer`, in GSM8K's format.
        num_incorrect_per_problem: wrong solutions a problem, at most.
        max_examples: at most so many rows; whole problems are kept, drawn by `seed`. None for no limit.
        seed: the same seed gives the same rows.
        num_correct_per_problem: right solutions a problem.
        error_mix: weight of each error type; None for the default mix.
        positions: where first errors fall: `real` (as in human-marked solutions) or `uniform`.
        styles: whether to vary the writing.

    Returns:
        Rows of the contract (`prm_gsm8k.contract`), in the order of the problems. Problems that cannot be parsed are
        skipped, with one warning that counts them.

    Raises:
        BadInputError: a problem lacks `question` or `answer`, an answer has no final number, or a question belongs to
            a test set, of which no training rows may be made.
        UsageError: a number is out of range.
        PrmGsm8kError: not one row could be made.
    """
    import datasets
    import pyarrow as pa

    from prm_gsm8k.contract import arrow_schema, check_table, features
    from prm_gsm8k.overlap import refuse_test_questions
    from prm_gsm8k.problems import problems_from
    from prm_gsm8k.recipe import SyntheticRecipe, keep_share
    from prm_gsm8k.synthetic.generate import Tally, generate

    recipe = SyntheticRecipe(
        num_incorrect_per_problem=num_incorrect_per_problem,
        num_correct_per_problem=num_correct_per_problem,
        max_examples=max_examples,
        seed=seed,
        error_mix=error_mix,
        positions=positions,
        styles=styles,
    )
    chosen = list(problems_from(problems))
    refuse_test_questions(chosen)
    if max_examples is not None:
        chosen = keep_share({"train": chosen}, max_examples // recipe.rows_per_problem, seed)["train"]
    tally, schema = Tally(), arrow_schema("synthetic")
    rows, batches = generate(chosen, recipe.options, tally), []
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        batches.append(pa.record_batch([[row[name] for row in some] for name in schema.names], schema=schema))
    if not batches:
        raise PrmGsm8kError(f"not one row could be made: {tally.listed() or 'there are no problems'}")
    if tally.skipped:
        warnings.warn(f"{len(tally.skipped)} of {len(chosen)} problems were skipped: {tally.listed()}", stacklevel=2)
    table = pa.Table.from_batches(batches, schema=schema)
    if wrong := check_table(table, "synthetic"):
        raise VerificationError(f"the generator made a row that breaks the contract: {wrong}; please report it")
    info = datasets.DatasetInfo(features=features("synthetic"))
    return datasets.Dataset(datasets.table.InMemoryTable(table), info=info)


def load(
    config: str = "synthetic",
    split: str | None = None,
    *,
    folder: str | Path | None = None,
    num_proc: int | None = None,
    **options: Any,
) -> datasets.Dataset | datasets.DatasetDict:
    """Load a config, and build it first if nothing is built. Says on stderr which it did.

        train = load("synthetic", split="train")

    Without `folder` and options, a folder `data` that `prm-gsm8k build` made in the working directory is used.
    Otherwise the rows come from the datasets cache, into which they are built if they are not there yet.

    Args:
        config: `synthetic`.
        split: `train`, `validation` or `test`; None for all of them, as a `DatasetDict`.
        folder: a built folder; nothing else is looked at.
        num_proc: processes to build with; by default one a core, at most 4.
        **options: fields of the recipe, such as `seed`; see `prm_gsm8k.recipe.SyntheticRecipe`.

    Raises:
        UsageError: there is no such config or split, or options were given for a folder that is already built.
        VerificationError: `folder` is not a built folder.
    """
    import datasets

    from prm_gsm8k.build import prepared
    from prm_gsm8k.contract import SPLITS
    from prm_gsm8k.folder import DEFAULT_FOLDER
    from prm_gsm8k.manifest import read_manifest

    if split is not None and split.partition("[")[0] not in SPLITS:
        raise UsageError(f"there is no split {split!r}; there is {', '.join(SPLITS)}")
    if folder is not None and options:
        raise UsageError(
            f"{folder} is already built; {', '.join(options)} cannot change it (leave out `folder` to build)"
        )
    if folder is not None or (not options and _holds(DEFAULT_FOLDER, config)):
        folder = Path(folder or DEFAULT_FOLDER)
        built = read_manifest(folder).configs
        if config not in built:
            raise UsageError(f"{folder} holds {', '.join(built)}, but no config {config!r}")
        _say(f"reading {config} {built[config].version} from the folder {folder}")
        return datasets.load_dataset(str(folder.resolve()), config, split=split)
    with prepared(config, num_proc=num_proc, announce=_say, **options) as (builder, _):
        return builder.as_dataset(split)


def _holds(folder: Path, config: str) -> bool:
    from prm_gsm8k.manifest import read_manifest

    try:
        return config in read_manifest(folder).configs
    except VerificationError:
        return False


def _say(what: str) -> None:
    print(f"prm-gsm8k: {what}", file=sys.stderr)
