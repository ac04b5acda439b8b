"""The program is built as it is meant to be: what an attacker would miss, what a library's user must not see."""
import re
import shutil
import subprocess

import pytest
from conftest import TIPHYS, TOP

pytestmark = pytest.mark.skipif(not shutil.which("readelf"), reason="binutils are not installed")


def elf(*options):
    return subprocess.run(["readelf", "--wide", *options, TIPHYS], capture_output=True, text=True, check=True).stdout


@pytest.fixture(autouse=True)
def ordinary_build():
    if "__asan" in elf("--dyn-syms") or "__tsan" in elf("--dyn-syms"):
        pytest.skip("a build with a sanitizer is hardened otherwise")


def test_addresses_are_random_and_tables_read_only():
    assert re.search(r"Type:\s+DYN", elf("--file-header"))
    segments = elf("--segments")
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK.* RW +0x", segments)
    assert re.search(r"FLAGS.*NOW", elf("--dynamic"))


def test_overruns_of_the_stack_and_of_known_buffers_are_caught():
    imported = set(re.findall(r"UND (\w+)", elf("--dyn-syms")))
    assert "__stack_chk_fail" in imported
    assert any(re.fullmatch(r"__\w+_chk", name) for name in imported - {"__stack_chk_fail"})


def test_nothing_of_ours_is_exported():
    assert not re.search(r"\btph_", elf("--dyn-syms"))


def test_warnings_are_errors_and_can_be_told_not_to_be():
    text = (TOP / "meson.build").read_text()
    assert "'werror=true'" in text  # -Dwerror=false is meson's own option
    for file in TOP.glob("src/**/meson.build"):
        assert "-Wno-error" not in file.read_text(), file


def test_a_release_says_how_it_is_made():
    assert "-Dbuildtype=release -Db_lto=true" in (TOP / "CONTRIBUTING.md").read_text()
    assert "-Dbuildtype=release -Db_lto=true" in (TOP / "dev").read_text()
