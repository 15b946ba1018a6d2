"""What the audit lets pass, each number with where it is from. Shares are between 0 and 1.

A number with an interval is `ok` up to its limit, `bad` when the whole interval is beyond it, and `look` in between.
"""

from __future__ import annotations

# Shortcut probe. Steps of real solutions (ProcessBench GSM8K, 400 solutions, people's marks) are told apart with AUC
# 0.74 by their face and 0.60 by their place: data that is told apart better teaches what real ones lack.
SURFACE = 0.74
POSITION, POSITION_OFF = 0.60, 0.05
# Length alone, on 797 real wrong solutions (real_solutions.json's source): 0.60.
LENGTH = 0.60

# Matched probe: by chance 0.5. Naive corruption (benchmarks/naive.py) has 0.59, so of data that claims to be better the
# whole may have half of that, and a type that is a part of it a little more.
MATCHED = 0.55
MATCHED_TYPE = 0.58

# False equations: of first errors, as many as real ones have, five points off at most, measured by the same check. Of
# right steps 0.07% in the real wrong solutions and 0.1% in GSM8K's own.
FALSE_OFF = 0.05
FALSE_RIGHT = 0.005

# Where first errors stand and how long solutions are: two random halves of the reference are farther apart in one of
# twenty draws (shape.py); there is no number to choose.

# Solutions as a whole: the chance that a wrong one is longer than a right one. What scores whole solutions learns this
# first. A rule of thumb, as far off chance as the place of real errors is.
LENGTH_OF_SOLUTIONS = 0.10  # off 0.5

# A rule of thumb: rows of which half are wrong, give or take, teach both sides; one in ten of either is little.
BALANCE = (0.10, 0.90)

# Repeats: none is needed. Rules of thumb: one in a hundred changes nothing that is measured, and more weigh some
# problems more than others. `synthetic` has neither; GSM8K's own solutions are no templates of each other.
DUPLICATES = 0.01
NEAR_DUPLICATES = 0.05
CONTRADICTIONS = 0.001  # of prefixes: noise of a labeler's, to be looked at; a generator has none

# Contamination: no question at all may be one of a test set. GSM8K train has none that is one but for its numbers, and
# 4 in 7,092 with 13 words in a row as in GSM8K test.
ALIKE = 0.005
