#!/usr/bin/env bash
# Plain decode speed of skiff beside llama-cpp-python's: same GGUF, prompt, threads, context and instruction set, runs taken in
# turns, medians compared.
#
#   scripts/bench-decode.sh MODEL.gguf [--threads N] [--tokens N] [--runs N]
#
# The peer is built from source (about five minutes, once) into ${XDG_CACHE_HOME:-~/.cache}/skiff-bench. Exits with 1 when the
# ratio is below 0.95 or peak memory is above model file + KV cache + 300 MiB.
# SKIFF_DECODE names an `examples/decode` that is already built.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
cd -- "$ROOT"

model=${1:?usage: scripts/bench-decode.sh MODEL.gguf [--threads N] [--tokens N] [--runs N]}
shift
threads=$(nproc)
tokens=128
runs=5
while [ $# -gt 0 ]; do
    case $1 in
        --threads) threads=$2 ;;
        --tokens) tokens=$2 ;;
        --runs) runs=$2 ;;
        *) echo "unknown flag $1" >&2; exit 2 ;;
    esac
    shift 2
done

peer_version=0.3.36
venv=${XDG_CACHE_HOME:-$HOME/.cache}/skiff-bench/venv-$peer_version
if [ ! -e "$venv/ready" ]; then
    echo "building llama-cpp-python $peer_version (once) ..." >&2
    build_binding "$venv" "llama-cpp-python==$peer_version"
    touch "$venv/ready"
fi

ours=${SKIFF_DECODE:-}
if [ -z "$ours" ]; then
    RUSTFLAGS="-C target-cpu=native" cargo build --quiet --release --example decode >&2
    ours=${CARGO_TARGET_DIR:-target}/release/examples/decode
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for run in $(seq "$runs"); do
    "$ours" "$model" --threads "$threads" --tokens "$tokens" --context 2048 >>"$out/ours.jsonl"
    "$venv/bin/python" scripts/bench_decode_peer.py "$model" "$threads" "$tokens" >>"$out/peer.jsonl"
    echo "run $run of $runs done" >&2
done

python3 - "$out" <<'PYTHON'
import json
import statistics
import sys

rows = {name: [json.loads(line) for line in open(f"{sys.argv[1]}/{name}.jsonl")] for name in ("ours", "peer")}
for name, runs in rows.items():
    rates = [run["decode_tokens_per_s"] for run in runs]
    print(f"{name}: {statistics.median(rates):.2f} tokens/s decode (runs: {', '.join(f'{r:.1f}' for r in rates)}), "
          f"prompt {runs[0]['prompt_tokens']} tokens, peak RSS {max(run['peak_rss_mib'] for run in runs)} MiB")
if rows["ours"][0]["prompt_tokens"] != rows["peer"][0]["prompt_tokens"]:
    sys.exit("the prompts differ in length: not a comparison")
ratio = statistics.median(run["decode_tokens_per_s"] for run in rows["ours"]) / statistics.median(
    run["decode_tokens_per_s"] for run in rows["peer"]
)
first = rows["ours"][0]
limit = first["file_mib"] + first["kv_mib"] + 300
peak = max(run["peak_rss_mib"] for run in rows["ours"])
print(f"ratio {ratio:.3f} (goal 0.95); peak {peak} MiB of {limit} MiB (file + KV + 300)")
sys.exit(0 if ratio >= 0.95 and peak <= limit else 1)
PYTHON
