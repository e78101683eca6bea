# For tests to source: a folder of their own to be in, and a server that ends with them. $sotto is the program.
# SPDX-License-Identifier: Apache-2.0
folder=$(mktemp -d)
server=
proxy_process=
leave() {
  [ -z "$proxy_process" ] || kill "$proxy_process" 2>/dev/null || true
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$folder"
}
trap leave EXIT
cd "$folder"

# start_server MODEL OPTIONS...: without a TEE unless SOTTO_TEE says otherwise, and without TLS unless
# SOTTO_PLAIN is empty. Sets `server`, its `url` and, where --admin is given, the `metrics` page;
# what it says is in the file `screen`.
start_server() {
  export SOTTO_TEE=${SOTTO_TEE:-none} SOTTO_PLAIN=${SOTTO_PLAIN-true}
  rm -f screen  # of an earlier one, which would look like a start
  "$sotto" serve "$@" 2>screen &
  server=$!
  for _ in $(seq 300); do
    ! grep -qs '^try:' screen || break
    sleep 0.1
  done
  url=$(sed -n 's/^at \(http[^,]*\),.*/\1/p' screen)
  # shellcheck disable=SC2034
  metrics=$(sed -n 's/^metrics at //p' screen)
  [ -n "$url" ] || { echo "FAILED: the server did not start: $(cat screen)"; exit 1; }
}

# Fails unless it ends with 0 when it is asked to.
stop_server() {
  local status=0
  kill "$server"
  wait "$server" || status=$?
  server=
  [ $status -eq 0 ] || { echo "FAILED: the server ended with $status: $(cat screen)"; exit 1; }
}

# start_proxy URL OPTIONS...: sets `proxy`, its own url; what it says is in the file `proxy_screen`.
start_proxy() {
  rm -f proxy_screen
  "$sotto" proxy "$@" --listen 127.0.0.1:0 2>proxy_screen &
  proxy_process=$!
  for _ in $(seq 300); do
    ! grep -qs '^try:' proxy_screen || break
    sleep 0.1
  done
  # shellcheck disable=SC2034
  proxy=$(sed -n 's/^at //p' proxy_screen)
  [ -n "$proxy" ] || { echo "FAILED: the proxy did not start: $(cat proxy_screen)"; exit 1; }
}

stop_proxy() {
  local status=0
  kill "$proxy_process"
  wait "$proxy_process" || status=$?
  proxy_process=
  [ $status -eq 0 ] || { echo "FAILED: the proxy ended with $status: $(cat proxy_screen)"; exit 1; }
}
