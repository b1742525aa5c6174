#!/usr/bin/env python3
"""Lets a model rewrite the places of fixtures/sites, each as a batch of its own, and compares what comes of them.

A place counts as done where its lines have become what the fixture allows and nothing else of the file has changed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def run(command: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def try_site(site: dict[str, Any], skiff: Path, model: str, scratch: Path, env: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Returns what became of the place, and the report of the batch."""
    repo = scratch / site["name"]
    file = repo / site["path"]
    file.parent.mkdir(parents=True)
    before, lines, after = (site[key].rstrip("\n") for key in ("before", "lines", "after"))
    text = "\n".join(part for part in (before, lines, after) if part) + "\n"
    file.write_text(text)
    git = ["git", "-c", "user.name=eval", "-c", "user.email=eval@localhost"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "before"]):
        run([*git, *command], repo, env).check_returncode()
    first = before.count("\n") + 2 if before else 1
    last = first + lines.count("\n")
    plan = scratch / f"{site['name']}.toml"
    place = json.dumps([f"{site['path']}:{first}-{last}"])
    plan.write_text(f"version = 1\ntitle = 'eval'\nrequest = {json.dumps(site['request'])}\nmatch.places = {place}\n")
    out = scratch / f"{site['name']}.out"
    ended = run([str(skiff), "batch", str(plan), "-o", str(out), "-m", model, "--json"], repo, env)
    if not ended.stdout.strip():
        raise SystemExit(f"error: {site['name']}: {ended.stderr.strip()}")
    report = json.loads(ended.stdout)
    if report["edited"] == 0:
        return ("unchanged" if report["unchanged"] else "failed"), report
    run([*git, "am", "-q", str(out / "series.mbox")], repo, env).check_returncode()
    now = file.read_text()
    head, tail = (before + "\n" if before else ""), ("\n" + after if after else "") + "\n"
    stays = now.startswith(head) and now.endswith(tail) and len(now) >= len(head) + len(tail)
    middle = now[len(head) : len(now) - len(tail)] if stays else ""
    return ("done" if re.fullmatch(site["becomes"], middle) else "wrong"), report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skiff", type=Path, default=ROOT / "target/release/skiff", help="the binary to run")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b", help="registered model or GGUF file")
    args = parser.parse_args()
    sites = tomllib.loads((ROOT / "fixtures/sites/sites.toml").read_text())["site"]
    model = str(Path(args.model).resolve()) if Path(args.model).is_file() else args.model
    done = tokens = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="skiff-sites-") as folder:
        scratch = Path(folder)
        env = dict(os.environ)
        for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            env[variable] = str(scratch / "home" / variable.lower())
        for site in sites:
            outcome, report = try_site(site, args.skiff.resolve(), model, scratch, env)
            done += outcome == "done"
            tokens += report["prompt_tokens"] + report["completion_tokens"]
            print(f"{site['name']:<28} {outcome:<10} {report['prompt_tokens']:>6} {report['completion_tokens']:>5}", flush=True)
    print(f"total: {done} of {len(sites)} done, {tokens} tokens, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
