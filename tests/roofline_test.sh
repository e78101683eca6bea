#!/usr/bin/env bash
# tools/roofline draws a kernel bench's results as well-formed SVG, and says what it cannot draw.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

root=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

cat >"$work/bench.json" <<'JSON'
{"context": {"processor": "A <B> & C", "threads": "2", "read_bytes_per_second": "3e10",
             "avx512_int8_operations_per_second": "1e12"},
 "benchmarks": [
  {"name": "avx512/Q4_K/64x256/1/real_time", "operations_per_byte": 3.5, "operations_per_second": 1e11},
  {"name": "avx512/Q4_K/64x256/8/real_time", "operations_per_byte": 28, "operations_per_second": 5e11},
  {"name": "avx512/Q4_K/32x256/8/real_time", "operations_per_byte": 28, "operations_per_second": 9e11},
  {"name": "avx512/Q8_0/64x256/1/real_time", "operations_per_byte": 1.9, "operations_per_second": 5e10},
  {"name": "avx2/Q4_K/64x256/1/real_time", "operations_per_byte": 3.5, "operations_per_second": 8e10}]}
JSON
"$root/tools/roofline" "$work/bench.json" "$work/out.svg"
python3 - "$work/out.svg" <<'PYTHON' || fail "the picture is wrong"
import sys
import xml.etree.ElementTree as tree
svg = tree.parse(sys.argv[1]).getroot()
name = '{http://www.w3.org/2000/svg}'
titles = [title.text for title in svg.iter(name + 'title')]
assert 'Q4_K, 8 tokens: 0.500 TOPS, 28.0 operations per byte' in titles, titles
assert 'Q8_0, 1 tokens: 0.050 TOPS, 1.9 operations per byte' in titles, titles
assert len(titles) == 4, titles  # the picture's own, and the three dots of the first shape
texts = [text.text for text in svg.iter(name + 'text')]
assert 'Matrix products on avx512: 2 threads of A <B> & C' in texts, texts
assert 'reads 30.0 GB/s' in texts and 'int8 peak 1.00 TOPS' in texts, texts
# Dots lie inside the picture, and the one with twice the speed is higher.
dots = [(float(dot.get('cx')), float(dot.get('cy'))) for dot in svg.iter(name + 'circle')]
assert all(0 < x < 900 and 0 < y < 560 for x, y in dots), dots
assert dots[1][1] < dots[0][1] and dots[1][0] > dots[0][0], dots
PYTHON
! "$root/tools/roofline" "$work/bench.json" "$work/out.svg" --isa amx 2>"$work/stderr" ||
  fail "drew an instruction set that was not measured"
grep -q 'no results of amx' "$work/stderr" || fail "$(cat "$work/stderr")"
! "$root/tools/roofline" "$work/bench.json" "$work/out.svg" --formats F16 2>"$work/stderr" ||
  fail "drew floats under an int8 ceiling"
grep -q 'the ceiling is int8' "$work/stderr" || fail "$(cat "$work/stderr")"
echo "3 checks passed"
