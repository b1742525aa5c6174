#!/usr/bin/env bash
# Compares a batch over a real repository with single edits and with Aider, and times rewrites that need no model.
#
#   scripts/bench-batch.sh --repo CLONE --gguf FILE [--sites 100] [--singles 10] [--aider 10] [--only rewrites,batch,...]
#
# CLONE is a git repository of Rust, for example cargo's. Aider 0.86.2 talks to llama-cpp-python's server; both are built as
# scripts/bench-exercism-aider.sh builds them, and left out where they are not there.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

ensure_packages
build_release
exec python3 "$ROOT/scripts/bench_batch.py" --skiff "$SKIFF" "$@"
