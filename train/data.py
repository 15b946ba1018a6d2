"""Rows to train on: from wherever they lie, mixed by weight, as token ids, with nothing of a test set among them.

    --config synthetic:0.5,prm800k:0.5                   two configs of one data set
    --dataset org/prm-gsm8k:synthetic:0.5 mine.jsonl:0.5     two data sets

One epoch of `synthetic:0.5,prm800k:0.5` is the largest mix in those shares that has no row twice: with 28,000 and
250,000 rows, 28,000 of each. Rows are taken by whole problems, so no problem is torn between what is used and what is
not. What has no split `validation` is split here, by problem, where all that is made of one problem stays together.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets.utils import tqdm

from prm_gsm8k.dataset.cache import quiet
from prm_gsm8k.dataset.contamination import (
    RUN,
    Questions,
    count_overlaps,
    find_overlaps,
    overlaps_line,
    problem_digest,
    refuse_test_questions,
)
from prm_gsm8k.dataset.digest import content_digest
from prm_gsm8k.dataset.files import replacing
from prm_gsm8k.dataset.jsonl import no_such_file, read_rows
from prm_gsm8k.dataset.manifest import MANIFEST, read_manifest
from prm_gsm8k.dataset.problems import Problem, question_key
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.dataset.splits import VALIDATION_PER_MILLE, origin_of
from prm_gsm8k.dataset.steps import clean_step
from prm_gsm8k.exceptions import BadInputError, PrmGsm8kError, StepsError, TooLongError, UsageError, VerificationError
from prm_gsm8k.models.encoder import Encoder

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
    """One data set of a mix, or one config of it, and the share of the rows that it is to have.

    `dataset` is None for what was built here; `config` is None for the only one that there is.
    """

    dataset: str | None
    config: str | None
    weight: float = 1.0

    def __str__(self) -> str:
        """What it is called in messages."""
        return ":".join(word for word in (self.dataset, self.config) if word)


@dataclass(frozen=True)
class Source:
    """Where rows came from, for the record: what it is called, at what revision, and a digest of all its rows."""

    dataset: str
    config: str | None
    revision: str | None
    content_digest: str | None
    rows: int


@dataclass(frozen=True)
class Data:
    """What a run trains and validates on.

    Attributes:
        train, validation: one row a solution, with the columns of `ENCODED`.
        names: of each row of `validation` what part of the mix it is of; empty where there is only one.
        sources: what `train` and `validation` were drawn from.
        digest: of `train`.
        problems: digests of the questions of `train`, sorted; see `prm_gsm8k.dataset.contamination.problem_digest`.
        counts: rows and steps given, cut and left out.
    """

    train: datasets.Dataset
    validation: datasets.Dataset
    names: list[str]
    sources: list[Source]
    digest: str
    problems: list[str]
    counts: dict[str, dict[str, int]]


def parse_mix(places: Sequence[str] | None, configs: str | None) -> list[Part]:
    """The parts of `--dataset` and `--config`; a data set that names no config has those of `--config`, a file none.

    >>> parse_mix(None, "synthetic:0.5,prm800k:0.25")
    [Part(dataset=None, config='synthetic', weight=0.5), Part(dataset=None, config='prm800k', weight=0.25)]
    >>> parse_mix(["org/a:prm800k", "mine.jsonl:0.5"], None)
    [Part(dataset='org/a', config='prm800k', weight=1.0), Part(dataset='mine.jsonl', config=None, weight=0.5)]
    """
    mix: list[tuple[str | None, float]] = [(None, 1.0)]
    if configs is not None:
        mix = [_weighted(f"--config {configs}", piece.strip()) for piece in configs.split(",")]
    for name, _ in mix:
        if name is not None and ":" in name:
            raise UsageError(
                f"--config {configs}: {name.partition(':')[2]!r} is no weight; write synthetic:0.5,prm800k:0.5"
            )
    if len(dict(mix)) < len(mix):
        raise UsageError(f"--config {configs}: a config occurs twice")
    parts: list[Part] = []
    for place, config, share in map(parse_place, places) if places else [(None, None, 1.0)]:
        if place is not None and _is_file(place):
            if config or mix[0][0]:
                raise UsageError(f"{place} is a file, which has no config {config or configs}")
            parts.append(Part(place, None, share))
        else:
            parts += [Part(place, name, weight * share) for name, weight in ([(config, 1.0)] if config else mix)]
    if len({(part.dataset, part.config) for part in parts}) < len(parts):
        raise UsageError(f"--dataset {' '.join(places or [])}: a data set occurs twice")
    return parts


def parse_place(word: str) -> tuple[str, str | None, float]:
    """A data set, a config of it if one is named, and a weight.

    >>> parse_place("org/a:prm800k:0.5"), parse_place("org/a:2"), parse_place("mine.jsonl")
    (('org/a', 'prm800k', 0.5), ('org/a', None, 2.0), ('mine.jsonl', None, 1.0))
    """
    if Path(word).exists():
        return word, None, 1.0
    rest, weight = _weighted(f"--dataset {word}", word)
    place, _, config = (rest, "", "") if Path(rest).exists() else rest.partition(":")
    return place, config or None, weight


def _weighted(option: str, text: str) -> tuple[str, float]:
    """`NAME:WEIGHT`, or a name alone."""
    name, _, last = text.rpartition(":")
    try:
        weight = float(last) if name else 1.0
    except ValueError:
        name, weight = text, 1.0
    if not text or not 0 < weight < float("inf"):
        raise UsageError(f"{option}: each part is a name and a weight above 0, as synthetic:0.5")
    return name or text, weight


def _is_file(place: str) -> bool:
    return Path(place).is_file() or Path(place).suffix in FILES


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
    parts = parse_mix(options.dataset, options.config)
    if options.dataset_revision is not None and len({part.dataset for part in parts}) > 1:
        raise UsageError("--dataset_revision is that of one data set, and there are several")
    told = options.validation
    with quiet(), contextlib.nullcontext() if aloud else contextlib.redirect_stderr(io.StringIO()):
        drop = options.drop_test_questions
        loaded = [_load(part, options.dataset_revision, apart=told is None, drop=drop) for part in parts]
        held_out = [rows for _, _, rows in loaded] if told is None else [_held_out(parts, told, drop)]
    trains = [train for _, train, _ in loaded]
    where, weights = " and ".join(map(str, parts)) or "rows", [part.weight for part in parts]
    if told is None:
        trains = [_without(train, held_out, str(part)) for part, train in zip(parts, trains, strict=True)]
    elif shared := _trained_on(trains, held_out[0]):
        raise BadInputError(
            told, f"{len(shared):,} of its questions are among the rows to train on, as {min(shared)[:60]!r}"
        )
    train, counts = _encode(_mix(trains, weights, options.max_train_rows, seed), encoder, options, "train", where)
    mixed = _mix(held_out, weights if told is None else [1.0], options.max_eval_rows, seed)
    validation, of_validation = _encode(mixed, encoder, options, "validation", told or where)
    names = [name for name, rows in zip(_short(parts), validation, strict=False) for _ in range(rows.num_rows)]
    encoded, whole = datasets.concatenate_datasets(train), datasets.concatenate_datasets(validation)
    order = np.argsort(-np.asarray(whole["length"][:]), kind="stable")  # those of like length in one batch
    return Data(
        train=encoded,
        validation=whole.select(order),
        names=[names[n] for n in order] if len(validation) > 1 else [],
        sources=[source for source, _, _ in loaded],
        digest=data_digest(encoded),
        problems=sorted(encoded.unique("problem")),
        counts={"train": counts, "validation": of_validation},
    )


def _short(parts: Sequence[Part]) -> list[str]:
    """A name of each part for its metrics: its config, or the data set, or both."""
    configs = [part.config or "" for part in parts]
    if len({part.dataset for part in parts}) == 1:
        return configs
    names = [Path(part.dataset or "built").name.partition(".")[0] for part in parts]
    both = [f"{name}-{config}".strip("-") for name, config in zip(names, configs, strict=True)]
    chosen = names if len(set(names)) == len(names) else both
    return chosen if len(set(chosen)) == len(chosen) else [f"{name}-{n}" for n, name in enumerate(chosen)]


def _load(
    part: Part, revision: str | None = None, *, apart: bool = True, drop: bool = False
) -> tuple[Source, pa.Table, pa.Table]:
    """Its train and validation rows, none of which asks a test question: they are dropped if `drop`, else refused.

    Without a split `validation`, rows are set apart for it if `apart`, else none.
    """
    import prm_gsm8k

    where, config, digest = part.dataset, part.config, None
    ours = config or "synthetic"
    if where is None:
        loaded, config = prm_gsm8k.load(ours), ours
    elif Path(where).is_file():
        loaded = _file(where)
    elif Path(where).is_dir() and (Path(where) / MANIFEST).exists():
        loaded, config = prm_gsm8k.load(ours, folder=where), ours
        digest = read_manifest(Path(where)).configs[ours].content_digest
    elif Path(where).is_dir():
        loaded = _foreign(where, config)
    elif where.startswith((".", "/", "~")) or where.count("/") != 1:
        raise no_such_file(where)
    else:
        try:
            from prm_gsm8k.hub.snapshot import snapshot

            here = snapshot(where, revision, config=ours)
            revision, digest = here.commit, here.manifest.configs[ours].content_digest
            loaded, config = prm_gsm8k.load(ours, repo_id=where, revision=revision), ours
        except VerificationError as error:
            if MANIFEST not in str(error):
                raise
            loaded, digest = _foreign(where, config, revision=revision), None  # somebody else's rows
    name = where or "built here"
    if "train" not in loaded:
        raise BadInputError(name, f"has no split `train`; it has {', '.join(loaded)}")
    train = loaded["train"].with_format("arrow")[:]
    if missing := [column for column in NEEDED if column not in train.column_names]:
        raise BadInputError(name, f"has no column {missing[0]!r}; it has {', '.join(train.column_names)}. {WANTED}")
    for column, fits in FITS.items():
        if column in train.column_names and not fits(kind := train[column].type):
            raise BadInputError(name, f"column {column!r} is {kind}. {WANTED}")
    train = _without_tests(train, name, drop)
    if "validation" in loaded:
        validation = _without_tests(loaded["validation"].with_format("arrow")[:], f"{name} validation", drop)
    elif apart:
        train, validation = _set_apart(train, name)
    else:
        validation = train.slice(0, 0)
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


def _held_out(parts: Sequence[Part], told: str, drop: bool = False) -> pa.Table:
    """The rows of `--validation`, a data set or a config of the one trained on: its split `validation`, or else all."""
    place, config, _ = parse_place(told)
    part = Part(place, config)
    if "/" not in place and not _is_file(place) and not Path(place).exists():
        if len({part.dataset for part in parts}) > 1:
            raise UsageError(f"--validation {told}: a config of which data set? Write {parts[0].dataset}:{told}")
        part = Part(parts[0].dataset, told)
    _, whole, split = _load(part, apart=False, drop=drop)
    return split if split.num_rows else whole


def _known_as(rows: pa.Table) -> Iterator[str]:
    """What names the problems of rows in another data set, too: the question, and for GSM8K that it was made of."""
    yield from map(question_key, _unique(rows["prompt"]))
    if "problem_id" in rows.column_names:
        yield from (origin_of(name) for name in _unique(rows["problem_id"]) if str(name).startswith("gsm8k/"))


def _trained_on(trains: Sequence[pa.Table], held_out: pa.Table) -> set[str]:
    """What is validated on and inside of what is trained on, whatever stands around it; or made of one problem."""
    validated = Questions({prompt: prompt for prompt in _unique(held_out["prompt"])})
    prompts = chain.from_iterable(_unique(rows["prompt"]) for rows in trains)
    asked = {found for prompt in prompts if (found := validated.inside(prompt))}
    return asked or set(chain.from_iterable(map(_known_as, trains))) & set(_known_as(held_out))


def _without(train: pa.Table, held_out: Sequence[pa.Table], name: str) -> pa.Table:
    """Rows to train on, but for those of problems that another part of the mix validates on."""
    asked = set(chain.from_iterable(map(_known_as, held_out)))
    if asked.isdisjoint(_known_as(train)):
        return train
    names = zip(_values(train["prompt"]), _problems_of(train), strict=True)
    kept = _chosen(train, [asked.isdisjoint((question_key(prompt), origin_of(problem))) for prompt, problem in names])
    left_out = train.num_rows - kept.num_rows
    print(f"{name}: {left_out:,} rows to train on left out, whose problems are validated on", file=sys.stderr)
    return kept


def _foreign(path: str, config: str | None = None, *, name: str | None = None, **more: Any) -> datasets.DatasetDict:
    """A data set that this package did not make, by `datasets`, which runs no code of it; `name` is for messages."""
    name = name or path
    try:
        return datasets.load_dataset(path, config, **more)
    except ValueError as error:
        if config is not None and "BuilderConfig" in str(error):
            raise UsageError(f"{name} has no config {config!r} ({' '.join(str(error).split())[:200]})") from error
        raise BadInputError(name, f"cannot be read: {' '.join(str(error).split())[:200]}") from error
    except (OSError, datasets.exceptions.DatasetGenerationError) as error:
        cause = error.__cause__ or error
        raise BadInputError(name, f"cannot be read: {' '.join(str(cause).split())[:200]}") from error


def _no_rows(where: str) -> str:
    raise BadInputError(where, f"is no file of rows; {', '.join(sorted(FILES))} are")


def _unique(column: pa.ChunkedArray) -> list[Any]:
    found: list[Any] = column.unique().to_pylist()
    return found


def _values(column: pa.ChunkedArray) -> list[Any]:
    """A list in which what is equal is one object: of a hundred rows that share a question, it is there once."""
    different = column.unique()
    values = different.to_pylist()
    return [values[n] for n in pc.index_in(column, different).to_numpy()]


def _chosen(rows: pa.Table, mask: Sequence[bool] | np.ndarray) -> pa.Table:
    """The rows that a mask is true of, where they lie: `Table.filter` would copy a mapped file into memory."""
    edges = np.flatnonzero(np.diff(np.asarray(mask, dtype=np.int8), prepend=0, append=0)).reshape(-1, 2)
    return pa.concat_tables([rows.slice(0, 0), *(rows.slice(start, end - start) for start, end in edges)])


def _problems_of(rows: pa.Table) -> list[str]:
    """Which problem each row is of: by its id, or by its question."""
    prompts = _values(rows["prompt"])
    if "problem_id" not in rows.column_names:
        return prompts
    names = _values(rows["problem_id"])
    return [prompt if name is None else str(name) for name, prompt in zip(names, prompts, strict=True)]


def _set_apart(rows: pa.Table, name: str) -> tuple[pa.Table, pa.Table]:
    """Train and validation by problem, as `prm_gsm8k.dataset.splits` does it for rows of ours.

    Rows of one question stay together, and so do those of questions that were made of one problem, as ids say.
    """
    first: dict[str, str] = {}

    def root(known_as: str) -> str:
        while first.setdefault(known_as, known_as) != known_as:
            known_as = first[known_as]
        return known_as

    def lot(problem: str) -> int:
        digest = hashlib.blake2b(question_key(problem).encode(), digest_size=8).digest()
        return int.from_bytes(digest) % 1000

    key = {prompt: f"? {question_key(prompt)}" for prompt in _unique(rows["prompt"])}
    questions = [key[prompt] for prompt in _values(rows["prompt"])]
    for question, problem in dict.fromkeys(zip(questions, map(origin_of, _problems_of(rows)), strict=True)):
        first[root(question)] = root(problem)
    lots = {question: lot(root(question)) for question in set(questions)}
    # of a few problems none may have drawn a lot that low: then the one that drew the lowest
    below = max(VALIDATION_PER_MILLE, min(lots.values(), default=0) + 1)
    apart = np.asarray([lots[question] < below for question in questions], dtype=bool)
    train, validation = _chosen(rows, ~apart), _chosen(rows, apart)
    if "problem_id" not in rows.column_names:
        asked = validation["prompt"].unique()
        if near := find_overlaps(asked, Questions({prompt: prompt for prompt in _unique(train["prompt"])})).run:
            print(
                f"{name}: {len(near):,} of {len(asked):,} questions to validate on have {RUN} words in a row with one "
                "to train on; a column problem_id keeps together what was made of one problem",
                file=sys.stderr,
            )
    return train, validation


def _mix(parts: Sequence[pa.Table], weights: Sequence[float], most: int | None, seed: int) -> list[pa.Table]:
    """The largest mix in these shares without a row twice, of at most `most` rows."""
    whole = sum(weights)
    shares = [weight / whole for weight in weights]
    size = min(part.num_rows / share for part, share in zip(parts, shares, strict=True))
    size = size if most is None else min(size, most)
    drawn = []
    for part, share in zip(parts, shares, strict=True):
        wanted = max(1, int(size * share + 1e-6))
        drawn.append(part if wanted >= part.num_rows else _chosen(part, _whole_problems(part, wanted, seed)))
    return drawn


def _whole_problems(rows: pa.Table, wanted: int, seed: int) -> np.ndarray:
    """A mask of at most `wanted` rows, of whole problems drawn by `seed`; some of the first, if it has more."""
    of: dict[str, list[int]] = {}
    for n, problem in enumerate(_problems_of(rows)):
        of.setdefault(problem, []).append(n)
    names = sorted(of)
    random.Random(seed).shuffle(names)
    taken: list[int] = []
    for name in names:
        if taken and len(taken) + len(of[name]) > wanted:
            break
        taken += of[name][:wanted]
    mask = np.zeros(rows.num_rows, dtype=bool)
    mask[taken] = True
    return mask


def _without_tests(rows: pa.Table, name: str, drop: bool) -> pa.Table:
    """The rows whose prompts hold no question of GSM8K test; says what is like one, and how many are dropped."""
    first: dict[str, int] = {}
    for n, prompt in enumerate(prompts := _values(rows["prompt"])):
        if prompt is None:
            raise BadInputError(f"{name}, row {n}", f"prompt is null. {WANTED}")
        first.setdefault(prompt, n)
    asked = (Problem("", prompt, "", "train", f"{name}, row {n} ({prompt[:40]!r}…)") for prompt, n in first.items())
    tally = Tally() if drop else None
    kept = {problem.question for problem in refuse_test_questions(asked, tally)}
    if tally is not None and tally.skipped:
        rows = _chosen(rows, [prompt in kept for prompt in prompts])
        dropped = len(prompts) - rows.num_rows
        print(f"{name}: {dropped:,} of {len(prompts):,} rows dropped: {tally.listed(2)}", file=sys.stderr)
    if like := overlaps_line(count_overlaps({"train": pa.table({"prompt": pa.array(kept, pa.string())})})):
        print(f"{name}: {like}", file=sys.stderr)
    return rows


def _encode(
    parts: Sequence[pa.Table], encoder: Encoder, options: PrmArguments, name: str, where: str
) -> tuple[list[datasets.Dataset], dict[str, int]]:
    """Every row as ids, and counts. Kept in the datasets cache under a name that says all that decides them.

    Raises:
        PrmGsm8kError: no rows, or none with a right or a wrong step: nothing is learnt from them, and nothing measured.
    """
    rows = sum(part.num_rows for part in parts)
    if not rows:
        raise PrmGsm8kError(f"{where}: no rows to {DOES[name]} on")
    how = {"after_error": options.after_error, "too_long": options.too_long}
    made = []
    for part in parts:
        wanted = [*NEEDED, "id", *(["values"] if options.soft_labels else [])]
        chosen = part.select([name for name in wanted if name in part.column_names and not _is_null(part[name])])
        identity = json.dumps(
            [content_digest(chosen), asdict(encoder.config), how, "cleaned", ENCODED.arrow_schema.to_string()]
        )
        folder = Path(datasets.config.HF_DATASETS_CACHE, "prm-gsm8k-ids", hashlib.sha256(identity.encode()).hexdigest())
        if not folder.exists():
            with replacing(folder) as new, pa.ipc.new_stream(str(new / "rows.arrow"), ENCODED.arrow_schema) as out:
                for batch in _encoded(chosen, encoder, how):
                    out.write_batch(batch)
        made.append(datasets.Dataset.from_file(str(folder / "rows.arrow")))
    whole = datasets.concatenate_datasets(made)
    if not whole.num_rows:
        raise PrmGsm8kError(f"all {rows} rows are longer than --max_length {options.max_length}")
    labelled = np.concatenate([chunk.flatten().drop_null() for chunk in whole.data.column("targets").chunks])
    for kind, n in (("right", (labelled > 0.5).sum()), ("wrong", (labelled <= 0.5).sum())):
        if not n:
            raise PrmGsm8kError(
                f"{where}: {whole.num_rows:,} rows to {DOES[name]} on have {len(labelled):,} labelled steps, and no "
                f"{kind} one; a PRM learns from both kinds and is measured on both"
            )
    cut = np.asarray(whole["cut"][:])
    return made, {
        "rows": rows,
        "rows_left_out": rows - whole.num_rows,
        "rows_cut": int((cut > 0).sum()),
        "steps_cut": int(cut.sum()),
        "tokens": sum(whole["length"][:]),
        "steps": sum(len(chunk.flatten()) for chunk in whole.data.column("tag_positions").chunks),
    }


def _is_null(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_null(column.type))


def _encoded(rows: pa.Table, encoder: Encoder, how: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    """Rows as ids, a thousand at a time; rows that are too long are left out."""
    n = -1
    with tqdm(total=rows.num_rows, desc="encoding", unit="row", disable=None) as bar:
        for batch in rows.to_batches(max_chunksize=1000):
            made: dict[str, list[Any]] = {name: [] for name in ENCODED}
            columns = {name: batch.column(name).to_pylist() for name in rows.column_names}
            columns["completions"] = [  # as they are scored
                steps and [step and clean_step(step) for step in steps] for steps in columns["completions"]
            ]
            encoder.prepare(zip(columns["prompt"], columns["completions"], strict=True))
            for at, (prompt, steps, labels) in enumerate(zip(*(columns[name] for name in NEEDED), strict=True)):
                n += 1
                try:
                    row = encoder.encode(
                        prompt, steps, labels, columns["values"][at] if "values" in columns else None, **how
                    )
                    if row.targets is None:
                        raise StepsError("labels are null, not a list of true or false")
                except TooLongError:
                    continue
                except StepsError as error:
                    raise StepsError(f"row {columns['id'][at] if 'id' in columns else n}: {error}") from error
                made["input_ids"].append(row.input_ids)
                made["tag_positions"].append(row.tag_positions)
                made["targets"].append(row.targets)
                made["length"].append(len(row.input_ids))
                made["problem"].append(problem_digest(prompt))
                made["cut"].append(len(steps) - len(row.tag_positions))
            bar.update(batch.num_rows)
            yield pa.RecordBatch.from_pydict(made, ENCODED.arrow_schema)


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
