"""real_solutions.json anew: what the audit measures on data that people labelled.

prm-gsm8k build prm800k --source phase1_test_rebuilt.jsonl.gz --phase 1 --out prm800k
python -m prm_gsm8k.audit.measure first_error.jsonl prm800k > prm_gsm8k/audit/real_solutions.json
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import orjson

from prm_gsm8k.audit.reference import NAMES, as_json, read_reference
from prm_gsm8k.audit.run import Audit, audit
from prm_gsm8k.metrics.intervals import Estimate

PARTS = ("by ", "error_type ", "source ", "style ")  # with which lines about a part of the data begin


def figures(audited: Audit) -> dict[str, Estimate]:
    """What an audit found in all of the data, as of `People`."""
    return {
        line.what: Estimate(line.value, line.low, line.high, 0)
        for line in audited.lines
        if line.value is not None and line.low is not None and not line.what.startswith(PARTS)
    }


def measured(first_errors: str, prm800k: str) -> dict[str, Any]:
    """real_solutions.json anew."""
    audits = (audit(path, reference=first_errors) for path in (first_errors, prm800k))
    people = dict(zip(NAMES, map(figures, audits), strict=True))
    name = "eth-lre/verify-then-generate, 797 solutions to GSM8K train questions marked by teachers (CC BY 4.0)"
    return as_json(replace(read_reference(first_errors), name=name, people=people))


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(measured(*sys.argv[1:3]), option=orjson.OPT_APPEND_NEWLINE))
