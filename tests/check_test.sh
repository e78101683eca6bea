#!/usr/bin/env bash
# Proves that tools/check finds what it should: a good small tree passes, each damage is reported.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

source_dir=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_CEILING_DIRECTORIES=$work
good=$work/good
bad=$work/bad
cases=0

# The smallest tree that obeys every rule.
make_good_tree() {
  mkdir -p "$good"/{src/base,src/kernels,fuzz/base,tools,docs}
  cp "$source_dir"/tools/{check,cpp_scan.py} "$good/tools/"
  cp "$source_dir/.clang-format" "$good/"
  cd "$good"
  printf '# None.\n' >tools/check-exceptions.txt
  printf 'build cmake\n' >tools/packages.txt
  printf '| `cmake` | builds |\n' >docs/dependencies.md
  printf '| `RFC9458` | Oblivious HTTP |\n' >docs/specs.md
  printf '[a](dependencies.md) [b](specs.md)\n' >docs/README.md
  printf '[docs](docs/README.md)\n' >README.md
  printf '| `base/` | x |\n| `kernels/` | x |\n| `serve/` | later |\n' >ARCHITECTURE.md
  printf 'foreach(folder base kernels)\nendforeach()\n' >src/CMakeLists.txt
  printf 'sotto_library(base)\n' >src/base/CMakeLists.txt
  printf 'sotto_library(kernels USES sotto_base)\n' >src/kernels/CMakeLists.txt
  source_file src/base/a.h '#pragma once' '' 'int one();  // [RFC9458 §4.3]'
  source_file src/base/a.cc '#include "base/a.h"' '' 'int one() {' '  return 1;' '}'
  source_file src/base/base_fuzz.cc '#include "base/a.h"'
  printf 'x' >fuzz/base/seed
  source_file src/kernels/k_avx2.cc '#include <immintrin.h>' '' '#include "base/a.h"' '' \
    'int two() {' '  return one() + 1;' '}'
}

# source_file PATH LINES...: a file with a proper beginning and these lines.
source_file() {
  local path=$1
  shift
  printf '%s\n' '// A sentence.' '// SPDX-License-Identifier: Apache-2.0' "$@" >"$path"
}

# lines COUNT: that many lines of statements.
lines() {
  local i
  for ((i = 0; i < $1; i++)); do printf '  one();\n'; done
}

start_case() {
  cases=$((cases + 1))
  rm -rf "$bad"
  cp -a "$good" "$bad"
  cd "$bad"
}

# expect PATTERN [ARGUMENTS]: the damaged tree must be refused with a line that matches.
expect() {
  local pattern=$1 output
  shift
  if output=$(tools/check "$@" 2>&1); then
    printf 'FAILED: accepted, wanted: %s\n%s\n' "$pattern" "$output"
    exit 1
  fi
  if ! grep -qE "$pattern" <<<"$output"; then
    printf 'FAILED: no line matches: %s\n%s\n' "$pattern" "$output"
    exit 1
  fi
}

make_good_tree
if ! output=$(tools/check); then
  printf 'FAILED: the good tree is refused:\n%s\n' "$output"
  exit 1
fi

start_case; source_file src/base/a.cc '#include "kernels/k.h"'
expect '^src/base/a.cc:3: layers: base/ may not include "kernels/k.h"'
start_case; source_file src/base/a.cc '#include "a.h"'
expect '^src/base/a.cc:3: layers: base/ may not include "a.h"'
start_case; source_file src/base/a.cc '#include "base/b.h"'
expect '^src/base/a.cc:3: layers: "base/b.h" is not in src/'
start_case; source_file src/base/a.cc '#include <openssl/evp.h>'
expect '^src/base/a.cc:3: layers: openssl/evp.h belongs to crypto/'
start_case; source_file src/kernels/a.cc '#include <hwloc.h>'
expect '^src/kernels/a.cc:3: layers: hwloc.h belongs to base/'
start_case; source_file src/base/a.cc '#include <immintrin.h>'
expect '^src/base/a.cc:3: layers: immintrin.h belongs to kernels/'
start_case; printf 'sotto_library(base USES sotto_kernels)\n' >src/base/CMakeLists.txt
expect '^src/base/CMakeLists.txt:1: layers: base/ may not use kernels/'
start_case; mkdir src/extra; source_file src/extra/x.cc
expect '^src/extra/x.cc:1: layers: src/extra/ has no place'
start_case; printf 'foreach(folder kernels base)\nendforeach()\n' >src/CMakeLists.txt
expect '^src/CMakeLists.txt:1: layers: the order is'

start_case; source_file src/base/a.cc '' 'int   one( ) { return 1; }'
expect '^src/base/a.cc:[0-9]+: format:'
tools/check --fix >/dev/null || { echo 'FAILED: --fix does not mend the format'; exit 1; }

start_case; source_file src/base/a.cc '#include "base/a.h"' "$(printf 'int one();\n%.0s' {1..700})"
expect '^src/base/a.cc:1: size: the file has 70[0-9] lines, the limit is 600'
printf 'file src/base/a.cc 800 generated\n' >>tools/check-exceptions.txt
tools/check >/dev/null || { echo 'FAILED: an exception does not count'; exit 1; }
start_case; source_file src/base/a.cc 'class A {' ' public:' '  A() : a_{1} {' "$(lines 70)" '  }' \
  ' private:' '  int a_;' '};'
