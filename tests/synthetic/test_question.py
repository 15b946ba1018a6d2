"""The numbers of a question are typed; what is not certain is unknown."""

import pytest

from prm_gsm8k.synthetic.question import Kind, Quantity, read_question


def quantities(text: str) -> list[Quantity]:
    return list(read_question(text).quantities)


@pytest.mark.parametrize(
    ("text", "value", "kind", "thing"),
    [
        ("Jo has 48 clips.", "48", Kind.COUNT, "clip"),
        ("Jo has 7 more blue pens than Al.", "7", Kind.DIFFERENCE, "pen"),
        ("Jo is 7 years older than Al.", "7", Kind.DIFFERENCE, "year"),
        ("Jo pays $1,250.50.", "2501/2", Kind.MONEY, "dollar"),
        ("Jo reads for 20 minutes.", "20", Kind.TIME, "minute"),
        ("Jo runs 3 miles.", "3", Kind.LENGTH, "mile"),
        ("Jo weighs 90 pounds.", "90", Kind.WEIGHT, "pound"),
        ("Jo drinks 5 liters.", "5", Kind.VOLUME, "liter"),
        ("Jo pays $3 per hour.", "3", Kind.RATE, "dollar"),
        ("Jo buys books for $3 each.", "3", Kind.RATE, "dollar"),
        ("Each box holds 12 pens.", "12", Kind.RATE, "pen"),
        ("Jo spends 20% of it.", "1/5", Kind.PERCENTAGE, ""),
        ("Jo spends 20 percent of it.", "1/5", Kind.PERCENTAGE, "percent"),
        ("Jo eats 3/4 of the pie.", "3/4", Kind.SHARE, "pie"),
        ("Jo eats two-thirds of the pie.", "2/3", Kind.SHARE, "pie"),
        ("Jo has 3 times as many.", "3", Kind.MULTIPLIER, ""),
        ("Jo has twice as many.", "2", Kind.MULTIPLIER, ""),
        ("Jo left at 5 pm.", "5", Kind.DATE, "pm"),
        ("Jo was born in 1970.", "1970", Kind.DATE, ""),
        ("Jo lives in house number 7.", "7", Kind.UNKNOWN, ""),
        ("Jo has 5.", "5", Kind.UNKNOWN, ""),
    ],
)
def test_a_number_has_a_kind_and_counts_a_thing(text: str, value: str, kind: Kind, thing: str) -> None:
    [quantity] = quantities(text)
    assert (str(quantity.value), quantity.kind) == (value, kind)
    assert kind in (Kind.DATE, Kind.UNKNOWN, Kind.PERCENTAGE) or quantity.thing == thing


def test_a_number_that_is_said_again_is_one_quantity() -> None:
    first, share = quantities("Jo has 48 clips and sold half of the 48 clips.")
    assert len(first.mentions) == 2
    assert share.kind is Kind.SHARE


def test_two_things_of_the_same_number_are_two_quantities() -> None:
    assert len(quantities("Jo has 4 pens. Al has 4 pens.")) == 2


def test_what_counts_nothing_is_of_a_kind_that_no_edit_touches() -> None:
    found = quantities("On the 5th day, the third one and size A4 cost nothing at 3:00.")
    assert {quantity.kind for quantity in found} <= {Kind.ORDINAL, Kind.DATE, Kind.UNKNOWN}


def test_an_edit_changes_every_mention() -> None:
    question = read_question("Jo has 48 clips and sold half of the 48 clips.")
    [clips, _] = question.quantities
    assert question.edited(dict.fromkeys(clips.mentions, "50")) == "Jo has 50 clips and sold half of the 50 clips."
