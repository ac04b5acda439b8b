"""tiphys doctor: what the machine offers, in words, as JSON, and where it offers nothing."""
import os
import re
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
    if found["network"]["state"] == "ok":
        assert "plugins can reach local services; --network none keeps them from all" in found["network"]["text"]
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
    assert "sidecars cannot be isolated, so none is started: cannot give plugin its own /var/run/argo/token: make namespaces" in done.stdout
    assert "cure: sysctl user.max_user_namespaces=15000" in done.stdout
    assert re.search(r"^sidecars cannot be isolated here(, and \d+ images? without interpreter|; .*)?$", done.stdout, re.M)


def test_an_ordinary_user_hears_what_is_not_limited(tiphys):
    if os.geteuid() != 0:
        pytest.skip("needs root to become an ordinary user")
    done = subprocess.run(["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", TIPHYS, "doctor"],
                          capture_output=True, text=True, env={**os.environ, "HOME": "/nonexistent"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sidecars run as uid 65533, which is you, without your files" in done.stdout
    limits = next(line for line in done.stdout.splitlines() if " limits " in line)
    assert "by cgroup" in limits or "cure: systemd-run" in limits


def test_an_ordinary_user_with_subordinate_ids_hears_which(tmp_path):
    if os.geteuid() != 0 or not os.path.exists("/usr/bin/newuidmap"):
        pytest.skip("needs root to become an ordinary user, and newuidmap")
    (tmp_path / "subid").write_text("65533:700000:3\n")
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/sh\nordinary:x:65533:65533::/nonexistent:/bin/sh\n")
    script = f"mount --bind {tmp_path}/subid /etc/subuid && mount --bind {tmp_path}/subid /etc/subgid && " \
             f"mount --bind {tmp_path}/passwd /etc/passwd && "
    code, lines = doctor_in(["--mount"], script, "setpriv --reuid=65533 --regid=65533 --clear-groups")
    assert code == 0
    assert "sidecars run as subordinate uids of yours, such as 700000" in lines["namespaces"]


def doctor_in(words, script, become=""):
    """Lines of a doctor in namespaces of its own, where the script has taken something away."""
    command = ["unshare", *words, "sh", "-c", f"{script}exec {become} {TIPHYS} doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HOME": "/nonexistent"})
    if "unshare failed" in done.stderr or "sh: " in done.stderr:
        pytest.skip("this machine cannot be made so: " + done.stderr.strip())
    return done.returncode, {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith(" ")}


def test_root_of_a_container_with_few_ids_hears_what_to_do():
    code, lines = doctor_in(["--user", "--map-root-user"], "")
    assert code == 1
    assert "none is started: map user ids: Operation not permitted" in lines["namespaces"]
    assert "cure: root has too few user ids in here, as in a container: run this as an ordinary user" in lines["namespaces"]


def test_where_parts_of_proc_are_covered_the_container_is_named():
    code, lines = doctor_in(["--mount"], "mount --bind /dev/null /proc/kallsyms && mount --bind /dev/null /proc/timer_list && ",
                            "setpriv --reuid=65533 --regid=65533 --clear-groups")
    assert code == 1
    assert "none is started: mount /proc: Operation not permitted" in lines["namespaces"]
    assert "cure: parts of this machine's /proc are covered" in lines["namespaces"]


@pytest.mark.parametrize("level, code, text", [
    (0, 0, "user, mount, pid, ipc, uts"),
    (1, 0, "user, mount, pid, ipc, uts"),
    (2, 1, "none is started: cannot start a sandbox: Permission denied"),
])
def test_programs_in_memory_may_be_forbidden(level, code, text):
    if not os.path.exists("/proc/sys/vm/memfd_noexec"):
        pytest.skip("this kernel cannot forbid programs in memory")
    found, lines = doctor_in(["--pid", "--fork", "--mount-proc"], f"echo {level} >/proc/sys/vm/memfd_noexec && ")
    assert (found, text in lines["namespaces"]) == (code, True), lines["namespaces"]
    assert code == 0 or "cure: sysctl vm.memfd_noexec=1" in lines["namespaces"]


def test_too_few_descriptors_are_named():
    code, lines = doctor_in(["--mount"], "ulimit -n 20 && ")
    assert code == 1
    assert "cannot start a sandbox: Too many open files  cure: ulimit -n 1024" in lines["namespaces"]


def test_without_network_namespaces_only_network_none_is_missing():
    if os.geteuid() != 0:
        pytest.skip("needs root to become an ordinary user")
    command = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "unshare", "--user", "--map-user=65533", "--map-group=65533",
               "--keep-caps", "sh", "-c", f"echo 0 >/proc/sys/user/max_net_namespaces && exec {TIPHYS} doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HOME": "/nonexistent"})
    if "unshare" in done.stderr or "sh: " in done.stderr:
        pytest.skip("this machine cannot be made so: " + done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    network = next(line for line in done.stdout.splitlines() if " network " in line)
    assert "--network none does not work: make namespaces (clone3): No space left on device" in network
    assert network.endswith("cure: sysctl user.max_net_namespaces=15000")
