"""A PRM served by vLLM, asked over HTTP: the interface of `ProcessRewardModel`, without torch in this process.

    vllm serve org/prm --pooler-config '{"pooling_type": "STEP", "step_tag_id": 151662}'

    prm = VllmRewardModel("http://127.0.0.1:8000")          # or ("http://…", "org/prm") to check which PRM it serves
    prm.score("1+1?", ["1+1=2.", "So 3."])                  # [0.97, 0.08]

A PRM that others published, `Qwen2ForProcessRewardModel` or a token classifier of two labels, is served without
`--pooler-config`, or with `{"pooling_type": "ALL"}`: a score a token.

`vllm_serve_command` prints the first line for a checkpoint. Rows are encoded here with the checkpoint's own encoder and
sent as token ids, so the server scores exactly the ids of training, and user text can never spell a step tag. Sent as
text (`input`, or `messages` through the chat template) the ids are the same unless the text spells a control token:
vLLM cannot tell a user's `<|fim_pad|>` from ours, and would score one more step.

vLLM 0.32 answers `POST /pooling` with the softmax (incorrect, correct) in fp32 at each step tag. It never uses its
prefix cache for that, because a cached token has no score, so `score_next` pays for the whole solution of each
candidate.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import math
import os
import shlex
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from prm_gsm8k.exceptions import CheckpointError, EngineError, UsageError
from prm_gsm8k.models.checkpoint import WITHOUT_WEIGHTS, checkpoint_folder
from prm_gsm8k.models.encoder import FILE, Encoded, Encoder, EncoderConfig
from prm_gsm8k.models.formats.encoding import FormatEncoder
from prm_gsm8k.models.formats.formats import FORMATS
from prm_gsm8k.models.formats.kinds import kind_of
from prm_gsm8k.models.step_scorer import StepScorer, encode_each
from prm_gsm8k.models.targets import CORRECT

PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before the second, third, … try
EACH = '{"pooling_type": "ALL"}'  # a score a token, of which we take those of the tags
ROWS = 16  # solutions per request: about 4,000 tokens of GSM8K, which is answered quickly and cheap to repeat


def pooler_config(config: EncoderConfig) -> str:
    """`--pooler-config` of a PRM, as JSON: vLLM then answers with one score per step tag."""
    return json.dumps({"pooling_type": "STEP", "step_tag_id": config.step_tag_id})


def vllm_arguments(config: EncoderConfig) -> list[str]:
    """The server's arguments besides the model, see `vllm_serve_command`."""
    return ["--pooler-config", pooler_config(config)]


def vllm_serve_command(folder_or_id: str | Path, config: EncoderConfig) -> str:
    """The shell command that serves a checkpoint.

    >>> print(vllm_serve_command("org/prm", EncoderConfig("<|fim_pad|>", 151662, "", "\\n")))
    vllm serve org/prm --pooler-config '{"pooling_type": "STEP", "step_tag_id": 151662}'

    From the architecture, `…ForTokenClassification`, vLLM knows that it is a pooling model; softmax is its default.
    """
    return shlex.join(["vllm", "serve", str(folder_or_id), *vllm_arguments(config)])


