"""Solutions as people publish them: a function a format, from a JSON object to the question, steps and labels.

    problem, [sample] = read_record({"problem": "1+1?", "steps": ["1+1=2.", "So 3."], "label": 1})
    sample.steps, sample.first_error        # ("1+1=2.", "So 3."), 1

Every command reads solutions here, so all see the same steps (`clean_step`, `split_steps`) and labels. `FORMATS` names
the formats in the order in which they are tried; FORMATS.md has an example of each, its source, and what each command
does with it. A record may have any other columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prm_gsm8k.dataset.jsonl import to_rename
from prm_gsm8k.dataset.steps import clean_step, split_steps
from prm_gsm8k.exceptions import BadInputError, UsageError

QUESTIONS = ("problem", "question", "prompt")
STEPS = ("completions", "steps")
TEXTS = ("solution", "response", "output", "completion", "generated_text")
SEVERAL = ("solutions", "responses", "outputs", "samples", "generations", "answers")
EXPECTED = (
    "a question (problem, question or prompt) with steps or completions (a list: the steps of one solution), "
    "solution, response or output (a text), or solutions (a list of texts)"
)
TAGGED = "calculator tags taken out"
_STEP_1 = re.compile(r"\s+(?=(?:\*\*)?Step 1\b)")
_ABSENT = object()

Record = Mapping[str, Any]


class ShapeError(ValueError):
    """A record is of no format, or not as its format is; the message says what it has and what is wanted."""


class LeftOut(ShapeError):
    """A record is as its format is, but cannot be used; its file is read without it, and it is counted."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One solution of a record.

    Attributes:
        steps: as `clean_step` leaves them.
        first_error: index of the first incorrect step, -1 if there is none, None if the record does not say.
        labels: whether each step is correct, where the record judges every step, also those after an error.
        source: who wrote it, where the record says.
        notes: what was changed in reading it.
        unknown: why nobody knows the first error, where the format has labels.
    """

    steps: tuple[str, ...]
    first_error: int | None = None
    labels: tuple[bool, ...] = ()
    source: str | None = None
    notes: tuple[str, ...] = ()
    unknown: str = ""


@dataclass(frozen=True)
class Format:
    """A format: the keys that tell it, and how its records are read.

    `label.steps` is a key of an object, `*.solution` one of any object, and of `steps|completions` one is enough.
    """

    keys: tuple[str, ...]
    read: Callable[[Record], tuple[str, list[Sample]]]

    def missing(self, record: Record) -> str | None:
        """The first of its keys that a record lacks."""
        return next((key for key in self.keys if not any(_within(record, one) for one in key.split("|"))), None)


def read_record(record: object, name: str | None = None, *, labels: bool = True) -> tuple[str, list[Sample]]:
    """The question of a record, and its solutions.

    Args:
        record: one JSON object.
        name: of its format; found by its keys if None.
        labels: whether those beside `steps` or `completions` are read; without, they may be anything.

    Raises:
        UsageError: there is no format of this name.
        ShapeError: it is of no format, or not as its format is.
        LeftOut: it cannot be used, but others of its file can.
    """
    if not isinstance(record, Mapping):
        raise ShapeError(f"{type(record).__name__}, not an object; expected {EXPECTED}")
    if name is not None and name not in FORMATS:
        raise UsageError(f"format is {', '.join(FORMATS)}, not {name!r}")
    if name is not None and (missing := FORMATS[name].missing(record)) is not None:
        raise ShapeError(f"no {missing!r}, which every record of {name} has; {_has(record)}")
    if name is None and (name := format_of(record)) is None:
        raise ShapeError(f"{_lacks(record)}; {_has(record)}. Expected {EXPECTED}{_conversion(record)}")
    if not labels and name in ("trl", "processbench"):
        name = "steps"
    problem, samples = FORMATS[name].read(record)
    source = next((record[key] for key in ("source", "model") if isinstance(record.get(key), str)), None)
    return problem, [
        replace(
            sample,
            steps=tuple(map(clean_step, sample.steps)),
            source=sample.source or source,
            notes=(*sample.notes, *((TAGGED,) if any("<<" in step for step in sample.steps) else ())),
        )
        for sample in samples
    ]


def format_of(record: Record) -> str | None:
    """The name of a record's format; None if it is of none."""
    return next((name for name, format in FORMATS.items() if format.missing(record) is None), None)


