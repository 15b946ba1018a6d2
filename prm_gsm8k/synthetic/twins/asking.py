"""The question that a step of a solution answers, in the step's own words.

    Natalia sold 48/2 = 24 clips in May.                       How many clips did Natalia sell in May?
    The total cost of the apples is 3 * $2 = $6.               What is the total cost of the apples?
    Then find the total number of legs: 3 * 4 = 12 legs        What is the total number of legs?
    There are 9-4 = 5 blue pens left in the jar.               How many blue pens are there left in the jar?

Only plain statements are turned round; None for all others.
"""

from __future__ import annotations

import re

_IRREGULAR = (
    "sold sell bought buy made make ate eat spent spend paid pay got get gave give took take ran run drove drive won "
    "win lost lose found find read read drank drink wrote write grew grow caught catch built build brought bring kept "
    "keep sent send drew draw swam swim slept sleep rode ride threw throw had have cost cost"
).split()
_REGULAR = (
    "earn collect pick bake save walk plant use receive order need cook solve download watch play score serve deliver "
    "wash harvest purchase donate produce gather travel jog practice invite pack raise lift paint knit type clean "
    "weigh charge work"
).split()
PAST = dict(zip(_IRREGULAR[::2], _IRREGULAR[1::2], strict=True)) | {
    base + ("d" if base.endswith("e") else "ed"): base for base in _REGULAR
}
_PRESENT = {base + "s": base for base in (*_REGULAR, *_IRREGULAR[1::2])}
_PRESENT |= {"has": "have", "washes": "wash", "catches": "catch", "watches": "watch"}
_BARE = frozenset(PAST.values())

_LEAD = (
    r"(?:(?:So|Thus|Therefore|Then|Hence|In total|This means|That means|This would mean|Next|Now|Finally|Altogether"
    r"|Meanwhile|Since then|After that|Second|First|Overall|Also),? ?"
    r"|(?:(?:So|Then|And),? )?(?:If|Since|As|Because) [^,=]{3,90}, )?"
    r"(?:(?:then|that|so|it means|this means) )?"
)
_TOTAL = r"(?: a total of| in total)?"
_PHRASE = r"(?:[Tt]he|[Hh]is|[Hh]er|[Tt]heir|[A-Z][a-z]+'s) [A-Za-z' -]{3,70}?"
_IS = re.compile(rf"{_LEAD}({_PHRASE}) (is|was|will be) (?:equal to )?\$?\(?\Z")
_FIND = re.compile(
    r"(?:.* to |(?:First|Then|Next|Now|Finally|Also|And|Second|Third),? (?:let's |we |you )?(?:need to |have to )?)?"
    rf"([Ff]ind|[Ff]igure out|[Cc]alculate|[Dd]etermine) ({_PHRASE})(?: by [^:]+)?: \$?\(?\Z"
)
_THERE = re.compile(rf"{_LEAD}[Tt]here (are|were|will be|would be){_TOTAL} \$?\(?\Z")
_DOES = re.compile(
    rf"{_LEAD}([A-Z][a-z]+|[Hh]e|[Ss]he|[Tt]hey|[Tt]he [a-z]+(?: (?!has|had|have)[a-z]+)??)"
    rf"( then| also| now| still| only| already)?( will| would| can| could)? ([a-z]+){_TOTAL} \$?\(?\Z"
)
_BEHIND = re.compile(
    r"((?: (?:in|on|for|from|at|during|per|each|every|with|to|left|altogether|a|today|yesterday)\b[a-zA-Z' ]*?)?)\.?\Z"
)
_NOUN = re.compile(r"(?:[a-z]+ )?[a-z]+s(?: of [a-z]+)?")
_UNCLEAR = re.compile(
    r"\b(?:this|that|these|those|it|its|more|less|fewer|than|same|other|twice|half|following|above|rest|is|are|was"
    r"|were|which|who)\b"
)
_MEASURED = re.compile(
    r"\b(?:number|amount|costs?|price|total of|profit|salary|score|age|distance|time|weight|bill|discount|tip|fees?"
    r"|average|income|contribution|volume|area|length|width|height|speed|savings|earnings|value|tax|sum|revenue"
    r"|expenses?|payment|budget|pay|consumption|share|change)\b"
)
_COMPARES = re.compile(r"\b(?:more|less|fewer|cheaper|expensive|than|times|greater|short)\b")
_VAGUE = re.compile(r"[Tt]he (?:(?:new|final|old|remaining|first|second|result\w*|total) )?[a-z]+|.*\bremain.*")


