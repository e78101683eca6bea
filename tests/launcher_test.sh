#!/usr/bin/env bash
# Drives ./sotto.sh in a small tree of its own: it builds once, stays silent on standard output, and
# hands everything else to the program. SPDX-License-Identifier: Apache-2.0
set -euo pipefail

source_dir=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree="$work/a tree"
unset CMAKE_GENERATOR

fail() {
  printf 'FAILED: %s\n' "$*"
  cat "$work/err" 2>/dev/null || true
  exit 1
}

mkdir -p "$tree/src/cmd" "$tree/tools" "$work/elsewhere"
cp "$source_dir/sotto.sh" "$source_dir/CMakePresets.json" "$tree/"
cp "$source_dir/tools/install-packages" "$tree/tools/"
printf 'build clang-19\n' >"$tree/tools/packages.txt"
printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(x LANGUAGES CXX)' 'add_subdirectory(src/cmd)' \
  'option(SOTTO_TESTS "" ON)' 'if(SOTTO_TESTS)' '  message(FATAL_ERROR "with tests")' 'endif()' \
  >"$tree/CMakeLists.txt"
printf 'add_executable(sotto main.cc)\n' >"$tree/src/cmd/CMakeLists.txt"
# write_program WORD: prints WORD and its arguments, copies its input, exits with 7.
write_program() {
  printf '%s\n' '#include <cstdio>' 'int main(int argc, char** argv) {' "  std::printf(\"$1\");" \
    '  for (int i = 1; i < argc; ++i) std::printf("|%s", argv[i]);' \
    '  for (int c; (c = std::getchar()) != EOF;) std::putchar(c);' '  return 7;' '}' \
    >"$tree/src/cmd/main.cc"
}
write_program one

# launch INPUT ARGUMENTS...: runs ./sotto.sh from another folder; its output is in $output.
launch() {
  local input=$1 status=0
  shift
  output=$(cd "$work/elsewhere" && printf '%s' "$input" | "$tree/sotto.sh" "$@" 2>"$work/err") || status=$?
  [ $status -eq 7 ] || fail "exit code $status instead of the program's own"
}

launch 'typed' run 'a model' '' '--x=*'
[ "$output" = 'one|run|a model||--x=*typed' ] || fail "the first start printed: $output"
grep -q 'building' "$work/err" || fail 'the first start does not say that it builds'

launch ''
[ "$output" = 'one|demo' ] || fail "without arguments it printed: $output"
[ ! -s "$work/err" ] || fail 'a start with nothing to build says something'

start=$(date +%s%N)
launch '' --version
took=$((($(date +%s%N) - start) / 1000000))
[ $took -lt 1000 ] || fail "a start with nothing to build took $took ms"

write_program two
launch '' x
[ "$output" = 'two|x' ] || fail "after a change it printed: $output"

ln -s "$tree/sotto.sh" "$work/elsewhere/link"
output=$(cd / && "$work/elsewhere/link" y </dev/null 2>"$work/err") || true
[ "$output" = 'two|y' ] || fail "through a link it printed: $output"

mv "$tree" "$work/moved"
tree=$work/moved
launch '' z
[ "$output" = 'two|z' ] || fail "after a move it printed: $output"

printf 'this is not C++\n' >"$tree/src/cmd/main.cc"
status=0
output=$(cd "$work" && "$tree/sotto.sh" </dev/null 2>"$work/err") || status=$?
[ $status -eq 3 ] || fail "a failed build ends with $status"
[ -z "$output" ] || fail "a failed build prints on standard output: $output"
grep -q 'the build failed' "$work/err" || fail 'a failed build is not named'

# Packages: a machine on which clang-19 is missing, with an apt-get that says what it was asked.
mkdir "$work/bin"
printf '%s\n' '#!/bin/sh' 'exit 1' >"$work/bin/dpkg-query"
printf '%s\n' '#!/bin/sh' 'exec "$@"' >"$work/bin/sudo"
printf '%s\n' '#!/bin/sh' 'echo "apt-get $*"' '[ "$3" = update ] || exit "$APT_EXIT"' \
  >"$work/bin/apt-get"
chmod +x "$work"/bin/*
for result in 0 1; do
  status=0
  output=$(APT_EXIT=$result PATH="$work/bin:$PATH" "$tree/tools/install-packages" build \
    2>"$work/err") || status=$?
  [ $status -eq $((3 * result)) ] || fail "apt-get ended with $result, the installer with $status"
  [ -z "$output" ] || fail "the installer prints on standard output: $output"
  grep -q 'installing missing Debian packages: clang-19' "$work/err" || fail 'nothing is announced'
  grep -q 'apt-get -q -y install --no-install-recommends clang-19' "$work/err" ||
    fail 'clang-19 is not installed'
done
grep -q 'could not install' "$work/err" || fail 'a failed installation is not named'

echo "a start with nothing to build took $took ms"
