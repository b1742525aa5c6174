#!/usr/bin/env bash
# Peak memory of a whole `skiff edit`, against its limit: model file + KV cache + 300 MB.
#
#   scripts/bench-memory.sh [--model 0.5b|1.5b]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

size=1.5b
while (($# > 0)); do
  case $1 in
    --model) size=${2:?'--model wants 0.5b or 1.5b'} && shift ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option: $1" 'usage: scripts/bench-memory.sh [--model 0.5b|1.5b]' ;;
  esac
  shift
done
ensure_packages
build_release
model=$("$ROOT/scripts/fetch-model.sh" "$size")
register_model "$size" "$model"
# Context 8,192, f16 keys and values: layers × KV heads × head size × 2 × 2 bytes a token.
case $size in
  0.5b) kv=$((8192 * 24 * 2 * 64 * 2 * 2)) ;;
  1.5b) kv=$((8192 * 28 * 2 * 128 * 2 * 2)) ;;
esac

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cp -r -- "$ROOT/fixtures/demo/repo/." "$work"
cd -- "$work"
git init -q
git add -A
git -c user.name=Bench -c user.email=bench@example.invalid -c commit.gpgsign=false commit -q -m bench
python3 - "$model" "$kv" "$SKIFF" --ctx 8192 -m "$(model_name "$size")" edit "$(cat -- "$ROOT/fixtures/demo/request.txt")" <<'PY'
import os, resource, subprocess, sys

model, kv, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
limit = os.path.getsize(model) + kv + 300_000_000
print(f"exit code {code}; peak {peak / 1e6:.0f} MB; limit {limit / 1e6:.0f} MB; ratio {peak / limit:.3f}")
sys.exit(0 if code in (0, 3, 4) and peak <= limit else 1)
PY
