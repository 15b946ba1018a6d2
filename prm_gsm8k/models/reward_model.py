"""Use a trained PRM: score each step of a solution, find the first error, pick the best of several solutions.

    from prm_gsm8k import ProcessRewardModel

    prm = ProcessRewardModel.from_pretrained("org/prm")       # or the output_dir of train_prm.py
    prm.score("1+1?", ["1+1=2.", "So 3."])                    # [0.97, 0.08]: P(correct) of each step
    prm.first_error("1+1?", ["1+1=2.", "So 3."])              # 1; -1 if there is none
    prm.best_of_n("1+1?", solutions, aggregate="min").index   # index of the best solution
    prm.score_next("1+1?", ["1+1=2."], candidates)            # tree search: one score per candidate

A solution takes one forward pass for any number of steps: the model is causal, so a step's score does not depend on
what follows. For the same reason `score_next` computes the prefix that its candidates share once and caches it, and a
later call deeper in the tree continues from there.
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
from prm_gsm8k.models.checkpoint import check_weights, checkpoint_folder, write_both_forms
from prm_gsm8k.models.encoder import Encoder, EncoderConfig
from prm_gsm8k.models.formats.kinds import kind_of
from prm_gsm8k.models.step_scorer import StepScorer, encode_each
from prm_gsm8k.models.targets import CORRECT

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel, PreTrainedTokenizerFast

# Tokens per forward. A GPU wants many; a CPU is twice as fast if they fit in its caches (benchmarks/scoring.py).
BATCH_TOKENS, BATCH_TOKENS_CPU = 16_384, 1024
SHARED = 4  # from so many solutions to a problem the prompt is computed once; 16 then take 0.7 of the time


class ProcessRewardModel(StepScorer):
    """Scores the steps of solutions with a token classifier of two labels, of which 1 is correct.

    Args:
        model: any `*ForTokenClassification` of transformers with a causal decoder; it is put in eval mode.
        tokenizer: its tokenizer.
        encoder: the encoder it was trained with.
        max_batch_tokens: tokens per forward, padding included; a single solution may exceed it. Default 16,384 on a
            GPU, 1,024 on a CPU.
        prefixes_kept: size of the LRU cache of prefixes of `score_next`. Each token of a prefix takes
            2 · layers · key/value heads · head size · bytes per number: 144 KiB for Qwen3-8B in bf16, about 60 MB for a
            GSM8K solution.
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
        self.calibration: Calibration | None = None  # already folded into the head
        self.tokens_computed = 0  # by all calls, without padding: shows what the prefix cache saves
        self._prefixes: OrderedDict[tuple[int, ...], Cache] = OrderedDict()
        # recurrent state cannot be computed once and continued by several rows
        self._shares_prefixes = attention_kind(model.config) != "hybrid"
        # transformers 5.24 renamed `past_key_values` to `cache`
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
        """Load a PRM of this package.

        Weights are read from safetensors only, and code that comes with a checkpoint is never run.

        Args:
            path_or_id: a folder, or a model repository of the Hub.
            revision: branch, tag or commit of the repository.
            dtype: of weights and computation; `auto` is bf16 on a GPU, fp32 on a CPU.
            device: a torch device; by default a GPU if there is one.
            device_map: instead of a device, as transformers takes it: `auto` spreads a large model over all GPUs.
            calibrated: if false, undo a calibration (`prm_gsm8k.models.calibration`).
            options: `max_batch_tokens`, `prefixes_kept`.

        Raises:
            CheckpointError: there is no such checkpoint, or it is not a PRM of this package.
            TokenizerError: its tokenizer is not the one it was trained with.
            HubError: the Hub refused or did not answer.
        """
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        device, torch_dtype = device_and_dtype(device, dtype)
        folder = checkpoint_folder(path_or_id, revision)
        encoder_config = EncoderConfig.load(folder)
        if (kind := kind_of(folder)) != "ours":
            raise CheckpointError(f"{folder} holds a {kind}, not a PRM of this package; load_scorer loads it")
        check_weights(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        model, loading = AutoModelForTokenClassification.from_pretrained(
            folder,
            dtype=torch_dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            device_map=device_map,
        )
        if missing := sorted(loading["missing_keys"]):
            raise CheckpointError(
                f"{path_or_id}: no weights for {missing[0]}: it has no trained head, or is incomplete"
            )
        if not 0 <= encoder_config.step_tag_id < (rows := model.get_input_embeddings().num_embeddings):
            raise CheckpointError(
                f"{path_or_id}: the step tag has id {encoder_config.step_tag_id}, but the model only {rows} tokens"
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
        """Write all that `from_pretrained` reads: weights, tokenizer, encoder config and calibration."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        write_both_forms(Path(folder))
        self.encoder.config.save(folder)
        if self.calibration:
            self.calibration.save(folder)

    def calibrate(self, calibration: Calibration) -> None:
        """Fold a calibration into the head; `save_pretrained` keeps it.

        Raises:
            CheckpointError: the head has no bias.
        """
        calibrate_head(self.model.score, calibration)
        self.calibration = calibration.following(self.calibration)
        self.clear_cache()

    def score_many(self, solutions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        """P(correct) of each step of each (problem, steps), in their order; those of similar length share a forward.

        On a CPU the prompt that several solutions share is computed once. A GPU is faster with full batches.

        Raises: as `StepScorer.score_many`.
        """
        rows = encode_each(self.encoder, solutions)
        scores: list[list[float]] = [[]] * len(rows)
        for prefix, group in self._with_common_prefix(solutions):
            known = self._computed(prefix) if prefix else None
            rest = [rows[n].input_ids[len(prefix) :] for n in group]
            for i, p in self._in_batches(rest, known, len(prefix)):
                tags = rows[group[i]].tag_positions
                scores[group[i]] = p[[tag - len(prefix) for tag in tags]].tolist()
        return scores

    def _with_common_prefix(
        self, solutions: Sequence[tuple[str, Sequence[str]]]
    ) -> Iterator[tuple[list[int], list[int]]]:
        """(ids of the shared prefix, indices) of solutions to one problem where that pays, and of the rest."""
        groups: dict[str, list[int]] = {}
        for n, (problem, _) in enumerate(solutions):
            groups.setdefault(problem, []).append(n)
        alone: list[int] = []
        for problem, group in groups.items():
            worth_it = len(group) >= SHARED and self.model.device.type == "cpu" and self._shares_prefixes
            prefix = self.encoder.encode_prefix(problem, []) if worth_it else []
            if len(prefix) > 1:  # the plain template shares at most one token
                yield prefix, group
            else:
                alone += group
        if alone:
            yield [], alone

    def _computed(self, ids: Sequence[int]) -> Cache:
        """Keys and values of a prefix."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self.model.config)
        self._correct([ids], cache)
        return cache

    def score_next(self, problem: str, steps: Sequence[str], candidates: Sequence[str]) -> list[float]:
        """P(correct) of each candidate as the step after `steps`, which may be empty: `score(…, [*steps, c])[-1]`.

        The shared prefix is computed once and cached: a call costs the steps that no earlier call had, and the
        candidates. `clear_cache` empties the cache.

        Raises: as `score_many`; the message says which candidate.
        """
        if not candidates:
            return []
        prefix = self.encoder.encode_prefix(problem, steps) if self._shares_prefixes else []
        rows = encode_each(self.encoder, [(problem, [*steps, c]) for c in candidates], "candidate")
        rest = [row.input_ids[len(prefix) :] for row in rows]
        known = self._known(prefix) if prefix else None
        scores = [0.0] * len(rest)
        for n, p in self._in_batches(rest, known, len(prefix)):
            scores[n] = float(p[len(rest[n]) - 1])
        return scores

    def clear_cache(self) -> None:
        """Drop the prefixes that `score_next` cached."""
        self._prefixes.clear()

    def _known(self, prefix: Sequence[int]) -> Cache:
        """Keys and values of a prefix, computed from its longest cached prefix, and cached."""
        from transformers import DynamicCache

        key = tuple(prefix)
        if key not in self._prefixes:
            start = max((k for k in self._prefixes if k == key[: len(k)]), key=len, default=())
            if start:
                self._prefixes.move_to_end(start)
            cache = copy.deepcopy(self._prefixes[start]) if start else DynamicCache(config=self.model.config)
            self._correct([prefix[len(start) :]], cache, len(start))
            self._prefixes[key] = cache
        self._prefixes.move_to_end(key)
        known = self._prefixes[key]
        while len(self._prefixes) > self.prefixes_kept:
            self._prefixes.popitem(last=False)
        return known

    def _in_batches(
        self, rows: Sequence[Sequence[int]], known: Cache | None, past: int
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Index and P(correct) at every token of each row of ids, which continues the `past` tokens in `known`."""
        for batch in _batches([len(ids) for ids in rows], self.max_batch_tokens):
            cache = copy.deepcopy(known)
            if cache is not None and len(batch) > 1:
                cache.batch_repeat_interleave(len(batch))
            yield from zip(batch, self._correct([rows[n] for n in batch], cache, past), strict=True)

    @torch.inference_mode()
    def _correct(self, rows: Sequence[Sequence[int]], cache: Cache | None = None, past: int = 0) -> torch.Tensor:
        """P(correct) at every token, (rows, longest), on the CPU; `cache` holds `past` tokens a row and gets these."""
        device = self.model.device
        longest = max(len(ids) for ids in rows)
        input_ids = torch.zeros((len(rows), longest), dtype=torch.int64)
        for n, ids in enumerate(rows):
            input_ids[n, : len(ids)] = torch.tensor(ids)
            self.tokens_computed += len(ids)
        known: dict[str, Any] = (
            {"use_cache": False} if cache is None else {"use_cache": True, self._cache_argument: cache}
        )
        # No attention mask: padding comes after a row, where its tokens do not attend.
        positions = torch.arange(past, past + longest, device=device).expand(len(rows), -1)
        logits = self.model(input_ids=input_ids.to(device), position_ids=positions, **known).logits
        return logits.float().softmax(-1)[..., CORRECT].cpu()


def device_and_dtype(device: str | None, dtype: str) -> tuple[str, torch.dtype]:
    """The device, by default a GPU if there is one, and the dtype: `auto` is bf16 on a GPU, fp32 on a CPU.

    Raises:
        UsageError: no such dtype.
    """
    if dtype not in ("auto", "bf16", "fp32"):
        raise UsageError(f"dtype is auto, bf16 or fp32, not {dtype!r}")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    full = dtype == "fp32" or (dtype == "auto" and torch.device(device).type == "cpu")
    return device, torch.float32 if full else torch.bfloat16


def _batches(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Indices in batches of at most `max_tokens` after padding, similar lengths together, the longest first."""
    batch: list[int] = []
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > max_tokens:
            yield batch
            batch = []
        batch.append(n)
    if batch:
        yield batch
