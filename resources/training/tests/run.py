#!/usr/bin/env python3
"""run.py NAME: test_NAME.py, or a line that begins with SKIPPED where Python lacks what it needs. Used by ctest."""
import importlib.util
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
NEEDS = {"finetune": ["transformers", "peft", "google.protobuf"],
         "finetune_bases": ["transformers", "peft", "google.protobuf", "tokenizers", "gguf"]}


def there(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def main():
    name = sys.argv[1]
    wanted = ["torch", "numpy", "sentencepiece", "safetensors"] + NEEDS.get(name, [])
    missing = [m for m in wanted if not there(m)]
    if missing:
        print(f"SKIPPED: {sys.executable} has no {', '.join(missing)}; cmake -DSPANSCOPE_PYTHON=... names another")
        return
    sys.path[:0] = [os.path.dirname(HERE), HERE]
    unittest.main(module=f"test_{name}", argv=["run.py", "-v"])


if __name__ == "__main__":
    main()
