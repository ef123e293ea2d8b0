#!/usr/bin/env python3
"""Results of `eval --shapes --json` on the same model and device, joined to one on standard output: join_shapes.py A.json B.json"""
import json
import sys

parts = [json.load(open(path, encoding="utf-8")) for path in sys.argv[1:]]
same = ("model", "model_hash", "backend", "device", "kv_type", "seed")
for part in parts[1:]:
    for key in same:
        if part[key] != parts[0][key]:
            raise SystemExit(f"{key}: {part[key]!r} and {parts[0][key]!r} cannot be joined")
json.dump({**{key: parts[0][key] for key in same}, "cells": [cell for part in parts for cell in part["cells"]]}, sys.stdout, indent=1)
print()
