"""The question that a step of a solution answers, in the step's own words.

    Natalia sold 48/2 = 24 clips in May.                       How many clips did Natalia sell in May?
    On Monday, she made 5 * $4 = $20.                          How much money did Natalia make on Monday?
    He needs 9 eggs for the cakes because 3 x 3 = 9            How many eggs does Al need for the cakes?
    The total cost of the apples is 3 * $2 = $6.               What is the total cost of the apples?
    Then find the total number of legs: 3 * 4 = 12 legs        What is the total number of legs?
    There are 9-4 = 5 blue pens left in the jar.               How many blue pens are there left in the jar?

Only plain statements are turned round; None for all others.
"""

from __future__ import annotations

import re

_IRREGULAR = (
    "sold sell bought buy made make ate eat spent spend paid pay got get gave give took take ran run drove drive "
    "won win lost lose found find read read drank drink wrote write grew grow caught catch built build brought bring "
    "kept keep sent send drew draw swam swim slept sleep rode ride threw throw had have cost cost held hold saw see "
    "taught teach wore wear fed feed lent lend put put cut cut jogged jog knitted knit shipped ship chopped chop "
    "carried carry studied study left leave dug dig"
).split()
_REGULAR = (
    "earn collect pick bake save walk plant use receive order need cook solve download watch play score serve "
    "deliver wash harvest purchase donate produce gather travel practice invite pack raise lift paint type "
    "clean weigh charge work jump owe contribute contain consume repair move share visit pass test fill climb "
    "complete finish own print attend discover hatch add answer gain cover remove deposit place return burn sew train "
    "bike dance fold prepare exercise rake review mow pour invest borrow hike photograph fix"
).split()
_PAST = dict(zip(_IRREGULAR[::2], _IRREGULAR[1::2], strict=True)) | {
    base + ("d" if base.endswith("e") else "ed"): base for base in _REGULAR
}
_PRESENT = {base + "s": base for base in (*_REGULAR, *_IRREGULAR[1::2])}
_PRESENT |= {"has": "have", "carries": "carry", "studies": "study"}
_PRESENT |= {base + "es": base for base in ("wash", "catch", "watch", "teach", "finish", "fix")}
PAST_OF = {base: past for past, base in reversed(_PAST.items())}
_BARE = frozenset(PAST_OF)
_VERB = "|".join(sorted({*_PAST, *_PRESENT, *_BARE}, key=len, reverse=True))

