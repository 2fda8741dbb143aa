#!/bin/sh
# Starts the demo server in the background, as a classic daemon does: it gets
# its own session, no terminal, a log file and a pid file.
# Environment: DENO, http_port, pid_file, log_file.
set -eu
cd "$(dirname "$0")"
mkdir -p "$(dirname "$pid_file")" "$(dirname "$log_file")"

# In a script, a background job leads no process group, so setsid executes the
# server in its own process and "$!" is the server's id.
setsid "$DENO" serve --quiet --no-config \
  --host=127.0.0.1 --port="$http_port" server.ts \
  </dev/null >>"$log_file" 2>&1 &

# A reader must never see half a number.
echo "$!" >"$pid_file.new"
mv "$pid_file.new" "$pid_file"
