"""The families of question edits, in the order in which a problem tries them."""

from prm_gsm8k.synthetic.twins.edit import Family
from prm_gsm8k.synthetic.twins.families import (
    base,
    dropped,
    exchanged,
    in_total,
    multiple,
    number,
    referent,
    relation,
    target,
)

FAMILIES: tuple[Family, ...] = (
    relation.FAMILY,
    multiple.FAMILY,
    base.FAMILY,
    referent.FAMILY,
    dropped.FAMILY,
    in_total.FAMILY,
    target.FAMILY,
    exchanged.FAMILY,
    number.FAMILY,
)
