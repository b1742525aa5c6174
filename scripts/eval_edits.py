#!/usr/bin/env python3
"""Runs the editing tasks under fixtures/ through `skiff edit`, or through one plain prompt as a naive tool would.

Each task is a small repository, a request and a hidden check. A task passes when its check exits 0 in a copy of the
repository after the edit. The check runs code that the model wrote, with this user's rights: in a temporary folder,
in its own process group, under a time limit.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import fnmatch
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from eval_baseline import answer_files, baseline_messages

ROOT = Path(__file__).resolve().parent.parent
SETS = {"eval": ROOT / "fixtures" / "tasks", "dev": ROOT / "fixtures" / "tasks-dev"}
KINDS = {"single", "two-functions", "two-files", "new-file", "delete"}
TOOLCHAINS = {
    "python": ["python3"],
    "rust": ["rustc"],
    "javascript": ["node"],
    "c": ["gcc", "python3"],
    "java": ["javac", "java"],
}
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
EDIT_TIMEOUT_S = 1800
# Where a check command finds the hidden files: they are no part of the repository that skiff sees.
CHECK_VARIABLE = "SKIFF_EVAL_CHECK"
# A check does not see the home directory, where rustup would look for its toolchains.
RUSTUP_HOME = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
EXIT_NOTHING_TO_CHANGE = 3
EXIT_GATE_FAILED = 4


@dataclasses.dataclass(frozen=True)
class Task:
    """One task as its task.toml says; see fixtures/README.md."""

    folder: Path
    request: str
    language: str
    kind: str
    names_file: bool
    check: str
    timeout_s: int
    gold_files: list[str]
    paths: list[str] = dataclasses.field(default_factory=list)
    symbols: list[str] = dataclasses.field(default_factory=list)
    context_files: list[str] = dataclasses.field(default_factory=list)

    @property
    def name(self) -> str:
        return self.folder.name

    @classmethod
    def load(cls, folder: Path) -> Task:
        with open(folder / "task.toml", "rb") as file:
            table = tomllib.load(file)
        task = cls(folder=folder, **table)
        if task.kind not in KINDS or task.language not in TOOLCHAINS:
            raise ValueError(f"unknown kind or language: {task.kind}, {task.language}")
        return task

    def missing_tools(self) -> list[str]:
        return [tool for tool in TOOLCHAINS[self.language] if shutil.which(tool) is None]


@dataclasses.dataclass
class Row:
    """What came of one task."""

    task: str
    language: str
    kind: str
    names_file: bool
    outcome: str = "error"  # passed, failed, gate, no-change, error, skipped
    gate_hits: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    note: str = ""


def run(
    command: list[str], cwd: Path, timeout_s: float, env: dict[str, str] | None = None, stdin: str = ""
) -> tuple[int, str, str]:
    """Runs a command in its own process group, so that a time limit ends its children too."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return 124, out, err + f"\nstopped after {timeout_s:.0f} s"
    return process.returncode, out, err


def git(repo: Path, *args: str) -> None:
    identity = ["-c", "user.name=Fixture", "-c", "user.email=fixture@example.invalid"]
    # The user's own settings (line ends, hooks, signing) must not reach the fixtures.
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    code, _, err = run(["git", *identity, *args], repo, 60, env)
    if code != 0:
        raise RuntimeError(f"git {args[0]}: {err.strip()}")


def make_repository(task: Task, work: Path) -> Path:
    """Copies the task's files into a fresh git repository with one commit."""
    repo = work / "repo"
    shutil.copytree(task.folder / "repo", repo)
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "Start of the task")
    return repo


