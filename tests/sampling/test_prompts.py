"""The prompts: what a server is sent, for a whole solution and to go on from steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from real_tokenizers import tokenizer

from prm_gsm8k.arithmetic.false_equations import false_equations
from prm_gsm8k.arithmetic.grading import final_answer
from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.steps import split_steps
from prm_gsm8k.exceptions import UsageError
from prm_gsm8k.sampling import prompts

QUESTION = "Ann has {3} bags of 4 {steps}. How many?"
STEPS = ["3 bags of 4 are 3 * 4 = 12.", "Hers are {question} 12."]


def test_every_file_is_a_style() -> None:
    folder = Path(prompts.__file__).parent
    assert {path.stem for path in folder.glob("*.toml")} == set(prompts.STYLES)


def test_chat_asks_for_a_solution_without_thoughts() -> None:
    body = prompts.render("chat", QUESTION)
    system, user = body["messages"]
    assert (system["role"], user) == ("system", {"role": "user", "content": QUESTION})
    assert "The answer is N." in system["content"]
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert "continue_final_message" not in body


def test_chat_goes_on_in_the_assistants_turn() -> None:
    body = prompts.render("chat", QUESTION, STEPS)
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant"]
    assert body["messages"][2]["content"] == "3 bags of 4 are 3 * 4 = 12.\nHers are {question} 12.\n"
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize(("name", "end"), [("smollm2", "\n"), ("qwen", "\n"), ("llama3", "")])
def test_the_continued_turn_ends_where_the_next_step_begins(name: str, end: str) -> None:
    """With the chat templates of real models, as vLLM renders them. Llama 3's trims: its model writes the newline."""
    body = prompts.render("chat", QUESTION, STEPS)
    text = tokenizer(name).apply_chat_template(
        body["messages"],
        tokenize=False,
        continue_final_message=body["continue_final_message"],
        add_generation_prompt=body["add_generation_prompt"],
        **body["chat_template_kwargs"],
    )
    assert isinstance(text, str)
    assert text.endswith(f"\n{STEPS[0]}\n{STEPS[1]}{end}")
    assert QUESTION in text


def test_chat_ask_sends_nothing_that_only_vllm_knows() -> None:
    assert set(prompts.render("chat_ask", QUESTION, STEPS)) == {"messages", "stop"}


def test_chat_ask_puts_the_steps_into_the_question() -> None:
    assert prompts.render("chat_ask", QUESTION)["messages"][1]["content"] == QUESTION
    system, user = prompts.render("chat_ask", QUESTION, STEPS)["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert user["content"].startswith(f"{QUESTION}\n\nA solution begins with these lines:\n{STEPS[0]}\n{STEPS[1]}\n")


def test_few_shot_ends_where_the_next_step_begins() -> None:
    first, later = (prompts.render("few_shot", QUESTION, steps) for steps in ((), STEPS))
    assert first["prompt"].endswith(f"\n\nProblem: {QUESTION}\nSolution:\n")
    assert later["prompt"] == f"{first['prompt']}{STEPS[0]}\n{STEPS[1]}\n"
    assert later["stop"] == ["\n\n", "\nProblem:"]


def test_few_shot_examples_are_right_and_in_the_form_we_read() -> None:
    examples = prompts.render("few_shot", QUESTION)["prompt"].split("\n\n")[:-1]
    assert len(examples) == 4
    for example in examples:
        solution = example.partition("\nSolution:\n")[2]
        assert not any(stop in solution for stop in prompts.render("few_shot", QUESTION)["stop"])
        steps = split_steps(solution)
        assert steps == solution.split("\n")
        assert not any(map(false_equations, steps))
        answer = final_answer(solution)
        assert answer is not None and re.search(rf"= \$?{answer}\b", steps[-2])


def test_few_shot_examples_are_no_problems_of_gsm8k() -> None:
    ours = re.findall(r"Problem: (.+)", prompts.source("few_shot").replace("\\\n", ""))
    words = [set(question.lower().split()) for question in ours[:-1]]
    for split in ("train", "test"):
        for problem in shipped_problems(split):
            theirs = set(problem.question.lower().split())
            assert all(len(w & theirs) < 0.7 * len(w) for w in words), problem.id


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(UsageError, match="prompt is one of chat, chat_ask, few_shot, not 'poem'"):
        prompts.render("poem", QUESTION)
