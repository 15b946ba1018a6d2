"""The `model_sampled` config: solutions that a language model sampled, read from the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datasets import BuilderConfig

from prm_gsm8k.sampling.recipe import ModelSampledRecipe


@dataclass
class ModelSampledConfig(ModelSampledRecipe, BuilderConfig):
    """The recipe as `datasets` knows it: with a name, and a folder in the cache."""

    name: str = "model_sampled"

    def __post_init__(self) -> None:
        ModelSampledRecipe.__post_init__(self)
        BuilderConfig.__post_init__(self)

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """The folder's name; see `Recipe.config_id`."""
        return self.config_id()