def run_check(task: Task, repo: Path, work: Path) -> tuple[bool, str]:
    """Copies repository and hidden files elsewhere and runs the check there; returns the verdict and the last lines."""
    copy = Path(tempfile.mkdtemp(prefix="check-", dir=work))
    shutil.copytree(repo, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
    shutil.copytree(task.folder / "check", copy, dirs_exist_ok=True)
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    code, out, err = run(["bash", "-c", task.check], copy, task.timeout_s, env)
    return code == 0, "\n".join((out + err).strip().splitlines()[-6:])


class SkiffRunner:
    """Edits as a user does: `skiff edit`, then `skiff apply`."""

    def __init__(self, skiff: Path, model: str, mode: str, with_check: bool, options: list[str]) -> None:
        self.skiff, self.model, self.mode = skiff, model, mode
        self.with_check, self.options = with_check, options

    def edit(self, task: Task, repo: Path, work: Path, row: Row) -> bool:
        # The user's own configuration and caches must not sway the result; models are found as usual.
        env = dict(os.environ)
        for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            env[variable] = str(work / variable.lower())
        command = [str(self.skiff), "-C", str(repo), "edit", "--json", "--mode", self.mode, "-m", self.model]
        for symbol in task.symbols:
            command += ["--symbol", symbol]
        if self.with_check:
            shutil.copytree(task.folder / "check", work / "check")
            env.update({CHECK_VARIABLE: str(work / "check"), "RUSTUP_HOME": RUSTUP_HOME})
            config = work / "xdg_config_home" / "skiff"
            config.mkdir(parents=True)
            settings = f'check_env = ["{CHECK_VARIABLE}", "RUSTUP_HOME"]\ncheck_seconds = {task.timeout_s}\n'
            (config / "config.toml").write_text(settings)
            command += ["--check", f'cp -R "${CHECK_VARIABLE}"/. . && {task.check}']
        command += self.options
        # Temperature 0 is what `skiff edit` uses when one candidate is asked for.
        code, out, err = run([*command, task.request, *task.paths], repo, EDIT_TIMEOUT_S, env)
        (work / "edit.json").write_text(out)
        (work / "edit.stderr").write_text(err)
        report: dict[str, Any] = json.loads(out) if out.strip() else {}
        row.gate_hits = sum(len(region.get("gate_hits", [])) for region in report.get("regions", []))
        usage = report.get("usage", {})
        row.prompt_tokens = int(usage.get("prompt_tokens", 0))
        row.completion_tokens = int(usage.get("completion_tokens", 0))
        if code == EXIT_NOTHING_TO_CHANGE:
            row.outcome = "no-change"
        elif code == EXIT_GATE_FAILED:
            row.outcome = "gate"
        elif code != 0:
            row.note = last_line(err) or f"exit code {code}"
        if code != 0:
            return False
        code, _, err = run([str(self.skiff), "-C", str(repo), "apply", str(report["id"])], repo, 60, env)
        if code != 0:
            row.note = f"apply: {last_line(err)}"
        return code == 0


class BaselineRunner:
    """One plain prompt: the right files whole, whole files asked back."""

    def __init__(self, complete: Path, model: str) -> None:
        self.complete, self.model = complete, model

    def edit(self, task: Task, repo: Path, work: Path, row: Row) -> bool:
        given = {path: read(repo / path) for path in task.context_files + task.gold_files if (repo / path).is_file()}
        messages = baseline_messages(task.request, given)
        # Room for every file twice over: a token is rarely less than three bytes of code.
        max_tokens = 1024 + 2 * sum(len(text) for text in given.values()) // 3
        command = [str(self.complete), "--model", self.model, "--max-tokens", str(max_tokens)]
        code, out, err = run(command, repo, EDIT_TIMEOUT_S, stdin=json.dumps(messages))
        (work / "answer.json").write_text(out)
        if code != 0:
            row.note = last_line(err) or f"exit code {code}"
            return False
        report = json.loads(out)
        row.prompt_tokens = int(report["usage"]["prompt_tokens"])
        row.completion_tokens = int(report["usage"]["completion_tokens"])
        targets = [path for path in task.gold_files if path in given] or task.gold_files
        files = answer_files(report["text"], targets, may_create=task.kind == "new-file")
        for path, text in files.items():
            target = repo / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, newline="")
        if not files:
            row.outcome = "no-change"
        return bool(files)


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


def evaluate(task: Task, runner: SkiffRunner | BaselineRunner, keep: Path | None) -> Row:
    row = Row(task.name, task.language, task.kind, task.names_file)
    if missing := task.missing_tools():
        row.outcome, row.note = "skipped", "not on this machine: " + ", ".join(missing)
        return row
    with tempfile.TemporaryDirectory(prefix="skiff-eval-") as scratch:
        work = keep / task.name if keep else Path(scratch)
        if keep:
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
        repo = make_repository(task, work)
        started = time.monotonic()
        try:
            edited = runner.edit(task, repo, work, row)
        except (OSError, ValueError, KeyError) as error:
            edited, row.note = False, f"{type(error).__name__}: {error}"
        row.seconds = round(time.monotonic() - started, 1)
        if edited:
            passed, tail = run_check(task, repo, work)
            row.outcome = "passed" if passed else "failed"
            (work / "check.txt").write_text(tail + "\n")
    return row


