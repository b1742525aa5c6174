"""The naive tool that `eval_edits.py --baseline` compares with: whole files in, whole files out, one prompt."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

SYSTEM = "You are a careful programmer."
TASK = (
    "{request}\n\n"
    "Give back the complete new contents of every changed file. Put each file in a fence named by its path, like the "
    "files above:\n\n```path/to/file\ncontents\n```"
)
FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([^`\n]*?)[ \t]*$")
PATH = re.compile(r"[\w.\-]+(?:/[\w.\-]+)*\.\w+")


def baseline_messages(request: str, files: dict[str, str]) -> list[dict[str, str]]:
    """Builds the chat: every given file whole, then the request."""
    fences = ""
    for path, text in files.items():
        fences += f"```{path}\n{text}" + ("" if text.endswith("\n") else "\n") + "```\n\n"
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": fences + TASK.format(request=request)},
    ]


def answer_files(answer: str, targets: list[str], *, may_create: bool) -> dict[str, str]:
    """Reads files from an answer as leniently as naive tools do.

    A fence belongs to the path in its info string, or in the line before it, or in its own first line; where one file
    only is asked for, the first fence is that file. Paths outside the repository are dropped.
    """
    fences = read_fences(answer)
    files: dict[str, str] = {}
    for before, info, body in fences:
        first_line = body.split("\n", 1)[0]  # code names modules too, so it can only name a file that is expected
        for place, new in ((info, may_create), (before, may_create), (first_line, False)):
            path = find_path(place, targets, may_create=new)
            if path is not None:
                files[path] = body
                break
    if not files and fences and len(targets) == 1:
        files[targets[0]] = fences[0][2]
    return files


def read_fences(answer: str) -> list[tuple[str, str, str]]:
    """Returns (line before, info string, body) of each fence; one that is never closed runs to the end."""
    found: list[tuple[str, str, str]] = []
    before, info, mark = "", "", ""
    body: list[str] = []
    for line in answer.split("\n"):
        match = FENCE.match(line)
        if not mark:
            if match:
                mark, info, body = match[1], match[2], []
            elif line.strip():
                before = line
        elif match and match[1].startswith(mark) and not match[2]:
            found.append((before, info, "".join(f"{text}\n" for text in body)))
            before, mark = "", ""
        else:
            body.append(line)
    if mark:
        found.append((before, info, "".join(f"{text}\n" for text in body)))
    return found


def find_path(place: str, targets: list[str], *, may_create: bool) -> str | None:
    """Finds a target's path, or its file name where that is enough, in a line; else a safe new path if allowed."""
    words = PATH.findall(place)
    for word in words:
        for target in targets:
            if word == target or word.endswith("/" + target) or word == PurePosixPath(target).name:
                return target
    if may_create:
        for word in words:
            parts = PurePosixPath(word).parts
            if ".." not in parts and ".git" not in parts:
                return word
    return None
