"""Tasks through datatrove's executors: what every task does, and how this machine, Slurm or Ray runs it."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import dill
import multiprocess
from datatrove.executor.local import LocalPipelineExecutor
from loguru import logger

from prm_gsm8k.exceptions import EngineError, PrmGsm8kError
from prm_gsm8k.executors.job import KEEPS, TaskJob


@contextmanager
def task(job: TaskJob, rank: int) -> Iterator[Callable[[], None]]:
    """Around the work of a task; yields what to call when a piece is done.

    An error is written down, since executors differ in what they do with one: one raises, one hangs on what it cannot
    unpickle, one goes on as if nothing were.
    """
    if _parent() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it reaches every process of a terminal; one says so
        end_with_parent()
    try:
        with job.progress(rank).open("ab", buffering=0) as file:
            yield lambda: void(file.write(b"."))
    except Exception as error:
        said = str(ours(error, job.disk) or f"{type(error).__name__}: {error}")
        try:
            job.error(rank).write_text(said, encoding="utf-8")
        except OSError:  # the disk is full: then it cannot be kept either
            raise EngineError(said) from None
        if "SLURM_JOB_ID" in os.environ:  # there nobody waits for the task to say it
            raise EngineError(said) from None  # a log with all variables would hold the key


def void(_: object) -> None:
    """What a value is turned into that nobody wants."""


def ours(error: BaseException | None, disk: str = "") -> PrmGsm8kError | None:
    """The error of ours that datatrove has wrapped, or what to say of a disk that is full."""
    while error is not None and not isinstance(error, PrmGsm8kError):
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return EngineError(f"{error.strerror}: free some space, or name a folder on another disk ({disk}). {KEEPS}")
        error = error.__cause__
    return error


class Local(LocalPipelineExecutor):
    """datatrove's, over a pool that notices when a task is killed. Its own would wait for it for ever, and leaves a
    process behind when it is killed itself. Tasks log to files alone; as local rank 0 they would to the terminal too.
    """

    def run(self) -> None:
        if self.workers == 1:
            for rank in range(self.tasks):
                deepcopy(self)._run_for_rank(rank, local_rank=1)
            return
        others = set(multiprocessing.active_children())
        context = multiprocessing.get_context("forkserver")
        pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=end_with_parent)
        try:
            executor = dill.dumps(self)
            for task in [pool.submit(_run_task, executor, rank) for rank in range(self.tasks)]:
                task.result()
        except BrokenProcessPool as error:
            raise EngineError(
                f"a task was killed, as a system short of memory does; fewer --workers need less. {KEEPS}"
            ) from error
        finally:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            pool.shutdown(cancel_futures=True)


def _run_task(executor: bytes, rank: int) -> None:
    dill.loads(executor)._run_for_rank(rank, local_rank=1)


def run_local(job: TaskJob, tasks: int, workers: int) -> None:
    """Tasks on this machine, `workers` at once; a single worker is this very process."""
    executor = Local(job.steps(), tasks=tasks, workers=workers, logging_dir=str(job.run / "logs"), skip_completed=False)
    with _quiet():
        executor.run()
    raise_errors(job, tasks)


def run_ray(job: TaskJob, tasks: int, workers: int, gpus: int) -> None:
    """Tasks on the Ray cluster that RAY_ADDRESS names, or on one of this machine that ends with the run."""
    try:
        import ray
    except ImportError as error:
        raise EngineError("--executor ray needs Ray: pip install 'ray[default]'") from error
    from datatrove.executor.ray import RayPipelineExecutor

    started = not ray.is_initialized()
    if started:
        try:
            cpus = None if "RAY_ADDRESS" in os.environ else workers
            ray.init(log_to_driver=False, include_dashboard=False, num_cpus=cpus)
        except Exception as error:  # of several kinds, some bare
            raise EngineError(
                f"Ray does not start ({str(error).splitlines()[0]}); name a cluster that runs, RAY_ADDRESS"
            ) from error
    try:
        executor = RayPipelineExecutor(
            job.steps(),
            tasks=tasks,
            workers=workers,
            logging_dir=str(job.run / "logs"),
            skip_completed=False,
            gpus_per_task=gpus,
            mem_per_cpu_gb=0.5,  # of ours; vLLM's is the GPU's
        )
        with _quiet():
            executor.run()
    finally:
        if started:
            ray.shutdown()
    raise_errors(job, tasks)


def submit_slurm(job: TaskJob, tasks: int, workers: int, partition: str, time_limit: str, gpus: int) -> str:
    """Hand the tasks to Slurm as a job array, and return its id."""
    from datatrove.executor.slurm import SlurmPipelineExecutor

    executor = SlurmPipelineExecutor(
        job.steps(),
        tasks=tasks,
        workers=workers,
        time=time_limit,
        partition=partition,
        gpus_per_task=gpus,
        job_name="prm-gsm8k",
        venv_path=None if sys.prefix == sys.base_prefix else f"{sys.prefix}/bin/activate",
        logging_dir=str(job.run / "logs"),
        slurm_logs_folder=str(job.run / "slurm"),
        skip_completed=False,
    )
    with _quiet():
        executor.run()
    return str(executor.job_id)


def raise_errors(job: TaskJob, tasks: int) -> None:
    """What ended a task, as an error here; of several, the first."""
    failed = [rank for rank in range(tasks) if job.error(rank).exists()]
    killed = [rank for rank in range(tasks) if not (job.run / "logs" / "completions" / f"{rank:05d}").exists()]
    if killed and not failed:
        raise EngineError(f"task {killed[0]} was ended from outside; its log is in {job.run / 'logs'}. {KEEPS}")
    if failed:
        more = f" (and {len(failed) - 1} of the other {tasks - 1} tasks ended early too)" if len(failed) > 1 else ""
        raise EngineError(job.error(failed[0]).read_text(encoding="utf-8") + more)


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of datatrove's log on the terminal."""
    logger.disable("datatrove")
    try:
        yield
    finally:
        logger.enable("datatrove")


def _parent() -> Any:
    """The process that started this one, if this is of a pool: of ours, or of datatrove's in a task of Ray."""
    return multiprocessing.parent_process() or multiprocess.parent_process()


def end_with_parent() -> None:
    """End this process when the one that started it has gone, however that went: nobody waits for it any more.

    The parent is not `os.getppid()`, which is the server that forks the tasks and lives as long as they do.
    """
    parent = _parent()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
