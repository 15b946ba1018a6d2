"""The families of question edits, in the order in which a problem tries them."""

from prm_gsm8k.synthetic.twins.edit import Family
from prm_gsm8k.synthetic.twins.families import (
    amount,
    another_one,
    base,
    difference,
    dropped,
    earlier,
    exchanged,
    further,
    in_total,
    multiple,
    number,
    period,
    referent,
    relation,
    several,
    target,
    unit,
)

FAMILIES: tuple[Family, ...] = (
    relation.FAMILY,
    multiple.FAMILY,
    amount.FAMILY,
    base.FAMILY,
    referent.FAMILY,
    dropped.FAMILY,
    in_total.FAMILY,
    unit.FAMILY,
    exchanged.FAMILY,
    difference.FAMILY,
    another_one.FAMILY,
    period.FAMILY,
    several.FAMILY,
    target.FAMILY,
    further.FAMILY,
    earlier.FAMILY,
    number.FAMILY,
)
