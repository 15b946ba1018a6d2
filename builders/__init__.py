"""The `datasets` builder and its configs: how rows get into, and out of, the datasets cache."""
