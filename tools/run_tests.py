#!/usr/bin/env python3
"""run_tests.py BUILD [-k NAME]: runs every test program that meson knows, then pytest over tests/e2e.

Ends with one line "N passed, N failed[, N skipped]" that sums cases, not programs.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("-k", dest="name", default="")
parser.add_argument("--unit", action="store_true", help="without tests/e2e and the large recorded tables")
args = parser.parse_args()
top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

listing = subprocess.run(
    ["meson", "introspect", "--tests", args.build], check=True, capture_output=True, text=True
)
tests = [t for t in json.loads(listing.stdout) if args.name in t["name"]]
if args.unit:
    tests = [t for t in tests if t["name"] != "golden-shared"]
passed = failed = skipped = 0


def run(test):
    env = dict(os.environ, **test["env"])
    if "ASAN_OPTIONS" not in env:
        env["ASAN_OPTIONS"] = "detect_leaks=1"
    try:
        done = subprocess.run(
            test["cmd"], capture_output=True, text=True, errors="replace", env=env,
            cwd=test["workdir"] or args.build, timeout=test["timeout"] or 300, stdin=subprocess.DEVNULL,
        )
        return test, done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode("utf-8", "replace") + (late.stderr or b"").decode("utf-8", "replace")
        return test, 124, text + "\ntimed out\n"


def count(text, code):
    """Cases in what a program printed: cmocka's summary, or a closing line, or the program as one case."""
    good = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
    bad = sum(int(n) for n in re.findall(r"\[  FAILED  \].*?(\d+) test", text))
    skip = sum(int(n) for n in re.findall(r"\[  SKIPPED \] [^\n]*?(\d+) test", text))
    if good + bad == 0:
        lines = re.findall(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", text)
        if lines:
            good, bad, skip = (int(n or 0) for n in lines[-1])
    if good + bad + skip == 0:
        good, bad = (1, 0) if code == 0 else (0, 1)
    if code not in (0, 77) and bad == 0:
        bad = 1
    return good, bad, skip


with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
    for test, code, text in pool.map(run, tests):
        good, bad, skip = (0, 0, 1) if code == 77 else count(text, code)
        passed, failed, skipped = passed + good, failed + bad, skipped + skip
        mark = "ok  " if bad == 0 else "FAIL"
        print(f"{mark} {test['name']}  {good} passed" + (f", {bad} failed" if bad else "")
              + (f", {skip} skipped" if skip else ""), flush=True)
        if bad:
            print("\n".join("    " + line for line in text.splitlines()[-60:]), flush=True)

e2e = os.path.join(top, "tests", "e2e")
if os.path.isdir(e2e) and not args.unit:
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", e2e]
    if args.name:
        command += ["-k", args.name]
    env = dict(os.environ, TIPHYS=os.path.join(args.build, "tiphys"), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=top, stdin=subprocess.DEVNULL)
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
    numbers = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    passed += numbers.get("passed", 0)
    failed += numbers.get("failed", 0) + numbers.get("error", 0)
    skipped += numbers.get("skipped", 0)
    if done.returncode not in (0, 5) and not numbers:
        failed += 1

print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if failed or passed == 0 else 0)
