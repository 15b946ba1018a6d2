"""Output tokens per second of the sampling pipeline, compared with vLLM's `LLM.generate` on the same requests.

    python benchmarks/sampling_throughput.py [MODEL] [--problems 96] [--python .venv-vllm/bin/python]

Three ways, one after the other, on the same machine, with the same engine arguments:

    pipeline       the datatrove pipeline against a vLLM server: requests over HTTP, answers saved to disk
    LLM.generate   vLLM in its own process with all prompts at once: the engine's limit
    one by one     a loop that waits for each answer before the next request, as most scripts do

Timing starts when the engine has answered its first request. Prints a line for each way, and two ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.executors.tasks import run_local
from prm_gsm8k.models.vllm_server import COMMAND, vllm_server
from prm_gsm8k.sampling.engine import Engine, read_answer
from prm_gsm8k.sampling.evidence import open_folder, read_calls
from prm_gsm8k.sampling.models import find_model
from prm_gsm8k.sampling.pipeline import Job, write_problems
from prm_gsm8k.sampling.settings import Settings
from prm_gsm8k.sampling.solve import SolutionOptions
from prm_gsm8k.train.small_model import small_model

ARGUMENTS = {"dtype": "bfloat16", "enforce_eager": True, "max_model_len": 2048, "max_num_seqs": 64}
ONE_BY_ONE = 3  # requests: they take long
IN_ITS_PROCESS = """
import json, sys, time
from vllm import LLM, SamplingParams

asked = json.load(sys.stdin)
llm = LLM(asked["weights"], **asked["arguments"])
params = [SamplingParams(**asked["sampling"])] * len(asked["prompts"])
llm.generate(asked["prompts"][:1], params[:1], use_tqdm=False)
start = time.monotonic()
done = llm.generate(asked["prompts"], params, use_tqdm=False)
seconds = time.monotonic() - start
json.dump({"tokens": sum(len(d.outputs[0].token_ids) for d in done), "seconds": seconds}, open(asked["out"], "w"))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="a folder or a Hub id; SmolLM2-135M out of a wheel if none is given")
    parser.add_argument("--problems", type=int, default=96)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--python", default=".venv-vllm/bin/python", help="the Python that has vLLM")
    options = parser.parse_args()
    os.environ.setdefault(COMMAND, f"{Path(options.python).absolute()} -m vllm.entrypoints.openai.api_server")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    model = find_model(str(options.model or small_model("build/smollm2")))
    settings = Settings(model.name, model.revision, prompt="few_shot", max_tokens=options.max_tokens)
    problems = shipped_problems("train")[: options.problems]
    requests = [settings.request(problem.question, [], attempt) for problem in problems for attempt in range(2)]
    print(
        f"{model.name}, {os.cpu_count()} cores; {len(requests)} requests (2 solutions of {len(problems)} GSM8K "
        f"problems, few-shot, at most {options.max_tokens} tokens), 64 at once"
    )
    flags = [f"--{name.replace('_', '-')}" + ("" if v is True else f"={v}") for name, v in ARGUMENTS.items()]
    with vllm_server(model.weights, model.vllm_arguments(flags)) as server:
        alone = asyncio.run(_one_by_one(server.url, requests[-ONE_BY_ONE:]))
        ours = _pipeline(server.url, settings, problems)
    most = _in_its_process(options.python, model.weights, requests)
    for name, (tokens, seconds) in {"pipeline": ours, "LLM.generate": most, "one by one": alone}.items():
        print(f"{name:<13}{tokens:>8,} tokens in {seconds:6.1f} s  {tokens / seconds:8.1f} tokens/s")
    to_most, to_alone = (ours[0] / ours[1] * other[1] / other[0] for other in (most, alone))
    print(f"pipeline / LLM.generate {to_most:.1%}; pipeline / one by one {to_alone:.1f} times")
    return 0 if to_most >= 0.85 and to_alone >= 5 else 1


def _pipeline(url: str, settings: Settings, problems: list[Problem]) -> tuple[int, float]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = open_folder(scratch, settings)
        job = Job(settings, SolutionOptions(num_solutions=2), None, folder, folder / "run", endpoint=url)
        write_problems(job, problems)
        start = time.monotonic()
        run_local(job, tasks=1, workers=1)
        seconds = time.monotonic() - start
        answers = [answer for calls in read_calls(folder).values() for answer in calls.values()]
    assert len(answers) == 2 * len(problems)
    return sum(answer.tokens for answer in answers), seconds


async def _one_by_one(url: str, requests: list[dict[str, object]]) -> tuple[int, float]:
    async with Engine(url) as engine:
        await engine.ask(requests[0])
        start = time.monotonic()
        tokens = sum([read_answer(await engine.ask(request)).tokens for request in requests])
        return tokens, time.monotonic() - start


def _in_its_process(python: str, weights: str, requests: list[dict[str, object]]) -> tuple[int, float]:
    sampling = {name: requests[0][name] for name in ("temperature", "top_p", "max_tokens", "stop")}
    with tempfile.NamedTemporaryFile() as out:
        asked = {
            "weights": weights,
            "arguments": ARGUMENTS,
            "prompts": [request["prompt"] for request in requests],
            "sampling": sampling,
            "out": out.name,
        }
        subprocess.run(
            [python, "-c", IN_ITS_PROCESS],
            input=json.dumps(asked).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        measured = json.loads(Path(out.name).read_bytes())
    return measured["tokens"], measured["seconds"]


if __name__ == "__main__":
    sys.exit(main())
