#!/usr/bin/env python3
"""check_layers.py FILE...: the layer law. Which folder of src/ may include which stands in this table, and only here."""
import re
import sys

ALLOWED = {
    "base": "base",
    "data": "data base",
    "api": "api data base",
    "edit": "edit api data base",
    "print": "print api data base",
    "when": "when data base",
    "expr": "expr data base",
    "engine": "engine expr when api data base",
    "loop": "loop base",
    "http": "http loop base",
    "fetch": "fetch http loop base",
    "tls": "tls http loop base",
    "access": "access tls data base",
    "store": "store loop data base",
    "kube": "kube fetch http loop data base",
    "plugin": "plugin api data base",
    "lint": "lint expr when api data base",
    "podrt": "podrt http loop api data base",
    "agent": "agent podrt plugin fetch http loop expr api data base",
    "apiserver": "apiserver access tls store lint expr when http loop api data base",
    "controller": "controller store edit lint agent engine expr when podrt plugin fetch http loop api data base",
    "cli": "cli apiserver access tls store kube edit print lint controller agent engine expr when podrt plugin fetch http loop api data base",
    "init": "",
}
# Libraries that few files may see, by a pattern of the path.
ONLY = {
    "yyjson.h": r"^src/data/json[a-z_]*\.[ch]$",
    "yaml.h": r"^src/data/yaml[a-z_]*\.[ch]$",
    "pcre2.h": r"^src/data/regex\.c$",
    "llhttp.h": r"^src/http/",
    "seccomp.h": r"^src/podrt/seccomp_gen\.c$",
    "curl/curl.h": r"^src/fetch/library\.h$",
    "zlib.h": r"^src/api/packed\.c$",
    "openssl/": r"^src/tls/library\.h$",
    "sqlite3.h": r"^(src/store/sqlite_internal\.h|tests/store/test_sqlite\.c)$",
    "uv.h": r"^src/(loop|http)/",
}
bad = []
for path in sys.argv[1:]:
    folder = path.split("/")[1] if path.startswith("src/") else None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            ours = re.match(r'#include "([a-z]+)/', line)
            system = re.match(r"#include <([^>]+)>", line)
            if folder and ours and ours.group(1) not in ALLOWED[folder].split():
                bad.append(f"{path}:{number}: {folder} may not include {ours.group(1)}")
            # A library of many headers stands there by its folder.
            only = system and (ONLY.get(system.group(1)) or ONLY.get(system.group(1).split("/")[0] + "/"))
            if folder and only and not re.match(only, path):
                bad.append(f"{path}:{number}: <{system.group(1)}> is not for this file")
            if folder == "engine" and system and system.group(1) in ("time.h", "sys/time.h", "unistd.h"):
                bad.append(f"{path}:{number}: the engine has no clock and no files")
print("\n".join(bad))
sys.exit(1 if bad else 0)
