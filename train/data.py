"""Rows to train on: from wherever they lie, mixed by weight, as token ids, with nothing of a test set among them.

One epoch of `synthetic:0.5,prm800k:0.5` is the largest mix in those shares that has no row twice: with 28,000 and
250,000 rows, 28,000 of each. Rows are taken by whole problems, so no problem is torn between what is used and what is
not.

What is trained on is known by one digest, over the ids, the places of the tags and the targets, in order: two runs with
the same digest have seen the same numbers, whatever file they came from.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import datasets
import numpy as np
import pyarrow as pa

from prm_gsm8k.dataset.cache import quiet
from prm_gsm8k.dataset.contamination import (
    Questions,
    count_overlaps,
    overlaps_line,
    problem_digest,
    refuse_test_questions,
)
from prm_gsm8k.dataset.digest import content_digest
from prm_gsm8k.dataset.jsonl import no_such_file, read_rows
from prm_gsm8k.dataset.manifest import MANIFEST, read_manifest
from prm_gsm8k.dataset.problems import Problem, question_key
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.dataset.steps import clean_step
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError, StepsError, TooLongError, UsageError, VerificationError
from prm_gsm8k.models.encoder import Encoder
from prm_gsm8k.models.targets import AfterError

if TYPE_CHECKING:
    from prm_gsm8k.train.arguments import PrmArguments

NEEDED = ("prompt", "completions", "labels")
WANTED = (
    "Rows to train on have prompt, completions (list of steps) and labels (list of true or false, one a step), and may "
    "have values (list of numbers)"
)


def _list_of(*kinds: Callable[[pa.DataType], bool]) -> Callable[[pa.DataType], bool]:
    """Whether an Arrow type is a list of one of those, or of nothing but null."""

    def fits(kind: pa.DataType) -> bool:
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
            return False
        return any(of(kind.value_type) for of in (*kinds, pa.types.is_null))

    return fits


_TEXT = (pa.types.is_string, pa.types.is_large_string)
_NUMBER = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating)
FITS: dict[str, Callable[[pa.DataType], bool]] = {
    "prompt": lambda kind: any(of(kind) for of in _TEXT),
    "completions": _list_of(*_TEXT),
    "labels": _list_of(*_NUMBER),
    "values": lambda kind: pa.types.is_null(kind) or _list_of(*_NUMBER)(kind),
}
DOES = {"train": "train", "validation": "validate"}
VALIDATION_PER_MILLE = 50  # of the problems, where a data set has no validation split of its own
ENCODED = datasets.Features(
    {
        "input_ids": datasets.List(datasets.Value("int32")),
        "tag_positions": datasets.List(datasets.Value("int32")),
        "targets": datasets.List(datasets.Value("float32")),
        "length": datasets.Value("int32"),  # tokens
        "cut": datasets.Value("int32"),  # steps that did not fit
        "problem": datasets.Value("string"),  # `problem_digest` of the prompt
    }
)
FILES = {".jsonl": "json", ".json": "json", ".gz": "json", ".parquet": "parquet"}


@dataclass(frozen=True)
class Part:
    """One config of a mix, and the share of the rows that it is to have."""

    config: str
    weight: float


@dataclass(frozen=True)
class Source:
    """Where rows came from, for the record: what it is called, at what revision, and a digest of all its rows."""

    dataset: str
    config: str
    revision: str | None
    content_digest: str | None
    rows: int


@dataclass(frozen=True)
class Data:
    """What a run trains and validates on.

    Attributes:
        train, validation: one row a solution, with the columns of `ENCODED`.
        sources: what `train` and `validation` were drawn from.
        digest: of `train`.
        problems: digests of the questions of `train`, sorted; see `prm_gsm8k.dataset.contamination.problem_digest`.
        counts: rows and steps given, cut and left out.
    """

    train: datasets.Dataset
    validation: datasets.Dataset
    sources: list[Source]
    digest: str
    problems: list[str]
    counts: dict[str, dict[str, int]]


def parse_mix(text: str) -> list[Part]:
    """
    >>> parse_mix("synthetic:0.5,prm800k:0.25")
    [Part(config='synthetic', weight=0.5), Part(config='prm800k', weight=0.25)]
    >>> parse_mix("synthetic")
    [Part(config='synthetic', weight=1.0)]
    """
    parts = []
    for piece in text.split(","):
        name, _, weight = piece.strip().partition(":")
        try:
            part = Part(name, float(weight or 1))
        except ValueError:
            raise UsageError(f"--config {text}: {weight!r} is no weight; write synthetic:0.5,prm800k:0.5") from None
        if not name or not 0 < part.weight < float("inf"):
            raise UsageError(f"--config {text}: each part is a config and a weight above 0, as synthetic:0.5")
        parts.append(part)
    if len({part.config for part in parts}) < len(parts):
        raise UsageError(f"--config {text}: a config occurs twice")
    return parts


def load_data(options: PrmArguments, encoder: Encoder, seed: int, *, aloud: bool = True) -> Data:
    """Read, mix and encode.

    Args:
        options: which rows, and how they become targets.
        encoder: of the model that is to be trained.
        seed: draws which rows are used where not all are.
        aloud: say on stderr where the rows come from.

    Raises:
        UsageError: there is no such config.
        BadInputError: a column is missing, or a question is one of a test set.
        StepsError: the labels of a row do not fit its steps.
        HubError, VerificationError: as `prm_gsm8k.load`.
        PrmGsm8kError: nothing is left to train on.
    """
    parts = parse_mix(options.config)
    sources, split_rows = [], []
    with quiet(), contextlib.nullcontext() if aloud else contextlib.redirect_stderr(io.StringIO()):
        for part in parts:
            source, train, validation = _load(options, part.config, seed)
            sources.append(source)
            split_rows.append((train, validation))
        if options.validation is not None:
            held_out = _held_out(options, seed)
            _refuse_overlap([train for train, _ in split_rows], held_out, options.validation)
            split_rows = [(train, held_out) for train, _ in split_rows]
    chosen, counts = {}, {}
    for n, (name, most) in enumerate((("train", options.max_train_rows), ("validation", options.max_eval_rows))):
        if name == "validation" and options.validation is not None:
            rows = _mix([split_rows[0][1]], [1.0], most, seed)
        else:
            rows = _mix([splits[n] for splits in split_rows], [part.weight for part in parts], most, seed)
        if not rows.num_rows:
            raise PrmGsm8kError(f"{options.dataset or options.config}: no rows to {DOES[name]} on")
        encoded = _encode(rows, encoder, options)
        if not encoded.num_rows:
            raise PrmGsm8kError(f"all {rows.num_rows} rows are longer than --max_length {options.max_length}")
        counts[name] = _counts(rows, encoded)
        _check_labels(name, encoded, options.dataset or options.config)
        chosen[name] = (rows, encoded)
    encoded = chosen["train"][1]
    return Data(
        train=encoded,
        validation=_longest_first(chosen["validation"][1]),
        sources=sources,
        digest=data_digest(encoded),
        problems=sorted(encoded.unique("problem")),
        counts=counts,
    )


def _load(options: PrmArguments, config: str, seed: int) -> tuple[Source, datasets.Dataset, datasets.Dataset]:
    """A config's train and validation rows."""
    import prm_gsm8k

    where, revision = options.dataset, options.dataset_revision
    if where is None:
        loaded = prm_gsm8k.load(config)
        digest = None
    elif Path(where).is_file():
        loaded, digest = _file(where), None
    elif Path(where).is_dir() and (Path(where) / MANIFEST).exists():
        loaded = prm_gsm8k.load(config, folder=where)
        digest = read_manifest(Path(where)).configs[config].content_digest
    elif Path(where).is_dir():
        loaded, digest = _foreign(where, config), None
    elif where.startswith((".", "/", "~")) or where.count("/") != 1:
        raise no_such_file(where)
    else:
        try:
            from prm_gsm8k.hub.snapshot import snapshot

            here = snapshot(where, revision, config=config)
            revision, digest = here.commit, here.manifest.configs[config].content_digest
            loaded = prm_gsm8k.load(config, repo_id=where, revision=revision)
        except VerificationError as error:
            if MANIFEST not in str(error):
                raise
            loaded, digest = _foreign(where, config, revision=revision), None  # somebody else's rows
    name = where or "built here"
    if "train" not in loaded:
        raise BadInputError(name, f"has no split `train`; it has {', '.join(loaded)}")
    train = loaded["train"]
    if missing := [column for column in NEEDED if column not in train.column_names]:
        raise BadInputError(name, f"has no column {missing[0]!r}; it has {', '.join(train.column_names)}. {WANTED}")
    schema = train.features.arrow_schema
    for column, fits in FITS.items():
        if column in schema.names and not fits(kind := schema.field(column).type):
            raise BadInputError(name, f"column {column!r} is {kind}. {WANTED}")
    train = _without_tests(train, name, options.drop_test_questions)
    if "validation" in loaded:
        validation = _without_tests(loaded["validation"], f"{name} validation", options.drop_test_questions)
    elif options.validation is not None:
        validation = train.select([])
    else:
        train, validation = _set_apart(train)
    return Source(name, config, revision, digest, train.num_rows + validation.num_rows), train, validation


