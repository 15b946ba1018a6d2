"""A Hugging Face Hub on 127.0.0.1, in memory: real HTTP for tests, no internet and no mock.

tests/conftest.py points this process at it and gives each test an empty one (`hub`) and an empty cache:

    def test_one_commit(hub, folder):
        publish(folder, "org/prm-gsm8k")
        assert len(hub.asked("POST", "/commit/main$")) == 1 and hub.lfs_bytes() > 0
        repo = hub.dataset("org/prm-gsm8k")         # repo.files(), repo.head, repo.tags, repo.history(); hub.model(…)

    hub.fail(nth=3, cut="after")                    # the third request from now on is served, its reply is lost
    hub.fail("PUT", "/lfs/", cut="before")          # the first upload never arrives; also status=503, retry_after=1
    hub.before("POST", "/commit/", lambda: repo.put({"notes.txt": b"first"}))   # somebody else commits in between
    repo.flip_byte("README.md")                     # what is served is no longer what the tree says
    monkeypatch.setenv("HF_TOKEN", hub.READ)        # WRITE is the default; READ, STRANGER (another user); or delenv

`xet_hub` is the same through Xet, `with offline():` is HF_HUB_OFFLINE=1, `waits` is what a client would have waited.
Other processes are served too, with HF_ENDPOINT=hub.endpoint: `hub = Hub(); hub.start(); hub.create(ID).put(files)`.
"""

from loopback.repos import Repo
from loopback.server import Hub

__all__ = ["Hub", "Repo"]