_LEAD = (
    r"(?:(?:So|Thus|Therefore|Then|Hence|In total|This means|That means|This would mean|Next|Now|Finally|Altogether"
    r"|Meanwhile|Since then|After that|Second|First|Overall|Also|And|However|But|In all)\b,? ?"
    r"|(?:(?:So|Then|And),? )?(?:If|Since|As|Because) [^,=]{3,90}, )?"
    r"(?:(?:then|that|so|it means|this means|in total,?) )?"
)
# "Jo works 5 days, so she works 5*3 = 15 hours.": what follows "so" is the statement.
_SO = re.compile(r"\b(?:so|meaning(?: that)?|which means(?: that)?|meant(?: that)?|that means(?: that)?),? (?:that )?")
_WHEN = re.compile(
    r"((?:[Oo]n|[Ii]n|[Aa]t|[Dd]uring|[Aa]fter|[Ff]or|[Oo]ver|[Bb]y)"
    r" (?!total|all|order|addition|fact|other|this|that|first|least|most|average|dollars|it|its|doing|these|those)"
    r"[A-Za-z0-9' -]{2,36}?, "
    r"|(?:[Oo]n|[Ii]n) (?:[A-Z][a-z]+|the [a-z]+ (?:day|week|month|year|hour|game|night|round)),? "
    r"|(?:[Ee]ach|[Ee]very|[Tt]his|[Ll]ast|[Oo]ne) (?:day|week|month|year|hour|minute|night|weekend|morning),? "
    r"|(?:[Tt]oday|[Yy]esterday|[Tt]omorrow),? )"
)
_TOTAL = r"(?: a total of| in total| about)?"
_PHRASE = r"(?:[Tt]he|[Hh]is|[Hh]er|[Tt]heir|[A-Z][a-z]+'s) [A-Za-z' -]{3,70}?"
_IS = re.compile(rf"{_LEAD}({_PHRASE}) (is|was|will be) (?:equal to )?\$?\(?\Z")
_FIND = re.compile(
    r"(?:.* to |(?:First|Then|Next|Now|Finally|Also|And|Second|Third),? (?:let's |we |you )?(?:need to |have to )?)?"
    rf"([Ff]ind|[Ff]igure out|[Cc]alculate|[Dd]etermine) ({_PHRASE})(?: by [^:]+)?: \$?\(?\Z"
)
_THERE = re.compile(rf"[Tt]here (are|were|will be|would be){_TOTAL} \$?\(?\Z")
_WORD = r"(?!(?:is|are|was|were|has|have|had|gets?|will|would|that|who|to|and|if|then|also|of|so)\b)[a-z-]+"
_SUBJECT = (
    r"[A-Z][a-z]+(?:(?: and)? [A-Z][a-z]+){0,2}|[Hh]e|[Ss]he|[Tt]hey"
    rf"|(?:[Tt]he|[Ee]ach|[Oo]ne|[Aa]n?|[A-Z][a-z]+'s) (?:{_WORD} ){{0,3}}?{_WORD}(?: of {_WORD}(?: {_WORD})?)?"
    r"|(?:[Tt]he )?(?:\d+|[Tt]wo|[Tt]hree|[Ff]our|[Ff]ive|[Ss]ix) "
    rf"(?:{_WORD} ){{0,3}}?{_WORD}(?<=s)(?: of {_WORD}(?: {_WORD})?)?"
)
_DOES = re.compile(
    rf"({_SUBJECT})(?: then| also| now| still| only| already| currently| therefore)*"
    rf"( will| would| can| could| needs to| need to| has to| have to| has| have| had)? ({_VERB})"
    rf"( away| out| up| back| off)?{_TOTAL} \$?\(?\Z"
)
_TAKES = re.compile(r"(?:[Ii]t) (takes|took|will take)( [A-Z][a-z]+| him| her| them)?" + _TOTAL + r" \$?\(?\Z")
_OLD = re.compile(rf"({_SUBJECT}) (is|was|will be){_TOTAL} \$?\(?\Z")
_TALL = re.compile(r" (?:years? (old)|(?:feet|inches|cm|centimeters|meters|miles|pages) (tall|long|wide|deep|high))\b")
_BEHIND = re.compile(
    r"((?: (?:in|on|for|from|at|during|per|each|every|with|to|left|altogether|a|today|yesterday|after|before|into"
    r"|across|around|between|last)\b[a-zA-Z' ]*?)?)\.?\Z"
)
_PASSIVE = re.compile(
    r" ((?:[a-z]+ )?[a-z]+s) (are|were|was|will be) ([a-z]+(?:ed|n|t|ing|old|ght|de)\b[a-zA-Z' ]*?)\.?\Z"
)
_NOUN = re.compile(r"(?:[a-z-]+ ){0,2}[a-z]+s(?: of [a-z]+)?")
_NO_NOUN = frozenset("total other remaining more that who which and two three four five six additional extra".split())
_PAYS = frozenset("spend earn pay cost save charge owe donate invest".split())
_UNCLEAR = re.compile(
    r"\b(?:this|that|these|those|it|its|more|less|fewer|than|same|other|twice|half|ratio|proportion|representing|following|above|rest|is|are|was"
    r"|were|which|who|faster|slower|longer|shorter|older|younger|higher|lower|heavier|lighter|taller)\b"
)
_LOOSE = re.compile(
    r"\b(?:them|him|its|itself)\b|\b(?:the|each|every|a|an|and) ?\Z|\b(?:first|second|third|other|one)\Z"
)
_MEASURED = re.compile(
    r"\b(?:number|amount|costs?|price|total of|profit|salary|score|age|distance|time|weight|bill|discount|tip|fees?"
    r"|average|income|contribution|volume|area|length|width|height|speed|savings|earnings|value|tax|sum|revenue"
    r"|expenses?|payment|budget|pay|consumption|share|change)\b"
)
_COMPARES = re.compile(r"\b(?:more|less|fewer|cheaper|expensive|than|times|greater|short)\b")
_VAGUE = re.compile(
    r"(?:[Tt]heir|[Hh]is|[Hh]er) (?:total )?(?:number|amount|sum|total|share|value)"
    r"|[Tt]he (?:(?:new|final|old|remaining|first|second|result\w*|total) )?[a-z]+|.*\bremain.*"
)


