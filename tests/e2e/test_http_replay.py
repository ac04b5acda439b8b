# SPDX-License-Identifier: Apache-2.0
"""What genuine clients sent to a genuine API server, sent to ours: every answer is compared with the recorded one.

tests/golden/http_known.txt lists the exchanges that ours answers otherwise, each with its reason."""
import pathlib
import sys

import pytest

from conftest import TIPHYS, TOP

sys.path.insert(0, str(TOP / "tests" / "http"))
import replay  # noqa: E402

OPTIONS = replay.parse(["--server", TIPHYS])
KNOWN = replay.read_known(TOP / "tests" / "golden" / "http_known.txt")
NAMES = replay.names(OPTIONS.source)


@pytest.mark.parametrize("name", NAMES)
def test_replay(name):
    lines = []
    counts, failed = replay.run_all(replay.load(OPTIONS.source, [name], None), OPTIONS, KNOWN, lines.append)
    assert not failed, "\n".join([f"{name} {seq}: {problem[:1000]}" for name, seq, problem in failed] + lines)
    assert sum(counts[name].values()) > 0


def test_every_known_difference_is_in_a_scenario():
    for name, seqs, reason in KNOWN:
        exchanges = replay.load(OPTIONS.source, [name], None)[name]
        assert seqs <= {e["seq"] for e in exchanges}, f"{name} {sorted(seqs)}"
        assert len(reason) > 10


def test_a_difference_is_found():
    """The comparison itself: what must not pass."""
    bindings = replay.Bindings()
    comparer = replay.Comparer(bindings, ["description"])
    comparer.body({"metadata": {"resourceVersion": "<rv-2>", "uid": "<uid-1>"}},
                  {"metadata": {"resourceVersion": "7", "uid": "0f0f0f0f-0000-4000-8000-000000000000"}})
    for expected, actual in (
            ({"a": 1}, {"a": 2}), ({"a": 1}, {"a": "1"}), ({"a": 1}, {"a": True}), ({"a": 1}, {}), ({}, {"a": 1}),
            (["a", "b"], ["b", "a"]), ({"v": "<rv-2>"}, {"v": "8"}), ({"v": "<rv-3>"}, {"v": "6"}),
            ({"v": "<rv-1>"}, {"v": "8"}), ({"u": "<uid-1>"}, {"u": "1f0f0f0f-0000-4000-8000-000000000000"}),
            ({"t": "<time-1>"}, {"t": "yesterday"}), ({"items": [{"metadata": {"name": "x"}}]}, {"items": []}),
            ({"items": []}, {"items": [{"metadata": {"name": "x", "namespace": "y"}}]})):
        with pytest.raises(replay.Mismatch):
            comparer.body(expected, actual)
