"""The families of question edits, in the order in which a problem tries them."""

from prm_gsm8k.synthetic.twins.edit import Family
from prm_gsm8k.synthetic.twins.families import (
    again,
    amount,
    aside,
    base,
    calculation,
    conclusion,
    dropped,
    earlier,
    exchanged,
    in_total,
    last_part,
    multiple,
    number,
    operation,
    referent,
    relation,
    skipped,
    target,
    term,
    unit,
)

FAMILIES: tuple[Family, ...] = (
    relation.FAMILY,
    multiple.FAMILY,
    amount.FAMILY,
    base.FAMILY,
    referent.FAMILY,
    dropped.FAMILY,
    last_part.FAMILY,
    in_total.FAMILY,
    unit.FAMILY,
    exchanged.FAMILY,
    target.FAMILY,
    aside.FAMILY,
    earlier.FAMILY,
    number.FAMILY,
    # no other reading of the question
    again.FAMILY,
    skipped.FAMILY,
    term.FAMILY,
    operation.FAMILY,
    calculation.FAMILY,
    conclusion.FAMILY,
)
