#!/usr/bin/env python3
"""Reads a trace of `strace -f` and tells what a process opened before it was confined, and which sockets it made.

    trace_order.py [--may-start] TRACE PREFIX...

PREFIX: folders whose files count as foreign (the repository, models). Prints one line of figures; exits with 1 when a
foreign file was opened by a process without its filter (and without its Landlock rules, where the kernel has them), a
program was started (unless --may-start: check commands are), or a socket succeeded that is not AF_UNIX.
"""

import re
import sys

LINE = re.compile(r"^(\d+)\s+(.*)$")
OPEN = re.compile(r'^(?:open|openat|openat2)\((?:[^"]*?)"((?:[^"\\]|\\.)*)"')
SOCKET = re.compile(r"^(socket|socketpair)\((\w+)")


def main():
    arguments = sys.argv[1:]
    may_start = arguments[0] == "--may-start"
    trace, *folders = arguments[may_start:]
    lines = [LINE.match(line) for line in open(trace, encoding="utf-8", errors="replace")]
    lines = [(int(line[1]), line[2]) for line in lines if line]
    prefixes = tuple(folders)
    has_landlock = any(text.startswith("landlock_restrict_self(") for _, text in lines)

    # Where each process begins: at the call of its parent that made it.
    started, begins = {}, {}
    for number, (pid, text) in enumerate(lines):
        if re.match(r"(clone3?|fork|vfork)\(", text):
            started[pid] = number
        made = re.search(r"(?:clone3?|fork|vfork)(?:\(| resumed>).*= (\d+)", text)
        if made:
            begins.setdefault(int(made[1]), (pid, started.get(pid, number)))

    state, at_line = {}, {}
    wanted = {line for _, line in begins.values()}
    early, sockets, foreign_sockets, opened, programs = [], 0, [], 0, 0
    for number, (pid, text) in enumerate(lines):
        if pid not in state:
            parent = begins.get(pid)
            state[pid] = set(at_line.get(parent[1], ())) if parent else set()
        if text.startswith("seccomp(SECCOMP_SET_MODE_FILTER"):
            state[pid].add("seccomp")
        if text.startswith("landlock_restrict_self("):
            state[pid].add("landlock")
        if number in wanted:
            at_line[number] = frozenset(state[pid])
        if text.startswith(("execve(", "execveat(")) and re.search(r"= 0$", text):
            programs += 1
        call = SOCKET.match(text)
        if call:
            sockets += 1
            if call[2] not in ("AF_UNIX", "AF_LOCAL") and not re.search(r"= -1 ", text):
                foreign_sockets.append(text)
        path = OPEN.match(text)
        if path and path[1].startswith(prefixes):
            opened += 1
            confined = "seccomp" in state[pid] and ("landlock" in state[pid] or not has_landlock)
            if not confined:
                early.append(text)
    print(
        f"threads {len(state)}, programs started {programs - 1}, sockets tried {sockets}, "
        f"successful and not AF_UNIX {len(foreign_sockets)}, foreign files opened {opened}, before confinement {len(early)}"
    )
    for text in (foreign_sockets + early)[:5]:
        print("  " + text)
    sys.exit(1 if foreign_sockets or early or (programs != 1 and not may_start) else 0)


main()
