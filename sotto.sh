#!/usr/bin/env bash
# Builds Sotto where needed and runs it: ./sotto.sh [arguments of sotto]; without any, or with --serve, `demo`.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
build=$root/build/release
program=$build/src/cmd/sotto
stamp=$build/sotto.stamp

# Only the program itself writes to standard output: whatever is said here goes to standard error.
say() { printf 'sotto: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 3
}

# Whether the program was built, here, after everything in the source tree was last changed.
up_to_date() {
  [ -x "$program" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$root" ] &&
    [ -z "$(find "$root" \( -path "$root/build" -o -path "$root/.git" \) -prune -o \
      -newer "$stamp" -print -quit)" ]
}

configure() {
  # CMake refuses a build folder that was moved or copied with its tree; ours can be made again.
  if [ -f "$build/CMakeCache.txt" ] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$build/CMakeCache.txt"; then
    say "this tree was moved since it was built; building anew"
    rm -rf "$build"
  fi
  if [ ! -f "$build/build.ninja" ]; then
    say "configuring (release, in build/release)"
    (cd "$root" && cmake --preset release -DSOTTO_TESTS=OFF) </dev/null >&2 ||
      fail "configuring failed; the packages that are needed are in tools/packages.txt"
  fi
}

build_program() {
  mkdir -p "$root/build"
  exec 9>"$root/build/lock"
  if ! flock -n 9; then
    say "another build is running in this tree; waiting for it"
    flock 9
  fi
  if ! up_to_date; then
    "$root/tools/install-packages" build || exit $?
    configure
    # Made before compiling, so that what changes meanwhile is newer.
    printf '%s\n' "$root" >"$stamp.new"
    say "building in build/release (the first time takes minutes)"
    ninja -C "$build" sotto </dev/null >&2 || fail "the build failed; see above"
    mv "$stamp.new" "$stamp"
  fi
  exec 9>&-
}

up_to_date || build_program
case ${1-} in '' | --serve) set -- demo "$@" ;; esac
exec "$program" "$@"
