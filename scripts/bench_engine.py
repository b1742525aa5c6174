#!/usr/bin/env python3
"""Copy edits against plain decoding and against llama.cpp's own server, edit by edit in turn; see bench-engine.sh."""

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request


class Ours:
    """`examples/rewrite`, kept running."""

    def __init__(self, program, model, edits, arguments):
        command = [program, model, edits, "--threads", str(arguments.threads), "--context", str(arguments.context)]
        self.folder = tempfile.TemporaryDirectory()
        command += ["--tokens", str(arguments.tokens), "--keep", self.folder.name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.tasks = json.loads(self.process.stdout.readline())

    def run(self, number, mode):
        self.process.stdin.write(f"{number} {mode}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


class Server:
    """llama.cpp's server with one slot."""

    def __init__(self, program, model, arguments, extra):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [program, "-m", model, "-c", str(arguments.context), "-t", str(arguments.threads), "-np", "1"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--no-mmap", *extra]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended with {self.process.returncode}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).read()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        raise RuntimeError("the server did not start")

    def run(self, prompt, stop, limit):
        body = {"prompt": prompt, "n_predict": limit, "temperature": 0, "top_k": 1, "stop": [stop], "cache_prompt": False}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        answer = json.loads(urllib.request.urlopen(request, timeout=900).read())
        timings = answer["timings"]
        return {"tokens": timings["predicted_n"], "ms": timings["predicted_ms"], "text": answer["content"],
                "accepted": timings.get("draft_n_accepted", 0), "drafted": timings.get("draft_n", 0)}

    def close(self):
        self.process.terminate()
        self.process.wait()


def rate(rows):
    """Tokens a second over all rows; the first token of each comes from the prompt's logits."""
    return sum(row["tokens"] - 1 for row in rows) * 1000 / max(1, sum(row["ms"] for row in rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rewrite", required=True, help="examples/rewrite")
    parser.add_argument("--server", help="llama-server")
    parser.add_argument("--mode", action="append", default=[], help="a --spec-type of the server, besides none")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--raw", help="append every row to this file")
    parser.add_argument("model")
    parser.add_argument("edits")
    arguments = parser.parse_args()

    ours = Ours(arguments.rewrite, arguments.model, arguments.edits, arguments)
    tasks = ours.tasks
    count = min(len(tasks["prompts"]), arguments.count)
    runners = {mode: lambda number, mode=mode: ours.run(number, mode) for mode in ("plain", "copy")}
    servers = []
    for mode in ["none", *arguments.mode] if arguments.server else []:
        server = Server(arguments.server, arguments.model, arguments, [] if mode == "none" else ["--spec-type", mode])
        servers.append(server)
        runners[f"server {mode}"] = lambda number, server=server: server.run(
            tasks["prompts"][number], tasks["stops"][number], tasks["limit"]
        )
    rounds = []
    try:
        # What passes cost is measured once for a device, by the first request that drafts.
        ours.run(0, "copy")
        for turn in range(arguments.rounds):
            rows = {name: [] for name in runners}
            for number in range(count):
                order = list(runners)
                random.Random(turn * 1000 + number).shuffle(order)
                for name in order:
                    row = runners[name](number)
                    rows[name].append(row)
                    if arguments.raw:
                        with open(arguments.raw, "a", encoding="utf-8") as raw:
                            print(json.dumps({"round": turn, "edit": number, "runner": name, **row}), file=raw)
                print(f"round {turn + 1}: {number + 1} of {count}", end="\r", file=sys.stderr)
            rounds.append(rows)
    finally:
        ours.close()
        for server in servers:
            server.close()

    print(f"\n{count} edits, {arguments.rounds} rounds, {arguments.threads} threads, at most {arguments.tokens} tokens each")
    for name in runners:
        rates = [rate(rows[name]) for rows in rounds]
        same = sum(a["text"] == b["text"] for rows in rounds for a, b in zip(rows[name], rows["plain"]))
        tokens = sum(row["tokens"] for row in rounds[0][name])
        accepted = sum(row["accepted"] for row in rounds[0][name])
        ratios = [rate(rows[name]) / rate(rows["plain"]) for rows in rounds]
        print(f"{name:24} {statistics.median(rates):7.2f} tokens/s, {statistics.median(ratios):5.3f} of plain "
              f"({min(ratios):.3f} to {max(ratios):.3f}), {tokens} tokens, {accepted} from drafts, "
              f"same text as plain {same} of {count * len(rounds)}")
    each = [rate([a]) / rate([b]) for a, b in zip(rounds[0]["copy"], rounds[0]["plain"])]
    print(f"copy over plain, edit by edit: median {statistics.median(each):.2f}, least {min(each):.2f}, most {max(each):.2f}")


if __name__ == "__main__":
    main()
