"""What can be cut out of a question and still leaves one: a sentence, a clause, an item of a list, an addition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from prm_gsm8k.synthetic.question import SMALL, Question


class Cut(NamedTuple):
    """A place of a question that can go.

    >>> from prm_gsm8k.synthetic.question import read_question
    >>> text = "She buys a hat for $9, a scarf for $2 and 3 pens."
    >>> [cut.of(text) for cut in cuts(read_question(text))][0]
    'She buys a hat for $9 and a scarf for $2.'
    """

    start: int
    end: int
    comma: int = -1  # of a list that loses its last item: the comma that becomes "and"

    def of(self, text: str) -> str:
        """The text without what is cut."""
        before = text[: self.start]
        if self.comma >= 0:
            before = before[: self.comma] + " and" + before[self.comma + 1 :]
        return before + text[self.end :]


_N = rf"(?:\$?\.?\d[\d,./]*%?|(?i:{'|'.join(SMALL[1:])}|half|twice)\b)"
_HAS_NUMBER = re.compile(rf"(?<![\w.]){_N}")
_BACK = re.compile(
    r"(?:It|They|This|That|These|Those|The (?:other|rest|remaining|first|second|latter|remainder)|Both|Each|Half"
    r"|Of (?:the|those|them|these)|If (?:it|they|the)|However|But|Another|One|On the|Every|All|Some|Out of)\b"
)
_NOT_BEHIND = r"(?:how|what|if|then|so|who|which|where|when|after|that|at|in|on|for|with|but)\b"
# A clause of its own, up to where it ends: " and gives 5 to her sister", ", but 3 of them were rotten".
_CLAUSE = re.compile(
    rf"(?P<lead>,? (?:and|but)(?: then| also| later| another)?) (?!then |so |how |what |if )"
    rf"(?P<body>[^.,;?!:]*?(?<![\w.]){_N}[^.,;?!:]*?)"
    r"(?=\.(?:\s|\Z)|, (?:how|what|and|but|then)\b| and (?!a half|\d/\d)| but )"
)
_SUBJECT = re.compile(rf"{_N} [a-z]+ (?:is|are|was|were|has|have|had|will|can|go|goes)\b")
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|[a-z]+ed)\b")
_NO_VERB_YET = re.compile(rf"(?:\A|\b)(?:If|When|After|Once) (?:{_N} )?[a-z]+\Z", re.IGNORECASE)
_LISTED = re.compile(rf",? (?:and|but) (?:another )?(?:{_N}|an? )")
# An item in the middle of a list.
_ITEM = re.compile(rf", (?!and\b|but\b|{_NOT_BEHIND})(?P<body>[^.,;?!:]*?(?<![\w.]){_N}[^.,;?!:]*)(?=, )")
# The first item: "[3 pens, ]4 books and a ruler", "[a hat for $5 and ]a scarf for $3".
_FIRST = re.compile(
    rf"(?<=[^,] )(?P<body>(?:an? [$a-z]|{_N} )(?:(?! and )[^.,;?!:])*(?:, | and ))(?=(?:an? [$a-z]|{_N} ))",
)
# What is added to something: ", of which 3 were rotten", " plus a $5 fee", " after paying $10 for parking".
_ADDITION = re.compile(
    r"(?:,? plus |,? as well as |,? along with |,? in addition to |,? except for |,? not including |,? but only after "
    rf"| after (?:paying|giving|spending|losing|eating|selling|using|taking|putting|donating|buying|adding) "
    rf"|, (?:of|{_N} of) wh(?:ich|om) | with an? (?:additional |extra )?(?=\$?\d+(?:%| percent)| ?\$)"
    rf"| at an? (?=\d+(?:%| percent) (?:discount|off)))"
    r"[^.,;?!:]*?(?:[.,]\d[^.,;?!:]*)?(?=[.,;?!:](?:\s|\Z))"
)
# What makes it several times as much: "3 times" a day, " on each of the 5 shelves", "She does this for 3 days."
_FACTOR = re.compile(
    rf" (?:{_N} times|twice)(?= (?:a|per|each|every) (?:day|week|month|year|hour)\b)"
    rf"| (?:in|on|to|for|at) each of (?:the |his |her |their )?{_N} [a-z]+(?: [a-z]+)?(?=[.,?])"
    rf"|(?<=[.?!] )(?:He|She|They|[A-Z][a-z]+) (?:does|do|did|repeats?|repeated) (?:this|that|it) (?:for )?{_N} "
    rf"(?:times|days|weeks|months|years)\. "
)
_COUNTED = re.compile(rf"{_N} [a-z]+\Z")
_RELATES = re.compile(r"\b(?:between|than|times|each of)\b")


_ABBREVIATED = re.compile(r"\b(?:Mrs?|Ms|Dr|St)\Z")


def cuts(question: Question) -> Iterator[Cut]:
    """Everything with a number that can go; whole sentences first."""
    for cut in _cuts(question):
        around = cut.of(question.text)[max(0, cut.start - 2) : cut.start + 2]
        if not _ABBREVIATED.search(question.text, cut.start, cut.end) and not re.search(r"[,;:] ?[.?!]", around):
            if re.search(r"\b[Aa]n? an? ", cut.of(question.text)):
                continue
            yield cut


def _cuts(question: Question) -> Iterator[Cut]:
    text = question.text
    for number, (start, end) in enumerate(question.sentences):
        last = number + 1 == len(question.sentences)
        if number and not last and text[end - 1] == "." and _HAS_NUMBER.search(text, start, end):
            after = question.sentences[number + 1][0]
            if not _BACK.match(text, after):
                yield Cut(start, after)
        yield from _within(text, start, end)


def _within(text: str, start: int, end: int) -> Iterator[Cut]:
    for match in _CLAUSE.finditer(text, start, end):
        first = text[start : match.start()]
        own = re.match(r"(?:he|she|they|it|[A-Z][a-z]+) [a-z]+", match["body"]) and "," in match["lead"]
        if (own or _HAS_NUMBER.search(first)) and not re.search(r"\b(?:between|[Hh]ow|[Ww]hen|both|either)\b", first):
            if (_SUBJECT.match(match["body"]) and not _VERB.search(first)) or _NO_VERB_YET.search(first):
                continue  # "A class with 20 students and 3 teachers is going", "If 6 chefs and 3 waiters leave"
            if _LISTED.match(text, match.end()) and not re.match(rf"{_N}|an? ", match["body"]):
                continue  # the verb of what follows: "and drove 9 miles on Monday and 5 on Tuesday"
            if text[match.end()] == "," and not text.startswith((", and", ", but"), match.end()) and not own:
                if not re.match(r"(?:If|After|When) ", first):
                    continue
            yield Cut(match.start(), match.end(), _comma(first, start))
    for match in _ITEM.finditer(text, start, end):
        first = text[start : match.start()]
        behind = text[match.end() :]
        if not _HAS_NUMBER.search(first[-60:]) or re.match(rf", {_NOT_BEHIND}", behind):
            continue
        if re.match(r", and\b", behind) and "," not in first:
            yield Cut(match.start(), match.end() + 1)  # of three items two are left, without a comma
        else:
            yield Cut(match.start(), match.end())
    for match in _FIRST.finditer(text, start, end):
        if _HAS_NUMBER.search(match["body"]) and not _RELATES.search(text, start, match.end()):
            yield Cut(match.start(), match.end())
    for match in _ADDITION.finditer(text, start, end):
        if _HAS_NUMBER.search(match[0]):
            yield Cut(match.start(), match.end())
    for match in _FACTOR.finditer(text, start, end + 1):
        if re.match(r" (?:a|per)\b", text[match.end() :]) and not _COUNTED.search(text, start, match.start()):
            continue  # "He uses it a week"
        yield Cut(match.start(), match.end())


def _comma(first: str, start: int) -> int:
    """The comma before what becomes the last item of a list: "a hat, a scarf" and no third."""
    comma = first.rfind(", ")
    if comma < 0 or " and " in first[comma:]:
        return -1
    if not _HAS_NUMBER.search(first[:comma]):
        return -1
    return start + comma if re.match(rf", (?:an? [$a-z]|{_N} |[a-z]+s? for \$)", first[comma:]) else -1


def is_factor(cut: Cut, text: str) -> bool:
    """Whether what is cut makes something several times as much."""
    return bool(_FACTOR.match(text, cut.start))
