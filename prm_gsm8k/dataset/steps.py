r"""Split a model's solution into steps.

    >>> split_steps("She has 3.5 kg, i.e. 7 bags. Mr. Lee takes 2. So 7 - 2 = 5 are left.")
    ['She has 3.5 kg, i.e. 7 bags.', 'Mr. Lee takes 2.', 'So 7 - 2 = 5 are left.']
    >>> split_steps("1. **Eggs:**\n\\[\n16 - 3 = 13\n\\]\n2. **Money:** 13 * 2 = $26\n\n---\n#### 26")
    ['1. **Eggs:**\n\\[\n16 - 3 = 13\n\\]', '2. **Money:** 13 * 2 = $26', '#### 26']

A line is a step, with its number or bullet, with three exceptions:

- displayed LaTeX, an environment or a code block stays in one piece, and belongs to the line before;
- a line that only announces (a heading, a number alone, a bold title) belongs to the line it announces;
- a line of more than four sentences, or a text of one line, is a paragraph whose sentences are the steps. (Of 4,739
  steps marked by people none has more than four.)

Joined with newlines the steps give the text without blank lines, rules, calculator tags and a model's thoughts.
"""

from __future__ import annotations

import re

SENTENCES_OF_A_STEP = 4

# How models mark thoughts: most, Claude, Gemini, Seed; Sky-T1, Command A; Magistral; Kimi; gpt-oss.
_THINK = r"(?:\w+:)?(?:think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad)(?: [^<>\n]*)?\s*"
_OPENS = re.compile(
    rf"<\s*{_THINK}>|<\|(?:begin_of_|start_)?{_THINK}\|>|\[THINK\]|◁\s*{_THINK}▷"
    r"|(?:<\|start\|>assistant)?<\|channel\|>(?!final)",
    re.IGNORECASE,
)
_CLOSES = (
    rf"<\s*/\s*{_THINK}>|<\|(?:/|end_of_|end_){_THINK}\|>|\[/THINK\]|◁/{_THINK}▷"
    r"|<\|channel\|>final(?:<\|message\|>)?"
)
_THOUGHTS = re.compile(rf"(?:{_OPENS.pattern}).*?(?:{_CLOSES})", re.DOTALL | re.IGNORECASE)
_UNOPENED = re.compile(rf"\A.*(?:{_CLOSES})", re.DOTALL | re.IGNORECASE)  # many chat templates open them
_TAG = re.compile(r"<<[^<>\n]*>>|<<|>>")
_WHOLE = re.compile(
    r"\\\[.*?\\\]|\$\$.*?\$\$|\\begin\{([A-Za-z]+\*?)\}.*?\\end\{\1\}|^[ \t]*```.*?^[ \t]*```[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
_RULE = re.compile(r"[-*_=#~\s]*\Z")  # a horizontal rule
_MARKER = (
    r"(?:#{1,6}\s*)?(?:\*\*|__)?(?:(?:[Ss]tep|STEP)\s*\d{1,2}|\(?\d{1,2}(?=[.)])|[Qq]\d{1,2})[.):]*(?:\*\*|__)?[.:]?"
)
# A number alone; a heading; a numbered or bold title that ends with a colon; a short title in bold.
_ANNOUNCES = re.compile(
    rf"\s*(?:{_MARKER}\s*|#{{2,6}}\s.*[^\d\s].*|(?:{_MARKER}|\*\*|__|[-*•]\s+\*\*).*:(?:\*\*|__)?\s*"
    r"|(?:[-*•]\s+)?(?:\*\*|__)(?!.*[Aa]nswer.*\d)[A-Za-z](?:[^*_=\s]*\s){0,6}[^*_=\s]*[^*_=.](?:\*\*|__):?\s*)\Z"
)
_NUMBERED_TITLE = re.compile(rf"\s*{_MARKER}\s+[^*_].*:\s*\Z")  # does not announce another numbered line
_NUMBERED = re.compile(rf"\s*{_MARKER}(?=\s)")
_ANSWER_HEADING = re.compile(r"\s*#{1,6}\s*[$£€]?-?[\d.,]+\W*\Z")  # `#### 26` is an answer, not a heading
_ENDS_IN_DISPLAY = re.compile(r"(?:\\\]|\$\$|\\end\{[A-Za-z*]+\})[.,;]?\Z")
_EXPLAINS = re.compile(r"\s*(?:where|which|with)\b")  # the formula before it
_DISPLAY = re.compile(r"\s*(?:\\\[|\$\$|\\begin\{|```)")

_SENTENCE_END = re.compile(
    r"[.!?…](?:[\"'”’)\]*_]|\\\)|\$)*\s+(?=[^\sa-z]|[a-z]\s*[-+*/=≈(])|(?<=\S)\s+(?=(?:Step|STEP) \d{1,2}[:.)])"
)
_TITLE = re.compile(
    r"(?:\A|[\s(“\"])(?:Mr|Mrs|Ms|Dr|Prof|St|Mt|Sgt|Capt|Lt|Col|Gen|Rev|e\.g|i\.e|vs|approx|cf|Fig|Eq)\.\s+\Z|(?:\A|(?:Mr|Mrs|Ms|Dr)\.\s+)(?:[A-Z]\.\s+)+\Z"
)
_UNIT = re.compile(
    r"(?:\A|[\s\d])(?:No|Nos|oz|ft|lbs?|hrs?|mins?|secs?|sq|yds?|gal|etc|max|min|avg|pp?|[ap]\.m)\.\s+\Z", re.I
)
_BARE_MARKER = re.compile(rf"\s*(?:{_MARKER}|[-*•]|#{{1,6}})\s*\Z")
_NEWLINE = "\0"  # stands for a newline inside a piece that is not split


def without_thoughts(text: str) -> str:
    """What a model says beside its thoughts, if it marks where they end.

    >>> without_thoughts("2 + 2?</think>It is 4."), without_thoughts("So 4.\\n<think>Then 4 + 1</think>\\nAnd 5.")
    ('It is 4.', 'So 4.\\n\\nAnd 5.')
    """
    return _UNOPENED.sub("", _THOUGHTS.sub("", text))


def unended_thoughts(text: str) -> bool:
    """Whether a model begins to think in the text and does not mark where that ends.

    >>> unended_thoughts("<think>2 + 2 is"), unended_thoughts("<think>2 + 2 is 4</think>It is 4.")
    (True, False)
    """
    return _OPENS.search(without_thoughts(text)) is not None


def clean_step(step: str) -> str:
    """A step as every command reads it: without calculator tags, carriage returns and space around it.

    >>> clean_step(" So 48/2 = <<48/2=24>>24.\\r\\n")
    'So 48/2 = 24.'
    """
    return _TAG.sub("", step).replace("\r\n", "\n").strip()


def split_steps(text: str) -> list[str]:
    """The steps of a solution, in order: stripped, none empty, without calculator tags."""
    text = _TAG.sub("", without_thoughts(text).replace("\r\n", "\n").replace("\0", ""))
    text = _WHOLE.sub(_one_line, text)
    lines = [line.rstrip() for line in text.split("\n") if not _RULE.match(line)]
    steps = _joined(lines)
    if len([step for step in steps if not _ANSWER_HEADING.match(step)]) == 1 or len(steps) == 1:
        most = 1
    else:
        most = SENTENCES_OF_A_STEP
    cut: list[str] = []
    for step in steps:
        sentences = _sentences(step)
        cut += sentences if len(sentences) > most else [step]
    return [step.replace(_NEWLINE, "\n").strip() for step in cut]


def _one_line(whole: re.Match[str]) -> str:
    """Protect the newlines of a match, unless a blank line shows that it spans two formulas."""
    return whole[0] if "\n\n" in whole[0] and "```" not in whole[0] else whole[0].replace("\n", _NEWLINE)


def _joined(lines: list[str]) -> list[str]:
    """Lines, with displayed formulas joined to the line before, and titles to the line they announce."""
    steps: list[str] = []
    announced = False  # the last step only announces this line
    for line in lines:
        before = steps[-1] if steps else ""
        if _NUMBERED_TITLE.match(before) and _NUMBERED.match(line):
            announced = False
        explains = _EXPLAINS.match(line) is not None and _ENDS_IN_DISPLAY.search(before) is not None
        if steps and (announced or explains or _DISPLAY.match(line)):
            steps[-1] += _NEWLINE + line.strip()
        else:
            steps.append(line)
        announced = _ANNOUNCES.match(line) is not None and _ANSWER_HEADING.match(line) is None
    return steps


def _sentences(text: str) -> list[str]:
    """The sentences of a text.

    No sentence ends inside `3.5`, at `Mr.`, at a unit before a number (`12 oz. 3 times`), before a lower-case letter,
    in a formula, or after the number of a list item.
    """
    sentences: list[str] = []
    start = 0
    formulas = [
        match.span() for match in re.finditer(r"\\\[.*?\\\]|\$\$.*?\$\$|\\\(.*?\\\)|```.*?```|\\begin.*?\\end\{", text)
    ]
    for match in _SENTENCE_END.finditer(text):
        before, after = text[start : match.end()], text[match.end() : match.end() + 1]
        if _TITLE.search(before) or (_UNIT.search(before) and not after.isupper()) or _BARE_MARKER.match(before):
            continue
        if any(begin < match.start() and match.end() < end for begin, end in formulas):
            continue
        sentences.append(before.rstrip())
        start = match.end()
    if text[start:].strip():
        sentences.append(text[start:])
    return sentences
