"""Where tasks run: on this machine, or on a cluster by Slurm or Ray."""

from __future__ import annotations

from dataclasses import dataclass

from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.executors.job import TaskJob

EXECUTORS = ("local", "slurm", "ray")


@dataclass(frozen=True)
class Executor:
    """Where tasks run; nothing here changes what they make.

    Attributes:
        executor: `local`, `slurm` or `ray`.
        tasks: number of tasks the problems are split into.
        workers: tasks that run at once; None for all.
        partition, time_limit: of Slurm.
        gpus: per task, for Slurm and Ray.
    """

    executor: str = "local"
    tasks: int = 1
    workers: int | None = None
    partition: str | None = None
    time_limit: str = "20:00:00"
    gpus: int = 0

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise UsageError(f"executor must be one of {', '.join(EXECUTORS)}, not {self.executor!r}")
        if self.tasks < 1:
            raise UsageError(f"tasks must be above 0, not {self.tasks}")
        if self.executor == "slurm" and self.partition is None:
            raise UsageError("slurm needs a partition: --partition")

    def start(self, job: TaskJob) -> str | None:
        """Run the tasks of a job to their end; with Slurm submit them, and return the id of its job.

        Raises:
            EngineError: a task failed or was killed, or the executor does not start.
        """
        from prm_gsm8k.executors.tasks import run_local, run_ray, submit_slurm

        workers = min(self.workers or self.tasks, self.tasks)
        if self.executor == "slurm":
            return submit_slurm(job, self.tasks, workers, self.partition or "", self.time_limit, self.gpus)
        if self.executor == "ray":
            run_ray(job, self.tasks, workers, self.gpus)
        else:
            run_local(job, self.tasks, workers)
        return None
