#!/usr/bin/env bash
# Everything that must hold before a change goes in.
#
#   scripts/test.sh [--no-fetch] [--no-lint] [--no-tasks] [--no-tests]
#
# All steps use the release profile, so that llama.cpp is built once for tests, lints and scripts/demo.sh.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

fetch=1 lint=1 tasks=1 tests=1
for option in "$@"; do
  case $option in
    --no-fetch) fetch=0 ;;
    --no-lint) lint=0 ;;
    --no-tasks) tasks=0 ;;
    --no-tests) tests=0 ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option: $option" 'usage: scripts/test.sh [--no-fetch] [--no-lint] [--no-tasks] [--no-tests]' ;;
  esac
done

ensure_packages
ensure_cargo
cd -- "$ROOT"

if ((fetch)); then
  # Without weights the tests that need them say that they are skipped.
  "$ROOT/scripts/fetch-model.sh" 0.5b >/dev/null || warn 'no model: the tests that need weights are skipped'
fi
if ((tasks)); then
  say 'the checks of the editing tasks'
  show scripts/eval-edits.sh --self-test
fi
if ((lint)); then
  say 'format and lints'
  show cargo fmt --check
  show rustfmt --check --edition 2024 fuzz/fuzz_targets/*.rs
  show cargo clippy --release --all-targets --locked -- -D warnings
fi
if ((tests)); then
  say 'tests'
  log=$(mktemp)
  trap 'rm -f -- "$log"' EXIT
  code=0
  show cargo test --release --locked 2>&1 | tee "$log" || code=$?
  say 'summary'
  grep -E '^ *(Running|Doc-tests) |^test result: |^test .* \.\.\. FAILED' "$log" || true
  ((code == 0)) || die 'cargo test failed'
fi