class VllmRewardModel(StepScorer):
    """Scores the steps of solutions by asking a vLLM server.

    Args:
        url: of the server: `http://HOST:PORT`, with or without `/v1`.
        path_or_id: the checkpoint it serves, a folder or a repository of the Hub, of which tokenizer and encoder are
            read, not the weights. None for what the server says it serves.
        model: the name it is served under; None if that is `path_or_id`.
        revision: branch, tag or commit of the repository.
        api_key: the server's `--api-key`; VLLM_API_KEY if None. Never shown.
        in_flight: concurrent requests, of up to 16 solutions each.
        timeout: seconds that a request may take, its time in the server's queue included.

    Raises:
        EngineError: the server does not answer, or serves another model.
        CheckpointError, TokenizerError: as `ProcessRewardModel.from_pretrained`.
        HubError: the Hub refused or did not answer.
    """

    def __init__(
        self,
        url: str,
        path_or_id: str | Path | None = None,
        *,
        model: str | None = None,
        revision: str | None = None,
        api_key: str | None = None,
        in_flight: int = 16,
        timeout: float = 300,
    ) -> None:
        if in_flight < 1:
            raise UsageError(f"in_flight is at least 1, not {in_flight}")
        self.in_flight = in_flight
        self._server = _Server(url, api_key or os.environ.get("VLLM_API_KEY"), timeout)
        wanted = model or (None if path_or_id is None else str(path_or_id))
        served = self._server.served(wanted)
        self.model = served["id"]
        folder = checkpoint_folder(path_or_id or _root(served, self._server.url), revision, WITHOUT_WEIGHTS)
        self.encoder = _encoder(folder, served.get("max_model_len"))

    def score_many(self, solutions: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        """P(correct) of each step of each (problem, steps), in their order, with concurrent requests.

        Transient failures (a lost connection, 429, 5xx) are retried up to four times.

        Raises: as `StepScorer.score_many`; EngineError if the server fails, times out, or does not answer with one
            score per step.
        """
        rows = encode_each(self.encoder, solutions)
        given_up = threading.Event()

        def ask(start: int) -> list[list[float]]:
            part = rows[start : start + ROWS]
            body = {"model": self.model, "task": "token_classify", "input": [row.input_ids for row in part]}
            answer = self._server.ask("/pooling", body, given_up)
            return _scores(answer, part, start, self)

        starts = range(0, len(rows), ROWS)
        with ThreadPoolExecutor(self.in_flight) as pool:
            asked = [pool.submit(ask, start) for start in starts]
            try:
                done, _ = wait(asked, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            finally:  # one failed, or Ctrl-C: send no more requests
                given_up.set()
                pool.shutdown(wait=False, cancel_futures=True)
        return [scores for future in asked for scores in future.result()]


@dataclass(frozen=True)
class _Server:
    """HTTP client of one server. `urllib` is fast enough: a request is seconds of computing on the server."""

    url: str
    api_key: str | None
    timeout: float

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"a server is http://HOST:PORT, not {self.url!r}")
        object.__setattr__(self, "url", self.url.rstrip("/").removesuffix("/v1"))

    def __repr__(self) -> str:
        return f"_Server({self.url!r})"  # without the key

    def served(self, wanted: str | None) -> dict[str, Any]:
        """The entry of `/v1/models` for a model, by its name or its source; the first if None.

        Raises:
            EngineError: there is no such model.
        """
        answer = self.ask("/v1/models", None, threading.Event())
        try:
            known = [dict(model) for model in answer["data"]]
            names = [str(model["id"]) for model in known]
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError(f"{self.url} is not a vLLM server: /v1/models lists no models") from error
        for model in known:
            if wanted in (None, model["id"], model.get("root")):
                return model
        raise EngineError(
            f"{self.url} serves {', '.join(names) or 'nothing'}, not {wanted}; if that is the same model under "
            "another name, pass model=NAME"
        )

    def ask(self, path: str, body: dict[str, Any] | None, given_up: threading.Event) -> Any:
        """The JSON answer to a POST of `body`, or to a GET if None.

        Raises:
            EngineError: an error status, no JSON, a timeout, or no connection after the last try.
        """
        for tries, pause in enumerate((*PAUSES, None), 1):
            try:
                return self._once(path, body)
            except _Transient as error:
                if pause is None or given_up.wait(pause):
                    raise EngineError(f"{self.url}{path}: {error}, {tries} time{'s' * (tries > 1)} in a row") from None
        raise AssertionError("the last try returns or raises")

    def _once(self, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        )
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, headers)
        deadline = time.monotonic() + self.timeout
        where = f"{self.url}{path}"
        try:
            with _opener(self.url).open(request, timeout=self.timeout) as reply:
                parts = []
                while part := reply.read1(1 << 16):  # in pieces, so that a slow trickle hits the timeout too
                    parts.append(part)
                    if time.monotonic() > deadline:
                        raise TimeoutError
                if reply.length:
                    raise _Transient(f"the answer was cut off, {reply.length:,} bytes short")
            return json.loads(b"".join(parts))
        except HTTPError as error:
            said = _message(error)
            if error.code == 429 or error.code >= 500:
                raise _Transient(f"HTTP {error.code}, {said}") from None
            raise EngineError(f"{where}: HTTP {error.code}, {said}") from None
        except (TimeoutError, URLError, OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, TimeoutError):
                raise EngineError(f"{where}: no answer in {self.timeout:g} s; is it busy, or hanging?") from None
            raise _Transient(f"no answer ({reason or type(reason).__name__})") from None
        except ValueError:
            raise EngineError(f"{where}: the answer is not JSON; is that a vLLM server?") from None


