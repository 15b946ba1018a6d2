"""Is a text in English? By its script and its function words: no model, no word lists to download.

>>> other_language("Jo has 3 pens and buys 4 more. How many pens does she have?")
>>> other_language("Jo hat 3 Stifte und kauft 4 weitere. Wie viele Stifte hat sie?")
'German'
>>> other_language("小明有3支笔，又买了4支。他一共有几支笔？"), other_language("1 + 1?")
('Chinese', None)
"""

from __future__ import annotations

import re
import unicodedata

# Frequent words that English does not have; a word of several languages counts for each.
_WORDS = {
    "German": "der das und ist wie viele viel hat haben ein eine einen einem einer nicht von mit zu dem "
    "sie er wir ihr für auf aus bei nach kostet kauft jede jeder jedes jeden sind wird werden "
    "pro insgesamt zusammen also beträgt sich um",
    "Dutch": "het een en van hoeveel heeft hebben zijn niet met voor dat ze hij elke kost koopt wordt "
    "ook aan bij naar dus",
    "Danish": "og er en et hvor mange har af på til med det som de hver koster køber han hun ikke for kr får",
    "Norwegian": "og er en et hvor mange har av på til med det som de hver koster kjøper han hun ikke får",
    "Swedish": "och är en ett hur många har av på till med det som de varje kostar köper han hon inte får",
    "Finnish": "ja on kuinka monta paljon hän hänellä joka maksaa yhteensä kun ovat että niin",
    "French": "le la les des une en et est combien de du dans il elle ils elles pour avec chaque par que "
    "qui au aux sont donc coûte achète ont",
    "Spanish": "el la los las una y cuántos cuántas cuánto tiene de del en por con para cada que se es "
    "son ella él cuesta compra más entonces",
    "Portuguese": "o os as uma e quantos quantas quanto tem de do da dos das em por com para cada que ele "
    "ela custa compra mais são então",
    "Italian": "il lo la gli le una e quanti quante quanto ha di del della dei che per con ogni sono è "
    "nel costa compra più quindi",
    "Romanian": "și este câte câți cât are de din pentru cu fiecare care sunt în la costă un o cumpără mai",
    "Catalan": "el la els les una i quants quantes té de del per amb cada que és són ell ella costa compra més",
    "Polish": "i jest ile ma w z na do za się nie każdy każda kosztuje kupuje oraz są ona jego po więc",
    "Czech": "a je kolik má v z na do se každý každá stojí koupí jsou ona jeho po tedy kolika",
    "Hungarian": "a az és egy hány van mennyi neki minden kerül vesz ha hogy nem összesen darab",
    "Turkish": "ve bir kaç tane var her kadar için ile toplam tanesi ne lira kaçtır olan daha",
    "Indonesian": "dan yang berapa dia memiliki setiap untuk dengan dari di ke adalah ada membeli banyak harga",
    "Vietnamese": "và có bao nhiêu mỗi của là được cho một những với trong anh cô mua giá",
    "Swahili": "na ya wa ni ana kila kwa ngapi wana kiasi jumla moja za la",
    "Tagalog": "ang ng mga sa at ay ilan siya may bawat niya nang kung magkano para",
}
_ENGLISH = frozenset(
    "the of and is are was were has have had how many much does did do to in for each he she they it his her their if"
    " on at with from this that there will would be can more than by per an as then so all when after what which who"
    " equals costs makes gets total thus therefore".split()
)
_LANGUAGES = {name: frozenset(words.split()) - _ENGLISH for name, words in _WORDS.items()}
_FOREIGN = frozenset().union(*_LANGUAGES.values())
_NOTHING = dict.fromkeys(_LANGUAGES, 0)
_SCRIPTS = {
    "CJK": "Chinese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CYRILLIC": "Russian or another language in Cyrillic",
    "ARABIC": "Arabic, Persian or Urdu",
    "DEVANAGARI": "Hindi or another language in Devanagari",
}
_SOME_WORDS = 10  # of which an English text has one of those above
_WORD = re.compile(r"[^\W\d_]{2,}")


def other_language(text: str) -> str | None:
    """The language of a text that is not English, or its script; None for English and hardly any words."""
    words = set(_WORD.findall(text.lower()))
    if not text.isascii():
        letters = "".join(words)
        names = [unicodedata.name(letter, "").partition(" ")[0] for letter in letters if letter > "\u024f"]
        foreign = [name for name in names if name not in ("LATIN", "GREEK", "MODIFIER")]
        if len(foreign) > len(letters) / 3:
            script = "HIRAGANA" if {"HIRAGANA", "KATAKANA"} & set(foreign) else max(set(foreign), key=foreign.count)
            return _SCRIPTS.get(script, script.capitalize())
    shared = words & _FOREIGN
    found = {name: len(shared & own) for name, own in _LANGUAGES.items()} if shared else _NOTHING
    name = max(found, key=found.__getitem__)
    english = len(words & _ENGLISH)
    if found[name] > max(1, english) or (found[name] and not english and len(words) >= _SOME_WORDS / 2):
        return name
    return "another language" if not english and len(words) >= _SOME_WORDS else None
