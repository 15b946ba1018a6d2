"""The labelled solutions of one problem, merged into one tree of prefixes; its leaves are the rows.

A line of PRM800K is a solution whose steps may each have several completions, each with a rating:

    step 0   "7.8 minutes is 7 and 0.8 minutes."  +1, chosen
    step 1   "0.8 minutes is 80 seconds."         -1
             "0.8 minutes is 48 seconds."         +1, chosen
    step 2   "So 420 + 48 = 468 seconds."         +1, chosen

The completions of a step are alternatives: each continues the steps chosen before it, never another alternative. So a
solution is a path with side branches, and all solutions of a problem make one tree:

    7.8 minutes is … ─┬─ 0.8 minutes is 80 seconds.
                      └─ 0.8 minutes is 48 seconds. ─── So 420 + 48 = 468 seconds.

A row is a path from the root to a leaf: two rows here, labelled [true, false] and [true, true, true]. A prefix of a
longer path is not a row of its own, because the longer row has the same labels for it. So every row is a sequence that
a labeler saw, no prefix has two labels, and none is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

NEUTRAL = ("positive", "negative", "drop")

# Reasons why a completion is not a step of any row; keys of the tally.
EMPTY = "completion left out/empty text"
TAGGED = "completion left out/calculator tag"  # `<<`, which the schema reserves for GSM8K's annotations
FLAGGED = "completion left out/flagged by the labeler"
UNRATED = "completion left out/no rating"
DRAFT = "completion left out/human draft that was not used"
DISAGREE = "completion left out/labelers disagree"
NEUTRAL_DROPPED = "completion left out/neutral"
BEHIND = "completion left out/behind one that was left out"
AGAIN = "completion merged/same prefix rated again"


@dataclass(slots=True)
class Node:
    """A prefix: all steps from the root to this one.

    Attributes:
        parent: index of the prefix without its last step, -1 for the root.
        text: the last step.
        source: column `source` of its rows.
        votes: how often it was rated -1, 0 and 1.
        rating: the rating that `_rate` derives from the votes; None for a step that a labeler wrote.
        depth: number of steps; 0 if it is left out.
        correct: number of steps before the first error.
        leaf: whether no longer path goes through it.
    """

    parent: int
    text: str
    source: str
    votes: list[int]
    rating: int | None = None
    depth: int = 0
    correct: int = 0
    leaf: bool = False


def problem_id(problem: str) -> str:
    """`math/` and a digest of the problem's text, 16 hexadecimal digits."""
    return f"math/{blake2b(problem.encode(), digest_size=8).hexdigest()}"


def rows_of(
    solutions: Iterable[tuple[str, Mapping[str, Any]]], neutral: str, counts: Counter[str]
) -> Iterator[dict[str, Any]]:
    """The rows of one problem.

    Args:
        solutions: (phase, line) of all its labelled solutions; lines as released, already checked.
        neutral: meaning of the rating 0: `positive` (correct), `negative` (incorrect) or `drop` (the path ends before).
        counts: counts what is left out or merged.
    """
    nodes: list[Node] = []
    children: dict[tuple[int, str], int] = {}
    problem, reference = "", None
    for phase, solution in solutions:
        problem = solution["question"]["problem"]
        reference = reference or solution["question"].get("ground_truth_answer")
        counts[f"solutions that end with {solution['label'].get('finish_reason') or 'no reason given'}"] += 1
        _grow(nodes, children, solution["label"]["steps"], f"openai/prm800k phase{phase}", counts)
    _rate(nodes, neutral, counts)
    yield from _leaves(nodes, problem, None if reference is None else str(reference))


