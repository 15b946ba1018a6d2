"""The `labelled` config: solutions in a file, with first errors found by the reference solution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datasets import BuilderConfig

from prm_gsm8k.label.recipe import LabelledRecipe


@dataclass
class LabelledConfig(LabelledRecipe, BuilderConfig):
    """The recipe as `datasets` knows it: with a name, and a folder in the cache."""

    name: str = "labelled"

    def __post_init__(self) -> None:
        LabelledRecipe.__post_init__(self)
        BuilderConfig.__post_init__(self)

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """The folder's name; see `Recipe.config_id`."""
        return self.config_id()
