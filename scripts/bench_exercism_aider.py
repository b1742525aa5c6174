#!/usr/bin/env python3
"""Solves the exercises of bench_exercism.py with Aider, for a comparison: the same requests, tests and rows.

Runs in an environment that has `aider-chat==0.86.2`; --server names the Python of one with `llama-cpp-python[server]`,
which serves the same GGUF file on this machine. An exercise that takes longer than --limit is not solved: a model may repeat
itself until the context is full, and Aider then asks again. The second try goes on in the same conversation and is shown the first 50
lines of what the tests said, as in Aider's own benchmark. Temperature 0, edit format `whole`, no map of the repository.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bench_exercism import (  # noqa: E402
    ADDENDUM, COMMIT, SECOND_TRY, Exercise, Row, exercise_names, failing, load, print_total, run_tests, sampled,
)
from eval_edits import git  # noqa: E402

MOST_ERROR_LINES = 50


@contextlib.contextmanager
def served(python: Path, model: Path, threads: int, context: int) -> Iterator[str]:
    """Runs the server on a free port until the end; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(python), "-m", "llama_cpp.server", "--model", str(model), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--n_ctx", str(context), "--n_threads", str(threads), "--n_threads_batch", str(threads)]
    command += ["--model_alias", "local", "--verbose", "False"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}/v1"
            for _ in range(120):
                time.sleep(1)
                if process.poll() is not None:
                    log.seek(0)
                    raise SystemExit("error: the server ended: " + log.read().decode(errors="replace")[-800:])
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(address + "/models", timeout=5).read()
                    break
            yield address
        finally:
            process.terminate()
            process.wait()


class Overtime(BaseException):
    """The time of an exercise is over; no handler of Aider's takes it for a failure of the network."""


def overtime(*_: object) -> None:
    raise Overtime


class Solver:
    """Tries as Aider's benchmark does: one conversation for an exercise."""

    def __init__(self, args: argparse.Namespace) -> None:
        from aider.models import Model

        self.args = args
        self.model = Model("openai/local")
        self.model.edit_format = "whole"
        self.model.use_temperature = True

    def coder(self, repo: Path, files: list[str]) -> Any:
        from aider.coders import Coder
        from aider.io import InputOutput

        quiet = InputOutput(pretty=False, yes=True, chat_history_file=None, input_history_file=None)
        return Coder.create(
            main_model=self.model,
            edit_format="whole",
            io=quiet,
            fnames=[str(repo / name) for name in files],
            use_git=False,
            stream=False,
            auto_commits=False,
            map_tokens=0,
            suggest_shell_commands=False,
            detect_urls=False,
            cache_prompts=False,
        )

    def solve(self, exercise: Exercise, work: Path) -> Row:
        row = Row(exercise.name)
        repo = work / "repo"
        repo.mkdir(parents=True)
        for path, text in exercise.solution.items():
            (repo / path).write_text(text)
        git(repo, "init", "-q")
        files = ", ".join(f"`{path}`" for path in exercise.solution)
        os.chdir(repo)
        coder = self.coder(repo, list(exercise.solution))
        message = f"{exercise.text}\n\n{ADDENDUM.format(files=files)}"
        started = time.monotonic()
        signal.alarm(self.args.limit)
        try:
            self.try_all(exercise, row, coder, message, repo, work)
        except Overtime:
            row.outcomes.append("stopped")
            row.note = f"stopped after {self.args.limit} s"
        signal.alarm(0)
        row.seconds = round(time.monotonic() - started, 1)
        os.chdir("/")
        return row

    def try_all(self, exercise: Exercise, row: Row, coder: Any, message: str, repo: Path, work: Path) -> None:
        files = ", ".join(f"`{path}`" for path in exercise.solution)
        for attempt in range(1, self.args.tries + 1):
            row.tries = attempt
            with contextlib.redirect_stdout(io.StringIO()):
                coder.run(with_message=message, preproc=False)
            row.prompt_tokens = coder.total_tokens_sent
            row.completion_tokens = coder.total_tokens_received
            row.candidates += 1
            passed, said = run_tests(exercise, repo, work)
            row.outcomes.append("passed" if passed else "edited")
            row.failing.append(0 if passed else failing(said))
            if passed:
                row.solved_at = attempt
                break
            shown = "\n".join(said.splitlines()[:MOST_ERROR_LINES])
            message = f"{shown}\n\n{SECOND_TRY.format(files=files)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--track", type=Path, required=True, help=f"a git repository that holds commit {COMMIT[:9]}")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="rows; those that are there are kept")
    parser.add_argument("--gguf", type=Path, required=True, help="the model")
    parser.add_argument("--server", type=Path, required=True, metavar="PYTHON", help="the Python that has the server")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="the last N by SHA-256 of the name, not all")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--context", type=int, default=8192, help="tokens")
    parser.add_argument("--tries", type=int, default=2)
    parser.add_argument("--limit", type=int, default=600, metavar="SECONDS", help="the most for one exercise")
    args = parser.parse_args()
    args.out, args.track = args.out.resolve(), args.track.resolve()
    names = exercise_names(args.track)
    if args.sample:
        names = sampled(names, args.sample)
    if args.only:
        names = [name for name in args.only.split(",") if name]
    rows = [Row(**json.loads(line)) for line in args.out.read_text().splitlines()] if args.out.exists() else []
    done = {row.exercise for row in rows}
    with (
        served(args.server, args.gguf.resolve(), args.threads, args.context) as address,
        tempfile.TemporaryDirectory(prefix="aider-exercism-") as scratch,
    ):
        # Nothing of the user's settings, and no way out.
        os.environ.update(OPENAI_API_BASE=address, OPENAI_API_KEY="none", HOME=scratch, LITELLM_LOCAL_MODEL_COST_MAP="True")
        solver = Solver(args)
        signal.signal(signal.SIGALRM, overtime)
        for name in names:
            if name in done:
                continue
            row = solver.solve(load(args.track, name), Path(scratch) / name)
            rows.append(row)
            with open(args.out, "a") as out:
                out.write(json.dumps(dataclasses.asdict(row)) + "\n")
            verdict = f"solved at {row.solved_at}" if row.solved_at else "not solved"
            cells = f"{row.exercise:<28} {verdict:<12} {row.failing!s:<10}"
            print(f"{cells} {row.prompt_tokens:>7} {row.completion_tokens:>6} {row.seconds:>7.1f}", flush=True)
    print_total(rows, args.tries)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
