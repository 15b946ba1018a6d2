"""A trained PRM in use: how good is each step of a solution?

    from prm_gsm8k import ProcessRewardModel

    prm = ProcessRewardModel.from_pretrained("org/prm")       # or the output_dir of train_prm.py
    prm.score("1+1?", ["1+1=2.", "So 3."])                    # [0.97, 0.08]: P(right) of each step
    prm.first_error("1+1?", ["1+1=2.", "So 3."])              # 1; -1 if there is none
    prm.best_of_n("1+1?", solutions, aggregate="min").index   # which of some solutions
    prm.score_next("1+1?", ["1+1=2."], candidates)            # tree search: one number a candidate

A solution takes one forward, whatever the number of its steps: the model is causal, so a step's score does not know
what follows it. For the same reason `score_next` computes what its candidates share once, keeps it, and goes on from
there when the next call is deeper down the tree.
"""

from __future__ import annotations

import copy
import inspect
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from prm_gsm8k.exceptions import CheckpointError, UsageError
from prm_gsm8k.models.architecture import attention_kind
from prm_gsm8k.models.calibration import Calibration, calibrate_head
from prm_gsm8k.models.checkpoint import check_config, checkpoint_folder
from prm_gsm8k.models.encoder import Encoder, EncoderConfig
from prm_gsm8k.models.step_scorer import StepScorer, encode_each

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel, PreTrainedTokenizerFast

# Tokens in a forward. A GPU wants many; a CPU is twice as fast with what stays in its caches (benchmarks/scoring.py).
BATCH_TOKENS, BATCH_TOKENS_CPU = 16_384, 1024
RIGHT = 1  # index of the label `right` in the head's two
SHARED = 4  # solutions to a problem for which `score_many` computes the prompt once: of 16, 0.7 of the time


