"""`prm-gsm8k verify`: check a folder or a published dataset against its own manifest, or somebody else's rows."""

from __future__ import annotations

from prm_gsm8k.cli.common import Format, Json, Where, a_build, errors, print_json, read_rows
from prm_gsm8k.exceptions import PrmGsm8kError


def verify(
    where: Where = "data",
    format: Format = None,
    json: Json = False,
) -> None:
    """Check files, digests, counts, card and every row again.

    Reads the bytes anew and trusts nothing in the manifest. Ends with 1 if anything differs. Of somebody else's rows:
    whether each can be read, and whether labels contradict each other.
    """
    with errors():
        from dataclasses import asdict

        from prm_gsm8k.build.registry import RECIPES
        from prm_gsm8k.dataset.verify import verify as verified
        from prm_gsm8k.dataset.verify import verify_rows

        if (here := a_build(where, format)) is not None:
            verdict = verified(here.folder, RECIPES)
            verdict.folder, cure = here.name, "; build or download it again"
        else:
            data = read_rows(where, None, format)
            verdict = verify_rows(data.name, data.tables, labelled=data.labelled)
            cure = ""
        if json:
            print_json({"ok": verdict.ok, **asdict(verdict)})
        else:
            from prm_gsm8k.cli.console import show_verdict

            show_verdict(verdict)
            if here is None:
                print("no manifest.json: nothing else that can be checked")
        if not verdict.ok:
            raise PrmGsm8kError(f"{verdict.folder}: {len(verdict.findings)} findings{cure}")
