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
WITH_TLS = replay.parse(["--server", TIPHYS, "--tls"])
KNOWN = replay.read_known(TOP / "tests" / "golden" / "http_known.txt")
NAMES = replay.names(OPTIONS.source)
ALL = replay.load(OPTIONS.source, NAMES, None)


def check(name, options, known):
    lines = []
    counts, failed = replay.run_all({name: ALL[name]}, options, known, lines.append)
    assert not failed, "\n".join([f"{name} {seq}: {problem[:1000]}" for name, seq, problem in failed] + lines)
    assert sum(counts[name].values()) > 0


@pytest.mark.parametrize("name", NAMES)
def test_replay(name):
    check(name, OPTIONS, KNOWN)


@pytest.mark.parametrize("name", replay.with_tls(ALL, KNOWN))
def test_replay_with_tls_and_tokens(name):
    """With the token of whoever asked, or the one that the recorder added."""
    check(name, WITH_TLS, replay.known_with_tls(KNOWN))


def test_what_is_not_served_has_a_reason():
    reasons = dict(line.split("\t") for line in (TOP / "tests/golden/http_not_served.txt").read_text().splitlines()
                   if line and not line.startswith("#"))
    found = {replay.not_served(e["request"]) for exchanges in ALL.values() for e in exchanges} - {None}
    assert found <= set(reasons)
    assert found == set(reasons) or not OPTIONS.source.is_dir()  # the compact copy has less


def test_every_known_difference_is_in_a_scenario():
    for name, seqs, reason in KNOWN:
        assert seqs <= {e["seq"] for e in ALL[name]}, f"{name} {sorted(seqs)}"
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
