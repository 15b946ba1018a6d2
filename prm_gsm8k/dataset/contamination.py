"""No question that PRMs are measured on may be one they were trained on.

A text that holds a whole question of GSM8K *test* is refused as training input, whatever stands around it: an
instruction, a chat template, other questions of a few-shot prompt, the options of a multiple choice. That covers
ProcessBench's GSM8K part and the original questions of MR-GSM8K: all of them are GSM8K test questions.

What is alike without holding one is no reason to refuse, but a reader of the data wants to know how much there is:
`count_overlaps` counts it, for the manifest and the card; `find_overlaps` finds it, against questions of any file too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from html import unescape
from typing import TYPE_CHECKING

from prm_gsm8k.dataset.problems import Problem, question_key, shipped_problems
from prm_gsm8k.exceptions import BadInputError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from prm_gsm8k.dataset.recipe import Tally

NAMED = 3  # how many of the offending lines a message names
TEST_QUESTION = "a question of GSM8K test"
RUN = 13  # words in a row that count as copied, as in the GPT-3 report (Brown et al. 2020, appendix C)


def refuse_test_questions(problems: Iterable[Problem], tally: Tally | None = None) -> list[Problem]:
    """The problems, none of which has split `train` and asks a question of GSM8K test.

    Those that do are skipped and counted in `tally`; without one they raise `BadInputError`, which names the first of
    them: `mine.jsonl:17: a question of GSM8K test (gsm8k/test/4), ...`. Problems whose split is `test` are let pass:
    they are only evaluated on.
    """
    test = gsm8k_test()
    kept, found = [], []
    for problem in problems:
        if problem.split == "train" and (test_id := test.inside(problem.question)):
            found.append((problem.where, test_id))
        else:
            kept.append(problem)
    if tally is not None:
        tally.counts[f"problem skipped/{TEST_QUESTION}"] += len(found)
        tally.skipped += [(where, f"{TEST_QUESTION} ({test_id})") for where, test_id in found]
    elif found:
        (where, test_id), *others = found
        named = ", ".join(f"{where} ({test_id})" for where, test_id in others[: NAMED - 1])
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise BadInputError(
            where,
            f"{TEST_QUESTION} ({test_id}), on which process reward models are evaluated and so may not be "
            f"trained{f'; so are {named}{more}' if named else ''}. Take these lines out (--drop-test-questions does, "
            "and counts them), or build from GSM8K train",
        )
    return kept


def problem_digest(question: str) -> str:
    """The digest by which a checkpoint records a question it was trained on: 16 hexadecimal digits, for any spelling.

    >>> problem_digest("Tom's 3.5kg cost $1200") == problem_digest("Tom’s 3.5 kg  cost $1,200.")
    True
    """
    return blake2b(question_key(question).encode(), digest_size=8).hexdigest()


class Questions:
    """Questions by id that must not be trained on, to be found inside texts of any length, each in one pass.

    A text holds a question if it has all its sentences, in their order, by letters and digits (`question_key`): so what
    stands before, behind or between them does not hide it. To find it, a question is known by thirteen
    blocks of 12 letters, of its longest sentence: one of them begins at every 13th place. If that sentence is shorter
    than 24 letters, the question must be the whole text.
    """

    def __init__(self, questions: Mapping[str, str]) -> None:
        self._texts = list(questions.values())
        self._whole = {question_key(text): name for name, text in questions.items()}
        self._blocks: dict[str, list[tuple[str, list[str]]]] = {}
        for name, text in questions.items():
            sentences = [key for part in _SENTENCE_END.split(text) if (key := question_key(part))]
            longest = max(sentences, key=len, default="")
            if len(longest) >= BLOCK + STRIDE - 1:
                for start in range(STRIDE):
                    self._blocks.setdefault(longest[start : start + BLOCK], []).append((name, sentences))

    def inside(self, text: str) -> str | None:
        """The id of a question that a text holds; None if it holds none."""
        if "&" in text or "\\" in text or "<" in text:  # a question that was copied out of a page or of JSON
            text = _MARKUP.sub(lambda found: chr(int(found[1], 16)) if found[1] else " ", unescape(text))
        key = question_key(text)
        if whole := self._whole.get(key):
            return whole
        for start in range(0, len(key) - BLOCK + 1, STRIDE):
            if (block := key[start : start + BLOCK]) in self._blocks:
                for name, sentences in self._blocks[block]:
                    if _in_order(sentences, key):
                        return name
        return None

    @cached_property
    def runs(self) -> tuple[pa.Array, NDArray[np.uint64]]:
        """Their words, each once, and their runs of 13 words, hashed and sorted."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        words = _words(pa.array(self._texts, pa.string()))
        vocabulary = pc.utf8_split_whitespace(words).flatten().unique()
        return vocabulary, np.unique(_runs(words, vocabulary)[0])

    @cached_property
    def masked(self) -> pa.Array:
        """The same, each number as one 0."""
        import pyarrow as pa

        return _words(masked(pa.array(self._texts, pa.string())))


BLOCK, STRIDE = 12, 13  # the longest sentence of a GSM8K test question has at least 24 letters and digits
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_MARKUP = re.compile(r"\\u([0-9a-fA-F]{4})|\\[nrt]|</?[a-zA-Z|][^<>\n]*>")


def _in_order(sentences: Sequence[str], text: str) -> bool:
    end = 0
    for sentence in sentences:
        start = text.find(sentence, end)
        if start < 0:
            return False
        end = start + len(sentence)
    return True


@dataclass(frozen=True)
class Overlaps:
    """Prompts that are like one of the questions, as indices into the prompts.

    Attributes:
        exact: those that hold the question (`Questions.inside`), with its id.
        masked: the same words with every number masked.
        run: with 13 words in a row that a question has too, where a word is a run of letters and digits, in lower case.
    """

    exact: Mapping[int, str]
    masked: Sequence[int]
    run: Sequence[int]


@cache
def gsm8k_test() -> Questions:
    """Those of GSM8K test."""
    return Questions({problem.id: problem.question for problem in shipped_problems("test")})


def find_overlaps(prompts: pa.Array, questions: Questions) -> Overlaps:
    """Find the prompts that are like one of the questions. Takes about 0.15 s for all of GSM8K."""
    import numpy as np
    import pyarrow.compute as pc

    inside = ((i, questions.inside(text)) for i, text in enumerate(prompts.to_pylist()))
    vocabulary, copied = questions.runs
    runs, row = _runs(_words(prompts), vocabulary)
    shared = copied.searchsorted(runs) < copied.searchsorted(runs, side="right")
    same = pc.is_in(_words(masked(prompts)), questions.masked).to_numpy(zero_copy_only=False)
    return Overlaps(
        exact={i: name for i, name in inside if name},
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


def overlaps_line(counts: Mapping[str, int]) -> str:
    """The counts in a line for whoever builds or trains; empty if no prompt is like a question of GSM8K test."""
    prompts, same, masked, run = counts.values()
    if not (same or masked or run):
        return ""
    return (
        f"of {prompts:,} different prompts to train and validate on, {masked:,} are a question of GSM8K test but for "
        f"its numbers, and {run:,} have {RUN} words in a row as one has"
    )


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
