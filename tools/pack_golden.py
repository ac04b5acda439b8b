#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies the recorded answers into tests/data/golden, folders of cases packed into one JSON Lines file each.

    tools/pack_golden.py SOURCE [DESTINATION]

SOURCE is a folder laid out as tests/data/README.md tells. Tables (*.jsonl) are copied as they are; every folder of cases
becomes NAME.jsonl with one line {"name": ..., "files": {path: text}} a case, and a line named "." for the files beside the
cases. http/ becomes http.tar.xz, for tests that play it. What derives from Argo's own examples is left out. tests/golden reads both layouts.
"""
import json
import shutil
import sys
import tarfile
from pathlib import Path

FOLDERS = ["cases", "get_tree", "plugin_build"]
LEFT_OUT_TABLES = {"lint_examples.jsonl"}  # answers about Argo's examples, which are not ours to copy
LEFT_OUT_CASES = ("ex-",)  # the same


def files_of(folder):
    """Path -> text of every file below folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes().decode("utf-8")
    return found


def pack(folder, destination):
    loose = {path.name: path.read_bytes().decode("utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
    if "index.jsonl" in loose:
        kept = [line for line in loose["index.jsonl"].splitlines(keepends=True)
                if not json.loads(line)["name"].startswith(LEFT_OUT_CASES)]
        loose["index.jsonl"] = "".join(kept)
    loose.pop("README.md", None)
    with destination.open("w", encoding="utf-8") as out:
        if loose:
            out.write(json.dumps({"name": ".", "files": loose}, ensure_ascii=False) + "\n")
        for case in sorted(folder.iterdir()):
            if case.is_dir() and not case.name.startswith(LEFT_OUT_CASES):
                row = {"name": case.name, "files": files_of(case)}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")


def archive(folder, destination):
    """A tar file with nothing in it that changes from run to run."""
    def plain(info):
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        info.mode = 0o644
        return info
    with tarfile.open(destination, "w:xz", preset=9) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, f"{folder.name}/{path.name}", filter=plain)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = Path(sys.argv[1])
    root = Path(__file__).resolve().parent.parent
    destination = Path(sys.argv[2]) if len(sys.argv) == 3 else root / "tests" / "data" / "golden"
    destination.mkdir(parents=True, exist_ok=True)
    for old in destination.glob("*.jsonl"):
        old.unlink()
    for table in sorted(source.glob("*.jsonl")):
        if table.name not in LEFT_OUT_TABLES:
            shutil.copyfile(table, destination / table.name)
    for name in FOLDERS:
        if (source / name).is_dir():
            pack(source / name, destination / f"{name}.jsonl")
    if (source / "http").is_dir():
        archive(source / "http", destination / "http.tar.xz")


if __name__ == "__main__":
    main()