def _file(where: str) -> datasets.DatasetDict:
    kind = FILES.get(Path(where).suffix) or _no_rows(where)
    rows = read_rows(where) if kind == "json" else iter(())
    next(rows, None)  # what is no JSON lines says so, in the words of every command
    try:
        return _foreign(kind, name=where, data_files={"train": where})
    except BadInputError:
        for _ in rows:  # `datasets` does not say which line it is; this does
            pass
        raise


def _held_out(options: PrmArguments, seed: int) -> datasets.Dataset:
    """The rows of `--validation`: of a file or folder all, or its split `validation`; of a config that split."""
    assert options.validation is not None
    if Path(options.validation).suffix in FILES or Path(options.validation).exists():
        _, whole, split = _load(replace(options, dataset=options.validation), "synthetic", seed)
        return split if split.num_rows else whole
    return _load(options, options.validation, seed)[2]


def _refuse_overlap(train: Sequence[datasets.Dataset], held_out: datasets.Dataset, where: str) -> None:
    """No question is both trained and validated on."""
    validated = Questions({prompt: prompt for prompt in held_out.unique("prompt")})
    if shared := {found for rows in train for prompt in rows.unique("prompt") if (found := validated.inside(prompt))}:
        raise BadInputError(
            where, f"{len(shared):,} of its questions are among the rows to train on, as {min(shared)[:60]!r}"
        )


