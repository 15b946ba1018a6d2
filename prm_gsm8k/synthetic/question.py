"""The numbers of a question, typed: what each is worth, what kind of quantity it is, of what and of whom, and where.

    Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.
    48    a count of friends, Natalia's
    half  a share, of clips

What is not certain is `UNKNOWN`, and an unknown number is never edited. A number that is said again ("the 48 friends")
is one quantity with two mentions, so that an edit changes both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from prm_gsm8k.synthetic.numbers import Value, read_number, whole


class Kind(Enum):
    """What a number of a question measures."""

    COUNT = "a count"
    MONEY = "money"
    TIME = "a time"
    LENGTH = "a length"
    WEIGHT = "a weight"
    VOLUME = "a volume"
    RATE = "so much for each of something"
    DIFFERENCE = "so much more or less than something"
    PERCENTAGE = "a percentage"
    SHARE = "a share of something"
    MULTIPLIER = "so many times as much"
    ORDINAL = "a place in an order"
    DATE = "a date or a time of day"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of a question.

    Attributes:
        value: its worth; a percentage as a fraction.
        kind: what it measures.
        thing: what it counts, in the singular ("friend", "hour", "dollar"); "" where that is not certain.
        owner: the name that is said last before it in its sentence, or "".
        sentence: the index of the sentence of its first mention.
        mentions: where it stands: (start, end) of its digits or its word, in order.
        spelled: whether it is written as a word.
    """

    value: Value
    kind: Kind
    thing: str
    owner: str
    sentence: int
    mentions: tuple[tuple[int, int], ...]
    spelled: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question: its sentences by their places in the text, its quantities in the order of their mentions."""

    text: str
    sentences: tuple[tuple[int, int], ...]
    quantities: tuple[Quantity, ...]

    def sentence(self, index: int) -> str:
        start, end = self.sentences[index]
        return self.text[start:end]

    def edited(self, changes: dict[tuple[int, int], str]) -> str:
        """The text with other words at some places."""
        out, at = [], 0
        for (start, end), text in sorted(changes.items()):
            out += [self.text[at:start], text]
            at = end
        return "".join(out) + self.text[at:]


SMALL = tuple(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty".split()
)
SPELLED: dict[str, int] = {word: value for value, word in enumerate(SMALL)} | {
    word: 10 * tens for tens, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)
}
SHARES: dict[str, Value] = {
    "half": Fraction(1, 2), "third": Fraction(1, 3), "quarter": Fraction(1, 4), "fourth": Fraction(1, 4),
    "fifth": Fraction(1, 5), "sixth": Fraction(1, 6), "seventh": Fraction(1, 7), "eighth": Fraction(1, 8),
    "ninth": Fraction(1, 9), "tenth": Fraction(1, 10),
}  # fmt: skip
TIMES: dict[str, Value] = {"twice": 2, "double": 2, "thrice": 3, "triple": 3, "quadruple": 4}
_UNIT = {
    Kind.MONEY: "dollar cent buck euro pound£ penny",
    Kind.TIME: "second minute hour day week month year decade century night weekday weekend morning",
    Kind.LENGTH: "inch foot feet yard mile meter metre kilometer centimeter millimeter km cm mm ft block lap",
    Kind.WEIGHT: "pound ounce gram kilogram kilo ton kg lb oz g milligram mg",
    Kind.VOLUME: "liter litre milliliter ml gallon cup pint quart teaspoon tablespoon fluid",
}
_KIND_OF_UNIT = {unit: kind for kind, units in _UNIT.items() for unit in units.split()}
# Units of what can be divided: half a dollar, half an hour; not half a week's days or half a weekend.
DIVISIBLE = frozenset(
    unit
    for unit in _KIND_OF_UNIT
    if unit
    not in "cent penny second day week month year decade century weekday weekend morning night block lap".split()
)

# One number: 3/4, $1,250.50, 20%, or a word. What it is not: 5th, 3:00, A4, 2.5.1.
_TOKEN = re.compile(
    r"(?<![\w.,/:-])(\$?)(\d[\d,]*\d(?:\.\d+)?|\d(?:\.\d+)?|\.\d+)(/\d+)?(?!\d|[.,/]\d)(%?)"
    rf"|\b({'|'.join(SMALL[1:8])})[ -]({'|'.join(SHARES)})s?\b"
    rf"|\b({'|'.join((*SPELLED, *TIMES))})\b|\b({'|'.join(SHARES)})\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?][\"”]?\s+(?![a-z])")
_NO_SENTENCE = re.compile(r"(?:\b[MDS][rst]|\bMrs|\b[ap]\.m| [A-Z])\Z")
_NAME = re.compile(r"\b[A-Z][a-z]+\b")
_NO_NAME = frozenset(
    (
        "If The A An In On At He She They It There This That These Those How What When Each Every After Before Then "
        "His Her Their Its For Of To From With And But So Since While During By As Some All One Two Three Four Five "
        "Six Seven Eight Nine Ten Another Both Monday Tuesday Wednesday Thursday Friday Saturday Sunday January "
        "February "
        "March April May June July August September October November December Half Last Next First Second Finally "
        "Assuming Suppose Given Today Yesterday Tomorrow Later Now Only Out Mr Mrs Ms Dr Christmas Calculate Find My I "
        "We You Your Our Twice Once Not Because However Also Once Together Due Although Unfortunately Earlier Which "
        "Whenever Where Who Whose Let Up Over Under Starting English Math Halloween Easter Thanksgiving"
    ).split()
)
# What follows a number: skipped words, then up to three words of which the last is the thing.
_SKIPPED = re.compile(r"(?:more|fewer|less|additional|other|extra|of|the|his|her|their|its|whole|full|-)\b\s*|-")
_WORD = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*")
_ENDS = frozenset(
    (
        "of in for and to that which on at with per each a an from than by is are was were have has had or but who the "
        "into if every as after before when while then so more less fewer during long tall wide old high away left "
        "did does do will would can could this his her their he she they it remaining around about also only out off "
        "over under apart together total altogether apiece daily weekly monthly until since because where not be been "
        "gets get got sold bought gave cost costs took made used per times walking she's he's later ago up down extra "
        "back through between all there likes like now make makes take takes go went goes come came play plays need "
        "needs want wants deep thick heavy weigh weighs worth free already instead across against among along last "
        "older younger taller shorter longer heavier lighter higher lower faster slower farther further larger smaller "
        "bigger greater above below behind beyond "
        "today yesterday tomorrow must lives live eat eats ate drink drinks read reads left"
    ).split()
)
_EACH = re.compile(
    r"[^.,;?!$\d]{0,40}?\b(?:each|apiece|every|per|a (?:day|week|month|year|piece|person|pound|dozen|minute|hour|box"
    r"|pack|bag|kilo|kilogram|gallon|mile|foot|night|bottle|ticket|shirt)|an (?:hour|ounce|inch|acre)|daily"
    r"|weekly|monthly)\b",
    re.IGNORECASE,
)
_THAN = re.compile(
    r"(?:[ -][A-Za-z]+)??[ -](?:more|less|fewer|older|younger|taller|shorter|longer|heavier|lighter|higher|lower|faster"
    r"|slower|farther|further|larger|smaller|bigger|greater)\b(?: [\w'-]+){0,5}? than\b"
)
_JOINED = re.compile(r"-([a-z]+)\b")
_BEFORE_EACH = re.compile(r"\b(?:each|every)\b[^.,;?!]*\Z|\bper\s\Z", re.IGNORECASE)
_IRREGULAR = {"feet": "foot", "men": "man", "women": "woman", "children": "child", "people": "person", "mice": "mouse",
              "teeth": "tooth", "geese": "goose", "lbs": "pound", "knives": "knife", "leaves": "leaf", "loaves": "loaf",
              "shelves": "shelf", "lives": "life", "halves": "half"}  # fmt: skip


def singular(noun: str) -> str:
    """The singular of a noun, good enough to tell whether two are the same.

    >>> singular("boxes"), singular("berries"), singular("people"), singular("glass"), singular("clips")
    ('box', 'berry', 'person', 'glass', 'clip')
    """
    noun = noun.lower()
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("xes", "ches", "shes", "sses", "oes")):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us", "is")) else noun


def read_question(text: str) -> Question:
    """Read a question.

    >>> question = read_question("Jo has 48 clips and 7 red ones. She sold half of the 48 clips for $2 each.")
    >>> [(str(q.value), q.kind.name, q.thing, len(q.mentions)) for q in question.quantities]
    [('48', 'COUNT', 'clip', 2), ('7', 'COUNT', 'one', 1), ('1/2', 'SHARE', '', 1), ('2', 'RATE', 'dollar', 1)]
    """
    sentences = []
    at = 0
    for match in _SENTENCE.finditer(text):
        if not _NO_SENTENCE.search(text, max(0, match.start() - 5), match.start()):
            sentences.append((at, match.start() + len(match[0].rstrip())))
            at = match.end()
    sentences.append((at, len(text)))
    quantities: list[Quantity] = []
    number = 0
    for match in _TOKEN.finditer(text):
        while match.start() >= sentences[number][1] and number + 1 < len(sentences):
            number += 1
        quantity = _quantity(text, match, number, sentences[number])
        if quantity is None:
            continue
        same = next((i for i, q in enumerate(quantities) if _again(text, q, quantity)), None)
        if same is None:
            quantities.append(quantity)
        else:
            first = quantities[same]
            mentions = (*first.mentions, *quantity.mentions)
            quantities[same] = Quantity(
                first.value, first.kind, first.thing, first.owner, first.sentence, mentions, first.spelled
            )
    return Question(text, tuple(sentences), tuple(quantities))


_AGAIN = re.compile(r"\b(?:the|those|these|his|her|their|its)\s+\$?\Z", re.IGNORECASE)


def _again(text: str, first: Quantity, then: Quantity) -> bool:
    """Whether a number is one that was said before: "the 48 friends"."""
    alike = first.value == then.value and first.kind is then.kind and first.thing == then.thing
    return alike and first.kind is not Kind.UNKNOWN and bool(_AGAIN.search(text[: then.mentions[0][0]]))


def _quantity(text: str, match: re.Match[str], number: int, span: tuple[int, int]) -> Quantity | None:
    currency, digits, under, percent, over, parts, word, share = match.groups()
    start, end = match.span()
    before, after = text[span[0] : start], text[end : span[1]]
    spelled = not digits
    if digits:
        value: Value = read_number(digits)
        if under:
            if under == "/0":
                return None
            value = whole(Fraction(value) / int(under[1:]))
        start += len(currency)
    elif parts:
        value = whole(SHARES[parts.lower()] * SPELLED[over.lower()])
        share = parts
    elif word:
        word = word.lower()
        value = SPELLED[word] if word in SPELLED else TIMES[word]
    else:
        value = SHARES[share.lower()]
        if after[:1] == "s":
            return Quantity(value, Kind.UNKNOWN, "", "", number, ((start, end),), True)
        if share.lower() not in ("half", "quarter", "third") and not re.search(r"\b(?:a|one)[ -]\Z", before):
            return None  # the fourth day
        if share.lower() in ("third", "quarter") and not re.search(r"\b(?:a|one)[ -]\Z", before):
            return None
    joined = _JOINED.match(after)  # an 8-inch portrait is measured in inches
    thing = singular(joined[1]) if joined else thing_after(after)
    if percent or after.lstrip().lower().startswith(("percent", "per cent")):
        value = whole(Fraction(value) / 100)
        end -= len(percent or "")
        kind = Kind.PERCENTAGE
    elif share or under:
        kind = Kind.SHARE
    elif word in TIMES or re.match(r"[ -]times\b", after):
        kind = Kind.MULTIPLIER
    elif re.match(
        r"(?:st|nd|rd|th)\b|[ -](?:half|halves|thirds|quarters|fourths|fifths|sixths|eighths|tenths)\b", after
    ):
        kind = Kind.ORDINAL if after[0] in "snrt" else Kind.UNKNOWN
    elif re.match(r":\d|\s?[ap]\.?m\b|\s?o'clock", after) or (
        not currency and digits and len(digits) == 4 and 1900 <= value <= 2100 and not re.match(r" [a-z]+s\b", after)
    ):
        kind = Kind.DATE
    else:
        money = bool(currency) or thing in ("dollar", "cent", "buck", "penny")
        if currency:
            thing = "dollar"
        if re.search(
            r"\b(?:Grade|grade|Room|Chapter|chapter|page|Page|number|level|Level|No\.|class|Day|day|May|April|June"
            r"|July|March|August|September|October|November|December|January|February) #?\Z",
            before,
        ):
            kind = Kind.UNKNOWN
        elif _THAN.match(after):
            kind = Kind.DIFFERENCE
        elif _EACH.match(after) or _BEFORE_EACH.search(before):
            kind = Kind.RATE
        elif money:
            kind = Kind.MONEY
        elif thing in _KIND_OF_UNIT:
            kind = _KIND_OF_UNIT[thing]
        elif thing and not (spelled and value == 1):
            kind = Kind.COUNT
        else:
            kind = Kind.UNKNOWN
    if (
        digits
        and currency == ""
        and kind is not Kind.PERCENTAGE
        and re.match(
            r"-(?!year|inch|minute|hour|day|foot|mile|pound|ounce|gallon|week|liter|month|piece|page|mi)", after
        )
    ):
        kind = Kind.UNKNOWN
    names = names_in(before)
    return Quantity(value, kind, thing, names[-1] if names else "", number, ((start, end),), spelled)


def thing_after(after: str) -> str:
    """The noun that a number counts: the last of up to three words before something that ends them.

    >>> thing_after(" more blue pens than red pens"), thing_after(" of her friends in April"), thing_after(".")
    ('pen', 'friend', '')
    """
    rest = after.lstrip()
    while match := _SKIPPED.match(rest):
        rest = rest[match.end() :]
    noun = ""
    for _ in range(3):
        match = _WORD.match(rest)
        if match is None or match[0].lower() in _ENDS:
            break
        noun = match[0]
        rest = rest[match.end() :]
        if not rest.startswith(" "):
            break
        rest = rest.lstrip()
    return singular(noun.rpartition("-")[2]) if noun else ""


def names_in(text: str) -> list[str]:
    """The names that a text says, in order.

    >>> names_in("If Ann has twice as many as Tom, how many has Ann?")
    ['Ann', 'Tom', 'Ann']
    """
    return [name for name in _NAME.findall(text) if name not in _NO_NAME]
