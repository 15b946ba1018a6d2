"""`prm-gsm8k` and `train_prm.py` without what only POSIX has, here and in the processes that are started.

python tests/as_on_windows.py build synthetic --out out
python tests/as_on_windows.py train --model model --dataset out --output_dir prm
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


def run(command: str, folder: Path) -> None:
    """Run a command in a folder, in a process of its own; it must succeed."""
    environment = os.environ | {"HF_HOME": str(folder / "hf")}
    words = [sys.executable, __file__, *command.split()]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, (command, done.stderr)


def imitate() -> None:
    """Hide what Windows lacks; nothing is renamed onto what is there, and no folder is opened."""
    for name in ("fcntl", "resource", "pwd", "grp"):
        sys.modules[name] = None  # type: ignore[assignment]
    for module, names in (
        (os, "fork getuid sched_getaffinity killpg setsid sysconf getloadavg"),
        (signal, "SIGKILL SIGHUP SIGALRM"),
    ):
        for name in names.split():
            delattr(module, name)
    opened, renamed = os.open, os.rename

    def open_no_folder(path: Any, *more: Any, **named: Any) -> int:
        if not isinstance(path, int) and os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *more, **named)

    def rename_to_nothing(old: Any, new: Any, **named: Any) -> None:
        if os.path.lexists(new):
            raise FileExistsError(17, "File exists", str(new))
        renamed(old, new, **named)

    os.open, os.rename = open_no_folder, rename_to_nothing
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    from prm_gsm8k.dataset import files

    files._exchange = lambda a, b: False


if __name__ == "__mp_main__":  # a process that was started
    imitate()
if __name__ == "__main__":
    if sys.argv[1] in ("train", "score"):
        import accelerate  # noqa: F401 - these know what they may use on Windows
        import torch  # noqa: F401
        import transformers.trainer  # noqa: F401
    imitate()
    import multiprocessing

    multiprocessing.set_start_method("spawn", force=True)
    if sys.argv[1] == "train":
        from prm_gsm8k.train.train_prm import main

        del sys.argv[1]
        sys.exit(main())
    from prm_gsm8k.cli.main import app

    app(sys.argv[1:], prog_name="prm-gsm8k")
