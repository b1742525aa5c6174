"""Runs examples: says of each what it gives, and what it was to give where that is known.

The examples stand in a file of JSON beside this one. Python 3.6 and later.
"""

import importlib
import json
import math
import os
import re
import signal
import sys

SECONDS = 2
MOST_CHARS = 300


class TookTooLong(BaseException):
    """Not an Exception, so that code which catches those does not catch it."""


def too_long(_signal, _frame):
    raise TookTooLong()


def module_of(path):
    """Imports the file at a path as the module that it is in its package."""
    folder, name = os.path.split(os.path.abspath(path))
    parts = [os.path.splitext(name)[0]]
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        parts.insert(0, package)
    if parts[-1] == "__init__":
        parts.pop()
    sys.path.insert(0, folder)
    return importlib.import_module(".".join(parts))


def is_same(value, expected):
    if isinstance(value, float) or isinstance(expected, float):
        try:
            return math.isclose(value, expected, rel_tol=1e-7, abs_tol=1e-7)
        except TypeError:
            pass
    return bool(value == expected)


def shown(value):
    # Where something lies in memory is no part of what it is.
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    return text if len(text) <= MOST_CHARS else text[:MOST_CHARS] + "..."


def tried(example, names):
    """Returns whether an example holds (None where nobody knows what it gives), and what there is to say of it."""
    value, expected = example
    signal.alarm(SECONDS)
    try:
        gives = eval(value, dict(names))
        # A repr may fail too.
        said = shown(gives)
        if expected is None or is_same(gives, eval(expected, dict(names))):
            return (None if expected is None else True), value + " gives " + said
        return False, value + " gives " + said + ", not " + expected
    except TookTooLong:
        return (None if expected is None else False), value + " does not end in " + str(SECONDS) + " s"
    except BaseException as error:
        said = value + " raises " + shown(error)
        return (None if expected is None else False), said if expected is None else said + ", and is to give " + expected
    finally:
        signal.alarm(0)


def run(told):
    """Returns what there is to say of the examples, and whether all hold that can fail."""
    signal.alarm(SECONDS)
    try:
        names = vars(module_of(told["path"]))
    except BaseException as error:
        return ["FAIL: " + told["path"] + " cannot be imported: " + shown(error), "FAILED (failures=1)"], False
    finally:
        signal.alarm(0)
    results = [tried(example, names) for example in told["examples"]]
    failures = ["FAIL: " + said for holds, said in results if holds is False]
    others = [("probe: " if holds is None else "ok: ") + said for holds, said in results if holds is not False]
    # What stands by itself is told by itself.
    said = ["\n".join(others)] + failures
    return said + (["FAILED (failures=%d)" % len(failures)] if failures else []), not failures


def main():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "examples.json"), encoding="utf-8") as file:
        told = json.load(file)
    if not told["examples"]:
        print("there are no examples")
        return 0
    # What the code prints is not what is said of it.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.setrecursionlimit(2000)
    signal.signal(signal.SIGALRM, too_long)
    said, hold = run(told)
    out.write("\n\n".join(said) + "\n")
    out.flush()
    return 0 if hold else 1


if __name__ == "__main__":
    CODE = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # What the code registered for its end does not run.
    os._exit(CODE)
