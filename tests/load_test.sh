#!/usr/bin/env bash
# Many clients at once, tests/load/load.mjs: SOTTO_LOAD_SECONDS of them, 6 where nothing is said.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
source=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/load" && pwd)
folder=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
cd "$folder"

"$sotto" serve demo --listen 127.0.0.1:0 --admin 127.0.0.1:0 --log log --parallel 16 --queue 256 2>screen &
server=$!
for _ in $(seq 300); do
  ! grep -qs '^try:' screen || break
  sleep 0.1
done
url=$(sed -n 's/^at \(http[^,]*\),.*/\1/p' screen)
metrics=$(sed -n 's/^metrics at //p' screen)
[ -n "$url" ] || { cat screen; exit 1; }

status=0
BASE_URL=$url METRICS_URL=$metrics SERVER_PID=$server node "$source/load.mjs" || status=$?
kill "$server"
wait "$server" || { echo "FAILED: the server did not stop well"; status=1; }
server=
# Sanitizers report there.
[ "$(grep -c -e ERROR -e WARNING screen)" = 0 ] || { cat screen; status=1; }
if grep -q -e "Data in use" log screen; then
  echo "FAILED: a prompt is in the log"
  status=1
fi
exit $status
