#!/usr/bin/env python3
"""Measures how well files are found for a request: issue texts, or the messages of commits.

An instance is hit at k when every file that the change touched is among the first k. The halves are by the parity of
the last byte of the SHA-256 of the instance's id; ranking was tuned on half A only. `issues` needs pyarrow.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCALIZE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "examples" / "localize"
AT = (1, 3, 5, 10)
SOURCE_SUFFIXES = {".c", ".cc", ".cpp", ".go", ".h", ".hpp", ".java", ".js", ".jsx", ".py", ".rs", ".ts", ".tsx"}
MOST_FILES = 3

Instance = dict[str, Any]
Outcome = dict[str, Any]


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "--git-dir", str(repository), *arguments], capture_output=True, text=True, errors="replace", check=True
    )
    return done.stdout


def has_commit(repository: Path, commit: str) -> bool:
    command = ["git", "--git-dir", str(repository), "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, capture_output=True).returncode == 0


def clone_of(folder: Path, name: str) -> Path | None:
    stem = name.replace("/", "+")
    candidates = [folder / stem, folder / f"{stem}.git", folder / stem / "repo"]
    return next((path for path in candidates if (path / "HEAD").is_file()), None)


def issues(folder: Path, table: Path) -> list[Instance]:
    """One instance for each row of the data set whose base commit is at hand."""
    from pyarrow import parquet

    instances, missing = [], 0
    for row in parquet.read_table(table).to_pylist():
        repository = clone_of(folder, row["repo"])
        if repository is None or not has_commit(repository, row["base_commit"]):
            missing += 1
            continue
        gold = sorted(set(re.findall(r"^diff --git a/(.*?) b/", row["patch"], re.MULTILINE)))
        instances.append(
            {
                "id": row["instance_id"],
                "repository": str(repository),
                "commit": row["base_commit"],
                "query": row["problem_statement"],
                "gold": gold,
            }
        )
    print(f"{len(instances)} instances, {missing} left out: no repository or no base commit", file=sys.stderr)
    return instances


def commits(repository: Path, count: int) -> list[Instance]:
    """Two instances for each of the newest commits that change one to three existing source files: its subject, and
    its whole message."""
    found: list[Instance] = []
    name = repository.parent.name if repository.name == "repo" else repository.stem
    for line in git(repository, "log", "--no-merges", "--format=%H %P", "-n", "5000").splitlines():
        if len(found) == 2 * count:
            break
        commit, *parents = line.split()
        if len(parents) != 1:
            continue
        changed = [row.split("\t") for row in git(repository, "diff", "--name-status", parents[0], commit).splitlines()]
        paths = [row[-1] for row in changed]
        sources = all(Path(path).suffix in SOURCE_SUFFIXES for path in paths)
        if not 1 <= len(paths) <= MOST_FILES or not sources or any(row[0] != "M" for row in changed):
            continue
        subject, _, body = git(repository, "show", "--no-patch", "--format=%s%n%b", commit).partition("\n")
        for kind, query in (("subject", subject), ("message", f"{subject}\n{body}")):
            found.append(
                {
                    "id": f"{name} {kind} {commit[:12]}",
                    "repository": str(repository),
                    "commit": parents[0],
                    "query": query,
                    "gold": paths,
                }
            )
    return found


def measure(instances: list[Instance], arguments: list[str]) -> list[Outcome]:
    with tempfile.TemporaryFile("w+") as lines:
        for instance in instances:
            lines.write(json.dumps(instance) + "\n")
        lines.seek(0)
        process = subprocess.Popen([str(LOCALIZE), *arguments], stdin=lines, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    outcomes = []
    for line in process.stdout:
        outcomes.append(json.loads(line))
        print(f"\r{len(outcomes)} of {len(instances)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    if process.wait() != 0:
        raise SystemExit("localize failed")
    return outcomes


def half(outcome: Outcome) -> str:
    return "AB"[hashlib.sha256(outcome["id"].encode()).digest()[-1] % 2]


def row(name: str, outcomes: list[Outcome], key: str) -> str:
    """Hits by the worst gold file, mean reciprocal rank by the best."""
    cells = [name, str(len(outcomes))]
    for k in AT:
        hits = sum(all(rank is not None and rank < k for rank in outcome[key]) for outcome in outcomes)
        cells.append(f"{hits / len(outcomes):.3f}")
    best = [min((rank for rank in outcome[key] if rank is not None), default=None) for outcome in outcomes]
    cells.append(f"{statistics.fmean(0 if rank is None else 1 / (rank + 1) for rank in best):.3f}")
    return "| " + " | ".join(cells) + " |"


def report(groups: dict[str, list[Outcome]]) -> None:
    print("| | instances | " + " | ".join(f"hit@{k}" for k in AT) + " | MRR |")
    print("|---|---|" + "---|" * (len(AT) + 1))
    for name, outcomes in groups.items():
        if outcomes:
            if all(outcome["plain_ranks"] for outcome in outcomes):
                print(row(f"{name}, plain BM25", outcomes, "plain_ranks"))
            print(row(f"{name}, skiff", outcomes, "ranks"))
    print()
    once = {outcome["id"]: outcome for outcomes in groups.values() for outcome in outcomes}.values()
    report_times("milliseconds a query", [outcome["query_ms"] for outcome in once])
    on_processor = [outcome["query_cpu_ms"] for outcome in once if outcome["query_cpu_ms"] is not None]
    if on_processor:
        report_times("of these on a processor", on_processor)


def report_times(name: str, times: list[float]) -> None:
    times = sorted(times)
    p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    print(f"{name}: median {statistics.median(times):.1f}, 95th percentile {p95:.1f}, most {times[-1]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bench-localize.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--log", type=Path, help="write the outcome of every instance there, one JSON object a line")
    kinds = parser.add_subparsers(dest="kind", required=True)
    of_issues = kinds.add_parser("issues", help="issue text to the files of the fix, on SWE-bench Lite")
    of_issues.add_argument("repositories", type=Path, help="a folder of bare clones named owner+name")
    of_issues.add_argument("table", type=Path, help="swebench_lite.parquet")
    of_commits = kinds.add_parser("commits", help="commit message to changed files")
    of_commits.add_argument("repositories", type=Path, nargs="+", help="bare clones")
    of_commits.add_argument("--count", type=int, default=150, help="commits of each repository (default 150)")
    for of_kind in (of_issues, of_commits):
        of_kind.add_argument("--skiff-only", action="store_true", help="leave out plain BM25, which takes the longest")
    args = parser.parse_args()

    arguments = ["skiff-only"] if args.skiff_only else []
    groups: dict[str, list[Outcome]] = {}
    if args.kind == "issues":
        outcomes = measure(issues(args.repositories, args.table), arguments)
        for name in "AB":
            groups[f"half {name}"] = [outcome for outcome in outcomes if half(outcome) == name]
        groups["both"] = outcomes
    else:
        found = [instance for path in args.repositories for instance in commits(path, args.count)]
        outcomes = measure(found, arguments)
        for outcome in outcomes:
            groups.setdefault(" ".join(outcome["id"].split()[:2]), []).append(outcome)
    if args.log:
        args.log.write_text("".join(json.dumps(outcome) + "\n" for outcome in outcomes))
    if not outcomes:
        raise SystemExit("no instance: nothing to measure")
    report(groups)


if __name__ == "__main__":
    main()