expect '^src/base/a.cc:5: size: function A has 72 lines, the limit is 70'
start_case; source_file src/base/a.cc 'namespace {' 'template <class T>' 'void f(T (*g)(int)) {' \
  "  for (int i = 0; i < 1'000; ++i) {" "$(lines 70)" '  }' '}' '}  // namespace'
expect '^src/base/a.cc:4: size: function f has 75 lines, the limit is 70'
start_case; source_file src/base/a.cc 'void f() {' '  {'
expect '^src/base/a.cc:4: size: cannot be followed'
start_case; printf 'function src/base/a.cc one 99 because\n' >>tools/check-exceptions.txt
expect '^tools/check-exceptions.txt:2: exceptions: .* needs no exception'
start_case; printf 'function src/base/a.cc one\n' >>tools/check-exceptions.txt
expect '^tools/check-exceptions.txt:2: exceptions: is not'

start_case; printf '// SPDX-License-Identifier: Apache-2.0\n' >src/base/a.cc
expect '^src/base/a.cc:1: header: does not begin'
start_case; printf '// A sentence.\n' >src/base/a.cc
expect '^src/base/a.cc:1: header: does not begin'
start_case; source_file src/base/a.h
expect '^src/base/a.h:1: header: has no #pragma once'
start_case; source_file src/base/a.cc '// As [RFC9999 §1] says.'
expect '^src/base/a.cc:3: specs: \[RFC9999\] is not in docs/specs.md'
start_case; source_file src/base/a.cc '// As [docs/none.md] says.'
expect '^src/base/a.cc:3: specs: \[docs/none.md\] does not exist'
start_case; source_file src/base/a.cc "// TO""DO: later."
expect '^src/base/a.cc:3: later:'

start_case; source_file src/base/b.h '#pragma once'
expect '^src/base/b.h:1: dead:'
start_case; printf '# A sentence.\n# SPDX-License-Identifier: Apache-2.0\n' >tools/unused.sh
expect '^tools/unused.sh:1: dead: nothing uses it'
start_case; printf 'x=1\n' >tools/unused.sh
expect '^tools/unused.sh:1: header: does not begin'
start_case; rm fuzz/base/seed
expect '^fuzz/base:1: dead: the harness has no corpus'
start_case; mkdir fuzz/none; printf 'x' >fuzz/none/seed
expect '^fuzz/none:1: dead: the corpus has no harness'
start_case; chmod -x tools/check; chmod +x src/base/a.cc
output=$(python3 tools/check) || true
grep -qF 'tools/check:1: mode:' <<<"$output" && grep -qF 'src/base/a.cc:1: mode:' <<<"$output" ||
  { printf 'FAILED: modes: %s\n' "$output"; exit 1; }
start_case; head -c 5000001 /dev/zero >docs/big
expect '^docs/big:1: big:'
start_case; printf '[x](none.md)\n' >>README.md
expect '^README.md:2: docs: the link to none.md leads nowhere'
start_case; printf 'x\n' >docs/alone.md
expect '^docs/alone.md:1: docs: no page links to it'
start_case; printf 'test gdb\n' >>tools/packages.txt
expect 'docs/dependencies.md:1: docs: does not say why gdb is needed'

# Kernel objects: compiled here as a build folder would have them.
build_kernel() {
  mkdir -p build
  clang++-19 -std=c++23 -O2 -Isrc -mavx2 -c src/kernels/k_avx2.cc -o build/k.o
  printf '[{"directory": "%s", "file": "%s", "command": "%s"}]\n' "$PWD/build" \
    "$PWD/src/kernels/${1:-k_avx2.cc}" \
    "clang++-19 -std=c++23 -O2 -I$PWD/src -mavx2 -c $PWD/src/kernels/k_avx2.cc -o k.o" \
    >build/compile_commands.json
}
start_case; build_kernel
tools/check --build build >/dev/null || { echo 'FAILED: a clean kernel object is refused'; exit 1; }
start_case; source_file src/kernels/k_avx2.cc 'inline int three() { return 3; }' '' \
  'int two() { return three(); }'
build_kernel
expect '^src/kernels/k_avx2.cc:1: kernels: at -O0: 1 weak symbols' --build build
start_case; source_file src/kernels/k_avx2.cc 'int f();' 'int value = f();'
build_kernel
expect '^src/kernels/k_avx2.cc:1: kernels: as built: code that runs before main' --build build
start_case; build_kernel; rm build/k.o
expect '^src/kernels/k_avx2.cc:1: kernels: .* is not built' --build build
start_case; build_kernel other.cc
expect '^src/kernels/other.cc:1: kernels: is compiled with -mavx2' --build build
start_case; mkdir build; printf '[]\n' >build/compile_commands.json
expect '^src/kernels:1: kernels: no kernel object was found' --build build

echo "$cases kinds of damage found"
