#!/bin/sh
# Asks the server that start.sh started to end, and waits up to 5 s for that.
# Environment: pid_file.
set -eu
[ -s "$pid_file" ] || exit 0
pid=$(cat "$pid_file")

# The file may outlive the server, and its number be another program's by now.
runs() {
  [ "$(basename "$(readlink "/proc/$pid/exe")" 2>/dev/null)" = deno ]
}

runs || exit 0
kill -TERM "$pid" || : # It may end by itself just now.
for _ in $(seq 50); do
  runs || {
    rm -f "$pid_file"
    exit 0
  }
  sleep 0.1
done
echo "server $pid did not end within 5 s" >&2
exit 1
