#!/usr/bin/env bash
# The index against raw parsing, universal-ctags and Aider, and its crash tests; see --help.
#
#   scripts/bench-index.sh times FOLDER...      cold, warm, one change, branch switch, map, memory, size
#   scripts/bench-index.sh scale FOLDER...      a tree of 80,000 files (--files) made of the folders, at 1/16, 1/4, whole
#   scripts/bench-index.sh crash FOLDER         kill -9 at 200 random moments, two writers, damaged files
#
# FOLDER is a clone with a work tree; nothing in it is changed, the runs work on copies.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

needs_build=1
for argument in "$@"; do
  case $argument in -h | --help) needs_build=0 ;; esac
done
if ((needs_build)); then
  ensure_packages
  build_release
  (cd -- "$ROOT" && cargo build --release --locked --quiet --example parse)
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$ROOT/scripts/bench_index.py" "$@"
