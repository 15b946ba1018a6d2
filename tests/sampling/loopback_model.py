"""An OpenAI-compatible server on the loopback interface whose every answer is a function of the request.

    with LoopbackModel(answers={question: "18"}) as model:
        ...                       # http://127.0.0.1:PORT/v1 has a model "tiny"
    model.answered                # what was asked and answered

It writes a solution a line, goes on from whatever steps a prompt ends in, and goes wrong now and then: after a step
with the word "oops" it never finds the answer again. Faults, one a request, are played in turn before it answers well;
or a script says which fault a request gets the how manieth time. What probes it (`sampling/probe.py`) is answered well
and not counted, and where a text of its own stops short of its end it goes on as it did at first.
"""

from __future__ import annotations

import hashlib
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from prm_gsm8k.sampling.engine import CHECK

MODEL = "tiny"
FAULTS = ("500", "408", "429", "garbage", "empty", "drop", "short", "events", "chunk", "gzip", "chunked")  # no answer
UNFINISHED = {  # answers that are none: what they change in a good one's text, reasoning and finish reason
    "length": lambda text: (text[: len(text) // 2].rstrip(" .0123456789"), None, "length"),
    "abort": lambda text: (text, None, "abort"),
    "aborted early": lambda text: (text.partition("\n")[0], None, "abort"),
    "content_filter": lambda text: (text[: len(text) // 2], None, "content_filter"),
    "error": lambda text: ("", None, "error"),
    "unstated": lambda text: (text, None, None),
    "blank": lambda text: ("", None, "stop"),
    "null": lambda text: (None, f"Let me see. {text}", "stop"),
    "no message": lambda text: (..., None, "stop"),
    "thinks": lambda text: (f"<think>\n{text}", None, "stop"),
    "channels": lambda text: (f"<|channel|>analysis<|message|>{text}", None, "stop"),
    "cut, says stop": lambda text: (text.rstrip(".")[:-1], None, "stop"),
    "error, says stop": lambda text: (text.rstrip(".")[:-1], None, "stop"),
    "thinks, cut": lambda text: (f"<think>\n{text[:9]}", None, "length"),
}


@dataclass
class LoopbackModel:
    """The server, in threads of this process."""

    answers: Mapping[str, str]
    model: str = MODEL
    context: int | None = 4096
    seconds: float = 0.002  # that an answer takes
    faults: list[str] = field(default_factory=list)  # of FAULTS, UNFINISHED, or "hang", "other", "400"
    script: Callable[[str, int], str | None] | None = None  # (request as `key` writes it, times asked before) -> fault
    waits: dict[str, str] = field(default_factory=dict)  # headers of a refusal
    moved: str | None = None  # where it is now
    models: Any = None  # another list of models than OpenAI's
    echo: bool = False  # the prompt comes back before the answer
    twice: bool = False  # two choices come where one was asked for
    parts: bool = False  # content comes as a list of parts
    only_users: bool = False  # it refuses to go on from a message of the assistant
    anew: bool = False  # it begins anew whatever the steps so far, as many chat servers do
    same: bool = False  # every attempt gets the same answer, as from a cache
    changed: Callable[[Mapping[str, Any], str], str | dict[str, Any]] | None = None  # (request, text) -> another
    key: str | None = None  # that a request must bring
    always: str | None = None  # a fault of every request
    requests: list[str] = field(default_factory=list)  # every body, as `key` writes it, in the order they came
    answered: list[str] = field(default_factory=list)  # those that were answered well

    def __enter__(self) -> LoopbackModel:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if not self._may():
                    return
                if outer.moved is not None:
                    self._raw(302, b"", {"Location": f"{outer.moved}/models"})
                    return
                if self.path != "/v1/models":
                    self._send(404, {"detail": "Not Found"})
                    return
                entry = {"id": outer.model, "root": outer.model, "max_model_len": outer.context}
                self._send(200, {"data": [entry]} if outer.models is None else outer.models)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not self._may():
                    return
                if outer.moved is not None:
                    self._raw(307, b"", {"Location": outer.moved + self.path.removeprefix("/v1")})
                    return
                if body.get("user", "").startswith("probe"):
                    if outer.only_users and body["messages"][-1]["role"] != "user":
                        self._send(400, {"error": {"message": "the last message must be of the user"}})
                        return
                    self._send(200, outer.complete(body, outer.always if outer.always in UNFINISHED else None))
                    return
                outer.requests.append(key(body))
                fault = outer.always or (outer.faults.pop(0) if outer.faults else None)
                if outer.script is not None:
                    fault = outer.script(key(body), outer.times[key(body)])
                    outer.times[key(body)] += 1
                if fault in UNFINISHED:
                    self._send(200, outer.complete(body, fault))
                elif fault is None:
                    time.sleep(outer.seconds)
                    answer = outer.complete(body)
                    outer.answered.append(key(body))
                    self._send(200, answer)
                elif fault in ("500", "408", "429", "422", "402", "401", "403", "413", "503"):
                    said = f"not now, {self.headers['Authorization']}"
                    self._raw(int(fault), json.dumps({"error": said}).encode(), outer.waits)
                elif fault == "400":
                    self._send(400, {"error": {"message": "maximum context length is 64 tokens"}})
                elif fault == "garbage":
                    self._raw(200, b"<html>it works!</html>")
                elif fault == "empty":
                    self._send(200, {"choices": []})
                elif fault == "chunk":
                    self._send(200, {"choices": [{"delta": {"content": "The answer is 3."}, "finish_reason": "stop"}]})
                elif fault == "events":
                    self._raw(200, b'data: {"choices": [{"text": "The answer is 3.", "finish_reason": "stop"}]}\n\n')
                elif fault == "short":
                    said = json.dumps(outer.complete(body)).encode()
                    self._raw(200, said[: len(said) // 2], {"Content-Length": str(len(said))})
                    self.close_connection = True
                elif fault == "gzip":
                    self._raw(200, b"no gzip", {"Content-Encoding": "gzip"})
                elif fault == "chunked":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nno chunk\r\n")
                    self.close_connection = True
                elif fault == "other":
                    self._send(200, {**outer.complete(body), "model": "another"})
                elif fault == "hang":
                    outer.closing.wait(60)
                else:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True

            def _may(self) -> bool:
                if outer.key is None or self.headers["Authorization"] == f"Bearer {outer.key}":
                    return True
                self._send(401, {"error": "who are you?"})
                return False

            def _send(self, status: int, content: Any) -> None:
                self._raw(status, json.dumps(content).encode())

            def _raw(self, status: int, data: bytes, headers: Mapping[str, str] | None = None) -> None:
                with suppress(OSError):  # who asked was killed
                    self.send_response(status)
                    default = {"Content-Type": "application/json", "Content-Length": str(len(data))}
                    for name, value in (default | dict(headers or {})).items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # who asked was killed

        self.closing = threading.Event()
        self._texts: list[str] = []
        self.times: Counter[str] = Counter()
        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def asked(self) -> int:
        return len(self.requests)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def complete(self, body: Mapping[str, Any], unfinished: str | None = None) -> dict[str, Any]:
        """The answer to a request: the same for the same one, now and in every other process; or one that is none."""
        prompt = body["prompt"] if "prompt" in body else "\n".join(m["content"] for m in body["messages"])
        question = max((q for q in [*self.answers, CHECK] if q in prompt), key=prompt.rfind)
        before = prompt[prompt.rfind(question) + len(question) :]
        if self.anew:
            before = ""
        seed = hashlib.sha256(f"{question} {before}".encode() if self.same else key(body).encode()).digest()
        text = "\n".join(_lines(random.Random(seed), "oops" in before, self.answers.get(question, "2")))
        if self.anew:
            text = f"First, what is given.\n{text}"
        if body.get("user", "").startswith("probe"):
            begun = before.rpartition("Solution:")[2].strip()
            text = next((said[len(begun) :] for said in self._texts if begun and said.startswith(begun)), text)
            self._texts.append(text)
        more: str | dict[str, Any] = self.changed(body, text) if self.changed else {}
        if isinstance(more, str):
            text, more = more, {}
        said: tuple[Any, str | None, str | None] = (text, None, "stop")
        if unfinished is not None:
            said = UNFINISHED[unfinished](text)
        content, reasoning, finish = said
        if self.parts:
            content = [{"type": "reasoning", "text": "Hm."}, {"type": "text", "text": text}]
        message = {"role": "assistant", "content": content, "reasoning_content": reasoning}
        if "prompt" in body:
            choice: dict[str, Any] = {"text": None if content is ... else content}
        else:
            choice = {"message": None if content is ... else message}
        if self.echo:
            choice = {"text": body["prompt"] + (choice["text"] or "")}
        if unfinished == "error, says stop":
            choice["error"] = {"code": 502}
        tokens = body["max_tokens"] if unfinished == "cut, says stop" else len(text.split())
        return {
            "model": self.model,
            "choices": [{**choice, "index": 0, "finish_reason": finish}, *([choice] if self.twice else [])],
            "usage": {"prompt_tokens": len(prompt.split()), "completion_tokens": tokens},
            **more,
        }


def key(body: Mapping[str, Any]) -> str:
    """By which two requests are the same."""
    return json.dumps(body, sort_keys=True)


def _lines(draw: random.Random, lost: bool, answer: str) -> Iterator[str]:
    """Some steps without equations, one of them wrong perhaps, and the answer, which is right if none was."""
    for _ in range(draw.randint(1, 3)):
        if draw.random() < 0.25:
            lost = True
            yield f"And oops, that makes {draw.randint(2, 60)} of them."
        else:
            yield f"That leaves {draw.randint(2, 60)} for the {draw.choice(['first', 'second', 'third'])} of them."
    if lost or draw.random() < 0.2:
        answer = str(int(answer.replace(",", "")) + draw.randint(1, 9))
    yield f"The answer is {answer}."
