# SPDX-License-Identifier: Apache-2.0
"""Every recorded workflow once more: made by kubectl on a server of ours, run by a real plugin, edited as people's clients did.

tests/golden/server_known.txt lists those that come out otherwise, each with its reason."""
import sys

import pytest

import neighbours
from conftest import TIPHYS, TOP

sys.path.insert(0, str(TOP / "tests" / "http"))
import cases  # noqa: E402

OPTIONS = cases.parse(["--server", TIPHYS])
KNOWN = cases.read_known(OPTIONS.known)
CASES = cases.load(OPTIONS.source, [], None)


def kubectl():
    """The newest that can be had; why there is none."""
    try:
        return str(neighbours.built("kubectl")), None
    except pytest.skip.Exception as why:
        return None, str(why)


@pytest.fixture(scope="module")
def played():
    """Case -> differences: all are played at once, many at a time."""
    OPTIONS.kubectl, why = kubectl()
    results = cases.play_chosen(CASES, OPTIONS, lambda *_: None)
    results["kubectl"] = why
    return results


def check(name, differs):
    if name in KNOWN:
        assert differs, f"{name} is known to differ ({KNOWN[name]}), but does not: take it out of {OPTIONS.known}"
    else:
        assert not differs, "\n".join(differs[:20])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(played, case):
    check(case.name, played[case.name])


@pytest.mark.parametrize("case", [case for case in CASES if case.has_events()], ids=lambda case: case.name)
def test_events(played, case):
    """What is told of it, as Kubernetes Events."""
    check(case.name + cases.EVENTS, played.get(case.name + cases.EVENTS, ["it did not get so far"]))


def test_they_were_made_by_kubectl(played):
    if played["kubectl"]:
        pytest.skip(f"they were made by plain requests, for there is no kubectl: {played['kubectl']}")


def test_the_servers_ended_well(played):
    assert "." not in played, "\n".join(played["."])


def test_every_known_case_is_one():
    recorded = {case.name for case in CASES} | {case.name + cases.EVENTS for case in CASES}
    shared = OPTIONS.source.is_dir()  # the compact copy has fewer
    assert all(len(reason) > 20 for reason in KNOWN.values())
    assert not shared or set(KNOWN) <= recorded


def test_a_difference_is_found():
    """The comparison itself: what must not pass."""
    for expected, got in (({"a": 1}, {"a": 2}), ({"a": 1}, {}), ({}, {"a": 1}), ({"a": True}, {"a": 1}), ([1, 2], [2, 1]),
                          ({"a": {"b": "T"}}, {"a": {"b": None}})):
        assert cases.differences(expected, got, "")
    assert not cases.differences({"a": [{"b": None}]}, {"a": [{"b": None}]}, "")
