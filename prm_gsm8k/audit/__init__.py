"""How good labelled steps are, whoever made them: `prm-gsm8k audit`.

A process reward model that can read labels off the face of the text learns the face. So this package looks for what
tells a first error without knowing arithmetic, and holds everything against solutions that a real model wrote:

- `data`: rows of any source in one shape; `run`: all of the audit, as one dict that is also `--json`
- `features`, `probe`, `telling`: what of a text can be seen, how well it tells a first error, and what of it, in words
- `arithmetic`, `shape`, `repeats`: false equations; where first errors stand; duplicates, contradictions, contamination
- `reference`: real solutions, as numbers that are shipped, or a file of the user's
- `verdicts`: a line for each question, with its threshold and why; `limits`: the thresholds
- `page`: the same as a page to look at
"""
