"""The Hugging Face Hub: publish in one commit, read back a pinned revision and verify it."""
