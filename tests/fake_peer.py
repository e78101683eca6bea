#!/usr/bin/env python3
# A peer for `sotto bench --compare`: logs how it was called, and says it is half faster each time.
# SPDX-License-Identifier: Apache-2.0
import json
import sys
from pathlib import Path

log, *words = sys.argv[1:]
path = Path(log)
runs = path.read_text().splitlines() if path.exists() else []
path.write_text('\n'.join([*runs, ' '.join(words)]) + '\n')
print('loading')
print(json.dumps({'prompt_tokens_per_second': 100 * 1.5 ** len(runs),
                  'generate_tokens_per_second': 10 * 1.5 ** len(runs)}))
print('done')
