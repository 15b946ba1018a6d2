"""The recipes by config. To add a config: write its recipe, a line here, and a line in `builders/`."""

from __future__ import annotations

from prm_gsm8k.dataset.recipe import Recipe
from prm_gsm8k.label.recipe import LabelledRecipe
from prm_gsm8k.prm800k.recipe import Prm800kRecipe
from prm_gsm8k.sampling.recipe import ModelSampledRecipe
from prm_gsm8k.synthetic.recipe import SyntheticRecipe

__all__ = ["RECIPES", "LabelledRecipe", "ModelSampledRecipe", "Prm800kRecipe", "SyntheticRecipe"]

RECIPES: dict[str, type[Recipe]] = {
    recipe.config: recipe for recipe in (SyntheticRecipe, Prm800kRecipe, ModelSampledRecipe, LabelledRecipe)
}
