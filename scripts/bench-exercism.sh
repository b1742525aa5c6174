#!/usr/bin/env bash
# Solves Exercism's Python practice exercises by the protocol of Aider's code-editing benchmark; see --help.
#
#   scripts/bench-exercism.sh --track CLONE --out rows.jsonl --sample 48
#   scripts/bench-exercism.sh --track CLONE --out rows.jsonl --sample 48 --rounds 5
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

size=1.5b previous=''
for argument in "$@"; do
  case $argument in
    -h | --help) PYTHONDONTWRITEBYTECODE=1 exec python3 "$ROOT/scripts/bench_exercism.py" --help ;;
  esac
  if [[ $previous == --model ]]; then size=${argument#qwen2.5-coder-}; fi
  previous=$argument
done
ensure_packages
build_release
# A model that is not one of the two tested ones is the caller's to register.
case $size in
  0.5b | 1.5b) register_model "$size" "$("$ROOT/scripts/fetch-model.sh" "$size")" ;;
esac
PYTHONDONTWRITEBYTECODE=1 exec python3 "$ROOT/scripts/bench_exercism.py" "$@"
