#!/usr/bin/env bash
# Runs the editing tasks under fixtures/tasks with a real model; see --help.
#
#   scripts/eval-edits.sh                       skiff with the 1.5B model
#   scripts/eval-edits.sh --check               the same, and skiff may run each task's check
#   scripts/eval-edits.sh --baseline            the same tasks as one plain prompt
#   scripts/eval-edits.sh --self-test           proves the checks, without a model
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

needs_build=1 size=1.5b previous=''
for argument in "$@"; do
  case $argument in
    --self-test | -h | --help) needs_build=0 ;;
  esac
  if [[ $previous == --model ]]; then size=${argument#qwen2.5-coder-}; fi
  previous=$argument
done

if ((needs_build)); then
  ensure_packages
  build_release
  (cd -- "$ROOT" && cargo build --release --locked --quiet --example complete)
  # A model that is not one of the two tested ones is the caller's to register.
  case $size in
    0.5b | 1.5b) register_model "$size" "$("$ROOT/scripts/fetch-model.sh" "$size")" ;;
  esac
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$ROOT/scripts/eval_edits.py" "$@"
