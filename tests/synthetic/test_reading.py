"""Problems that somebody else wrote: read however their steps and sums are written, or left out with the reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import run_command

from prm_gsm8k.dataset.language import other_language
from prm_gsm8k.dataset.problems import Problem, shipped_problems
from prm_gsm8k.dataset.recipe import Tally
from prm_gsm8k.synthetic.blocks import read_problem
from prm_gsm8k.synthetic.generate import SyntheticOptions, generate

QUESTION = "Paco had {a} cookies. He gave {b} cookies to his friend. How many cookies does Paco have left?"
SUMS = [(72, 25), (93, 48), (81, 37), (64, 29)]


def problems(step: str, question: str = QUESTION) -> Iterator[Problem]:
    for i, (a, b) in enumerate(SUMS):
        answer = f"{step.format(a=a, b=b, c=a - b)}\n#### {a - b}"
        yield Problem(f"own/{i}", question.format(a=a, b=b), answer, "train", f"own:{i + 1}")


def made(step: str, question: str = QUESTION) -> tuple[list[dict[str, Any]], Tally]:
    tally = Tally()
    options = SyntheticOptions(error_mix={"calculation_slip": 1, "number_flipped": 1})
    return list(generate(problems(step, question), options, tally)), tally


PLAIN = Counter(row["error_type"] for row in made("{a} - {b} = {c}")[0])
STEPS = [
    *(
        "({a}-{b}) = {c}",
        "( {a}.0 - {b}.0 ) = {c}.0",
        "(({a} - {b})) = {c}",
        "- ({a} - {b}) = {c}",
        "* {a} - {b} = {c}",
    ),
    *("1) {a} - {b} = {c}", "Step 2: {a} - {b} = {c}", "**Step 2:** ({a} - {b}) = {c}", "### Step 2: {a} - {b} = {c}"),
    *("**Left**: {a} - {b} = {c}", "**Left:** {a} - {b} = {c}", "**{a} - {b} = {c}**", "{a} - {b} = **{c}**"),
    *("=> {a} - {b} = {c}", "-> {a} - {b} = {c}", "> {a} - {b} = {c}", "x = {a} - {b} = {c}", "x=({a}-{b})={c}"),
    *(r"\( {a} - {b} = {c} \)", r"\[ ({a} - {b}) = {c} \]", "$ {a} - {b} = {c} $"),
    *("₹{a} - ₹{b} = ₹{c}", "Rs. {a} - Rs. {b} = Rs. {c}", "CHF {a} - CHF {b} = CHF {c}", "US${a} - US${b} = US${c}"),
    *("{a}€ - {b}€ = {c}€", "{a} kr - {b} kr = {c} kr", "{a} zł - {b} zł = {c} zł", "{a}₽ - {b}₽ = {c}₽"),
]


def test_there_are_slips_and_misreadings_of_a_problem_with_one_step() -> None:
    assert PLAIN["calculation_slip"] == len(SUMS)
    assert PLAIN["number_flipped"] >= len(SUMS)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_gives_the_same_rows_however_it_is_written(step: str) -> None:
    rows, _ = made(step)
    assert Counter(row["error_type"] for row in rows) == PLAIN
    assert {row["source"] for row in rows} == {"own", "twin", "corruption"}


@pytest.mark.parametrize(("sign", "other"), [("₹", "$"), ("Rs. ", "$"), ("kr ", "$"), ("R$", " $"), ("¥", "$")])
def test_rows_keep_the_currency_of_their_problem(sign: str, other: str) -> None:
    question = f"A coat costs {sign}{{a}}. It is {sign}{{b}} cheaper today. How much does it cost today?"
    rows, tally = made(f"It costs {sign}{{a}} - {sign}{{b}} = {sign}{{c}} today.", question)
    assert len(rows) > len(SUMS), tally.counts
    text = json.dumps(rows, ensure_ascii=False)
    assert sign in text and other not in text


OTHERS = {
    "de": ("Anna hat 76 Kekse und gibt 25 davon ab. Wie viele Kekse hat sie noch?", "Sie hat 76 - 25 = 51 Kekse."),
    "da": ("Anna har 76 kiks og giver 25 til sin ven. Hvor mange kiks har hun?", "Hun har 76 - 25 = 51 kiks."),
    "fr": ("Anna a 76 biscuits et en donne 25. Combien de biscuits lui reste-t-il ?", "Il lui reste 76 - 25 = 51."),
    "es": ("Ana tiene 76 galletas y regala 25. ¿Cuántas galletas le quedan?", "Le quedan 76 - 25 = 51 galletas."),
    "pl": ("Ania miała 76 ciastek i oddała 25 koledze. Ile ciastek jej zostało?", "Zostało jej 76 - 25 = 51."),
    "tr": ("Ayşe'nin 76 kurabiyesi var ve 25 tanesini verdi. Kaç kurabiyesi kaldı?", "76 - 25 = 51 kaldı."),
    "zh": ("小明有76块饼干，给了朋友25块。他还剩几块？", "他还剩 76 - 25 = 51 块。"),
    "ja": ("太郎はクッキーを76枚持っていて、25枚あげました。残りは何枚ですか。", "残りは 76 - 25 = 51 枚です。"),
    "ru": ("У Ани было 76 печений, она отдала 25. Сколько осталось?", "Осталось 76 - 25 = 51."),
    "lt": (  # of no list: it has no English word
        "Jonas turi 76 obuolius, dalį jų, 25 obuolius, atiduoda savo draugui. Kiek obuolių dabar turi Jonas?",
        "Dabar Jonas turi 76 - 25 = 51.",
    ),
    "th": ("แดงมีคุกกี้ 76 ชิ้น ให้เพื่อน 25 ชิ้น เหลือกี่ชิ้น", "76 - 25 = 51"),
}


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_sentence_gets_into_another_language(language: str) -> None:
    question, step = OTHERS[language]
    tally = Tally()
    assert read_problem(Problem("own/0", question, f"{step}\n#### 51", "train", "own:1"), tally) is None
    assert tally.counts == {"problem skipped/not in English": 1}


def test_an_english_question_with_another_solution_is_left_out() -> None:
    answer = "Sie hat 76 Kekse und gibt 25 davon ab, also hat sie 76 - 25 = 51 Kekse.\n#### 51"
    tally = Tally()
    assert read_problem(Problem("own/0", QUESTION.format(a=76, b=25), answer, "train", "own:1"), tally) is None
    assert tally.counts == {"problem skipped/not in English": 1}


def test_every_problem_of_gsm8k_is_in_english() -> None:
    every = [*shipped_problems("train"), *shipped_problems("test")]
    assert len(every) == 8792
    assert [p.where for p in every if other_language(p.question) or other_language(p.answer)] == []


@pytest.mark.parametrize("number", ["80.000", "1.234,56", "1,00,000", "1 234 000", "80'000", "0,5"])
def test_numbers_of_another_notation_are_left_out_and_quoted(number: str) -> None:
    question = f"A car costs {number} and a boat costs 500 more. What does the boat cost?"
    tally = Tally()
    assert read_problem(Problem("own/0", question, "500 + 1 = 501\n#### 501", "train", "own:1"), tally) is None
    assert tally.skipped == [("own:1", f"numbers in another notation: {number}")]


UNREAD = ["5 / 2 = 2 r1", "3/2 = 1 1/2", "2.99/12 = 0.25", "2(6+1.5) = 15", "1/2 + 1 1/2 = 2", "75¢ + 25¢ = $1"]


@pytest.mark.parametrize("equation", UNREAD)
def test_what_cannot_be_read_is_not_called_false(equation: str) -> None:
    tally = Tally()
    answer = f"That is {equation}.\nSo 76 - 25 = 51 are left.\n#### 51"
    read = read_problem(Problem("own/0", QUESTION.format(a=76, b=25), answer, "train", "own:1"), tally)
    assert read is not None or tally.skipped == [("own:1", f"unreadable equation: That is {equation}.")]


def test_what_is_false_is_called_false_and_quoted(tmp_path: Path) -> None:
    rows = [
        {"question": p.question, "answer": f"That is 3 * 4 = 13.\n{p.answer}" if i % 2 else f"5 / 2 = 2 r1\n{p.answer}"}
        for i, p in enumerate(problems("{a} - {b} = {c}"))
    ]
    rows += [{"question": p.question.replace("Paco", "Al"), "answer": p.answer} for p in problems("{a} - {b} = {c}")]
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)))
    said = run_command(
        *("build", "synthetic", "--problems", str(tmp_path / "own.jsonl"), "--out", str(tmp_path / "out"), "-v")
    ).stdout
    assert "problem skipped: false equation" in said and "problem skipped: unreadable equation" in said
    assert "false equation: 3 * 4 = 13, but it is 12" in said
    assert "unreadable equation: 5 / 2 = 2 r1" in said
