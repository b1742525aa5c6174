#!/usr/bin/env python3
"""Reads what bench-gpu.sh measured; see there."""

import json
import os
import statistics
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def gpus(path):
    """Prints the GPUs of a doctor's report; fails where there are none."""
    found = load(path)["gpus"]
    for gpu in found:
        print(f"{gpu['name']}: {gpu['free_bytes'] >> 20} MiB free", file=sys.stderr)
    return 0 if found else 1


def shape(path):
    """Prints with what llama-bench has to be run to be compared: threads, and tokens before the first that is written."""
    report = load(path)
    print(report["threads"], report["read"]["tokens"])
    return 0


def peer_rate(path):
    """Returns the tokens a second that llama-bench wrote: the median of its runs."""
    rows = [row for row in load(path) if row["n_gen"] > 0]
    if len(rows) != 1:
        raise SystemExit(f"error: {path} has {len(rows)} measurements of writing, not one")
    return statistics.median(rows[0]["samples_ts"])


def edit_set(path):
    """Returns how many times as fast as plain the edit set is with drafts: the median of the rounds."""
    milliseconds, tokens = {}, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            key = (row["round"], row["runner"])
            milliseconds[key] = milliseconds.get(key, 0) + row["ms"]
            # The first token comes from the logits of the prompt.
            tokens[key] = tokens.get(key, 0) + row["tokens"] - 1
    rate = {key: tokens[key] / max(1, milliseconds[key]) for key in tokens}
    rounds = sorted({number for number, _ in rate})
    return statistics.median(rate[number, "copy"] / rate[number, "plain"] for number in rounds)


def line(what, value, goal, met):
    print(f"  {what:34} {value:>10}   goal {goal:<10} {'met' if met else 'NOT MET'}")


def report(work):
    for name, title in (("real", "given model"), ("random", "random weights")):
        ours = load(os.path.join(work, f"{name}.skiff.json"))
        theirs = peer_rate(os.path.join(work, f"{name}.llama.json"))
        print(f"{title}: {os.path.basename(ours['model'])}, {ours['sha256'][:16]}")
        print(f"  plan: {ours['plan']}")
        print(f"  read {ours['read']['tokens_per_s']:.1f} tokens/s, write {ours['write']['tokens_per_s']:.1f}, "
              f"llama-bench writes {theirs:.1f} after {ours['read']['tokens']} tokens; medians of {ours['runs']}")
        ratio = ours["write"]["tokens_per_s"] / theirs
        line("plain decode over llama-bench", f"{ratio:.3f}", ">= 0.95", ratio >= 0.95)
        many = ours["candidates"]
        line(f"{many['count']} candidates over one", f"{many['times_one']:.2f}", "<= 2", many["times_one"] <= 2)
        prefix = ours["prefix"]
        share = prefix["cold_ms"] / max(prefix["restored_ms"], 1e-3)
        line(f"kept prompt of {prefix['tokens']} tokens", f"1/{share:.1f}", "<= 1/50", share >= 50)
        if name == "real":
            # What random weights write copies nothing.
            times = ours["copy"]["times_as_fast"]
            line("copy edit of model bench over plain", f"{times:.2f}", ">= 5", times >= 5)
            raw = os.path.join(work, "edits.raw")
            if os.path.exists(raw):
                times = edit_set(raw)
                line("edit set over plain", f"{times:.2f}", ">= 5", times >= 5)
    return 0


if __name__ == "__main__":
    commands = {"gpus": gpus, "shape": shape, "report": report}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        raise SystemExit("usage: bench_gpu.py gpus|shape|report PATH")
    raise SystemExit(commands[sys.argv[1]](sys.argv[2]))
