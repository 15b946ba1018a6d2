"""The audit's thresholds and their sources. Shares are in [0, 1].

An estimate is `ok` within its limit, `bad` if its whole interval is beyond it, and `look` otherwise.
"""

from __future__ import annotations

# Shortcut probe (AUC). On ProcessBench GSM8K (400 solutions, labelled by people) surface features reach 0.74 and
# position 0.60. Data that is easier to predict has cues that real solutions lack.
SURFACE = 0.74
POSITION, POSITION_OFF = 0.60, 0.05
LENGTH = 0.60  # by length alone, on the 797 incorrect solutions of real_solutions.json

# Matched probe (AUC, chance 0.5). Naive corruption (benchmarks/naive.py) reaches 0.59: all of the data may have about
# half of that excess, one error type a little more.
MATCHED = 0.55
MATCHED_TYPE = 0.58

# Share of incorrect solutions that hold a sentence, or a step without its digits, that no correct step has and that
# stands 30 times or more. The 797 solutions marked by teachers have none; filler once made it 46% in `synthetic`.
MARKED = 0.01
UNSEEN = 0.01  # of reasons

# Share with a false equation. First errors: within five points of real ones, found by the same check. Correct steps:
# 0.07% in the real incorrect solutions, 0.1% in GSM8K's own.
FALSE_OFF = 0.05
FALSE_RIGHT = 0.005

# Positions of first errors and lengths of solutions have no fixed limit: see `Distance.halves` in error_positions.py.

# P(an incorrect solution is longer than a correct one), as a distance from 0.5. A solution-level scorer learns length
# first. Rule of thumb: as far from chance as the positions of real errors are.
LENGTH_OF_SOLUTIONS = 0.10

# Share of incorrect solutions. Rule of thumb: below one in ten, either class is scarce.
BALANCE = (0.10, 0.90)

# Rules of thumb: one duplicate in a hundred changes no measurement; more overweight some problems. `synthetic` has
# neither duplicates nor near-duplicates.
DUPLICATES = 0.01
NEAR_DUPLICATES = 0.05
CONTRADICTIONS = 0.001  # of prefixes: annotators' noise, worth a look; a generator should have none

# Prompts that match a test question in all but numbers, or in 13 consecutive words. GSM8K train has none of the first
# and 4 in 7,092 of the second against GSM8K test. An exact match is always `bad`.
ALIKE = 0.005
