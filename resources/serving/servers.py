"""vLLM servers on loopback for check.py: started, asked, stopped."""
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

BLOCK = 32  # what the CPU's attention takes
START_S = 900
NAME = "spans"


class ServerError(RuntimeError):
    pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One vLLM server with a model folder; `with` stops it. records: a folder; given, the plug-in is on."""

    def __init__(self, python, model, log, records=None, *options):
        self.port, self.log, self.records = free_port(), log, records
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
        for name in ("SPANSCOPE_CARD", "SPANSCOPE_RECORDS", "VLLM_PLUGINS", "SPANSCOPE_DEFAULT_TASK"):
            environment.pop(name, None)
        if records:
            environment.update(SPANSCOPE_CARD=model, SPANSCOPE_RECORDS=records, VLLM_PLUGINS="spanscope")
        command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--served-model-name", NAME, "--host", "127.0.0.1",
                   "--port", str(self.port), "--dtype", "float32", "--max-model-len", "2048", "--block-size", str(BLOCK), "--enforce-eager", *options]
        with open(log, "w") as f:
            self.process = subprocess.Popen(command, env=environment, stdout=f, stderr=subprocess.STDOUT, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def ready(self):
        """Waits; ServerError where it ends instead, with the last lines of its log."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise ServerError(f"the server ended with {self.process.returncode}, see {self.log}")
            try:
                self.get("/health")
                return self
            except (urllib.error.URLError, ConnectionError):
                time.sleep(1)
        raise ServerError(f"the server is not ready after {START_S} s, see {self.log}")

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.read().decode()

    def complete(self, prompt, limit, **xargs):
        """Greedy; {"tokens", "logprobs": of each token the chosen and the two best, "finish"}."""
        body = {"model": NAME, "prompt": prompt, "max_tokens": limit, "temperature": 0, "return_token_ids": True, "logprobs": 2,
                "skip_special_tokens": False, "return_tokens_as_token_ids": True}
        if xargs:
            body["vllm_xargs"] = {f"spanscope_{k}": v for k, v in xargs.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=1800) as answer:
                choice = json.load(answer)["choices"][0]
        except urllib.error.HTTPError as error:
            raise ServerError(f"{error.code}: {error.read()[:300].decode(errors='replace')}") from None
        best = [sorted(top.values(), reverse=True) for top in choice["logprobs"]["top_logprobs"]]
        if len(best) != len(choice["token_ids"]):
            raise ServerError(f"{len(best)} log-probabilities for {len(choice['token_ids'])} tokens")
        return {"tokens": choice["token_ids"], "margins": [b[0] - b[1] for b in best], "finish": choice["finish_reason"]}

    def preemptions(self):
        lines = [line for line in self.get("/metrics").splitlines() if line.startswith("vllm:num_preemptions_total")]
        if not lines:
            raise ServerError("/metrics has no vllm:num_preemptions_total")
        return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))
