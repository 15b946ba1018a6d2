"""The `datasets` builder and its configs, which write rows to the datasets cache."""
