"""tiphys doctor: what the machine offers, in words, as JSON, and where it offers nothing."""
import os
import shutil
import subprocess

import pytest

from conftest import TIPHYS


def findings(result):
    return {f["name"]: f for f in result.json["findings"]}


def test_a_good_machine_ends_with_0_and_says_so(tiphys):
    result = tiphys("doctor")
    assert result.code == 0, result.out + result.err
    assert "sidecars are isolated from each other and from you" in result.out
    lines = result.out.splitlines()
    assert any("namespaces" in line and "user, mount, pid, ipc, uts" in line for line in lines)
    assert any("python:*" in line and "/python3 3." in line for line in lines)
    assert "\033" not in result.out  # no colours on a pipe


def test_json_has_every_finding(tiphys):
    result = tiphys("doctor", "-o", "json")
    assert result.json["isolated"] is True
    found = findings(result)
    assert found["namespaces"]["state"] == "ok"
    assert {"limits", "seccomp", "python:*", "node:*"} <= set(found)
    assert all(f["state"] in ("ok", "warning", "missing") for f in found.values())
    # What is not there has a cure.
    assert all("cure" in f for f in found.values() if f["state"] == "missing")


def test_images_shows_the_whole_map_with_the_configured_entries_first(tiphys, tmp_path):
    file = tmp_path / "images.yaml"
    file.write_text("images:\n- image: acme/tools:*\n  root: /\n- image: thing\n  programs: {thing: no-such-thing}\n")
    result = tiphys("doctor", "--images", "--images-file", file, "-o", "json")
    found = [f for f in result.json["findings"] if f["name"].endswith("*")]
    assert [f["name"] for f in found[:2]] == ["acme/tools:*", "thing:*"]
    assert found[0]["text"] == f"root directory / ({file})"
    assert found[1]["text"] == "no no-such-thing on this machine"
    assert found[1]["cure"] == "install no-such-thing, or map the image in images.yaml"
    assert {"python:*", "ruby:*", "golang:*", "busybox:*"} <= {f["name"] for f in found}
    assert "1 image without interpreter" not in tiphys("doctor").out or not shutil.which("node")


def test_a_mistake_in_images_yaml_is_named_with_its_place(tiphys, tmp_path):
    file = tmp_path / "images.yaml"
    file.write_text("images:\n- image: a\n  rot: /\n")
    result = tiphys("doctor", "--images-file", file)
    assert result.code == 2
    assert f"error: {file}:3:3: images[0].rot: is not known here" in result.err


def test_without_user_namespaces_it_ends_with_1_and_names_the_switch():
    script = f"echo 0 >/proc/sys/user/max_user_namespaces && exec {TIPHYS} doctor"
    done = subprocess.run(["unshare", "--user", "--map-root-user", "sh", "-c", script], capture_output=True, text=True)
    if "unshare failed" in done.stderr:
        pytest.skip("this machine makes no user namespaces: " + done.stderr.strip())
    assert done.returncode == 1
    assert "sidecars cannot be isolated, so none is started: make namespaces" in done.stdout
    assert "cure: sysctl user.max_user_namespaces=15000" in done.stdout
    assert done.stdout.endswith("sidecars cannot be isolated here\n")


def test_an_ordinary_user_hears_what_is_not_limited(tiphys):
    if os.geteuid() != 0:
        pytest.skip("needs root to become an ordinary user")
    done = subprocess.run(["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", TIPHYS, "doctor"],
                          capture_output=True, text=True, env={**os.environ, "HOME": "/nonexistent"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sidecars run as uid 65533, which is you, without your files" in done.stdout
    limits = next(line for line in done.stdout.splitlines() if " limits " in line)
    assert "by cgroup" in limits or "cure: systemd-run" in limits
