"""The audit's thresholds and their sources. Shares are in [0, 1].

A value is `ok` within its limit. It is `bad` if its whole interval is beyond the limit and beyond all that data that
people labelled show (`people` in real_solutions.json: what this audit measures on 797 solutions marked by teachers and
on PRM800K's phase 1 test), and `look` otherwise. Where chance alone reaches the limit, the sample is too small to tell.

The limits of the shortcut probe and of unseen reasons are the upper ends of the intervals of the reference.
"""

from __future__ import annotations

NO_CUE = 0.55  # an AUC up to here needs no reason, whatever the reference shows

# Matched probe (AUC, chance 0.5). Naive corruption (benchmarks/naive.py) reaches 0.59: all of the data may have about
# half of that excess, one error type a little more. Errors that models made are not without cues either: PRM800K shows
# 0.64.
MATCHED = 0.55
MATCHED_TYPE = 0.58

# Share of incorrect solutions that hold a sentence, or a step without its digits, that no correct step has and that
# stands 30 times or more. The 797 solutions marked by teachers have none; filler once made it 46% in `synthetic`.
MARKED = 0.01

# Share with a false equation. First errors: within five points of real ones, found by the same check, and bad in more
# than half: a calculator then finds most errors. (Of first errors of 16 older models on GSM8K 26% have one, as
# `prm-gsm8k label` finds them.) Correct steps: 0.07% in the real incorrect solutions, 0.1% in GSM8K's own.
FALSE_OFF = 0.05
FALSE_MOST = 0.5
FALSE_RIGHT = 0.005

# Positions of first errors and lengths of solutions have no fixed limit: see `Distance.halves` in error_positions.py.

# P(an incorrect solution is longer than a correct one), as a distance from 0.5. A solution-level scorer learns length
# first. Rule of thumb.
LENGTH_OF_SOLUTIONS = 0.10

# Share of incorrect solutions. Rule of thumb: below one in ten, either class is scarce.
BALANCE = (0.10, 0.90)

# Rule of thumb; short solutions coincide by chance, and `synthetic` has none. Duplicates and prefixes with two labels
# need a look from the first on, and are bad where they are more than among solutions that several teachers marked.
NEAR_DUPLICATES = 0.05

# Prompts that match a test question in all but numbers, or in 13 consecutive words. GSM8K train has none of the first
# and 4 in 7,092 of the second against GSM8K test. An exact match is always `bad`.
ALIKE = 0.005