def _grow(
    nodes: list[Node],
    children: dict[tuple[int, str], int],
    steps: list[Mapping[str, Any]],
    source: str,
    counts: Counter[str],
) -> None:
    """Add one solution: the path that the labeler chose, and every rated alternative to its steps."""

    def child(parent: int, text: str) -> int:
        at = children.setdefault((parent, text), len(nodes))
        if at == len(nodes):
            nodes.append(Node(parent, text, source, [0, 0, 0]))
        return at

    def unfit(completion: Mapping[str, Any]) -> str | None:
        text = completion["text"] or ""
        return FLAGGED if completion.get("flagged") else EMPTY if not text.strip() else TAGGED if "<<" in text else None

    here = -1
    for i, step in enumerate(steps):
        chosen, human = step["chosen_completion"], step["human_completion"]
        found: list[int | None] = []
        for completion in step["completions"] or ():
            rating = completion["rating"]
            if why := UNRATED if rating is None else unfit(completion):
                counts[why] += 1
                found.append(None)
                continue
            before = len(nodes)
            at = child(here, completion["text"].rstrip("\n"))
            if at < before and any(nodes[at].votes):
                counts[AGAIN] += 1
            nodes[at].votes[rating + 1] += 1
            found.append(at)
        after: int | None = None
        if chosen is not None:
            after = found[chosen]
            if step["completions"][chosen]["rating"] == -1:
                counts["chosen steps rated -1"] += 1
            if human is not None:
                counts[DRAFT] += 1
        elif human is not None:
            if why := unfit(human):
                counts[why] += 1
            else:
                after = child(here, human["text"].rstrip("\n"))
                counts["steps written by a labeler"] += 1
                if (rating := human.get("corrected_rating")) in (-1, 0, 1):  # some were rated later
                    nodes[after].votes[rating + 1] += 1
        if after is None:
            if behind := sum(len(later["completions"] or ()) for later in steps[i + 1 :]):
                counts[BEHIND] += behind
            return
        here = after


def rating_of(votes: list[int]) -> int | None:
    """The rating of a prefix that was rated -1, 0 and 1 as often as `votes` says; None if labelers disagree.

    The majority decides between -1 and the rest; a tie is a disagreement. Of the rest the rating is 1 if there are more
    1s than 0s. A step without votes was written by a labeler, who was asked for a correct one.

    >>> rating_of([0, 1, 1]), rating_of([2, 1, 0]), rating_of([1, 0, 1]), rating_of([0, 0, 0])
    (0, -1, None, 1)
    """
    negative, neutral, positive = votes
    if negative > neutral + positive:
        return -1
    if negative and negative == neutral + positive:
        return None
    return 1 if positive > neutral or not neutral else 0


def _rate(nodes: list[Node], neutral: str, counts: Counter[str]) -> None:
    """Rate each prefix, and leave out those without a clear rating and everything after them."""
    lowest_correct = 0 if neutral == "positive" else 1
    root = Node(-1, "", "", [])
    for node in nodes:  # parents come before their children
        above = nodes[node.parent] if node.parent >= 0 else root
        rating = rating_of(node.votes)
        if above is not root and not above.depth:
            counts[BEHIND] += sum(node.votes)
        elif rating is None:
            counts[DISAGREE] += sum(node.votes)
        elif rating == 0 and neutral == "drop":
            counts[NEUTRAL_DROPPED] += sum(node.votes)
        else:
            node.rating = rating if any(node.votes) else None
            node.depth = above.depth + 1
            node.correct = above.correct + (above.correct == above.depth and rating >= lowest_correct)
            node.leaf, above.leaf = True, False


def _leaves(nodes: list[Node], problem: str, reference: str | None) -> Iterator[dict[str, Any]]:
    """The rows. Alternatives are neighbours, so the path to their parent is walked once for all of them."""
    name = problem_id(problem)
    shared = -2
    steps_before: list[str] = []
    ratings_before: list[int | None] = []
    hash_before = blake2b(digest_size=6)
    for node in nodes:
        if not node.leaf:
            continue
        if node.parent != shared:
            shared = node.parent
            path = _path(nodes, node.parent)
            steps_before, ratings_before = [n.text for n in path], [n.rating for n in path]
            hash_before = blake2b("".join(f"{text}\0" for text in steps_before).encode(), digest_size=6)
        steps_hash = hash_before.copy()
        steps_hash.update(node.text.encode())
        incorrect = node.depth - node.correct
        yield {
            "prompt": problem,
            "completions": [*steps_before, node.text],
            "labels": [True] * node.correct + [False] * incorrect,
            "id": f"{name}/{steps_hash.hexdigest()}",
            "problem_id": name,
            "first_error": node.correct if incorrect else -1,
            "error_type": "unknown" if incorrect else "none",
            "answer": _answer(node.text),
            "reference_answer": reference,
            "values": None,
            "source": node.source,
            "ratings": [*ratings_before, node.rating],
        }


def _path(nodes: list[Node], at: int) -> list[Node]:
    """The prefixes from the root to the one at an index."""
    path = []
    while at >= 0:
        path.append(nodes[at])
        at = nodes[at].parent
    path.reverse()
    return path


def _answer(step: str) -> str | None:
    """The text after `# Answer`, with which a solution of PRM800K ends; None without one."""
    return step.rpartition("# Answer")[2].strip() or None if "# Answer" in step else None
