"""The `model_sampled` config: solutions sampled from a language model, read from the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datasets import BuilderConfig

from prm_gsm8k.sampling.recipe import ModelSampledRecipe


@dataclass
class ModelSampledConfig(ModelSampledRecipe, BuilderConfig):
    """The recipe as a `BuilderConfig` of `datasets`."""

    name: str = "model_sampled"

    def __post_init__(self) -> None:
        ModelSampledRecipe.__post_init__(self)
        BuilderConfig.__post_init__(self)

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """The name of the cache folder; see `Recipe.config_id`."""
        return self.config_id()
