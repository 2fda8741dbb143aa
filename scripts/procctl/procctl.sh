#!/bin/sh
# Starts procctl with its permissions and none more: the daemon's socket, and
# files below the folder where it is called (others go through stdin).
#
# Reads:
#   BCS_PROCESS_SOCKET  the daemon's socket, by default /var/run/process.sock
#   BCS_PROCESS_DENO    Deno, by default deno beside this file, or else in PATH
set -eu

home=${0%/*}
socket=${BCS_PROCESS_SOCKET:-/var/run/process.sock}
# Its permissions are for the one that is asked for: the last one is.
before=
for word in "$@"; do
  [ "$before" != --socket ] || socket=$word
  case $word in
    --) break ;;
    --socket=*) socket=${word#*=} ;;
  esac
  before=$word
done
case $socket in
  *,*) ;;
  /*) lists=yes ;;
esac
# In a list of permissions a comma begins another one.
if [ -z "${lists:-}" ]; then
  printf 'procctl: the socket must be an absolute path without a comma\n' >&2
  exit 2
fi

deno=${BCS_PROCESS_DENO:-$home/deno}
[ -n "${BCS_PROCESS_DENO:-}" ] || [ -x "$deno" ] || deno=deno

# Nobody stands between an operator and the socket.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

exec "$deno" run --quiet --no-prompt --no-config \
  "--allow-net=unix:$socket,127.0.0.1:2" \
  "--allow-read=$socket,." "--allow-write=$socket" \
  "$home/operator/main.js" "--socket=$socket" "$@"
