"""`prm-gsm8k audit`: the quality of step-labelled solutions, whoever made them.

A process reward model (PRM) that can predict labels from surface cues learns the cues instead of the mathematics. So
the audit looks for cues that separate first errors from correct steps without any arithmetic, and compares the data
with solutions that real models wrote.

- `solutions`: any source as `Solution`s; `run`: the whole audit as one dict, which is also `--json`
- `features`, `probe`, `surface_cues`: surface features, how well they predict first errors, and which of them do
- `arithmetic`, `error_positions`, `duplicates`: false equations; where first errors are; duplicates, contradictions,
  contamination
- `reference`: statistics of real solutions, shipped (made by `measure`) or measured on the user's file
- `verdicts`: one line per check with its threshold and reason; `limits`: the thresholds; `page`: the HTML page
"""
