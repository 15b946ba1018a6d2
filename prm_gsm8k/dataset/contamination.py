"""No question that PRMs are measured on may be one they were trained on.

GSM8K *test* is refused as training input. That covers ProcessBench's GSM8K part and the original questions of
MR-GSM8K: all of them are GSM8K test questions.

What is alike without being the same is no reason to refuse, but a reader of the data wants to know how much there is:
`count_overlaps` counts it, for the manifest and the card; `find_overlaps` finds it, against questions of any file too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from prm_gsm8k.dataset.problems import Problem, question_key, shipped_problems
from prm_gsm8k.exceptions import BadInputError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

NAMED = 3  # how many of the offending lines a message names
RUN = 13  # words in a row that count as copied, as in the GPT-3 report (Brown et al. 2020, appendix C)


def refuse_test_questions(problems: Iterable[Problem]) -> None:
    """Raises `BadInputError` if a problem with split `train` asks a question of GSM8K test, in whatever spelling.

    The message names the first of them: `mine.jsonl:17: a question of GSM8K test (gsm8k/test/4), ...`. Problems whose
    split is `test` are let pass: they are only evaluated on.
    """
    test = gsm8k_test().ids
    found = [(p, test[key]) for p in problems if p.split == "train" and (key := question_key(p.question)) in test]
    if not found:
        return
    first, first_test_id = found[0]
    others = ", ".join(f"{problem.where} ({test_id})" for problem, test_id in found[1:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    also = f"; so are {others}{more}" if others else ""
    raise BadInputError(
        first.where,
        f"a question of GSM8K test ({first_test_id}), on which process reward models are evaluated and so may not be "
        f"trained{also}. Take these lines out, or build from GSM8K train",
    )


def problem_digest(question: str) -> str:
    """The digest by which a checkpoint records a question it was trained on: 16 hexadecimal digits, for any spelling.

    >>> problem_digest("Tom's 3.5kg cost $1200") == problem_digest("Tom’s 3.5 kg  cost $1,200.")
    True
    """
    return blake2b(question_key(question).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Questions:
    """Questions that must not be trained on, prepared for three kinds of lookup."""

    ids: Mapping[str, str]
    masked: pa.Array
    vocabulary: pa.Array
    runs: NDArray[np.uint64]  # sorted


@dataclass(frozen=True)
class Overlaps:
    """Prompts that are like one of the questions, as indices into the prompts.

    Attributes:
        exact: the same letters and digits (`question_key`), with the id of the question.
        masked: the same with every number masked; what is exact is among them.
        run: with 13 words in a row that a question has too, where a word is a run of letters and digits, in lower case.
    """

    exact: Mapping[int, str]
    masked: Sequence[int]
    run: Sequence[int]


def prepared(questions: Mapping[str, str]) -> Questions:
    """Questions by id, ready for `find_overlaps`."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pa.array(list(questions.values()), pa.string())
    ids = {question_key(question): name for name, question in questions.items()}
    vocabulary = pc.utf8_split_whitespace(words := _words(texts)).flatten().unique()
    return Questions(ids, _words(masked(texts)), vocabulary, np.unique(_runs(words, vocabulary)[0]))


@cache
def gsm8k_test() -> Questions:
    """Those of GSM8K test."""
    return prepared({problem.id: problem.question for problem in shipped_problems("test")})


def find_overlaps(prompts: pa.Array, questions: Questions) -> Overlaps:
    """Find the prompts that are like one of the questions. Takes about 0.15 s for all of GSM8K."""
    import numpy as np
    import pyarrow.compute as pc

    keys = [question_key(text) for text in prompts.to_pylist()]
    runs, row = _runs(_words(prompts), questions.vocabulary)
    shared = questions.runs.searchsorted(runs) < questions.runs.searchsorted(runs, side="right")
    same = pc.is_in(_words(masked(prompts)), questions.masked).to_numpy(zero_copy_only=False)
    return Overlaps(
        exact={i: questions.ids[key] for i, key in enumerate(keys) if key in questions.ids},
        masked=same.nonzero()[0].tolist(),
        run=np.unique(row[shared]).tolist(),
    )


def count_overlaps(tables: Mapping[str, pa.Table]) -> dict[str, int]:
    """How many of the different prompts of train and validation are like a question of GSM8K test, in three ways."""
    found = find_overlaps(prompts := different_prompts(tables), gsm8k_test())
    return {
        "different prompts in train and validation": len(prompts),
        "of these in GSM8K test: the same letters and digits": len(found.exact),
        "of these in GSM8K test: the same but for its numbers": len(found.masked),
        f"of these with {RUN} words in a row as in GSM8K test": len(found.run),
    }


def different_prompts(tables: Mapping[str, pa.Table]) -> pa.Array:
    """The prompts of all splits but `test`, each once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    prompts = [table["prompt"] for split, table in tables.items() if split != "test"]
    return pc.unique(pa.chunked_array([chunk for column in prompts for chunk in column.chunks], pa.string()))


def masked(text: pa.Array) -> pa.Array:
    """Texts with each number as one 0."""
    import pyarrow.compute as pc

    return pc.replace_substring_regex(text, r"\d[\d.,/]*", "0")


def _words(text: pa.Array) -> pa.Array:
    """The words of each text, one space apart."""
    import pyarrow.compute as pc

    return pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(text), r"[^\pL\pN]+", " "))


def _runs(texts: pa.Array, vocabulary: pa.Array) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The runs of 13 words in texts, hashed, and the index of each one's text. Unknown words are as one."""
    import numpy as np
    import pyarrow.compute as pc

    words = pc.utf8_split_whitespace(texts)
    row = pc.list_parent_indices(words).to_numpy()
    code = pc.index_in(words.flatten(), vocabulary).fill_null(len(vocabulary)).to_numpy()
    # A run is hashed as a weighted sum of random 64-bit numbers, one per word and one per place: two different runs
    # collide in one build of a billion.
    random = np.random.default_rng(0)
    word = random.integers(2**64, size=len(vocabulary) + 1, dtype=np.uint64)[code]
    starts = max(len(code) - RUN + 1, 0)
    run = np.zeros(starts, np.uint64)
    for place, weight in enumerate(random.integers(2**64, size=RUN, dtype=np.uint64) | np.uint64(1)):
        run += weight * word[place : place + starts]
    whole = row[:starts] == row[RUN - 1 :]
    return run[whole], row[:starts][whole]
