"""`prm-gsm8k verify`: is it what it claims to be?"""

from __future__ import annotations

from prm_gsm8k.cli.common import Json, Where, errors, print_json, printer
from prm_gsm8k.exceptions import PrmGsm8kError


def verify(
    where: Where = "data",
    json: Json = False,
) -> None:
    """Check rows again from their bytes: digests, contract, counts, card, labels, and each row once more."""
    with errors():
        from dataclasses import asdict

        from prm_gsm8k.build.registry import RECIPES
        from prm_gsm8k.dataset.verify import verify as verified
        from prm_gsm8k.hub.location import place

        here = place(where)
        verdict = verified(here.folder, RECIPES)
        verdict.folder = here.name
        if json:
            print_json({"ok": verdict.ok, **asdict(verdict)})
        else:
            from prm_gsm8k.cli.console import show_verdict

            show_verdict(printer(), verdict)
        if not verdict.ok:
            raise PrmGsm8kError(f"{here.name}: {len(verdict.findings)} findings; build it again, or fetch it again")
