"""Solutions sampled from a language model, each labelled with its first error by rollouts."""
