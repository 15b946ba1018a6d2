"""`prm-gsm8k verify`: is it what it claims to be?"""

from __future__ import annotations

from pathlib import Path

from prm_gsm8k.commands.common import Folder, Json, errors, print_json, printer
from prm_gsm8k.exceptions import PrmGsm8kError


def verify(folder: Folder = Path("data"), json: Json = False) -> None:
    """Check a folder again from its bytes: digests, contract, counts, card, labels, and each row once more."""
    with errors():
        from dataclasses import asdict

        from prm_gsm8k.verify import verify as verified

        verdict = verified(folder)
        if json:
            print_json({"ok": verdict.ok, **asdict(verdict)})
        else:
            from prm_gsm8k.terminal import show_verdict

            show_verdict(printer(), verdict)
        if not verdict.ok:
            raise PrmGsm8kError(f"{folder}: {len(verdict.findings)} findings; build it again, or fetch it again")