def _foreign(path: str, config: str | None = None, *, name: str | None = None, **more: Any) -> datasets.DatasetDict:
    """A data set that this package did not make, by `datasets`, which runs no code of it; `name` is for messages."""
    name = name or path
    try:
        return datasets.load_dataset(path, config, **more)
    except ValueError as error:
        if config is not None and "BuilderConfig" in str(error):
            if config == "synthetic":  # the default, which others do not have
                return datasets.load_dataset(path, **more)
            raise UsageError(f"{name} has no config {config!r} ({' '.join(str(error).split())[:200]})") from error
        raise BadInputError(name, f"cannot be read: {' '.join(str(error).split())[:200]}") from error
    except (OSError, datasets.exceptions.DatasetGenerationError) as error:
        cause = error.__cause__ or error
        raise BadInputError(name, f"cannot be read: {' '.join(str(cause).split())[:200]}") from error


def _no_rows(where: str) -> str:
    raise BadInputError(where, f"is no file of rows; {', '.join(sorted(FILES))} are")


def _problems_of(rows: datasets.Dataset) -> list[str]:
    """Which problem each row is of: by its id, or by its question."""
    return list(rows["problem_id" if "problem_id" in rows.column_names else "prompt"])


def _set_apart(rows: datasets.Dataset) -> tuple[datasets.Dataset, datasets.Dataset]:
    """Train and validation by problem, as `prm_gsm8k.dataset.splits` does it for rows of ours."""

    def lot(problem: str) -> int:
        digest = hashlib.blake2b(question_key(problem).encode(), digest_size=8).digest()
        return int.from_bytes(digest) % 1000

    problems = _problems_of(rows)
    lots = {problem: lot(problem) for problem in set(problems)}
    # of a few problems none may have drawn a lot that low: then the one that drew the lowest
    below = max(VALIDATION_PER_MILLE, min(lots.values(), default=0) + 1)
    apart = [lots[problem] < below for problem in problems]
    return (
        rows.select([n for n, validation in enumerate(apart) if not validation]),
        rows.select([n for n, validation in enumerate(apart) if validation]),
    )


