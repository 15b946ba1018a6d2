"""The `prm800k` config: OpenAI's human-labelled solutions to MATH problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datasets import BuilderConfig

from prm_gsm8k.prm800k.recipe import Prm800kRecipe


@dataclass
class Prm800kConfig(Prm800kRecipe, BuilderConfig):
    """The recipe as a `BuilderConfig` of `datasets`."""

    name: str = "prm800k"

    def __post_init__(self) -> None:
        Prm800kRecipe.__post_init__(self)
        BuilderConfig.__post_init__(self)

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """The name of the cache folder; see `Recipe.config_id`."""
        return self.config_id()
