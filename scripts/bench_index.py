#!/usr/bin/env python3
"""Measures the index: times against peers in one run, growth with the tree, and what survives a crash."""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
IDENTITY = ["-c", "user.name=Bench", "-c", "user.email=bench@example.invalid", "-c", "commit.gpgsign=false"]
# Git must not tidy up in the background of a measurement.
IDENTITY += ["-c", "gc.auto=0", "-c", "maintenance.auto=false"]
QUERY = "read the configuration file"


class Bench:
    """Where a run keeps its copies and its cache."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.env = {
            **os.environ,
            "XDG_CACHE_HOME": str(work / "cache"),
            "XDG_STATE_HOME": str(work / "state"),
            "XDG_CONFIG_HOME": str(work / "config"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        self.skiff = str(RELEASE / "skiff")

    def forget(self) -> None:
        shutil.rmtree(self.work / "cache", ignore_errors=True)

    def command(self, repo: Path, *args: str) -> list[str]:
        return [self.skiff, "-q", "-C", str(repo), *args]

    def run(self, repo: Path, *args: str) -> str:
        done = subprocess.run(self.command(repo, *args), env=self.env, capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise RuntimeError(f"skiff {' '.join(args)}: exit code {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def timed(self, repo: Path, *args: str) -> float:
        started = time.perf_counter()
        self.run(repo, *args)
        return time.perf_counter() - started

    def database(self) -> int:
        return sum(file.stat().st_size for file in (self.work / "cache").rglob("*") if file.is_file())


def git(repo: Path, *args: str) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *IDENTITY, *args], cwd=repo, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"git {args[0]}: {done.stderr.strip()}")
    return done.stdout


def copy_of(folder: Path, work: Path) -> Path:
    """Clones a folder without its history's work trees, so that branches can be switched."""
    target = work / folder.name
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(folder), str(target)], check=True)
    return target


def peak_of(command: list[str], env: dict[str, str]) -> tuple[float, int]:
    """Runs a command alone in a child and returns seconds and peak resident bytes."""
    pid = os.fork()
    if pid == 0:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(devnull, 2)
        os.execvpe(command[0], command, env)
    started = time.perf_counter()
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        raise RuntimeError(f"{command[0]}: status {status}")
    return time.perf_counter() - started, usage.ru_maxrss * 1024


def median(values: list[float]) -> float:
    return statistics.median(values)


