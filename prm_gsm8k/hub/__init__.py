"""The Hub: publish a built folder in one commit, and read it back pinned and verified."""
