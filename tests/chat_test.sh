#!/usr/bin/env bash
# `sotto run` on a terminal: a conversation as a person has it, keys and all.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

source_dir=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
exec python3 "$source_dir/tests/chat_session.py" "$1"