@dataclass(frozen=True, slots=True)
class Found:
    """A solution in a file: its place for messages, its split or file, its record, id and question, and itself."""

    where: str
    subset: str
    record: Record
    id: str
    problem: str
    sample: Sample


@dataclass
class Notes:
    """What was changed, by what it is, and what was left out, with its place."""

    changed: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)

    def lines(self) -> tuple[str, ...]:
        """A line for each kind of change, and one for all that was left out, which names three."""
        lines = [f"{n:,} solution{'s' * (n > 1)}: {what}" for what, n in self.changed.items()]
        if n := len(self.left_out):
            more = f" and {n - 3:,} more" if n > 3 else ""
            lines.append(f"{n:,} left out: {'; '.join(self.left_out[:3])}{more}")
        return tuple(lines)


def read_all(
    rows: Iterable[tuple[str, str, object]],
    notes: Notes,
    *,
    name: str | None = None,
    labels: bool | None = True,
    empty: bool = False,
) -> Iterator[Found]:
    """The solutions of rows, each with its place, as `hub.rows.rows_of` gives them.

    Args:
        rows: (place, split or file, record).
        notes: is told what is changed and left out.
        name: as in `read_record`.
        labels: whether they are needed: a solution without is then refused, or left out if its format says that nobody
            knows its first error. None: as the first one.
        empty: let solutions pass that have no steps, or empty ones.

    Raises:
        BadInputError: a record is of no format, or lacks steps or labels; with its place.
    """
    for where, subset, record in rows:
        try:
            problem, samples = read_record(record, name, labels=labels is not False)
        except LeftOut as error:
            notes.left_out.append(f"{where}: {error}")
            continue
        except ShapeError as error:
            raise BadInputError(where, str(error)) from error
        assert isinstance(record, Mapping)
        called = next((str(record[key]) for key in ("id", "uuid", "idx") if record.get(key) not in (None, "")), where)
        for n, sample in enumerate(samples):
            if not empty and not all(sample.steps or [""]):
                what = f"steps[{sample.steps.index('')}] is empty" if sample.steps else "there are no steps"
                raise BadInputError(where, what)
            if labels is None:
                labels = sample.first_error is not None or bool(sample.unknown)
            if labels and sample.unknown:
                notes.left_out.append(f"{where}: {sample.unknown}")
            elif labels and sample.first_error is None:
                raise BadInputError(where, no_labels(record, sample))
            else:
                notes.changed.update(sample.notes)
                yield Found(where, subset, record, called if len(samples) == 1 else f"{called}/{n}", problem, sample)


# ---------------------------------------------------------------------------------------------------- what to say of it


def no_labels(record: Record, sample: Sample) -> str:
    """What to say of a record without labels where they are wanted."""
    n = len(sample.steps)
    for key, value in record.items():
        if isinstance(value, list) and len(value) == n and all(map(_is_label, value)):
            return f"no 'labels'; {_has(record)}{to_rename({'labels': (key, 'has a label for each step')})}"
        if isinstance(value, list) and len(value) == n and all(type(one) in (int, float) for one in value):
            how = _jq(f".labels = (.{key} | map(. > 0))")
            return (
                f"no 'labels'; {_has(record)}. `{key}` has a number for each step: say from which on it is correct{how}"
            )
        if re.search("error|mistake|wrong", key) and type(value) is int and -1 <= value < n:
            why = "looks like the first wrong step; if it is counted from 0, and -1 if there is none"
            return f"no 'label'; {_has(record)}{to_rename({'label': (key, why)})}"
    wanted = "'labels' (true or false for each step) or 'label' (index of the first wrong step, or -1)"
    return f"no {wanted}; {_has(record)}. prm-gsm8k label finds first errors by the reference solution"


def _has(record: Record) -> str:
    return f"it has {', '.join(map(str, record)) or 'nothing'}"


def _lacks(record: Record) -> str:
    return "no solution in it" if any(name in record for name in QUESTIONS) else "no question in it"