class _Transient(Exception):
    """A failure that a retry may mend."""


class _NoRedirect(HTTPRedirectHandler):
    """Never send the key to another address."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(url: str) -> Any:
    host = urlsplit(url).hostname or ""
    loopback = host == "localhost"
    with suppress(ValueError):
        loopback = ipaddress.ip_address(host).is_loopback
    return build_opener(_NoRedirect, *([ProxyHandler({})] if loopback else []))  # no proxy for loopback


def _message(error: HTTPError) -> str:
    """The server's error message: vLLM's `{"error": {"message": …}}`, else the reason phrase."""
    with suppress(Exception):
        said = json.loads(error.read(1 << 16))
        return str(said.get("error", said)["message"]).strip().splitlines()[0][:300]
    return str(error.reason)


def _scores(answer: Any, rows: Sequence[Encoded], start: int, model: VllmRewardModel) -> list[list[float]]:
    """The scores in an answer of `/pooling` to rows, one a step or one a token; the first row is solution `start`."""
    where = f"{model._server.url}/pooling"
    try:
        data = [(item["index"], item["data"]) for item in answer["data"]]
    except (KeyError, TypeError) as error:
        raise EngineError(f"{where}: the answer holds no scores: {str(answer)[:200]}") from error
    if [index for index, _ in data] != list(range(len(rows))):
        raise EngineError(f"{where}: {len(data)} answers to {len(rows)} solutions, or in another order")
    scores = []
    for n, ((_, pairs), row) in enumerate(zip(data, rows, strict=True), start):
        if isinstance(pairs, list) and len(pairs) == len(row.input_ids):
            pairs = [pairs[position] for position in row.tag_positions]
        if not isinstance(pairs, list) or len(pairs) != len(row.tag_positions):
            got = f"{len(pairs)} scores" if isinstance(pairs, list) else f"a {type(pairs).__name__}"
            config = pooler_config(model.encoder.config) if isinstance(model.encoder, Encoder) else EACH
            raise EngineError(
                f"{where}: {got} for the {len(row.tag_positions)} steps of solution {n}; start the server with "
                f"--pooler-config '{config}'"
            )
        scores.append([_correct(pair, f"{where}: solution {n}") for pair in pairs])
    return scores


def _correct(pair: Any, where: str) -> float:
    """P(correct) of a pair (P(incorrect), P(correct))."""
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(p, (int, float)) for p in pair):
        raise EngineError(f"{where} has {str(pair)[:80]} instead of two probabilities; is it a PRM of two labels?")
    if not (all(0 <= p <= 1 for p in pair) and math.isclose(sum(pair), 1, abs_tol=0.01)):  # bf16 has 8 bits
        raise EngineError(f"{where} has {pair} instead of P(incorrect) and P(correct), which add up to 1")
    return float(pair[CORRECT])


def _root(served: dict[str, Any], url: str) -> str:
    """The folder or repository that a server loaded its model from."""
    if isinstance(root := served.get("root"), str) and root:
        return root
    raise EngineError(f"{url} does not say where its model is from; pass the checkpoint as path_or_id")


def _encoder(folder: Path, longest: Any) -> Any:
    """The checkpoint's encoder, or that of its format if another published it."""
    if (folder / FILE).exists():
        config = EncoderConfig.load(folder)
        limits = [limit for limit in (config.max_length, longest) if isinstance(limit, int)]
        return Encoder(_tokenizer(folder), replace(config, max_length=min(limits, default=None)))
    if (kind := kind_of(folder)) == "language model":
        raise CheckpointError(
            f"{folder} answers each step with a word, and a server is asked for scores; load_scorer loads it here"
        )
    return FormatEncoder(_tokenizer(folder), FORMATS[kind], longest if isinstance(longest, int) else None)


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder} has no tokenizer that can be read: {error}") from error