def raw_parse(repo: Path) -> dict:
    out = subprocess.run([str(RELEASE / "examples" / "parse"), str(repo)], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def ctags(repo: Path) -> float | None:
    tool = shutil.which("ctags")
    if tool is None:
        return None
    files = git(repo, "ls-files")
    started = time.perf_counter()
    subprocess.run([tool, "-L", "-", "-f", os.devnull], cwd=repo, input=files, text=True, capture_output=True)
    return time.perf_counter() - started


def aider(repo: Path, program: str | None, cold: bool) -> float | None:
    if program is None:
        return None
    if cold:
        for cache in repo.glob(".aider.tags.cache*"):
            shutil.rmtree(cache, ignore_errors=True)
    command = [program, "--show-repo-map", "--map-tokens", "1024", "--no-check-update", "--no-show-model-warnings"]
    command += ["--no-analytics", "--no-gitignore", "--yes-always", "--model", "openai/none"]
    env = {**os.environ, "OPENAI_API_KEY": "none", "HF_HUB_OFFLINE": "1"}
    started = time.perf_counter()
    done = subprocess.run(command, cwd=repo, env=env, capture_output=True, text=True, timeout=3600)
    seconds = time.perf_counter() - started
    if done.returncode != 0 or len(done.stdout) < 200:
        print(f"aider gave no map: {(done.stderr or done.stdout).strip()[-300:]}", file=sys.stderr)
        return None
    return seconds


def times(bench: Bench, folder: Path, rounds: int, program: str | None) -> None:
    repo = copy_of(folder, bench.work)
    raws, colds, ctag_times = [], [], []
    for _ in range(rounds):
        # Paired: what is compared runs back to back.
        raw = raw_parse(repo)
        raws.append(raw["seconds"][0])
        bench.forget()
        colds.append(bench.timed(repo, "index"))
        tagged = ctags(repo)
        if tagged is not None:
            ctag_times.append(tagged)
    ratios = [cold / parse for cold, parse in zip(colds, raws)]
    print(f"\n{folder.name}: {raw['files']} files with a grammar, {raw['bytes'] / 1e6:.1f} MB, {raw['threads']} threads")
    print(f"  raw parse            {median(raws):8.3f} s")
    print(f"  cold index           {median(colds):8.3f} s   {median(ratios):.2f} of raw parse ({spread(ratios)})")
    if ctag_times:
        print(f"  ctags                {median(ctag_times):8.3f} s")
    bench.forget()
    _, peak = peak_of(bench.command(repo, "index"), bench.env)
    print(f"  peak memory, cold    {peak / 1e6:8.0f} MB")
    size, source = bench.database(), sum_of_files(repo)
    print(f"  database             {size / 1e6:8.2f} MB  {100 * size / source:.1f} % of {source / 1e6:.1f} MB of text")
    finds = [bench.timed(repo, "find", QUERY) for _ in range(4 * rounds)]
    print(f"  find, nothing new    {1000 * median(finds):8.1f} ms  ({spread([1000 * t for t in finds])})")
    print(f"  find, one file new   {1000 * median(one_change(bench, repo, rounds)):8.1f} ms")
    print(f"  find, other branch   {1000 * median(switches(bench, repo, rounds)):8.1f} ms")
    maps = [bench.timed(repo, "map", "--tokens", "1024") for _ in range(rounds)]
    print(f"  map, 1,024 tokens    {1000 * median(maps):8.1f} ms")
    first, again = aider(repo, program, cold=True), aider(repo, program, cold=False)
    if first is not None and again is not None:
        print(f"  Aider's map, cold    {first:8.1f} s   {first / median(colds):.1f} of the cold index")
        print(f"  Aider's map, warm    {again:8.1f} s   {again / median(maps):.1f} of the map")


def spread(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def sum_of_files(repo: Path) -> int:
    """Bytes of the tracked files that are text."""
    total = 0
    for name in git(repo, "ls-files", "-z").split("\0"):
        path = repo / name
        if name and path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            total += 0 if b"\0" in data else len(data)
    return total


def sources(repo: Path) -> list[Path]:
    endings = (".rs", ".py", ".c", ".h", ".go", ".js")
    return [repo / name for name in git(repo, "ls-files").splitlines() if name.endswith(endings)]


def comment(path: Path, text: str) -> bytes:
    return (f"\n# {text}\n" if path.suffix == ".py" else f"\n/* {text} */\n").encode()


def one_change(bench: Bench, repo: Path, rounds: int) -> list[float]:
    found = []
    for at, path in enumerate(random.Random(1).sample(sources(repo), rounds)):
        text = path.read_bytes()
        path.write_bytes(text + comment(path, f"change {at}"))
        found.append(bench.timed(repo, "find", QUERY))
        path.write_bytes(text)
        bench.run(repo, "find", QUERY)
    return found


def switches(bench: Bench, repo: Path, rounds: int) -> list[float]:
    now = git(repo, "rev-parse", "HEAD").strip()
    then = git(repo, "rev-parse", "HEAD~100").strip()
    for commit in (then, now):
        git(repo, "checkout", "-q", commit)
        bench.run(repo, "index")
    found = []
    for _ in range(rounds):
        for commit in (then, now):
            git(repo, "checkout", "-q", commit)
            found.append(bench.timed(repo, "find", QUERY))
    return found


def scale(bench: Bench, folders: list[Path], most_files: int) -> None:
    texts = []
    for folder in folders:
        for path in sorted(sources(folder)):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 20:
                texts.append((folder.name, path))
    # In a fixed random order, so that the smaller trees are of the same mix.
    random.Random(3).shuffle(texts)
    check_room(bench.work, [path for _, path in texts], most_files)
    for files in (most_files // 16, most_files // 4, most_files):
        repo = bench.work / f"scale-{files}"
        repo.mkdir()
        git(repo, "init", "-q")
        for at in range(files):
            name, path = texts[at % len(texts)]
            target = repo / name / f"part{at // len(texts)}" / f"d{at % 97}" / f"f{at}{path.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            # A line of its own makes every copy a blob of its own, with a name of its own.
            target.write_bytes(path.read_bytes() + comment(path, f"copy_{at}"))
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", "scale")
        raw = raw_parse(repo)
        bench.forget()
        seconds, peak = peak_of(bench.command(repo, "index"), bench.env)
        size = bench.database()
        finds = [bench.timed(repo, "find", QUERY) for _ in range(5)]
        print(
            f"{files} files, {raw['bytes'] / 1e6:.0f} MB: raw parse {raw['seconds'][0]:.1f} s, cold index {seconds:.1f} s "
            f"({seconds / raw['seconds'][0]:.2f}), {1e6 * seconds / files:.0f} µs a file, peak {peak / 1e6:.0f} MB, "
            f"database {size / 1e6:.0f} MB, warm find {1000 * median(finds):.0f} ms",
            flush=True,
        )
        shutil.rmtree(repo)


def check_room(work: Path, texts: list[Path], files: int) -> None:
    """Ends the program where the disk cannot hold the largest tree: its files, git's objects and the database."""
    size = sum(path.stat().st_size for path in texts) * files // len(texts)
    needed = 22 * size // 10 + files * 8192
    free = shutil.disk_usage(work).free
    if free < needed:
        sys.exit(f"{files} files need {needed / 1e9:.1f} GB, and {work} has {free / 1e9:.1f} GB free; set TMPDIR or --files")


def answers(bench: Bench, repo: Path) -> str:
    """What the index says to a few questions, for comparison."""
    found = [bench.run(repo, "find", query, "--json") for query in (QUERY, "parse arguments", "write output")]
    return "".join(found) + bench.run(repo, "map", "--json")


def crash(bench: Bench, folder: Path, kills: int) -> None:
    repo = copy_of(folder, bench.work)
    seconds = min(bench.timed(repo, "index") for _ in range(1))
    expected = answers(bench, repo)
    chance = random.Random(7)
    wrong = 0
    for at in range(kills):
        bench.forget()
        process = subprocess.Popen(bench.command(repo, "index"), env=bench.env, stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 1.1 * seconds))
        process.send_signal(signal.SIGKILL)
        process.wait()
        wrong += answers(bench, repo) != expected
    print(f"kill -9 at {kills} random moments: {wrong} wrong answers afterwards")
    wrong = 0
    for _ in range(10):
        bench.forget()
        both = [subprocess.Popen(bench.command(repo, "index"), env=bench.env, stdout=subprocess.DEVNULL) for _ in "ab"]
        codes = [process.wait() for process in both]
        wrong += any(codes) or answers(bench, repo) != expected
    print(f"two writers at once, 10 times: {wrong} wrong")
    database = max((file for file in (bench.work / "cache").rglob("*") if file.is_file()), key=lambda f: f.stat().st_size)
    sound = database.read_bytes()
    if '"new_blobs":0' not in bench.run(repo, "index", "--json").replace(" ", ""):
        raise RuntimeError("the database that is to be damaged does not hold the whole index")
    for what, damage in (("truncated", truncated), ("bit flipped", flipped)):
        wrong = 0
        for _ in range(50):
            for beside in database.parent.glob(database.name + "-*"):
                beside.unlink()
            database.write_bytes(damage(sound, chance))
            wrong += answers(bench, repo) != expected
        print(f"{what} 50 times: {wrong} wrong answers afterwards")


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["times", "scale", "crash"])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="clones with a work tree")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--aider", metavar="PROGRAM", help="Aider, to be measured beside")
    parser.add_argument("--files", type=int, default=80_000, help="for `scale`: the largest tree")
    parser.add_argument("--kills", type=int, default=200, help="for `crash`")
    args = parser.parse_args()
    if args.what == "scale" and args.files < 16:
        parser.error("--files must be 16 at least")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory(prefix="skiff-bench-") as work:
        bench = Bench(Path(work))
        folders = [folder.resolve() for folder in args.folders]
        if args.what == "times":
            for folder in folders:
                times(bench, folder, args.rounds, args.aider)
        elif args.what == "scale":
            scale(bench, folders, args.files)
        else:
            crash(bench, folders[0], args.kills)


if __name__ == "__main__":
    main()
