#!/usr/bin/env bash
# Builds the commit that is checked out without a network, twice, in two folders, and compares the executables.
#
#   scripts/build-offline.sh [--once] [--profile release|dev] [--dir DIR] [--keep]
#
# First the sources of the crates are put beside those of skiff (`cargo vendor`), the one step that may use a network. Then
# each build runs with --frozen --offline in a network namespace that has no network. Paths are mapped to /skiff, so that the
# executable does not depend on where it was built; it depends on the compilers, which are printed. DIR must not exist
# [default: skiff-build-offline in the folder for temporary files]; it takes some gigabytes and is removed at the end, unless
# --keep is given. The build is portable (x86-64-v3 on x86-64). Exits with 1 when the executables differ.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

builds=(one two) profile=release dir=${TMPDIR:-/tmp}/skiff-build-offline keep=0
usage='usage: scripts/build-offline.sh [--once] [--profile release|dev] [--dir DIR] [--keep]'
while (($# > 0)); do
  case $1 in
    --once) builds=(one) ;;
    --profile) profile=${2:?'--profile wants release or dev'} && shift ;;
    --dir) dir=${2:?'--dir wants a folder that does not exist'} && shift ;;
    --keep) keep=1 ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) die "unknown option: $1" "$usage" ;;
  esac
  shift
done
case $profile in
  release) folder=release ;;
  dev) folder=debug ;;
  *) die "unknown profile: $profile" "$usage" ;;
esac

ensure_cargo
has unshare || die 'missing: unshare' 'it is part of util-linux'
unshare --map-root-user --net true 2>/dev/null ||
  die 'this system does not let you make a network namespace, so that nothing would show that the build needs none' \
    'run as root, or allow user namespaces (kernel.unprivileged_userns_clone, user.max_user_namespaces, AppArmor)'
cd -- "$ROOT"
commit=$(git rev-parse --verify HEAD) || die 'this is no git repository' 'the build is that of a commit'
git diff --quiet HEAD -- || warn 'there are changes that are not committed: they are not built'

mkdir -- "$dir" || die "cannot make $dir" 'name a folder that does not exist with --dir'
dir=$(cd -- "$dir" && pwd -P)
cleanup() { if ((keep)); then say "kept $dir"; else rm -rf -- "$dir"; fi; }
trap cleanup EXIT

say "the sources of $commit and of its crates"
mkdir -- "$dir/one"
git archive "$commit" | tar -x -C "$dir/one"
(cd -- "$dir/one" && cargo vendor --locked vendor 2>"$dir/vendor.log" >>.cargo/config.toml) ||
  die "cargo vendor failed: $(tail -n 3 -- "$dir/vendor.log")" 'this step needs the sources of the crates: a network, or `cargo fetch` before'
# Links to the same files: a build writes into its target folder only.
if ((${#builds[@]} > 1)); then cp -al -- "$dir/one" "$dir/two"; fi

# Both builds are given both folders, so that their flags are the same.
rustflags='' cflags=''
for build in one two; do
  rustflags+=" --remap-path-prefix=$dir/$build=/skiff"
  cflags+=" -ffile-prefix-map=$dir/$build=/skiff"
done
if [[ $(uname -m) == x86_64 ]]; then rustflags+=' -C target-cpu=x86-64-v3'; fi
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$commit")
CARGO_HOME=$dir/cargo
GIT_CEILING_DIRECTORIES=$dir
mkdir -- "$CARGO_HOME"
# What the caller's environment says of compilers stays, and is the same for both.
export RUSTFLAGS=${rustflags# } CFLAGS="${CFLAGS:-}$cflags" CXXFLAGS="${CXXFLAGS:-}$cflags"
export SOURCE_DATE_EPOCH CARGO_HOME GIT_CEILING_DIRECTORIES SKIFF_COMMIT=$commit CARGO_INCREMENTAL=0 LC_ALL=C
unset CARGO_TARGET_DIR

say 'the compilers'
{
  rustc --version
  cargo --version
  cc --version | head -n 1
  c++ --version | head -n 1
  ld --version | head -n 1
  cmake --version | head -n 1
} >&2

sums=()
for build in "${builds[@]}"; do
  say "build $build, without a network"
  # shellcheck disable=SC2016 # the inner shell expands it
  (cd -- "$dir/$build" && show unshare --map-root-user --net sh -c '
    reached=$(sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d " \n")
    case $reached in lo | "") ;; *) echo "error: there is a network: $reached" >&2; exit 1 ;; esac
    exec cargo build --quiet --frozen --offline --profile "$0" --bin skiff' "$profile")
  file=$dir/$build/target/$folder/skiff
  sums+=("$(sha256sum -- "$file" | cut -d ' ' -f 1)")
  # The other build needs the room.
  mv -- "$file" "$dir/skiff-$build"
  ((keep)) || rm -rf -- "$dir/$build/target"
done

for index in "${!builds[@]}"; do echo "${sums[index]}  build ${builds[index]}"; done
if ((${#builds[@]} > 1)); then
  if [[ ${sums[0]} != "${sums[1]}" ]]; then
    differing=$(cmp -l -- "$dir/skiff-one" "$dir/skiff-two" | wc -l)
    die "the executables differ in $differing bytes" 'run again with --keep and compare them, for example with diffoscope'
  fi
  echo 'the executables are the same'
fi