def _mix(parts: Sequence[datasets.Dataset], weights: Sequence[float], most: int | None, seed: int) -> datasets.Dataset:
    """The largest mix in these shares without a row twice, of at most `most` rows."""
    whole = sum(weights)
    shares = [weight / whole for weight in weights]
    size = min(part.num_rows / share for part, share in zip(parts, shares, strict=True))
    size = size if most is None else min(size, most)
    drawn = []
    for part, share in zip(parts, shares, strict=True):
        wanted = round(size * share)
        drawn.append(part if wanted >= part.num_rows else part.select(_whole_problems(part, wanted, seed)))
    columns = [*NEEDED, *(name for name in ("values", "id") if all(_has(d, name) for d in drawn))]
    drawn = [d.select_columns(columns) for d in drawn]
    return drawn[0] if len(drawn) == 1 else datasets.concatenate_datasets(drawn)


def _has(rows: datasets.Dataset, column: str) -> bool:
    """Whether there is such a column, with something in it."""
    return column in rows.column_names and getattr(rows.features[column], "dtype", "") != "null"


def _whole_problems(rows: datasets.Dataset, wanted: int, seed: int) -> list[int]:
    """Indices of at most `wanted` rows of problems drawn by `seed`, in order; of one problem at least."""
    of: dict[str, list[int]] = {}
    for n, problem in enumerate(_problems_of(rows)):
        of.setdefault(problem, []).append(n)
    names = sorted(of)
    random.Random(seed).shuffle(names)
    taken: list[int] = []
    for name in names:
        if taken and len(taken) + len(of[name]) > wanted:
            break
        taken += of[name]
    return sorted(taken)


def _without_tests(rows: datasets.Dataset, name: str, drop: bool) -> datasets.Dataset:
    """The rows whose prompts hold no question of GSM8K test; says what is like one, and how many are dropped."""
    first: dict[str, int] = {}
    for n, prompt in enumerate(prompts := rows["prompt"][:]):
        if prompt is None:
            raise BadInputError(f"{name}, row {n}", f"prompt is null. {WANTED}")
        first.setdefault(prompt, n)
    asked = (Problem("", prompt, "", "train", f"{name}, row {n} ({prompt[:40]!r}…)") for prompt, n in first.items())
    tally = Tally() if drop else None
    kept = {problem.question for problem in refuse_test_questions(asked, tally)}
    if tally is not None and tally.skipped:
        rows = rows.select([n for n, prompt in enumerate(prompts) if prompt in kept])
        dropped = len(prompts) - rows.num_rows
        print(f"{name}: {dropped:,} of {len(prompts):,} rows dropped: {tally.listed(2)}", file=sys.stderr)
    if like := overlaps_line(count_overlaps({"train": pa.table({"prompt": pa.array(kept, pa.string())})})):
        print(f"{name}: {like}", file=sys.stderr)
    return rows


