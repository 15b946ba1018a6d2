"""A model's text into steps: every form in which models write, and nothing cut that is one thing."""

from __future__ import annotations

import pytest

from prm_gsm8k.dataset.problems import shipped_problems
from prm_gsm8k.dataset.steps import split_steps

# The same solution throughout; a form says how its steps stand in a text.
STEPS = [
    "Mr. Lee buys 3.5 kg of flour at $2.40 per kg, so he pays 3.5 * 2.40 = $8.40.",
    "He has 12 oz. of yeast, i.e. enough for 6 loaves.",
    "Each loaf sells for $4, so he earns 6 * 4 = $24.",
    "His profit is 24 - 8.40 = $15.60!",
    "The answer is 15.60.",
]
FORMS = {
    "a line each": ("{step}", "\n"),
    "blank lines": ("{step}", "\n\n"),
    "Windows newlines": ("{step}", "\r\n"),
    "numbers": ("{n}. {step}", "\n"),
    "numbers in brackets": ("{n}) {step}", "\n"),
    "Step 1:": ("Step {n}: {step}", "\n\n"),
    "bold Step 1:": ("**Step {n}:** {step}", "\n\n"),
    "bullets": ("- {step}", "\n"),
    "stars": ("* {step}", "\n"),
    "headings": ("### Step {n}: Part {n}\n{step}", "\n\n"),
    "bold titles": ("**Part {n}**\n{step}", "\n\n"),
    "numbered titles": ("{n}. **Next part:**\n{step}", "\n"),
    "numbers alone": ("{n}.\n{step}", "\n"),
    "formulas after": ("{step}\n\\[\n{n} + 1 = {n1}\n\\]", "\n"),
    "formulas in dollars": ("{step}\n\n$$\n{n} + 1 = {n1}\n$$", "\n\n"),
    "environments": ("{step}\n\\begin{{align*}}\nx &= {n} \\\\\n&= {n}\n\\end{{align*}}", "\n"),
    "rules between": ("{step}", "\n\n---\n\n"),
    "a paragraph": ("{step}", " "),
    "a paragraph with numbers": ("{n}. {step}", " "),
    "a paragraph with Step 1:": ("Step {n}: {step}", " "),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_solution_has_the_same_steps_in_every_form(form: str) -> None:
    template, between = FORMS[form]
    written = [template.format(step=step, n=n, n1=n + 1) for n, step in enumerate(STEPS, 1)]
    steps = split_steps(between.join(written))
    assert [" ".join(step.split()) for step in steps] == [" ".join(step.split()) for step in written]
    assert all(step == step.strip() for step in steps)


def test_a_long_line_is_a_paragraph_among_lines() -> None:
    paragraph = " ".join(STEPS)
    assert split_steps(f"Let us see.\n{paragraph}") == ["Let us see.", *STEPS]
    assert split_steps(f"Let us see.\n{' '.join(STEPS[:4])}") == ["Let us see.", " ".join(STEPS[:4])]


@pytest.mark.parametrize(
    "whole",
    [
        "He pays $3.50. that is much.",
        "Dr. J. K. Ray has 5.",
        "It is 7 a.m. now, e.g. early.",
        "She needs 12 oz. 3 times.",
        "So x = 2.5...and more.",
        r"With \(a = 1. B = 2\) it holds.",
        "1. She has 5 apples.",
    ],
)
def test_one_sentence_stays_one(whole: str) -> None:
    assert split_steps(whole) == [whole]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("She has 5. He has 6.", ["She has 5.", "He has 6."]),
        ('He says "12." Then he goes.', ['He says "12."', "Then he goes."]),
        ("2x = 10. x = 5.", ["2x = 10.", "x = 5."]),
        ("Exit C is left. $5 is paid.", ["Exit C is left.", "$5 is paid."]),
        ("It takes 5 min. She stops.", ["It takes 5 min.", "She stops."]),
        ("How many are left? 7 are.", ["How many are left?", "7 are."]),
        (r"So \(x = 3\). Then \(y = 4\).", [r"So \(x = 3\).", r"Then \(y = 4\)."]),
    ],
)
def test_sentences_of_one_line(text: str, sentences: list[str]) -> None:
    assert split_steps(text) == sentences


def test_an_answer_line_is_a_step_and_its_paragraph_is_cut() -> None:
    assert split_steps("She has 5. He has 6.\n#### 11") == ["She has 5.", "He has 6.", "#### 11"]


def test_equations_line_by_line_stay_lines_behind_a_colon() -> None:
    assert split_steps("We can write:\n2x = 10\nx = 5") == ["We can write:", "2x = 10", "x = 5"]


def test_an_explanation_belongs_to_its_formula() -> None:
    assert len(split_steps("So\n\\[\n8/2 = 20/x\n\\]\nwhere x is the oil.\nThus x = 5.")) == 2


@pytest.mark.parametrize("conclusion", ["**18**", "**18 eggs**", "**Final answer: 18**", "**So she has 18 eggs.**"])
def test_a_bold_conclusion_is_no_title(conclusion: str) -> None:
    assert split_steps(f"2 * 9 = 18\n{conclusion}\nThat is all.") == ["2 * 9 = 18", conclusion, "That is all."]


def test_code_stays_whole() -> None:
    text = "We compute:\n```python\nx = 3\n\nprint(x)\n```\nThe answer is 3."
    assert split_steps(text) == ["We compute:\n```python\nx = 3\n\nprint(x)\n```", "The answer is 3."]


def test_an_unclosed_formula_swallows_nothing() -> None:
    assert split_steps("First \\[ 3 + 4\n\nSecond step\n\nThird \\] step") == [
        "First \\[ 3 + 4",
        "Second step",
        "Third \\] step",
    ]


def test_calculator_tags_and_thoughts_go() -> None:
    assert split_steps("<think>\nHm. 5?\n</think>\n\nHe has 48/2 = <<48/2=24>>24.\nSo << 24.") == [
        "He has 48/2 = 24.",
        "So  24.",
    ]


@pytest.mark.parametrize("nothing", ["", "  \n\n", "---\n***", "<<1+1=2>>"])
def test_nothing_has_no_steps(nothing: str) -> None:
    assert split_steps(nothing) == []


def test_the_lines_of_gsm8k_are_its_steps() -> None:
    for problem in shipped_problems("train")[:1500]:
        lines = [line for line in problem.answer.split("\n") if line]
        if len(lines) < 3:
            continue  # one line and the answer: cut into sentences
        steps = split_steps(problem.answer)
        assert "".join("".join(steps).split()) == "".join("".join(lines).split()) or "<<" in problem.answer
        assert len(steps) == len(lines) or any(line.count(". ") > 3 for line in lines), problem.id
