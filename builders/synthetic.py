"""The `synthetic` config: GSM8K solutions with one reasoning error each, made without a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datasets import BuilderConfig

from prm_gsm8k.synthetic.recipe import SyntheticRecipe


@dataclass
class SyntheticConfig(SyntheticRecipe, BuilderConfig):
    """The recipe as a `BuilderConfig` of `datasets`."""

    name: str = "synthetic"

    def __post_init__(self) -> None:
        SyntheticRecipe.__post_init__(self)
        BuilderConfig.__post_init__(self)

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """The name of the cache folder; see `Recipe.config_id`."""
        return self.config_id()