def _conversion(record: Record) -> str:
    """What to rename in a record of no format."""
    found: dict[str, tuple[str, str]] = {}
    texts = {key: value.strip() for key, value in record.items() if isinstance(value, str)}
    if not any(name in record for name in QUESTIONS):
        names = [key for key, text in texts.items() if key in ("input", "query", "instruction") or text.endswith("?")]
        if names:
            found["problem"] = names[0], "is the question"
    for key, value in record.items():
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            found.setdefault("steps", (key, "is a list of texts"))
        elif key in texts and key not in QUESTIONS and ("####" in texts[key] or "\n" in texts[key]):
            why = "ends in ####" if "####" in texts[key] else "has several lines"
            found.setdefault("solution", (key, why))
    if isinstance(record.get("chosen"), str):
        found.setdefault("solution", ("chosen", "is a solution"))
    if "steps" in found or any(name in record for name in (*STEPS, *TEXTS, *SEVERAL)):
        found.pop("solution", None)
    if any(name in record for name in STEPS):
        found.pop("steps", None)
    return to_rename(found)


# ---------------------------------------------------------------------------------------------------------- the formats


def _stepwise(record: Record) -> tuple[str, list[Sample]]:
    """TRL's stepwise supervision, and the rows of this package: a label for each step, `true`, 1 or `+` if correct."""
    key = next(key for key in STEPS if key in record)
    steps = _steps(record, key)
    labels = _list(record, "labels")
    if len(labels) != len(steps):
        raise ShapeError(f"{len(steps)} {key} but {len(labels)} labels")
    if bad := [label for label in labels if not _is_label(label)]:
        why = ""
        if bad[0] == -1:
            why = "; -1, 0 and 1 are ratings, of which 0 is neither: decide what it is"
        elif isinstance(bad[0], float):
            why = f"; of scores, say from which on a step is correct{_jq('.labels |= map(. >= 0.5)')}"
        elif isinstance(bad[0], str):
            why = "; of words, say which means correct" + _jq(f'.labels |= map(. == "{labels[0]}")')
        raise ShapeError(f"labels hold {bad[0]!r}; each is true or false, 1 or 0, + or -{why}")
    return _question(record), [_judged(steps, [label in (True, "+") for label in labels])]


def _processbench(record: Record) -> tuple[str, list[Sample]]:
    """ProcessBench (Zheng et al. 2024, arXiv:2412.06559): `label` is the first wrong step from 0, -1 if none."""
    problem, steps = _question(record), _steps(record, next(key for key in STEPS if key in record))
    return problem, [Sample(steps, _index(record, "label", len(steps)))]


def _math_shepherd(record: Record) -> tuple[str, list[Sample]]:
    """Math-Shepherd (Wang et al. 2024, arXiv:2312.08935): `ки` ends each step of `input`; `label` has + or - there."""
    *texts, rest = _text(record, "input").split("ки")
    label = _text(record, "label")
    pattern = r"\s*([+-])".join(re.escape(text.rstrip()) for text in [*texts, rest]) + r"\s*"
    if not texts or not (signs := re.fullmatch(pattern, label)):
        raise ShapeError("label is not input with a + or - for each ки")
    notes = ("what follows the last ки has no label and is left out",) if rest.strip() else ()
    problem, first = _question_and_step(texts[0])
    sample = _judged([first, *texts[1:]], [sign == "+" for sign in signs.groups()])
    return problem, [replace(sample, notes=notes)]


