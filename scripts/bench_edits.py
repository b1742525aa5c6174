#!/usr/bin/env python3
"""Takes real edits of single functions from the history of git repositories, as JSON lines.

    bench_edits.py [--count N] [--least-kept 0.85] [--lines 40-300] REPOSITORY.git... > edits.jsonl

One line an edit: repository, commit, path, language, subject, the function before ("old") and after ("new"), the hunks that
lead from one to the other ("change"), and the share of old lines that is kept. Nothing of it is part of this project: the
same repositories give the same edits, the newest first, at most four of one repository in turn.
"""

import argparse
import difflib
import json
import re
import subprocess
import sys

LANGUAGES = {".py": "python", ".rs": "rust", ".c": "c", ".go": "go", ".js": "javascript", ".ts": "typescript", ".java": "java"}


def git(repository, *arguments):
    return subprocess.run(
        ["git", "--git-dir", repository, *arguments], check=True, capture_output=True
    ).stdout.decode("utf-8", "replace")


def functions(repository, commit):
    """Yields path and hunk lines of each function that a commit changes, with the whole function around the change."""
    text = git(repository, "-c", "core.quotepath=off", "show", "-W", "--format=", "--no-renames", "--diff-filter=M", commit)
    path, hunk = None, None
    for line in text.split("\n") + ["diff --git"]:
        if line.startswith(("diff --git", "@@")) and hunk:
            yield path, hunk
            hunk = None
        if line.startswith("+++ b/"):
            path = line[6:]
        elif line.startswith("@@"):
            hunk = []
        elif hunk is not None and line[:1] in (" ", "+", "-"):
            hunk.append(line)


def edit(hunk, kept_least, least, most):
    old = [line[1:] for line in hunk if line[0] in " -"]
    new = [line[1:] for line in hunk if line[0] in " +"]
    if not least <= len(old) <= most or old == new:
        return None
    kept = sum(block.size for block in difflib.SequenceMatcher(None, old, new, False).get_matching_blocks()) / len(old)
    if not (kept_least[0] <= kept <= kept_least[1]):
        return None
    change = [line for line in difflib.unified_diff(old, new, n=2, lineterm="") if not line.startswith(("---", "+++"))]
    change = [re.sub(r"^@@.*@@.*", "@@", line) for line in change]
    return {"old": "\n".join(old), "new": "\n".join(new), "change": "\n".join(change), "kept": round(kept, 3)}


def edits(repository, arguments):
    """Yields the edits of one repository, the newest first, one a commit at most."""
    low, high = (int(part) for part in arguments.lines.split("-"))
    name = repository.rstrip("/").removesuffix(".git").split("/")[-1]
    commits = git(repository, "log", "--no-merges", "--format=%H%x09%s", f"-n{arguments.search}", "HEAD")
    for line in commits.splitlines():
        commit, subject = line.split("\t", 1)
        for path, hunk in functions(repository, commit):
            language = LANGUAGES.get("." + path.rsplit(".", 1)[-1])
            found = edit(hunk, (arguments.least_kept, arguments.most_kept), low, high) if language else None
            if found and "/test" not in path and not path.startswith("test"):
                yield {"repository": name, "commit": commit, "path": path, "language": language, "subject": subject, **found}
                break


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+")
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--least-kept", type=float, default=0.85)
    parser.add_argument("--most-kept", type=float, default=1.0)
    parser.add_argument("--lines", default="40-300")
    parser.add_argument("--search", type=int, default=600, help="commits to look at in each repository")
    arguments = parser.parse_args()
    sources = [edits(repository, arguments) for repository in arguments.repositories]
    given = 0
    while sources and given < arguments.count:
        for source in list(sources):
            found = next(source, None)
            if found is None:
                sources.remove(source)
            elif given < arguments.count:
                print(json.dumps(found))
                given += 1
    if given < arguments.count:
        print(f"only {given} of {arguments.count} edits found", file=sys.stderr)


if __name__ == "__main__":
    main()
