"""Real model errors: solutions sampled from a language model, and the first error of each found by rollouts."""