def _conversation(record: Record) -> tuple[str, list[Sample]]:
    """A chat. RLHFlow's (Xiong et al. 2024): turns of the user are steps, each answered by + or -, the first with the
    question before it. Any other: one question and one answer, a text to be cut into steps."""
    messages = map(_message, _list(record, "conversations" if "conversations" in record else "messages"))
    turns = [(role, text) for role, text in messages if role != "system"]
    roles, texts = [role for role, _ in turns], [text for _, text in turns]
    if not turns or roles != ["user", "assistant"] * (len(turns) // 2):
        raise ShapeError(f"a conversation of {', '.join(roles) or 'nobody'}; expected user and assistant in turn")
    signs = [text.strip() for text in texts[1::2]]
    if all(sign in ("+", "-") for sign in signs):
        problem, first = _question_and_step(texts[0])
        return problem, [_judged([first, *texts[2::2]], [sign == "+" for sign in signs])]
    if len(turns) > 2:
        raise ShapeError(f"{len(turns)} turns; expected one question and one answer, or + or - after each step")
    return texts[0], [Sample(tuple(split_steps(texts[1])))]


def _prm800k(record: Record) -> tuple[str, list[Sample]]:
    """A line of PRM800K (Lightman et al. 2023, arXiv:2305.20050): the path that the labeler chose, and the prefix of it
    that each rated alternative ends. A rating of 0 is correct. `build prm800k` also merges the lines of a problem."""
    try:
        samples = list(_paths(record["label"]["steps"]))
        problem = _text(record["question"], "problem")
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ShapeError(f"not a line of PRM800K as OpenAI released it ({error!r})") from error
    if not samples:
        raise LeftOut("no step has a rating")
    return problem, samples


def _paths(steps: Sequence[Record]) -> Iterator[Sample]:
    path: list[str] = []
    first = -1
    for at, step in enumerate(steps):
        rated = {
            n: (clean_step(one["text"]), one["rating"])
            for n, one in enumerate(step["completions"] or ())
            if one["rating"] is not None and not one.get("flagged") and clean_step(one["text"] or "")
        }
        chosen, human = step["chosen_completion"], step.get("human_completion")
        for n, (text, rating) in rated.items():
            if n != chosen:
                yield Sample((*path, text), at if rating < 0 and first < 0 else first)
        if chosen is None and human is not None and clean_step(human["text"] or ""):
            path.append(clean_step(human["text"]))  # asked for a correct one
        elif chosen in rated:
            path.append(rated[chosen][0])
            first = at if rated[chosen][1] < 0 and first < 0 else first
        elif rated:
            return
        else:
            break
    if path:
        yield Sample(tuple(path), first)


def _prmbench(record: Record) -> tuple[str, list[Sample]]:
    """PRMBench (Song et al. 2025, arXiv:2501.03124): `error_steps`, from 1, of `modified_process`; each step is judged.

    As published, 100 of 6,216 rows name steps past the end, which its own scorer passes over, and 3 hold an empty step.
    """
    steps = _steps(record, "modified_process")
    wrong = set()
    for number in _list(record, "error_steps"):
        if type(number) is not int:
            raise ShapeError(f"error_steps hold {number!r}; each is the number of a step, from 1")
        wrong.add(number - 1)
    kept = [i for i, step in enumerate(steps) if clean_step(step)]
    notes = []
    if not wrong <= set(range(len(steps))):
        notes.append("error_steps name a step that is not there, which is passed over")
    if len(kept) < len(steps):
        notes.append("an empty step is taken out")
    sample = replace(_judged([steps[i] for i in kept], [i not in wrong for i in kept]), notes=tuple(notes))
    if wrong and min(wrong & set(range(len(steps))), default=None) not in kept:
        sample = replace(sample, first_error=None, unknown="wrong, but in no step that is there")
    return _text(record, "modified_question"), [sample]


def _mr_gsm8k(record: Record) -> tuple[str, list[Sample]]:
    """MR-GSM8K (Zeng et al. 2023, arXiv:2312.17080): correct, or wrong from a step that is counted from 1 or `N/A`."""
    problem, steps = _text(record, "question"), _steps(record, "model_output_steps")
    correctness = _text(record, "model_output_solution_correctness").strip().lower()
    if correctness not in ("correct", "wrong"):
        raise ShapeError(f"model_output_solution_correctness is {correctness!r}; it must be 'correct' or 'wrong'")
    if correctness == "correct":
        return problem, [Sample(steps, -1)]
    key = "model_output_solution_first_error_step"
    if (text := str(record.get(key)).strip()).upper() in ("N/A", "NONE", ""):
        return problem, [Sample(steps, unknown="wrong, but it does not say in which step")]
    if not text.isdecimal():
        raise ShapeError(f"{key} is {record[key]!r}; it must be a number from 1, or N/A")
    if not 1 <= int(text) <= len(steps):
        raise ShapeError(f"{key} is {int(text)}, but there are {len(steps)} steps (the first is 1)")
    return problem, [Sample(steps, int(text) - 1)]


def _big_bench_mistake(record: Record) -> tuple[str, list[Sample]]:
    """BIG-Bench-Mistake (Tyen et al. 2023, arXiv:2311.08516): `mistake_index` from 0, null if there is no mistake."""
    steps = _steps(record, "steps")
    none = record["mistake_index"] is None
    return _text(record, "input"), [Sample(steps, -1 if none else _index(record, "mistake_index", len(steps)))]


def _verify_then_generate(record: Record) -> tuple[str, list[Sample]]:
    """verify-then-generate (Daheim et al. 2024, arXiv:2407.09136): a student's first error, from 0, by a teacher."""
    steps = _steps(record, "student_incorrect_solution")
    return _text(record, "problem"), [Sample(steps, _index(record, "incorrect_index", len(steps)))]


def _harness(record: Record) -> tuple[str, list[Sample]]:
    """A sample log of lm-evaluation-harness (`--log_samples`): every text in `resps`."""

    def texts(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for item in value:
                yield from texts(item)

    if not (samples := [Sample(tuple(split_steps(text))) for text in texts(record["resps"])]):
        raise ShapeError("no resps in it: log samples of a generation task with lm_eval --log_samples")
    return _question(record["doc"]), samples


def _only_steps(record: Record) -> tuple[str, list[Sample]]:
    """A question and the steps of one solution, without labels."""
    return _question(record), [Sample(_steps(record, next(key for key in STEPS if key in record)))]


def _only_text(record: Record) -> tuple[str, list[Sample]]:
    """A question, and one solution or several as texts or as answers of a chat, without labels."""
    key = next(key for key in (*TEXTS, *SEVERAL) if key in record)
    value = record[key]
    is_chat = isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value)
    several = value if isinstance(value, list) and not is_chat else [value]
    return _question(record), [Sample(tuple(split_steps(_said(one, key, "assistant")))) for one in several]


def _grade_school_math(record: Record) -> tuple[str, list[Sample]]:
    """`example_model_solutions` of openai/grade-school-math: a question, and models with a `solution` each."""
    models = {
        name: value["solution"]
        for name, value in record.items()
        if isinstance(value, Mapping) and isinstance(value.get("solution"), str)
    }
    if not models:
        raise ShapeError(f"no solution; {_has(record)}. Expected {EXPECTED}{_conversion(record)}")
    return _question(record), [Sample(tuple(split_steps(text)), source=name) for name, text in models.items()]


FORMATS: dict[str, Format] = {
    "prm800k": Format(("question.problem", "label.steps"), _prm800k),
    "prmbench": Format(("modified_question", "modified_process", "error_steps"), _prmbench),
    "mr-gsm8k": Format(("question", "model_output_steps", "model_output_solution_correctness"), _mr_gsm8k),
    "verify-then-generate": Format(("problem", "student_incorrect_solution", "incorrect_index"), _verify_then_generate),
    "big-bench-mistake": Format(("input", "steps", "mistake_index"), _big_bench_mistake),
    "trl": Format(("completions|steps", "labels"), _stepwise),
    "processbench": Format(("completions|steps", "label"), _processbench),
    "math-shepherd": Format(("input", "label"), _math_shepherd),
    "rlhflow": Format(("conversations",), _conversation),
    "chat": Format(("messages",), _conversation),
    "lm-eval": Format(("doc", "resps"), _harness),
    "steps": Format(("problem|question|prompt", "completions|steps"), _only_steps),
    "text": Format(("problem|question|prompt", "|".join((*TEXTS, *SEVERAL))), _only_text),
    "grade-school-math": Format(("problem|question|prompt", "*.solution"), _grade_school_math),
}


# ---------------------------------------------------------------------------------------------------- parts of a record


def _within(record: Record, path: str) -> bool:
    key, _, rest = path.partition(".")
    inside = [record[key]] if key in record else list(record.values()) if key == "*" else []
    return bool(inside) if not rest else any(isinstance(one, Mapping) and _within(one, rest) for one in inside)


def _judged(steps: Sequence[str], labels: Sequence[bool]) -> Sample:
    return Sample(tuple(steps), labels.index(False) if False in labels else -1, tuple(labels))


def _is_label(value: object) -> bool:
    return value in ("+", "-") if isinstance(value, str) else isinstance(value, int | float) and value in (0, 1)


def _question_and_step(text: str) -> tuple[str, str]:
    """A question and the step behind it: at `Step 1`, at a blank line, or at the only question mark."""
    if (found := _STEP_1.search(text)) is None and text.count("\n\n") == 1:
        found = re.search(r"\n\n", text)
    if found is None and text.count("?") == 1:
        found = re.search(r"(?<=\?)\s+", text)
    if found is None or not text[: found.start()].strip() or not text[found.end() :].strip():
        raise LeftOut("its question and first step are one text, and nothing shows where the question ends")
    return text[: found.start()].strip(), text[found.end() :]


def _question(record: Record) -> str:
    """The question: a text, or the last message of the user in a chat."""
    key = next((name for name in QUESTIONS if name in record), None)
    if key is None:
        raise ShapeError(f"{_lacks(record)}; {_has(record)}. Expected {EXPECTED}{_conversion(record)}")
    if not (text := _said(record[key], key, "user")).strip():
        raise ShapeError(f"{key!r} is empty")
    return text


def _said(value: object, key: str, who: str) -> str:
    """A text, or what somebody says in the only message of theirs."""
    if not isinstance(value, list):
        return _text({key: value}, key)
    messages = [text for role, text in map(_message, value) if role != "system"]
    if len(messages) != 1:
        raise ShapeError(f"{key!r} has {len(messages)} messages; expected one of the {who}")
    return messages[0]


def _message(message: object) -> tuple[str, str]:
    """Who says a message of a chat and what, as OpenAI or as ShareGPT writes it."""
    if not isinstance(message, Mapping):
        raise ShapeError(f"a message is {type(message).__name__}, not an object with role and content")
    role, content = message.get("role", message.get("from")), message.get("content", message.get("value"))
    if isinstance(content, list):  # in parts
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    if not isinstance(role, str) or not isinstance(content, str):
        raise ShapeError(f"a message without role or content; {_has(message)}")
    return {"human": "user", "gpt": "assistant"}.get(role, role), content


def _text(record: Record, key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        raise ShapeError(f"no {key!r}; {_has(record)}" if key not in record else f"{key!r} is {_kind(value)}, not text")
    return value


def _list(record: Record, key: str) -> list[Any]:
    value = record.get(key)
    if not isinstance(value, list | tuple):
        text = _jq(f".solution = .{key} | del(.{key})") if key in STEPS and isinstance(value, str) else ""
        raise ShapeError(f"{key!r} is {_kind(value)}, not a list{text}")
    return list(value)


def _steps(record: Record, key: str) -> tuple[str, ...]:
    steps = _list(record, key)
    if bad := [i for i, step in enumerate(steps) if not isinstance(step, str)]:
        step = steps[bad[0]]
        texts = [name for name, value in step.items() if isinstance(value, str)] if isinstance(step, dict) else []
        how = _jq(f".{key} |= map(.{texts[0]})") if texts else ""
        raise ShapeError(f"{key}[{bad[0]}] is {_kind(step)}, not text{how}")
    return tuple(steps)


def _jq(program: str) -> str:
    """A conversion as the end of a message."""
    return f" (jq -c '{program}' FILE)"


def _index(record: Record, key: str, steps: int) -> int:
    value = record.get(key)
    if type(value) is not int:
        how = _jq(f".{key} |= tonumber") if isinstance(value, str) and re.fullmatch(r"-?\d+", value) else ""
        raise ShapeError(f"{key!r} is {_kind(value)}, not a whole number{how}")
    if not steps:
        raise ShapeError("there are no steps")
    if not -1 <= value < steps:
        raise ShapeError(f"{key} is {value}, but there are {steps} steps: it is 0 to {steps - 1}, or -1")
    return value


def _kind(value: object) -> str:
    return type(value).__name__