def self_test(task: Task) -> str:
    """Proves that the check fails before and passes after the reference solution; returns what is wrong, or nothing."""
    if missing := task.missing_tools():
        return "skipped: not on this machine: " + ", ".join(missing)
    with tempfile.TemporaryDirectory(prefix="skiff-selftest-") as scratch:
        work = Path(scratch)
        repo = make_repository(task, work)
        if run_check(task, repo, work)[0]:
            return "the check passes on the untouched repository"
        git(repo, "apply", "--index", str(task.folder / "solution.patch"))
        changed = run(["git", "diff", "--cached", "--name-only"], repo, 60)[1].split()
        if sorted(changed) != sorted(task.gold_files):
            return f"gold_files {task.gold_files}, but the solution changes {changed}"
        passed, tail = run_check(task, repo, work)
        return "" if passed else f"the check fails on the solution:\n{tail}"


def run_self_test(tasks: list[Task]) -> int:
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for task, problem in zip(tasks, pool.map(self_test, tasks)):
            wrong += bool(problem) and not problem.startswith("skipped")
            label = f"{task.folder.parent.name}/{task.name}"
            verdict = problem or "fails before, passes after"
            print(f"{label:<44} {task.language:<11} {task.kind:<14} {verdict}", flush=True)
    print(f"self-test: {len(tasks)} tasks, {wrong} wrong")
    return 1 if wrong else 0


def print_row(row: Row) -> None:
    cells = f"{row.task:<34} {row.language:<11} {row.kind:<14} {row.outcome:<10} {row.gate_hits:>5}"
    note = f"  {row.note}" if row.note else ""
    print(f"{cells} {row.prompt_tokens:>8} {row.completion_tokens:>8} {row.seconds:>8.1f}{note}", flush=True)


def print_total(rows: list[Row]) -> None:
    ran = [row for row in rows if row.outcome != "skipped"]
    passed = sum(row.outcome == "passed" for row in ran)
    unnamed = [row for row in ran if not row.names_file]
    tokens = f"{sum(row.prompt_tokens for row in ran)} + {sum(row.completion_tokens for row in ran)} tokens"
    print(
        f"total: passed {passed} of {len(ran)}"
        f" (nobody names the file: {sum(row.outcome == 'passed' for row in unnamed)} of {len(unnamed)}),"
        f" {len(rows) - len(ran)} skipped, {sum(row.gate_hits for row in ran)} gate hits, {tokens},"
        f" {sum(row.seconds for row in ran):.0f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the editing tasks and prints a row per task and the total.")
    parser.add_argument("--set", choices=[*SETS, "all"], help="which tasks (default: eval; with --self-test: all)")
    parser.add_argument("--only", metavar="GLOB", default="*", help="only tasks whose folder name matches")
    parser.add_argument("--model", metavar="NAME", default="qwen2.5-coder-1.5b", help="registered model or GGUF file")
    parser.add_argument("--mode", choices=["workflow", "agent", "auto"], default="workflow", help="who decides")
    parser.add_argument("--check", action="store_true", help="give skiff each task's check as --check")
    parser.add_argument("--option", action="append", default=[], help="passed on to `skiff edit`; may be given again")
    parser.add_argument("--skiff", type=Path, default=RELEASE / "skiff", help="the binary to run")
    parser.add_argument("--complete", type=Path, default=RELEASE / "examples/complete")
    parser.add_argument("--baseline", action="store_true", help="one plain prompt in place of skiff")
    parser.add_argument("--self-test", action="store_true", help="prove the checks; needs no model and no build")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the rows as JSON lines")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the work folders")
    args = parser.parse_args()

    wanted = args.set or ("all" if args.self_test else "eval")
    folders = [folder for name, folder in SETS.items() if wanted in (name, "all")]
    tasks = [Task.load(toml.parent) for folder in folders for toml in sorted(folder.glob("*/task.toml"))]
    tasks = [task for task in tasks if fnmatch.fnmatch(task.name, args.only)]
    if not tasks:
        parser.error(f"no task matches {args.only!r} in {', '.join(map(str, folders))}")
    if args.self_test:
        return run_self_test(tasks)

    binary: Path = (args.complete if args.baseline else args.skiff).resolve()
    if not binary.is_file():
        parser.error(f"{binary} is not there; build it first (scripts/eval-edits.sh does)")
    runner: SkiffRunner | BaselineRunner
    if args.baseline:
        runner = BaselineRunner(binary, args.model)
    else:
        runner = SkiffRunner(binary, args.model, args.mode, args.check, args.option)
    heads = f"{'task':<34} {'language':<11} {'kind':<14} {'outcome':<10} {'gates':>5}"
    print(f"{heads} {'prompt':>8} {'written':>8} {'seconds':>8}")
    rows: list[Row] = []
    for task in tasks:
        rows.append(evaluate(task, runner, args.keep.resolve() if args.keep else None))
        print_row(rows[-1])
        if args.out:
            args.out.write_text("".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in rows))
    print_total(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
