#!/usr/bin/env bash
# Measures decoding beside another program that spins on a processor: one thread against several.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

usage() {
  cat <<'USAGE'
bench/busy_neighbour.sh [SOTTO [OPTION...]]
  SOTTO    the program (default build/release/src/cmd/sotto)
  OPTION   of `sotto bench` (default --preset deepseek-r1-distill-qwen-1.5b)
Environment: THREADS (default: all processors), TOKENS (50), RUNS (3), and LOCK, a file that is locked
for one run at a time where several people measure on one machine.

Prints tokens/s: the median and all of RUNS means over TOKENS tokens, for 1 thread and for THREADS,
in turn, alone and beside a neighbour that is pinned to a processor or goes where the system puts it.
Of "leaves", where the neighbour ends after a few seconds, it is the median over 7 times TOKENS tokens in
one process: it must come near to "none". "Never slower than one thread" is the ratio in each row.
USAGE
}

case ${1:-} in -h | --help) usage; exit 0 ;; esac
sotto=${1:-build/release/src/cmd/sotto}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- --preset deepseek-r1-distill-qwen-1.5b
tokens=${TOKENS:-50}
runs=${RUNS:-3}
mapfile -t processors < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
threads=${THREADS:-${#processors[@]}}

neighbour=
end_neighbour() {
  [ -z "$neighbour" ] || { kill "$neighbour" && wait "$neighbour" || true; } 2>/dev/null
  neighbour=
}
trap end_neighbour EXIT

# start_neighbour PROCESSOR|anywhere|leaves|none
start_neighbour() {
  local spin=(bash -c 'while :; do :; done')
  case $1 in
    none) return 0 ;;
    anywhere) ;;
    leaves) spin=(timeout 5 "${spin[@]}") ;;
    *) spin=(taskset -c "$1" "${spin[@]}") ;;
  esac
  "${spin[@]}" &
  neighbour=$!
}

# decode THREADS OPTION...: tokens per second
decode() {
  local count=$1
  shift
  "$sotto" bench "$@" --threads "$count" --prompt 4 --generate "$tokens" --json 2>/dev/null |
    python3 -c 'import json, sys; print(round(json.load(sys.stdin)["generate_tokens_per_second"], 2))'
}

# row PLACE OPTION...
row() {
  local place=$1 run rates_one=() rates_all=()
  shift
  for ((run = 0; run < runs; ++run)); do
    if [ -n "${LOCK:-}" ]; then exec 9>"$LOCK"; flock 9; fi
    start_neighbour "$place" 9>&-
    rates_one+=("$(decode 1 "$@" 9>&-)")
    end_neighbour
    start_neighbour "$place" 9>&-
    rates_all+=("$(decode "$threads" "$@" 9>&-)")
    end_neighbour
    if [ -n "${LOCK:-}" ]; then exec 9>&-; fi
  done
  python3 - "$place" "${rates_one[*]}" "${rates_all[*]}" <<'PYTHON'
import statistics
import sys
place, one, all_ = sys.argv[1], sys.argv[2].split(), sys.argv[3].split()
medians = [statistics.median(map(float, rates)) for rates in (one, all_)]
print(f'{place:<12} {medians[0]:8.2f} {medians[1]:8.2f} {medians[1] / medians[0]:7.2f}   '
      f'({" ".join(one)} | {" ".join(all_)})', flush=True)
PYTHON
}

printf '%-12s %8s %8s %7s   (single runs)\n' neighbour '1 thread' "$threads" ratio
row none "$@"
row "${processors[0]}" "$@"
row "${processors[-1]}" "$@"
row anywhere "$@"
row leaves "$@" --repeat 7
