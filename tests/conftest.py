"""Every test starts from the same seed with fresh automatic names, and leaves threads and debugging as they were."""

import pytest

import linnet


@pytest.fixture(autouse=True)
def fresh_session(monkeypatch):
    monkeypatch.delenv("LINNET_DEBUG", raising=False)
    linnet.backend.clear_session()
    linnet.utils.set_random_seed(1234)
    threads = linnet.num_threads()
    yield
    linnet.set_num_threads(threads)