def ask(parts: list[str], first: int, result: int, who: str, asked: str) -> str | None:
    """The question that a step answers, if it is clearly another one than `asked`.

    Args:
        parts: the step, cut at its numbers.
        first, result: the places of the first number of its only equation, and of its result.
        who: the name for "he" or "she", or the pronoun that `asked` has; "" where that is not certain.
        asked: what the problem asks.
    """
    if len(parts) != result + 2:
        return None
    head, tail, money = "".join(parts[:first]), parts[-1], parts[result - 1].rstrip().endswith("$")
    if first > 1 and (because := re.match(r"(.*?),? because\b", parts[2])):  # "It has 9 apples because 4 + 5 = 9"
        if first != 3 or parts[1] != parts[result] or re.search("[a-z]", tail):
            return None
        head, tail, money = parts[0], because[1], parts[0].endswith("$")
    if _COMPARES.search(tail) or _OF_ALL.match(tail) or _counts_all(parts, first, result):
        return None
    if match := _IS.match(head):
        return None if _EACH.search(tail) and not _EACH.search(head) else _what(match[1], match[2], who, asked)
    if match := _FIND.match(head):
        return _what(match[2], "is", who, asked)
    subtracts = re.search("[-–−]", "".join(parts[first:result]))
    if subtracts and re.search(r" total| (?:needs?|ha(?:s|ve)) to |\bneeds?\b", parts[0] + tail):
        return None  # what is still needed, "in total"
    head = _SO.split(head)[-1]
    head = re.sub(rf"\A{_LEAD}", "", head)
    when = ""
    if match := _WHEN.match(head):
        when, head = f" {match[1][0].lower()}{match[1][1:].strip(' ,')}", head[match.end() :]
    if (match := _PASSIVE.match(tail)) and not head.strip(" $"):
        be, _, infinitive = match[2].partition(" ")
        if _UNCLEAR.search(match[3]) or _UNCLEAR.search(when):
            return None
        return f"How many {match[1]} {be} {infinitive + ' ' if infinitive else ''}{match[3]}{when}?"
    if (match := _OLD.match(head)) and (tall := _TALL.match(tail)):
        return _how_old(match, tall, tail[tall.end() :].rstrip("."), when, who, asked)
    behind = _BEHIND.search(tail)
    if behind is None:
        return None
    noun, rest = tail[: behind.start(1)].strip(), behind[1] + when
    if noun.startswith("of "):
        return None
    if rest.startswith(" of ") and (of := re.match(r" of [a-z]+", rest)):
        noun, rest = noun + of[0], rest[of.end() :]
    if _UNCLEAR.search(rest) or _LOOSE.search(rest):
        return None
    match = _DOES.match(head)
    if not noun and match and _base(match[3]) in _PAYS:
        money = True
    if noun if money else not _NOUN.fullmatch(noun) or not _NO_NOUN.isdisjoint(noun.split()):
        return None
    what = "How much money" if money else f"How many {noun}"
    if there := _THERE.match(head):
        if money:
            return None
        be, _, infinitive = there[1].partition(" ")
        if rest == " left" or (not rest and all(word in asked for word in noun.split())):
            return None
        return f"{what} {be} there{' ' + infinitive if infinitive else ''}{rest}?"
    if (takes := _TAKES.match(head)) and noun in ("hours", "minutes", "days", "weeks", "seconds", "months", "years"):
        if not rest or (takes[2] or "").strip() in ("him", "her", "them"):
            return None
        aux = {"takes": "does it take", "took": "did it take", "will take": "will it take"}[takes[1]]
        return f"{what} {aux}{takes[2] or ''}{rest}?"
    return _does(match, what, rest, who, asked) if match else None


# "85% of Al's", "$500 per week" of a fee
_OF_ALL = re.compile(r" ?(?:%|percent\b|of (?:[A-Z]|the (?:whole|total)))")
_EACH = re.compile(r"\b(?:per|each|every|an?|average|rate|speed|daily|weekly|monthly|hourly)\b|/")


def _counts_all(parts: list[str], first: int, result: int) -> bool:
    """Whether a step says "each" and multiplies by how many there are: "in each car is 6 * 2 cars = 12"."""
    made = "".join(parts[first : result + 1])
    each = re.search(r"\b(?:each|every|per) ([a-z]+)", parts[0])
    return bool(each and re.search(rf"[*x×] ?\d+ {each[1]}(?:s|es)\b(?!/)", made))


def _how_old(match: re.Match[str], tall: re.Match[str], rest: str, when: str, who: str, asked: str) -> str | None:
    """How old or how tall somebody is."""
    subject, (be, _, infinitive), how = match[1], match[2].partition(" "), tall[1] or tall[2]
    if subject in ("There", "It", "This", "That", "They", "he", "she", "He", "She", "they") or rest.strip():
        if subject.lower() not in ("he", "she") or not who or rest.strip() or (who in _HIS and who != subject.lower()):
            return None
        subject = who
    if subject.startswith(("The", "Each", "One", "A ")):
        subject = subject[0].lower() + subject[1:]
    if not when and subject in asked and how in asked:
        return None
    return f"How {how} {be} {subject}{' ' + infinitive if infinitive else ''}{when}?"


def _base(verb: str) -> str:
    """The base of a verb in any form."""
    return _PAST.get(verb) or _PRESENT.get(verb) or verb


