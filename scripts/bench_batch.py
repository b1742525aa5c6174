#!/usr/bin/env python3
"""Compares a batch over a real repository with single edits and with Aider, and times rewrites that need no model.

The request is the same everywhere: `expect` in place of `unwrap`, in a repository of Rust. The places are spread evenly over
those of the repository. Single edits name the file and the function; Aider is given the file and the line. Every part
begins with the index and the server warm.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bench_exercism_aider import served  # noqa: E402

REQUEST = "Use expect in place of unwrap, with a message that says in a few words what was expected."
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "skiff-bench"
# A longer file does not fit the context beside Aider's own prompt, and it ends at once.
AIDER_MOST_BYTES = 6_000
PARTS = ("rewrites", "many", "asked", "batch", "singles", "aider")


class Bench:
    def __init__(self, args: argparse.Namespace, work: Path) -> None:
        self.args, self.work = args, work
        self.repo = work / "repo"
        self.env = dict(os.environ)
        for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            self.env[variable] = str(work / "home" / variable.lower())
        self.git("clone", "-q", "--shared", str(args.repo.resolve()), str(self.repo), cwd=work)

    def git(self, *words: str, cwd: Path | None = None) -> str:
        line = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", *words]
        return subprocess.run(line, cwd=cwd or self.repo, check=True, capture_output=True, text=True).stdout

    def skiff(self, *words: str, cwd: Path | None = None) -> tuple[int, str, float]:
        """Returns the exit code, what was printed, and the seconds."""
        started = time.monotonic()
        ended = subprocess.run(
            [str(self.args.skiff), *words], cwd=cwd or self.repo, env=self.env, capture_output=True, text=True
        )
        if ended.returncode in (2, 5) or (ended.returncode == 1 and not ended.stdout):
            raise SystemExit(f"error: {' '.join(words)}: {ended.stderr.strip()}")
        return ended.returncode, ended.stdout, time.monotonic() - started

    def plan(self, name: str, text: str) -> str:
        file = self.work / f"{name}.toml"
        file.write_text(f"version = 1\ntitle = 'bench'\n{text}")
        return str(file)

    def sites(self) -> list[dict[str, Any]]:
        plan = self.plan("all", f"request = '{REQUEST}'\nmatch.code = '$WHAT.unwrap()'\nmatch.languages = ['Rust']\n")
        found: list[dict[str, Any]] = json.loads(self.skiff("batch", plan, "--dry-run", "--json")[1])["sites"]
        # One place a line, on lines that are no part of a larger one.
        by_line = {(site["path"], site["line"]): site for site in found}
        return list(by_line.values())

    def spread(self, count: int, most_bytes: int | None = None) -> list[dict[str, Any]]:
        sites = self.sites()
        if most_bytes is not None:
            sites = [site for site in sites if (self.repo / site["path"]).stat().st_size <= most_bytes]
        step = max(len(sites) / count, 1.0)
        return [sites[int(at * step)] for at in range(min(count, len(sites)))]

    def rewrites(self) -> None:
        """Rewrites every place without a model, five times."""
        text = "match.code = '$WHAT.unwrap()'\nmatch.languages = ['Rust']\n[[rewrite]]\nto = '$WHAT.expect(\"it is there\")'\n"
        plan = self.plan("rewrites", text)
        for group_by in ("site", "file"):
            rates, report = [], {}
            for at in range(5):
                out = self.work / f"rewrites-{group_by}-{at}"
                _, printed, seconds = self.skiff("batch", plan, "-o", str(out), "--group-by", group_by, "--json")
                report = json.loads(printed)
                rates.append(report["rewritten"] / seconds)
            spread = f"{min(rates):.0f} to {max(rates):.0f}"
            print(f"rewrites, a patch a {group_by}: {report['rewritten']} of {report['sites']} sites, "
                  f"median {statistics.median(rates):.0f} sites/s ({spread}), the whole process", flush=True)

    def many(self) -> None:
        """Rewrites 10,000 places and 100 of them, and compares the memory."""
        rewrite = "[[rewrite]]\nto = '$WHAT.expect(\"it is there\")'\n"
        peaks = {count: self.peak_mib(count, rewrite) for count in (100, 10_000)}
        print(f"memory at the peak: {peaks[100]:.0f} MiB for 100 sites, {peaks[10_000]:.0f} MiB for 10,000", flush=True)

    def asked(self) -> None:
        """Asks for 10,000 places and for 100 of them, and compares the memory. The answers are scripted: what a model takes
        does not depend on the places."""
        request = "request = 'Use expect in place of unwrap.'\n"
        peaks = {}
        for count in (100, 10_000):
            script = self.work / f"script-{count}.jsonl"
            with open(script, "w") as out:
                for at in range(count):
                    name = f"{at % 10}"
                    reply = f"```rust\n    let v{name} = a{name}().expect(\"there\");\n```"
                    out.write(json.dumps({"reply": reply}) + "\n")
            peaks[count] = self.peak_mib(count, request, "-m", f"scripted:{script}")
        print(f"memory at the peak, answers scripted: {peaks[100]:.0f} MiB for 100 sites, {peaks[10_000]:.0f} MiB for 10,000",
              flush=True)

    def peak_mib(self, count: int, rest: str, *more: str) -> float:
        """Returns the peak memory of a batch over so many places, ten in a file."""
        repo = self.work / f"many-{count}"
        for at in range(count // 10):
            file = repo / f"d{at % 97}" / f"f{at}.rs"
            file.parent.mkdir(parents=True, exist_ok=True)
            lines = "".join(f"    let v{i} = a{i}().unwrap();\n" for i in range(10))
            file.write_text(f"fn f{at}() {{\n{lines}}}\n")
        self.git("init", "-q", str(repo), cwd=self.work)
        self.skiff("index", cwd=repo)
        plan = self.plan(f"many-{count}", f"match.code = '$WHAT.unwrap()'\n{rest}")
        out = self.work / f"out-{count}-{bool(more)}"
        line = [str(self.args.skiff), "batch", plan, "-o", str(out), *more]
        started = time.monotonic()
        process = subprocess.Popen(line, cwd=repo, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        settled = len((out / "sites.jsonl").read_text().splitlines()) - 1
        print(f"{settled} of {count} sites settled in {time.monotonic() - started:.0f} s, exit code {os.waitstatus_to_exitcode(status)}",
              flush=True)
        return usage.ru_maxrss / 1024

    def batch(self, sites: list[dict[str, Any]]) -> float:
        """Asks for the places in one batch; returns the seconds for each."""
        places = json.dumps([f"{site['path']}:{site['line']}" for site in sites])
        plan = self.plan("batch", f"request = '{REQUEST}'\nmatch.places = {places}\n")
        out = self.work / "batch"
        _, printed, seconds = self.skiff("batch", plan, "-o", str(out), "-m", str(self.args.gguf), "--json")
        report = json.loads(printed)
        each = seconds / len(sites)
        print(f"batch: {report['edited']} of {report['sites']} changed, {report['unchanged']} unchanged, {report['failed']} failed, "
              f"{report['prompt_tokens']} + {report['completion_tokens']} tokens, {seconds:.0f} s, "
              f"{60 / each:.1f} sites a minute", flush=True)
        if report["patches"]:
            self.git("apply", "--check", str(out / "series.mbox"))
        return each

    def is_symbol(self, name: str, path: str) -> bool:
        """Tells whether a function is one: the text of a test may have others in its strings."""
        _, found, _ = self.skiff("find", name, "--json")
        return f'"{path}"' in found

    def singles(self, sites: list[dict[str, Any]]) -> float:
        """Asks for the places one by one; returns the median seconds for each."""
        times, changed = [], 0
        for site in sites:
            lines = (self.repo / site["path"]).read_text().splitlines()
            above = (re.search(r"\bfn (\w+)", line) for line in reversed(lines[: site["line"]]))
            name = next((found.group(1) for found in above if found), None)
            request = f"{REQUEST} Only in the line `{lines[site['line'] - 1].strip()}`."
            line = ["edit", request, site["path"], "-m", str(self.args.gguf), "--json"]
            if name and self.is_symbol(name, site["path"]):
                line += ["--symbol", name]
            code, _, seconds = self.skiff(*line)
            changed += code == 0
            times.append(seconds)
        print(f"single edits: {changed} of {len(sites)} changed, median {statistics.median(times):.1f} s, "
              f"sum {sum(times):.0f} s", flush=True)
        return statistics.median(times)

    def aider(self, sites: list[dict[str, Any]]) -> float | None:
        """Lets Aider do the same; returns the median seconds for each."""
        aider, python = CACHE / "venv-aider/bin/aider", CACHE / "venv-0.3.36/bin/python"
        if not (aider.is_file() and python.is_file()):
            print("aider: not there; scripts/bench-exercism-aider.sh installs it", flush=True)
            return None
        times, changed, ended_by_limit = [], 0, 0
        with served(python, self.args.gguf, os.cpu_count() or 1, 8192) as address:
            env = {**self.env, "OPENAI_API_BASE": address, "OPENAI_API_KEY": "none", "HOME": str(self.work / "aider-home")}
            (self.work / "aider-home").mkdir()
            # A model this small often does not end by itself.
            settings = self.work / "aider-model.yml"
            settings.write_text("- name: openai/local\n  extra_params:\n    max_tokens: 512\n")
            said = ""
            for site in sites:
                text = (self.repo / site["path"]).read_text().splitlines()[site["line"] - 1].strip()
                message = f"{REQUEST} Only in the line `{text}` of {site['path']}."
                line = [str(aider), "--model", "openai/local", "--edit-format", "diff", "--message", message, "--yes-always"]
                line += ["--no-auto-commits", "--no-stream", "--no-check-update", "--no-analytics", "--no-gitignore"]
                line += ["--no-show-model-warnings", "--map-tokens", "0", "--no-detect-urls"]
                line += ["--model-settings-file", str(settings), site["path"]]
                started = time.monotonic()
                limit = self.args.aider_limit
                try:
                    ended = subprocess.run(line, cwd=self.repo, env=env, capture_output=True, timeout=limit, stdin=subprocess.DEVNULL)
                    said = (ended.stdout + ended.stderr).decode(errors="replace")
                except subprocess.TimeoutExpired:
                    said = f"ended after {limit} s"
                    ended_by_limit += 1
                times.append(time.monotonic() - started)
                is_changed = bool(self.git("status", "--porcelain", "--untracked-files=no").strip())
                changed += is_changed
                if not is_changed and self.args.verbose:
                    print(f"aider: {site['path']}:{site['line']}: {said[-2000:]}", file=sys.stderr)
                self.git("checkout", "-q", ".")
        print(f"aider: {changed} of {len(sites)} changed, {ended_by_limit} ended by the limit, median {statistics.median(times):.1f} s, sum {sum(times):.0f} s", flush=True)
        return statistics.median(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True, help="a git repository of Rust")
    parser.add_argument("--gguf", type=Path, required=True, help="the model")
    parser.add_argument("--skiff", type=Path, required=True, help="the binary to run")
    parser.add_argument("--sites", type=int, default=100, help="places in the batch")
    parser.add_argument("--singles", type=int, default=10, help="places for single edits")
    parser.add_argument("--aider", type=int, default=10, help="places for Aider")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}, separated by commas")
    parser.add_argument("--aider-limit", type=int, default=600, metavar="S", help="seconds after which Aider is ended")
    parser.add_argument("--verbose", action="store_true", help="say how Aider ended where it changed nothing")
    args = parser.parse_args()
    args.skiff, args.gguf = args.skiff.resolve(), args.gguf.resolve()
    parts = set(args.only.split(","))
    if unknown := parts - set(PARTS):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="skiff-batch-") as folder:
        bench = Bench(args, Path(folder))
        files, commit = len(bench.git("ls-files").splitlines()), bench.git("rev-parse", "--short=9", "HEAD").strip()
        _, _, seconds = bench.skiff("index")
        print(f"{files} files at {commit}, indexed in {seconds:.1f} s", flush=True)
        if "rewrites" in parts:
            bench.rewrites()
        if "many" in parts:
            bench.many()
        if "asked" in parts:
            bench.asked()
        each = bench.batch(bench.spread(args.sites)) if "batch" in parts else None
        single = bench.singles(bench.spread(args.singles)) if "singles" in parts else None
        peer = bench.aider(bench.spread(args.aider, AIDER_MOST_BYTES)) if "aider" in parts else None
        for name, seconds in (("a single edit", single), ("Aider", peer)):
            if each and seconds:
                print(f"{name} takes {seconds / each:.1f} times as long as a place of the batch")
    return 0


if __name__ == "__main__":
    sys.exit(main())
