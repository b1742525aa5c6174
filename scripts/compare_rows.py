#!/usr/bin/env python3
"""Compares two runs of the same tasks: rows of `eval_edits.py` or `bench_exercism.py`, before and after a change.

Only tasks that both have count. The test is McNemar's, exact: of the tasks that only one of the two solves, how likely is
so uneven a split by chance (two-sided binomial). Greedy decoding flips tasks at any change of a prompt, so a difference
without a small p says nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from pathlib import Path
from typing import Any


def rows(path: Path) -> dict[str, dict[str, Any]]:
    """Returns the rows of a file by the names of their tasks; of several for one task the last."""
    told = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return {row.get("exercise") or row["task"]: row for row in told}


def solved(row: dict[str, Any]) -> bool:
    return row["solved_at"] > 0 if "solved_at" in row else row["outcome"] == "passed"


def chance(one: int, other: int) -> float:
    """Returns how likely a split at least as uneven is where both sides are equally likely."""
    total = one + other
    tail = sum(math.comb(total, k) for k in range(min(one, other) + 1)) / 2**total
    return min(1.0, 2 * tail)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="rows, a JSON object a line")
    parser.add_argument("after", type=Path)
    args = parser.parse_args()
    before, after = rows(args.before), rows(args.after)
    names = sorted(before.keys() & after.keys())
    if not names:
        parser.error("no task is in both files")
    lost = [name for name in names if solved(before[name]) and not solved(after[name])]
    won = [name for name in names if solved(after[name]) and not solved(before[name])]
    both = sum(solved(before[name]) and solved(after[name]) for name in names)
    print(f"{len(names)} tasks: {both + len(lost)} solved before, {both + len(won)} after; p = {chance(len(lost), len(won)):.3f}")
    print(f"only before: {', '.join(lost) or '-'}")
    print(f"only after:  {', '.join(won) or '-'}")
    ratios = [after[name]["seconds"] / before[name]["seconds"] for name in names if before[name]["seconds"] > 0]
    if ratios:
        total = sum(after[name]["seconds"] for name in names) / sum(before[name]["seconds"] for name in names)
        print(f"seconds, after over before: median {statistics.median(ratios):.2f}, total {total:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