class ProcessRewardModel(StepScorer):
    """Scores the steps of solutions with a token-classification model of two labels, 1 of which is `right`.

    Args:
        model: any `*ForTokenClassification` of transformers with a causal decoder; it is put in evaluation mode.
        tokenizer: its tokenizer.
        encoder: the encoder it was trained with.
        max_batch_tokens: tokens in a forward, padding included; one solution may have more. If None, 16,384, and 1,024
            on a CPU.
        prefixes_kept: how many prefixes `score_next` remembers, the least recently used is dropped first. One takes
            2 · layers · key/value heads · head size · bytes a number for each of its tokens: 144 KiB a token for
            Qwen3-8B in bf16, some 60 MB for a GSM8K solution.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        encoder: Encoder,
        *,
        max_batch_tokens: int | None = None,
        prefixes_kept: int = 16,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.encoder = encoder
        on_cpu = model.device.type == "cpu"
        self.max_batch_tokens = max_batch_tokens or (BATCH_TOKENS_CPU if on_cpu else BATCH_TOKENS)
        self.prefixes_kept = prefixes_kept
        self.calibration: Calibration | None = None  # what is in the head already, of which scores need know nothing
        self.tokens_computed = 0  # by all calls so far, without padding: what the prefix cache saves can be seen here
        self._prefixes: OrderedDict[tuple[int, ...], Cache] = OrderedDict()
        # a state that goes on with every token cannot be begun once and continued by several rows
        self._shares_prefixes = attention_kind(model.config) != "hybrid"
        # transformers 5.24 calls `cache` what was `past_key_values` before
        accepts = inspect.signature(model.base_model.forward).parameters
        self._cache_argument = "cache" if "cache" in accepts else "past_key_values"

    @classmethod
    def from_pretrained(
        cls,
        path_or_id: str | Path,
        *,
        revision: str | None = None,
        dtype: Literal["auto", "bf16", "fp32"] = "auto",
        device: str | None = None,
        device_map: str | dict[str, Any] | None = None,
        calibrated: bool = True,
        **options: Any,
    ) -> ProcessRewardModel:
        """A PRM of this package: a folder, or a model repository of the Hub.

        Weights are read from safetensors only, and no code that comes with a checkpoint is run.

        Args:
            path_or_id: the folder or the repository.
            revision: branch, tag or commit of the repository.
            dtype: of weights and computation; `auto` is bf16 on a GPU and fp32 on a CPU.
            device: as torch names them; a GPU if there is one.
            device_map: instead of a device, as transformers takes it: `auto` spreads a large model over all GPUs.
            calibrated: false takes a calibration (`prm_gsm8k.models.calibration`) out of the head again.
            options: `max_batch_tokens`, `prefixes_kept`.

        Raises:
            CheckpointError: it is not there, or not such a PRM; the message says what it is.
            TokenizerError: its tokenizer is not the one it was trained with.
            HubError: the Hub said no, or did not answer.
        """
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        if dtype not in ("auto", "bf16", "fp32"):
            raise UsageError(f"dtype is auto, bf16 or fp32, not {dtype!r}")
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        full = dtype == "fp32" or (dtype == "auto" and torch.device(device).type == "cpu")
        folder = checkpoint_folder(path_or_id, revision)
        encoder_config = EncoderConfig.load(folder)
        check_config(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        model, loading = AutoModelForTokenClassification.from_pretrained(
            folder,
            dtype=torch.float32 if full else torch.bfloat16,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            device_map=device_map,
        )
        if missing := sorted(loading["missing_keys"]):
            raise CheckpointError(
                f"{path_or_id}: no weights for {missing[0]}: it has no trained head, or not the whole model"
            )
        if not 0 <= encoder_config.step_tag_id < (rows := model.get_input_embeddings().num_embeddings):
            raise CheckpointError(
                f"{path_or_id}: the step tag has id {encoder_config.step_tag_id}, the model {rows} tokens"
            )
        limits = (encoder_config.max_length, getattr(model.config.get_text_config(), "max_position_embeddings", None))
        longest = min((limit for limit in limits if limit is not None), default=None)
        encoder = Encoder(tokenizer, replace(encoder_config, max_length=longest))
        prm = cls(model if device_map else model.to(device), tokenizer, encoder, **options)
        prm.calibration = Calibration.load(folder)
        if prm.calibration and not calibrated:
            calibrate_head(model.score, prm.calibration.inverse())
            prm.calibration = None
        return prm

    def save_pretrained(self, folder: str | Path) -> None:
        """Write weights, tokenizer and encoder config: what `from_pretrained` reads."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        self.encoder.config.save(folder)
        if self.calibration:
            self.calibration.save(folder)

    def calibrate(self, calibration: Calibration) -> None:
        """Put a calibration of its scores into its head; `save_pretrained` keeps it.

        Raises:
            CheckpointError: a head without a bias.
        """
        calibrate_head(self.model.score, calibration)
        self.calibration = calibration.following(self.calibration)
        self.forget()

    def score_many(self, solutions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        """P(right) of each step of many (problem, steps), in their order; those of like length share a forward.

        On a CPU what several solutions to a problem have in common is computed once. (A GPU is the faster the fuller a
        forward is.)

        Raises: as `StepScorer.score_many`.
        """
        rows = encode_each(self.encoder, solutions)
        scores: list[list[float]] = [[]] * len(rows)
        for prefix, group in self._with_common_prefix(solutions):
            known = self._computed(prefix) if prefix else None
            rest = [rows[n].input_ids[len(prefix) :] for n in group]
            for batch in _batches([len(ids) for ids in rest], self.max_batch_tokens):
                cache = copy.deepcopy(known)
                if cache is not None and len(batch) > 1:
                    cache.batch_repeat_interleave(len(batch))
                p = self._right([rest[i] for i in batch], cache, len(prefix))
                for i, line in zip(batch, p, strict=True):
                    tags = rows[group[i]].tag_positions
                    scores[group[i]] = line[[tag - len(prefix) for tag in tags]].tolist()
        return scores

    def _with_common_prefix(
        self, solutions: Sequence[tuple[str, Sequence[str]]]
    ) -> Iterator[tuple[list[int], list[int]]]:
        """Solutions to one problem with the ids they begin with, if that is worth a forward; the others with none."""
        groups: dict[str, list[int]] = {}
        for n, (problem, _) in enumerate(solutions):
            groups.setdefault(problem, []).append(n)
        alone: list[int] = []
        for problem, group in groups.items():
            worth_it = len(group) >= SHARED and self.model.device.type == "cpu" and self._shares_prefixes
            prefix = self.encoder.encode_prefix(problem, []) if worth_it else []
            if len(prefix) > 1:  # a template without a chat begins with one token in common, or none
                yield prefix, group
            else:
                alone += group
        if alone:
            yield [], alone

    def _computed(self, ids: Sequence[int]) -> Cache:
        """Keys and values of some tokens."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self.model.config)
        self._right([ids], cache)
        return cache

    def score_next(self, problem: str, steps: Sequence[str], candidates: Sequence[str]) -> list[float]:
        """P(right) of each candidate as the step after `steps`, which may be none: `score(…, [*steps, c])[-1]`.

        What the candidates share is computed once, and kept: the cost of a call is the steps that no earlier call had,
        and the candidates. `forget` drops what is kept.

        Raises: as `score_many`; the message says which candidate it is.
        """
        if not candidates:
            return []
        prefix = self.encoder.encode_prefix(problem, steps) if self._shares_prefixes else []
        rows = encode_each(self.encoder, [(problem, [*steps, c]) for c in candidates], "candidate")
        rest = [row.input_ids[len(prefix) :] for row in rows]
        known = self._known(prefix) if prefix else None
        scores = [0.0] * len(rest)
        for batch in _batches([len(ids) for ids in rest], self.max_batch_tokens):
            cache = copy.deepcopy(known)
            if cache is not None and len(batch) > 1:
                cache.batch_repeat_interleave(len(batch))
            p = self._right([rest[n] for n in batch], cache, len(prefix))
            for n, line in zip(batch, p, strict=True):
                scores[n] = float(line[len(rest[n]) - 1])
        return scores

    def forget(self) -> None:
        """Drop the prefixes that `score_next` keeps."""
        self._prefixes.clear()

    def _known(self, prefix: Sequence[int]) -> Cache:
        """Keys and values of a prefix, computed from the longest prefix of it that is kept."""
        from transformers import DynamicCache

        key = tuple(prefix)
        if key not in self._prefixes:
            start = max((k for k in self._prefixes if k == key[: len(k)]), key=len, default=())
            if start:
                self._prefixes.move_to_end(start)
            cache = copy.deepcopy(self._prefixes[start]) if start else DynamicCache(config=self.model.config)
            self._right([prefix[len(start) :]], cache, len(start))
            self._prefixes[key] = cache
        self._prefixes.move_to_end(key)
        known = self._prefixes[key]
        while len(self._prefixes) > self.prefixes_kept:
            self._prefixes.popitem(last=False)
        return known

    @torch.inference_mode()
    def _right(self, rows: Sequence[Sequence[int]], cache: Cache | None = None, past: int = 0) -> torch.Tensor:
        """P(right) at every token, (rows, longest), on the CPU; `cache` holds `past` tokens a row and gets these."""
        device = self.model.device
        longest = max(len(ids) for ids in rows)
        input_ids = torch.zeros((len(rows), longest), dtype=torch.int64)
        for n, ids in enumerate(rows):
            input_ids[n, : len(ids)] = torch.tensor(ids)
            self.tokens_computed += len(ids)
        known: dict[str, Any] = (
            {"use_cache": False} if cache is None else {"use_cache": True, self._cache_argument: cache}
        )
        # No attention mask: what a row is padded with stands behind it, where no token of it looks.
        positions = torch.arange(past, past + longest, device=device).expand(len(rows), -1)
        logits = self.model(input_ids=input_ids.to(device), position_ids=positions, **known).logits
        return logits.float().softmax(-1)[..., RIGHT].cpu()


def _batches(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Indices in batches of at most `max_tokens` after padding, those of like length together, the longest first."""
    batch: list[int] = []
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > max_tokens:
            yield batch
            batch = []
        batch.append(n)
    if batch:
        yield batch
