#!/usr/bin/env python3
"""check_lengths.py FILE...: headers at most 300 lines, files 800, functions 80 lines and complexity 25; banned calls.

A function may be longer where a comment beginning with "/* Long: " above it says why.
"""
import re
import subprocess
import sys

HEADER, FILE, FUNCTION, COMPLEXITY = 300, 800, 80, 25
BANNED = re.compile(r"\b(gmtime|localtime|ctime|asctime|alloca|atoi|strtok|sprintf|strcpy|strcat)\s*\(")
EXIT = re.compile(r"(?<![_\w])exit\s*\(")
MAY_EXIT = re.compile(r"^src/(cli/main\.c|init/|podrt/seccomp_gen\.c)")
bad = []
sources = [p for p in sys.argv[1:] if p.startswith("src/")]
for path in sources:
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    limit = HEADER if path.endswith(".h") else FILE
    if len(lines) - 1 > limit:
        bad.append(f"{path}: {len(lines) - 1} lines, at most {limit}")
    for number, line in enumerate(lines, 1):
        code = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", line)
        if code.lstrip().startswith(("*", "/*", "//")):
            continue
        if BANNED.search(code):
            bad.append(f"{path}:{number}: a banned function: {code.strip()}")
        if EXIT.search(code) and not MAY_EXIT.match(path):
            bad.append(f"{path}:{number}: exit below main")
        if re.search(r"\bTODO\b(?! #\d)", line):
            bad.append(f"{path}:{number}: TODO without an issue's number")
    if path.endswith(".c"):
        done = subprocess.run(["pmccabe", path], capture_output=True, text=True)
        for row in done.stdout.splitlines():
            parts = row.split("\t")
            complexity, first, length, name = int(parts[0]), int(parts[3]), int(parts[4]), parts[5].split(": ")[-1]
            reason = any("/* Long: " in line for line in lines[max(0, first - 6) : first])
            if (length > FUNCTION or complexity > COMPLEXITY) and not reason:
                bad.append(f"{path}:{first}: {name}: {length} lines, complexity {complexity}")
print("\n".join(bad))
sys.exit(1 if bad else 0)