@dataclass(frozen=True)
class _EncodeRows:
    """What `Dataset.map` calls: a batch of rows as ids; rows that are too long are left out."""

    encoder: Encoder
    soft: bool
    after_error: AfterError
    too_long: Literal["cut", "refuse"]

    def __call__(self, batch: dict[str, list[Any]], indices: list[int]) -> dict[str, list[Any]]:
        made: dict[str, list[Any]] = {name: [] for name in ENCODED}
        for n, (prompt, steps, labels) in enumerate(zip(*(batch[name] for name in NEEDED), strict=True)):
            steps = steps and [step and clean_step(step) for step in steps]  # as they are scored
            values = batch["values"][n] if self.soft and "values" in batch else None
            try:
                row = self.encoder.encode(
                    prompt, steps, labels, values, after_error=self.after_error, too_long=self.too_long
                )
                if row.targets is None:
                    raise StepsError("labels are null, not a list of true or false")
            except TooLongError:
                continue
            except StepsError as error:
                raise StepsError(f"row {batch['id'][n] if 'id' in batch else indices[n]}: {error}") from error
            made["input_ids"].append(row.input_ids)
            made["tag_positions"].append(row.tag_positions)
            made["targets"].append(row.targets)
            made["length"].append(len(row.input_ids))
            made["problem"].append(problem_digest(prompt))
            made["cut"].append(len(steps) - len(row.tag_positions))
        return made


def _encode(rows: datasets.Dataset, encoder: Encoder, options: PrmArguments) -> datasets.Dataset:
    """Every row as ids. Kept in the datasets cache under a name that says all that decides them."""
    how = [options.soft_labels, options.after_error, options.too_long, "without calculator tags"]
    content = content_digest(
        rows.with_format("arrow")[:]
    )  # a fingerprint of `datasets` does not know what the rows say
    identity = json.dumps([content, asdict(encoder.config), how], sort_keys=True)
    encode = _EncodeRows(encoder, options.soft_labels, options.after_error, options.too_long)  # type: ignore[arg-type]
    return rows.map(
        encode,
        batched=True,
        with_indices=True,
        remove_columns=rows.column_names,
        features=ENCODED,
        new_fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:32],
        desc="encoding",
    )


def _check_labels(name: str, encoded: datasets.Dataset, where: str) -> None:
    """Refuse rows without a right or without a wrong step: nothing is learnt from them, and nothing measured."""
    targets = encoded.data.column("targets").combine_chunks().flatten().drop_null().to_numpy()
    labelled = targets[~np.isnan(targets)]
    for kind, n in (("right", (labelled > 0.5).sum()), ("wrong", (labelled <= 0.5).sum())):
        if not n:
            raise PrmGsm8kError(
                f"{where}: {encoded.num_rows:,} rows to {DOES[name]} on have {len(labelled):,} labelled steps, and no "
                f"{kind} one; a PRM learns from both kinds and is measured on both"
            )


def _counts(rows: datasets.Dataset, encoded: datasets.Dataset) -> dict[str, int]:
    cut = np.asarray(encoded["cut"])
    return {
        "rows": rows.num_rows,
        "rows_left_out": rows.num_rows - encoded.num_rows,
        "rows_cut": int((cut > 0).sum()),
        "steps_cut": int(cut.sum()),
        "tokens": int(np.asarray(encoded["length"], dtype=np.int64).sum()),
        "steps": int(sum(map(len, encoded["tag_positions"]))),
    }


def _longest_first(rows: datasets.Dataset) -> datasets.Dataset:
    """Those of like length in one batch."""
    return rows.select(np.argsort(-np.asarray(rows["length"]), kind="stable"))


def data_digest(rows: datasets.Dataset) -> str:
    """BLAKE2b-256 over ids, places of tags and targets of all rows, in order."""
    whole = hashlib.blake2b(digest_size=32)
    for batch in rows.select_columns(["input_ids", "tag_positions", "targets"]).with_format("arrow").iter(10_000):
        for column in batch.columns:
            for chunk in column.chunks:
                whole.update(np.asarray(chunk.value_lengths().fill_null(0), dtype="<i4").tobytes())
                flat = chunk.flatten()
                flat = flat.fill_null(np.nan) if str(flat.type) == "float" else flat
                whole.update(flat.to_numpy(zero_copy_only=False).tobytes())
    return whole.hexdigest()
