"""A module in a process of its own: what it printed, or what it said last."""

import pytest

from jobs.processes import ModuleFailed, run_module


def test_what_a_module_printed_comes_back():
    assert run_module("platform", [], seconds=30).strip()


def test_a_module_that_ends_with_an_error_says_its_last_line():
    with pytest.raises(ModuleFailed, match="No module named no_such_module"):
        run_module("no_such_module", [], seconds=30)


def test_a_module_that_does_not_end_is_stopped():
    with pytest.raises(ModuleFailed, match=r"http\.server did not end within 0\.5 s"):
        run_module("http.server", ["0", "--bind", "127.0.0.1"], seconds=0.5)
