"""The `datasets` builder and its configs: how rows get into, and out of, the datasets cache."""

PROBLEMS_PER_BATCH = 32  # a unit of work a process takes; small enough that processes end together