def ask(parts: list[str], first: int, result: int, who: str, asked: str) -> str | None:
    """The question that a step answers, if it is clearly another one than `asked`.

    Args:
        parts: the step, cut at its numbers.
        first, result: the places of the first number of its only equation, and of its result.
        who: the name for "he" or "she"; "" where that is not certain.
        asked: what the problem asks.
    """
    if len(parts) != result + 2:
        return None
    head, tail = "".join(parts[:first]), parts[-1]
    money = parts[result - 1].rstrip().endswith("$")
    if _COMPARES.search(tail):
        return None
    if match := _IS.match(head):
        return _what(match[1], match[2], who, asked)
    if match := _FIND.match(head):
        return _what(match[2], "is", who, asked)
    behind = _BEHIND.search(tail)
    if behind is None:
        return None
    noun, rest = tail[: behind.start(1)].strip(), behind[1]
    if noun.startswith("of "):
        return None
    if rest.startswith(" of ") and (of := re.match(r" of [a-z]+", rest)):
        noun, rest = noun + of[0], rest[of.end() :]
    if _UNCLEAR.search(rest) or (not _NOUN.fullmatch(noun) if not money else noun):
        return None
    what = "How much money" if money else f"How many {noun}"
    if match := _THERE.match(head):
        if money:
            return None
        be, _, infinitive = match[1].partition(" ")
        if not rest and noun.split()[-1] in asked:
            return None
        return f"{what} {be} there{' ' + infinitive if infinitive else ''}{rest}?"
    match = _DOES.match(head)
    return _does(match, what, rest, who, asked) if match else None


def _what(phrase: str, be: str, who: str, asked: str) -> str | None:
    if _UNCLEAR.search(phrase) or _VAGUE.fullmatch(phrase) or not _MEASURED.search(phrase):
        return None
    if re.match(r"[Hh]is |[Hh]er |[Tt]heir ", phrase) and not who:
        return None
    if {word for word in re.findall(r"[a-z]{4,}", phrase.lower()) if word not in ("total", "number", "amount")} <= set(
        re.findall(r"[a-z]{4,}", asked.lower())
    ):
        return None  # it may be the same
    be, _, infinitive = be.partition(" ")
    phrase = phrase[0].lower() + phrase[1:] if phrase.split()[0] in ("The", "His", "Her", "Their") else phrase
    return f"What {be} {phrase}{' ' + infinitive if infinitive else ''}?"


def _does(match: re.Match[str], what: str, rest: str, who: str, asked: str) -> str | None:
    subject, aux, verb = match[1], (match[3] or "").strip(), match[4]
    plural = subject.lower() == "they" or (subject.lower().startswith("the ") and subject.endswith("s"))
    if subject in ("There", "It", "This", "That", "Each", "If"):
        return None
    if subject.lower() in ("he", "she"):
        if not who:
            return None
        subject = who
    elif subject.lower().startswith("the") or subject == "They":
        subject = subject[0].lower() + subject[1:]
    if aux:
        base = verb if verb in _BARE else ""
    elif verb == "cost":
        base, aux = "cost", "do" if plural else "did"
    elif verb in PAST:
        base, aux = PAST[verb], "did"
    elif plural and verb in _BARE:
        base, aux = verb, "do"
    else:
        base, aux = _PRESENT.get(verb, ""), "does"
    if not base:
        return None
    if base == "cost":
        return f"How much {aux} {subject} cost{rest}?" if what == "How much money" else None
    if not rest and not _tells_apart(subject, base, what, who, asked):
        return None
    return f"{what} {aux} {subject} {base}{rest}?"


def _tells_apart(subject: str, base: str, what: str, who: str, asked: str) -> bool:
    """Whether a question without a time or a place asks clearly for something else than `asked` does."""
    if not who and subject not in ("they", "They") and subject not in asked:
        return True  # of several people, one that is not asked for
    if base in ("have", "make", "earn", "get", "spend"):
        return False
    return base not in asked and (what == "How much money" or what.split()[2] not in asked or base[:4] not in asked)