def _what(phrase: str, be: str, who: str, asked: str) -> str | None:
    if _UNCLEAR.search(phrase) or _VAGUE.fullmatch(phrase) or not _MEASURED.search(phrase):
        return None
    own = re.match(r"[Hh]is |[Hh]er |[Tt]heir ", phrase)
    if own and not (who if who not in _HIS else _HIS[who] == own[0].lower()):
        return None
    if {word for word in re.findall(r"[a-z]{4,}", phrase.lower()) if word not in ("total", "number", "amount")} <= set(
        re.findall(r"[a-z]{4,}", asked.lower())
    ):
        return None  # it may be the same
    be, _, infinitive = be.partition(" ")
    phrase = phrase[0].lower() + phrase[1:] if phrase.split()[0] in ("The", "His", "Her", "Their") else phrase
    return f"What {be} {phrase}{' ' + infinitive if infinitive else ''}?"


def _does(match: re.Match[str], what: str, rest: str, who: str, asked: str) -> str | None:
    subject, aux, verb = match[1], (match[2] or "").strip(), match[3]
    first = subject.split()[0].lower()
    several = bool(_PLURAL.search(subject.partition(" of ")[0])) and (first in _SEVERAL or first[0].isdigit())
    plural = first == "they" or " and " in subject or several
    if re.search(r" (?:now|still|only)\b", match[0][len(subject) :]):
        return None  # it was another number before
    if " " in subject and re.search(r"\b(?:he|she|they|we|you|it)\Z", subject):
        return None  # "The second day he visited"
    things = re.findall("[a-z]{3,}", f"{what.removeprefix('How many ')} {rest}") if what != "How much money" else ()
    if not {word.removesuffix("s") for word in subject.lower().split()[1:]}.isdisjoint(
        t.removesuffix("s") for t in things
    ):
        return None  # "3 dozen eggs make 36 eggs", "a truck carries so much per truck"
    if subject in ("There", "It", "This", "That", "Each", "If", "Since", "Then", "So", "And", "A", "One", "What"):
        return None
    if first == "they" and not re.search(r"\b(?:they|their|them)\b", asked):
        return None
    if first in ("he", "she"):
        if not who or (who in _HIS and who != first):
            return None
        subject = who
    elif first in ("the", "each", "one", "a", "an", "they", *_SEVERAL):
        subject = subject[0].lower() + subject[1:]
    base = _base(verb)
    if aux in ("has", "have", "had"):  # has baked
        if _PAST.get(verb) is None or base in ("have", "eat", "give", "take", "drive", "write", "see", "grow"):
            return None
        return f"{what} {aux} {subject} {verb}{match[4] or ''}{rest}?"
    if aux.endswith(" to"):
        base, aux = f"{aux.split()[0].replace('has', 'have').removesuffix('s')} to {verb}", "do" if plural else "does"
    elif aux:
        base = verb if verb in _BARE else ""
    elif verb == "cost" or (verb in _PAST and verb not in _BARE):
        aux = "do" if verb == "cost" and plural else "did"
    elif plural and verb in _BARE:
        aux = "do"
    elif verb in _PRESENT:
        aux = "does"
    else:
        aux = "did" if verb in _PAST else ""
    if not base or not aux or (plural and verb not in _BARE and verb in _PRESENT):
        return None
    if base == "have" and rest.startswith(" to "):
        return None
    if first == "they" and base in ("cost", "hold", "contain", "weigh"):
        return None
    if first in ("each", "one", "a", "an"):
        rest = re.sub(r" (?:each|apiece)\Z", "", rest)
    if base == "cost":
        return f"How much {aux} {subject} cost{rest}?" if what == "How much money" else None
    if not rest and not _tells_apart(subject, base, what, who, asked):
        return None
    return f"{what} {aux} {subject} {base}{match[4] or ''}{rest}?"


_PLURAL = re.compile(r"(?<![su])s\Z(?<!\bgas)")
_HIS = {"he": "his ", "she": "her "}
_SEVERAL = ("the", "two", "three", "four", "five", "six")


_MEASURES = frozenset("different pounds pairs packs boxes bags dollars".split())


def _tells_apart(subject: str, base: str, what: str, who: str, asked: str) -> bool:
    """Whether a question without a time or a place asks clearly for something else than `asked` does."""
    if not who and subject not in ("they", "They") and subject not in asked:
        return True  # of several people, one that is not asked for
    if base.split()[-1] in ("have", "make", "earn", "get", "spend"):
        words = what.split()  # "How many blue pens"
        return len(words) == 4 and words[2] not in asked and words[2] not in _MEASURES
    return base not in asked and (what == "How much money" or what.split()[2] not in asked or base[:4] not in asked)
