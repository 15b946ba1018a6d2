"""`prm-gsm8k verify`: check a folder or a published dataset against its own manifest."""

from __future__ import annotations

from prm_gsm8k.cli.common import Json, Where, errors, print_json
from prm_gsm8k.exceptions import PrmGsm8kError


def verify(
    where: Where = "data",
    json: Json = False,
) -> None:
    """Check files, digests, counts, card and every row again.

    Reads the bytes anew and trusts nothing in the manifest. Ends with 1 if anything differs.
    """
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

            show_verdict(verdict)
        if not verdict.ok:
            raise PrmGsm8kError(f"{here.name}: {len(verdict.findings)} findings; build or download it again")
