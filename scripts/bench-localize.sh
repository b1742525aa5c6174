#!/usr/bin/env bash
# Measures how well files are found for a request; see --help.
#
#   scripts/bench-localize.sh issues REPOSITORIES swebench_lite.parquet
#   scripts/bench-localize.sh commits REPOSITORY.git...
#
# REPOSITORIES holds bare clones named owner+name or owner+name.git, as `git clone --bare
# https://github.com/sympy/sympy sympy+sympy` makes; the parquet file is the SWE-bench Lite data set. Instances whose
# repository or base commit is missing are left out and counted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

case ${1:-} in
  issues | commits) ;;
  *)
    PYTHONDONTWRITEBYTECODE=1 exec python3 "$ROOT/scripts/bench_localize.py" "$@"
    ;;
esac

ensure_packages
ensure_cargo
say 'building the example'
(cd -- "$ROOT" && cargo build --release --locked --quiet --example localize)
PYTHONDONTWRITEBYTECODE=1 exec python3 "$ROOT/scripts/bench_localize.py" "$@"
