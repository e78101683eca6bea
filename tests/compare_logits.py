#!/usr/bin/env python3
# Compares `sotto logits` with reference logits: compare_logits.py SOTTO MODELS_DIR WORK_DIR
# SPDX-License-Identifier: Apache-2.0
"""Prints the normalised mean squared error of each model of MODELS_DIR/index.json; exits 1 when one
is beyond 1e-5 (weights in F32, F16, BF16), 8e-4 (the others) or 1.2 times the reference's own."""

import array
import json
import subprocess
import sys
from pathlib import Path

FLOATING_MAX = 1e-5
QUANTISED_MAX = 8e-4
REFERENCE_FACTOR = 1.2


def read_floats(path):
    values = array.array('f')
    values.frombytes(Path(path).read_bytes())
    return values


def nmse(got, want):
    error = sum((a - b) ** 2 for a, b in zip(got, want))
    return error / sum(b * b for b in want)


def main():
    sotto, models, work = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    index = json.loads((models / 'index.json').read_text())
    ids = ','.join(map(str, index['ids']))
    passed = 0
    print(f'{"model":<22} {"nmse":>9} {"reference":>9}')
    for entry in index['models']:
        name, out = entry['model'], work / 'logits.f32'
        ran = subprocess.run([sotto, 'logits', models / name, '--ids', ids, '--out', out],
                             capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            print(f'{name:<22} FAILED: {ran.stderr.strip()}')
            continue
        got, want = read_floats(out), read_floats(models / entry['logits'])
        if len(got) != len(want) or len(want) != entry['positions'] * entry['vocab']:
            print(f'{name:<22} FAILED: {len(got)} values, not {len(want)}')
            continue
        error, reference = nmse(got, want), entry['reference_nmse']
        floating = any(name.lower().endswith(f'{kind}.gguf') for kind in ('-f32', '-f16', '-bf16'))
        limit = min(FLOATING_MAX if floating else QUANTISED_MAX, REFERENCE_FACTOR * reference)
        ok = error <= limit  # false for a NaN
        passed += ok
        print(f'{name:<22} {error:9.2e} {reference:9.2e}{"" if ok else "  FAILED"}')
    total = len(index['models'])
    print(f'{passed} of {total} models within their limits')
    return 0 if total > 0 and passed == total else 1


if __name__ == '__main__':
    sys.exit(main())
