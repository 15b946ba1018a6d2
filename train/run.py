"""The folder of a run: it belongs to one run, which goes on where it was killed.

`prm_run.json` says what decides the weights the run ends with. The same command goes on with the last whole checkpoint;
a command that would end with other weights is refused, with what differs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.train.trainer import checkpoints, drop_half_checkpoints

FILE = "prm_run.json"
DONE = "prm_training.json"


@dataclass(frozen=True)
class Claim:
    """What a run finds in its folder: a checkpoint to go on from, or the PRM itself."""

    checkpoint: Path | None
    finished: bool


def claim(folder: Path, identity: Mapping[str, Any], *, overwrite: bool = False) -> Claim:
    """Make the folder this run's, or find that it is already.

    Args:
        folder: `--output_dir`.
        identity: what decides the result; JSON.
        overwrite: delete what another run left there; not what this one did.

    Raises:
        UsageError: it holds another run, or something else.
    """
    mine = json.loads(json.dumps(identity))
    known = folder / FILE
    if known.exists():
        theirs = json.loads(known.read_text(encoding="utf-8"))
        if theirs == mine:
            drop_half_checkpoints(folder)
            whole = checkpoints(folder)
            return Claim(whole[-1] if whole else None, (folder / DONE).exists())
        if not overwrite:
            raise UsageError(
                f"{folder} holds another run: {_difference(theirs, mine)}. Name another --output_dir, or give "
                "--overwrite_output_dir to delete it"
            )
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds something else ({next(folder.iterdir()).name}); name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{FILE}"
    half.write_text(json.dumps(mine, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    half.replace(known)
    return Claim(None, False)


def _difference(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> str:
    names = [name for name in {**theirs, **mine} if theirs.get(name) != mine.get(name)]
    said = [f"{name} {_short(theirs.get(name))} there, {_short(mine.get(name))} here" for name in names[:3]]
    return "; ".join(said) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else text[:12] + "…"
