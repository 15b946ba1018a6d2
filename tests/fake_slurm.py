"""There is no Slurm here: this `sbatch` runs the tasks of the array that it is given, one after the other."""

from __future__ import annotations

import os
from pathlib import Path


def fake_slurm(place: Path) -> str:
    """Its commands, in a folder of `place`; returns a PATH that finds them."""
    sbatch = place / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(
        "#!/bin/bash\n"
        'script="${@: -1}"; [ -f "$script" ] || { script=$(mktemp); cat > "$script"; }\n'
        "export SLURM_JOB_ID=7 SLURM_NODEID=0 SLURM_PROCID=0 SLURM_NODELIST=here\n"
        "export SLURM_CPUS_PER_TASK=1 SLURM_MEM_PER_CPU=2048 SLURM_GPUS_ON_NODE=0\n"
        "if grep -q 'SBATCH --array=0-1' \"$script\"; then\n"
        '  cp "$script" submitted.sh\n'
        "  for task in 0 1; do SLURM_ARRAY_TASK_ID=$task "
        'bash "$script" > "slurm-$task.log" 2>&1 < /dev/null; done\n'
        "fi\n"
        'echo "Submitted batch job 7"\n'
    )
    for name, does in {
        "srun": 'while [[ "$1" == -* ]]; do [[ "$1" != -n ]] || shift; shift; done; exec "$@"',
        "scontrol": "echo here",
    }.items():
        (place / "bin" / name).write_text(f"#!/bin/bash\n{does}\n")
    for path in sbatch.parent.iterdir():
        path.chmod(0o755)
    return f"{sbatch.parent}:{os.environ['PATH']}"
