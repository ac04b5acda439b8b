#!/usr/bin/env python3
"""embed.py FILE HEADER NAME: writes HEADER with the bytes of FILE as `static const unsigned char NAME[]`."""
import sys

source, header, name = sys.argv[1:4]
with open(source, "rb") as f:
    data = f.read()
with open(header, "w") as f:
    f.write(f"/* Made from {source.rsplit('/', 1)[-1]} by tools/embed.py. */\n#pragma once\n")
    f.write(f"static const unsigned char {name}[] __attribute__((aligned(8))) = {{\n")
    for i in range(0, len(data), 16):
        f.write("    " + " ".join(f"0x{b:02x}," for b in data[i : i + 16]) + "\n")
    f.write("};\n")
