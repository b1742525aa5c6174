#!/usr/bin/env python3
"""Solves Exercism's Python practice exercises with `skiff edit`, by the protocol of Aider's code-editing benchmark.

An exercise is a stub, an introduction and instructions. The tests are hidden. There are two tries: the tests decide at
the end of each, and the second is shown what they said of the first. With --rounds the tests are a check command
instead, and skiff may repair so often; that is another figure and is reported apart.

The exercises are those of one commit of the track and are not part of this repository: --track names a clone of it.
Rows are appended to --out as JSON lines; what is there already is not run again. The tests run code that the model
wrote, with this user's rights: in a temporary folder, in a process group of its own, under a time limit.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from eval_edits import EXIT_GATE_FAILED, EXIT_NOTHING_TO_CHANGE, RELEASE, git, last_line, run

COMMIT = "bfc578ecdd4369ccd798135780fec6be5cf3bf15"
PRACTICE = "exercises/practice"
TEST_TIMEOUT_S = 60
EDIT_TIMEOUT_S = 3600
TEST_COMMAND = "python3 -m unittest discover -p '*_test.py'"
# Where the check command finds the tests: they are no part of the repository that skiff sees.
TESTS_VARIABLE = "EXERCISM_TESTS"
ADDENDUM = (
    "Implement this in {files}. Keep the names of the functions and classes that are there, since other code uses them. "
    "Use only Python's standard library."
)
SECOND_TRY = "The code in {files} fails its tests. The tests are right. Correct the code."


@dataclasses.dataclass
class Exercise:
    """One exercise, as the commit has it."""

    name: str
    text: str
    solution: dict[str, str]
    tests: dict[str, str]


@dataclasses.dataclass
class Row:
    """What came of one exercise."""

    exercise: str
    solved_at: int = 0  # the try that passed; 0 where none did
    tries: int = 0
    outcomes: list[str] = dataclasses.field(default_factory=list)
    failing: list[int] = dataclasses.field(default_factory=list)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    accepted_tokens: int = 0
    candidates: int = 0
    seconds: float = 0.0
    note: str = ""


def show(track: Path, path: str) -> str:
    code, out, err = run(["git", "-C", str(track), "show", f"{COMMIT}:{path}"], Path.cwd(), 60)
    if code != 0:
        raise FileNotFoundError(f"{path}: {last_line(err)}")
    return out


def exercise_names(track: Path) -> list[str]:
    command = ["git", "-C", str(track), "ls-tree", "--name-only", f"{COMMIT}:{PRACTICE}"]
    code, out, err = run(command, Path.cwd(), 60)
    if code != 0:
        raise SystemExit(f"error: {track} does not hold commit {COMMIT}: {last_line(err)}")
    return out.split()


def load(track: Path, name: str) -> Exercise:
    folder = f"{PRACTICE}/{name}"
    config = json.loads(show(track, f"{folder}/.meta/config.json"))
    texts = []
    for part in ("introduction", "instructions", "instructions.append"):
        try:
            texts.append(show(track, f"{folder}/.docs/{part}.md").strip())
        except FileNotFoundError:
            continue
    files = config["files"]
    return Exercise(
        name,
        "\n\n".join(texts),
        {path: show(track, f"{folder}/{path}") for path in files["solution"]},
        {path: show(track, f"{folder}/{path}") for path in files["test"]},
    )


def sampled(names: list[str], count: int) -> list[str]:
    """Returns the last `count` names in the order of their SHA-256."""
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return ordered[-count:]


def run_tests(exercise: Exercise, repo: Path, work: Path) -> tuple[bool, str]:
    """Runs the hidden tests beside a copy of the solution; returns the verdict and what they said."""
    copy = Path(tempfile.mkdtemp(prefix="tests-", dir=work))
    for path in exercise.solution:
        (copy / path).write_bytes((repo / path).read_bytes())
    for path, text in exercise.tests.items():
        (copy / path).write_text(text)
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    code, out, err = run(["bash", "-c", TEST_COMMAND], copy, TEST_TIMEOUT_S, env)
    said = (out + err).replace(str(copy) + "/", "")
    return code == 0, said if code != 124 else said[:4000] + f"\nerror: the tests took more than {TEST_TIMEOUT_S} s"


def failing(said: str) -> int:
    """Returns how many tests fail, as unittest says it; -1 where it says nothing."""
    for line in reversed(said.splitlines()):
        if line.startswith("FAILED ("):
            return sum(int(part.split("=")[1].rstrip(")")) for part in line[8:].split(", ") if "skip" not in part)
    return -1


class Solver:
    """Tries as a user does: `skiff edit`, `skiff apply`."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args

    def edit(self, request: str, exercise: Exercise, repo: Path, work: Path, row: Row, more: list[str], stdin: str) -> str:
        """Makes and applies one proposal; returns what came of it."""
        env = dict(os.environ)
        for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            env[variable] = str(self.args.state / variable.lower())
        config = self.args.state / "xdg_config_home" / "skiff"
        config.mkdir(parents=True, exist_ok=True)
        (config / "config.toml").write_text(f'check_env = ["{TESTS_VARIABLE}"]\ncheck_seconds = {TEST_TIMEOUT_S}\n')
        env[TESTS_VARIABLE] = str(work / "tests")
        command = [str(self.args.skiff), "-C", str(repo), "edit", "--json", "-m", self.args.model, "--scope", "file"]
        command += ["--candidates", str(self.args.candidates), *more, *self.args.option, request, *exercise.solution]
        code, out, err = run(command, repo, EDIT_TIMEOUT_S, env, stdin)
        attempt = f"{row.tries}"
        (work / f"edit-{attempt}.json").write_text(out)
        (work / f"edit-{attempt}.stderr").write_text(err)
        report: dict[str, Any] = json.loads(out) if out.strip() else {}
        usage = report.get("usage", {})
        for key in ("prompt_tokens", "cached_tokens", "completion_tokens", "accepted_tokens"):
            setattr(row, key, getattr(row, key) + int(usage.get(key, 0)))
        row.candidates += len(report.get("candidates", []))
        if code == EXIT_NOTHING_TO_CHANGE:
            return "no-change"
        if code not in (0, EXIT_GATE_FAILED):
            row.note = last_line(err) or f"exit code {code}"
            return "error"
        # What failed a gate is tried all the same: the tests decide.
        command = [str(self.args.skiff), "-C", str(repo), "apply", "--accept-flags", str(report["id"])]
        applied, _, err = run(command, repo, 60, env)
        if applied != 0:
            row.note = f"apply: {last_line(err)}"
            return "error"
        return "gate" if code == EXIT_GATE_FAILED and self.args.rounds == 0 else "edited"

    def solve(self, exercise: Exercise, work: Path) -> Row:
        row = Row(exercise.name)
        repo = work / "repo"
        repo.mkdir(parents=True)
        for path, text in exercise.solution.items():
            (repo / path).write_text(text)
        tests = work / "tests"
        tests.mkdir()
        for path, text in exercise.tests.items():
            (tests / path).write_text(text)
        git(repo, "init", "-q")
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", "Start")
        files = ", ".join(f"`{path}`" for path in exercise.solution)
        request = f"{exercise.text}\n\n{ADDENDUM.format(files=files)}"
        started = time.monotonic()
        said = ""
        for attempt in range(1, self.args.tries + 1):
            row.tries = attempt
            more: list[str] = []
            if attempt > 1:
                more = ["--failure", "-"]
                request = f"{exercise.text}\n\n{SECOND_TRY.format(files=files)}"
            if self.args.rounds:
                check = f"cp \"${TESTS_VARIABLE}\"/*_test.py . && {TEST_COMMAND}"
                more += ["--check", check, "--rounds", str(self.args.rounds)]
            outcome = self.edit(request, exercise, repo, work, row, more, said)
            passed, said = run_tests(exercise, repo, work)
            (work / f"tests-{attempt}.txt").write_text(said)
            row.outcomes.append("passed" if passed else outcome)
            row.failing.append(0 if passed else failing(said))
            if passed:
                row.solved_at = attempt
                break
        row.seconds = round(time.monotonic() - started, 1)
        return row


