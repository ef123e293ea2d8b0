"""Renders one chat template of a model file, which is code from a stranger, with Jinja2.

Reads one JSON object from standard input: {"template": text, "variables": {name: value}, "now": [year, month, day, hour,
minute, second], "conversations": [[message, ...], ...], "own_variables": [{name: value}, ...]}, the last one beside each
conversation; a message is {"role": text, "content": text}. Writes one JSON object: {"texts": [text, ...]}, one for each conversation, or {"error": sentence, "kind": "jinja2" | "template" | "limits"}.

What a template may call is what Hugging Face's transformers gives it: the filter tojson, the functions raise_exception
and strftime_now, break and continue, the generation block. The sandbox is Jinja2's. Around it stands the process: when
the template begins to run it can open no file and no socket, start no process, and take so much memory and time.
"""
import sys

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 5
OUTPUT_CHARACTERS = 64 << 20

# System calls that stay: memory, reading the request, writing the answer, ending. Number of the machine's kind in a
# seccomp filter (AUDIT_ARCH), then their numbers: read, write, close, fstat, lseek, mmap, mprotect, munmap, brk,
# rt_sigaction, rt_sigprocmask, rt_sigreturn, sched_yield, mremap, madvise, exit, gettimeofday, sigaltstack, futex,
# clock_gettime, exit_group, getrandom.
SYSTEM_CALLS = {
    "x86_64": (0xC000003E, (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 60, 96, 131, 202, 228, 231, 318)),
    "aarch64": (0xC00000B7, (63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 124, 216, 233, 93, 169, 132, 98, 113,
                             94, 278)),
}


def answer(value):
    sys.stdout.write(json.dumps(value))
    sys.stdout.flush()


def filter_system_calls():
    """False where the system does not let it. Machines of other kinds have the other limits alone."""
    if os.uname().machine not in SYSTEM_CALLS:
        return True
    kind, allowed = SYSTEM_CALLS[os.uname().machine]
    load, equal, result = 0x20, 0x15, 0x06  # BPF: load a word, jump if equal, return
    allow, refuse, kill = 0x7FFF0000, 0x00050001, 0x80000000  # refuse: the call fails with EPERM
    steps = [(load, 0, 0, 4), (equal, 1, 0, kind), (result, 0, 0, kill), (load, 0, 0, 0)]
    steps += [(equal, len(allowed) - i, 0, number) for i, number in enumerate(allowed)]
    steps += [(result, 0, 0, refuse), (result, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)
    no_new_privileges, seccomp, filter_mode = 38, 22, 2
    return prctl(no_new_privileges, 1, None, 0, 0) == 0 and prctl(seccomp, filter_mode, program, 0, 0) == 0


def close_the_doors():
    """From here on the process has its two pipes, its memory and nothing else. Everything is imported before."""
    for what, most in ((resource.RLIMIT_NOFILE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NPROC, 0),
                       (resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, MEMORY_BYTES)):
        resource.setrlimit(what, (most, most))
    return filter_system_calls()


def environment(now):
    class Generation(jinja2.ext.Extension):
        """{% generation %} marks what an assistant wrote, for training; when rendering it is only its content."""

        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
            return jinja2.nodes.Scope(body, lineno=line)

    class Namespace(jinja2.utils.Namespace):
        """Without names that begin with an underscore, which lead to Python's own attributes."""

        def __init__(*args, **values):
            namespace, args = args[0], args[1:]
            values = dict(*args, **values)
            for name in values:
                check_name(name)
            jinja2.utils.Namespace.__init__(namespace, values)

        def __setitem__(self, name, value):
            check_name(name)
            jinja2.utils.Namespace.__setitem__(self, name, value)

    class Dict:
        def __call__(self, *args, **values):
            return dict(*args, **values)

        def fromkeys(self, *args, **values):
            return dict.fromkeys(*args, **values)

    def check_name(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError("a namespace may not have the attribute %r" % name)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    result = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    result.filters["tojson"] = tojson
    result.globals["raise_exception"] = raise_exception
    result.globals["strftime_now"] = lambda form: now.strftime(form)
    result.globals["dict"] = Dict()
    result.globals["namespace"] = Namespace
    return result


def main():
    request = json.loads(sys.stdin.buffer.read())
    now = datetime.datetime(*request["now"])
    now.strftime("%d %b %Y")
    make = environment(now)
    if not close_the_doors():
        return answer({"error": "this system does not let a process give up its system calls", "kind": "limits"})
    try:
        template = make.from_string(request["template"])
        texts = [template.render(messages=messages, tools=None, documents=None, add_generation_prompt=True,
                                 **request["variables"], **own)
                 for messages, own in zip(request["conversations"], request["own_variables"])]
        if sum(len(text) for text in texts) > OUTPUT_CHARACTERS:
            return answer({"error": "the rendered text is too long", "kind": "limits"})
        answer({"texts": texts})
    except MemoryError:
        answer({"error": "it needs more than 1 GiB of memory", "kind": "limits"})
    except RecursionError:
        answer({"error": "it is nested too deeply", "kind": "limits"})
    except Exception as problem:  # whatever a template makes Python raise is that template's fault
        answer({"error": str(problem)[:500] or type(problem).__name__, "kind": "template"})


try:
    import codecs
    import ctypes
    import datetime
    import json
    import os
    import resource
    import struct

    import jinja2
    import jinja2.debug
    import jinja2.ext
    import jinja2.nodes
    import jinja2.sandbox
    import jinja2.utils
except ImportError as missing:
    sys.stdout.write('{"kind": "jinja2", "error": "%s is missing"}' % (missing.name or "a part of Python"))
else:
    for codec in ("utf-8", "ascii", "latin-1", "unicode_escape"):  # what they need is loaded when first asked for
        codecs.lookup(codec)
    main()
