"""Every gate of ./dev check finds what it is there for, in the files that changed, and lets clean files pass."""
import shutil
import subprocess

import pytest
from conftest import TOP

NEEDS = {"format": "clang-format", "lengths": "pmccabe", "shell": "shellcheck", "cppcheck": "cppcheck", "-fanalyzer": "gcc", "clang)": "clang"}
CLEAN = "/* SPDX-License-Identifier: Apache-2.0 */\nint tph_one(void);\n\nint tph_one(void)\n{\n    return 1;\n}\n"


def function(lines):
    return CLEAN.replace("    return 1;\n", "    volatile int a = 0;\n" + "    a++;\n" * (lines - 5) + "    return a;\n")


def branches(n):
    tests = "".join(f"    if (a == {i}) {{\n        return {i};\n    }}\n" for i in range(n))
    return CLEAN.replace("(void)", "(int a)").replace("    return 1;", tests.rstrip("\n") + "\n    return -1;")


pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed: ./dev setup")


@pytest.fixture
def repository(tmp_path):
    for path in ("tools/check", "tools/check_layers.py", "tools/check_lengths.py", ".clang-format", "src/base/banned.h"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / path, tmp_path / path)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", tmp_path]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True)

    def put(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    def check(*words):
        done = subprocess.run([tmp_path / "tools/check", *words], capture_output=True, text=True)
        gates = {line[5:]: line[:4].strip() for line in done.stdout.splitlines() if line[:5] in ("ok   ", "FAIL ")}
        assert done.stdout.splitlines()[-1] == f"{list(gates.values()).count('ok')} passed, {list(gates.values()).count('FAIL')} failed"
        assert (done.returncode == 0) == ("FAIL" not in gates.values())
        return gates, done.stdout

    def commit():
        for words in (["add", "."], ["commit", "-q", "-m", "y"]):
            subprocess.run([*git, *words], check=True)

    check.put, check.commit = put, commit
    return check


@pytest.mark.parametrize("path, text, gate, said", [
    ("src/data/a.c", CLEAN.replace("    return", "  return"), "format", "clang-format-violations"),
    ("src/data/a.c", CLEAN.replace("int tph_one(void);", '#include "http/client.h"\n', 1), "layers", "src/data/a.c:2: data may not include http"),
    ("src/engine/a.c", CLEAN.replace("int tph_one(void);", "#include <time.h>\n", 1), "layers", "the engine has no clock and no files"),
    ("src/plugin/a.c", CLEAN.replace("int tph_one(void);", "#include <yyjson.h>\n", 1), "layers", "<yyjson.h> is not for this file"),
    ("src/data/a.c", CLEAN + "\n" * 794, "lengths", "src/data/a.c: 801 lines, at most 800"),
    ("src/data/a.h", "/* SPDX */\n" * 301, "lengths", "src/data/a.h: 301 lines, at most 300"),
    ("src/data/a.c", function(81), "lengths", "tph_one: 81 lines, complexity"),
    ("src/data/a.c", branches(26), "lengths", "tph_one: 82 lines, complexity 27"),
    ("src/data/a.c", CLEAN.replace("return 1", 'return strcpy((char[4]){0}, "x") != 0'), "lengths", "src/data/a.c:6: a banned function"),
    ("src/data/a.c", CLEAN.replace("return 1", "exit(1)"), "lengths", "src/data/a.c:6: exit below main"),
    ("src/data/a.c", CLEAN + "/* TODO later */\n", "lengths", "TODO without an issue's number"),
    ("tools/a", "#!/bin/sh\nif [ $1 = x ]; then echo; fi\n", "shell", "SC2086"),
    ("src/data/a.c", CLEAN.replace("return 1;", "int a[2] = {0, 1};\n    return a[2];"), "cppcheck", "out of bounds"),
    ("src/data/a.c", CLEAN.replace("return 1;", "char *a = malloc(1);\n    puts(a ? a : b);\n    free(a);\n    free(a);\n    return 1;").replace(
        "(void)", "(const char *b)"), "-fanalyzer", "CWE-415"),
    ("src/data/a.c", CLEAN.replace("return 1;", "int a __attribute__((cleanup(tph_two))) = 1;\n    return 1;").replace(
        "int tph_one(void);", "static void tph_two(int *a)\n{\n    (*a)++;\n}\n\nint tph_one(void);", 1), "clang)", "unused variable"),
])
def test_a_gate_finds_what_it_is_there_for(repository, path, text, gate, said):
    for name, program in NEEDS.items():
        if name == gate and not shutil.which(program):
            pytest.skip(f"{program} is not installed: ./dev setup")
    repository.put(path, text)
    gates, out = repository()
    (found,) = [state for name, state in gates.items() if gate in name]
    assert found == "FAIL" and said in out, out


def test_clean_files_pass_and_only_changed_ones_are_looked_at(repository):
    missing = [program for program in NEEDS.values() if not shutil.which(program)]
    if missing:
        pytest.skip(f"{missing[0]} is not installed: ./dev setup")
    repository.put("src/data/a.c", CLEAN)
    repository.put("src/data/b.c", function(80).replace("one", "two"))
    gates, out = repository()
    assert set(gates.values()) == {"ok"}, out
    repository.put("src/data/bad.c", CLEAN + "/* TODO later */\n")
    repository.commit()
    assert set(repository()[0].values()) == {"ok"}
    assert "FAIL" in repository("--all")[0].values()
