"""The errors this package raises on purpose: a small, complete vocabulary.

A message says what was wrong, where (`FILE:LINE` of a bad row) and what to do about it. The command line prints the
message without a traceback and ends with `exit_code`.
"""

from __future__ import annotations


class PrmGsm8kError(Exception):
    """Something this package was asked to do could not be done (exit code 1)."""

    exit_code = 1


class UsageError(PrmGsm8kError):
    """The call itself makes no sense: an unknown name, an option out of range, an `--out` that holds other things."""

    exit_code = 2


class BadInputError(PrmGsm8kError):
    """A file or a row is not what it must be. `where` is `FILE`, `FILE:LINE` or a row's id."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class VerificationError(PrmGsm8kError):
    """Data does not match its manifest, its contract or the row checker."""


class HubError(PrmGsm8kError):
    """The Hub said no, or did not answer in time. No message holds a token or a signed address."""


class HubUnreachable(HubError):
    """The Hub does not answer, or must not be asked (HF_HUB_OFFLINE)."""


class TokenizerError(PrmGsm8kError):
    """A tokenizer cannot serve a PRM, or is not the one a checkpoint was trained with."""


class StepsError(PrmGsm8kError):
    """A prompt, steps or labels that cannot be encoded: nothing in them, not text, or not one label a step."""


class TooLongError(StepsError):
    """A solution that does not fit into `max_length` tokens. `tokens` says how many it has."""

    def __init__(self, what: str, tokens: int) -> None:
        super().__init__(what)
        self.tokens = tokens


class CheckpointError(PrmGsm8kError):
    """A folder or a repository does not hold what this package saves as a PRM."""


class ContaminationError(PrmGsm8kError):
    """A model was trained on questions it is to be measured on."""


class EngineError(PrmGsm8kError):
    """A language-model server or a task could not be started, failed, or answers nonsense. What was made is kept."""


class Submitted(PrmGsm8kError):
    """There are no rows yet, because Slurm job `job` makes them; then the same call without Slurm has them."""

    exit_code = 0

    def __init__(self, job: str) -> None:
        super().__init__(f"Slurm job {job} was submitted")
        self.job = job