def print_total(rows: list[Row], tries: int) -> None:
    solved = [sum(0 < row.solved_at <= attempt for row in rows) for attempt in range(1, tries + 1)]
    shares = ", ".join(
        f"{count} ({100 * count / max(1, len(rows)):.1f} %) after {attempt}" for attempt, count in enumerate(solved, 1)
    )
    tokens = f"{sum(row.prompt_tokens for row in rows)} + {sum(row.completion_tokens for row in rows)} tokens"
    seconds = [row.seconds for row in rows]
    print(
        f"total: {len(rows)} exercises, solved {shares}; {tokens}, {sum(row.candidates for row in rows)} candidates,"
        f" {sum(seconds):.0f} s, median {statistics.median(seconds or [0]):.0f} s an exercise"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--track", type=Path, required=True, help=f"a git repository that holds commit {COMMIT[:9]}")
    parser.add_argument("--out", type=Path, metavar="FILE", help="rows; those that are there are kept")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="the last N by SHA-256 of the name, not all")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b", help="registered model or GGUF file")
    parser.add_argument("--skiff", type=Path, default=RELEASE / "skiff", help="the binary to run")
    parser.add_argument("--tries", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=0, help="the tests are a check, with so many repairs")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="exercises at a time, which tells on the seconds")
    parser.add_argument("--candidates", default="1", metavar="N|auto")
    parser.add_argument("--option", action="append", default=[], help="passed on to `skiff edit`; may be given again")
    parser.add_argument("--keep", type=Path, help="keep the work folders")
    parser.add_argument("--list", action="store_true", help="print the names and do nothing else")
    args = parser.parse_args()
    names = exercise_names(args.track)
    if args.sample:
        names = sampled(names, args.sample)
    if args.only:
        names = [name for name in args.only.split(",") if name]
    if args.list:
        print("\n".join(names))
        return 0
    if args.out is None:
        parser.error("--out is needed")
    args.skiff = args.skiff.resolve()
    if not args.skiff.is_file():
        parser.error(f"{args.skiff} is not there; build it first (scripts/bench-exercism.sh does)")

    rows = [Row(**json.loads(line)) for line in args.out.read_text().splitlines()] if args.out.exists() else []
    done = {row.exercise for row in rows}
    with tempfile.TemporaryDirectory(prefix="skiff-exercism-") as scratch, ThreadPoolExecutor(args.jobs) as pool:
        args.state = Path(scratch) / "state"
        solver = Solver(args)
        keep = (args.keep or Path(scratch)).resolve()
        waiting = [
            pool.submit(lambda name=name: solver.solve(load(args.track, name), keep / name))
            for name in names
            if name not in done
        ]
        for solved in as_completed(waiting):
            row = solved.result()
            rows.append(row)
            with open(args.out, "a") as out:
                out.write(json.dumps(dataclasses.asdict(row)) + "\n")
            verdict = f"solved at {row.solved_at}" if row.solved_at else "not solved"
            cells = f"{row.exercise:<28} {verdict:<12} {'/'.join(row.outcomes):<16} {row.failing!s:<10}"
            print(f"{cells} {row.prompt_tokens:>7} {row.completion_tokens:>6} {row.seconds:>7.1f}  {row.note}", flush=True)
    print_total(rows, args.tries)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
