"""Read the PRMs in the folders of a folder with the transformers there is, score `row.json` of each, and save it again.

Prints JSON: the version, and of each PRM its scores, what was missing of it, and the ids that its tokenizer gives.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers


def read(folder: Path) -> dict[str, Any]:
    row = json.loads((folder / "row.json").read_bytes())
    try:
        model, loading = transformers.AutoModelForTokenClassification.from_pretrained(
            folder, dtype="auto", output_loading_info=True
        )
        words = transformers.AutoTokenizer.from_pretrained(folder)
    except (ValueError, RuntimeError) as error:
        return {"error": str(error)}
    with torch.inference_mode():
        logits = model.eval()(input_ids=torch.tensor([row["input_ids"]]), use_cache=False).logits
    model.save_pretrained(folder / "again")
    words.save_pretrained(folder / "again")
    return {
        "scores": logits.float().softmax(-1)[0, row["tags"], 1].tolist(),
        "missing": loading["missing_keys"],
        "dtype": str(model.dtype),
        "tokenizer": type(words).__name__,
        "ids": words(row["text"], add_special_tokens=False)["input_ids"],
    }


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    found = {folder.name: read(folder) for folder in sorted(Path(sys.argv[1]).iterdir())}
    print(json.dumps({"version": transformers.__version__, "found": found}))
