#!/usr/bin/env bash
# Many clients at once, tests/load/load.mjs: SOTTO_LOAD_SECONDS of them, 6 where nothing is said.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
tests=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
. "$tests/with_server.sh"

start_server demo --listen 127.0.0.1:0 --admin 127.0.0.1:0 --log log --parallel 16 --queue 256

status=0
BASE_URL=$url METRICS_URL=$metrics SERVER_PID=$server node "$tests/load/load.mjs" || status=$?
stop_server
# Sanitizers report there.
[ "$(grep -c -e ERROR -e WARNING screen)" = 0 ] || { cat screen; status=1; }
if grep -q -e "Data in use" log screen; then
  echo "FAILED: a prompt is in the log"
  status=1
fi
exit $status
