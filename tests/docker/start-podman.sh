#!/bin/bash
# Start podman's Docker-compatible socket in the background (as root) and print
# the environment that testcontainers needs:   eval "$(tests/docker/start-podman.sh)"
# Stop it with:                         kill "$(cat /tmp/migration-gate-podman/podman.pid)"
set -Eeuo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export CONTAINERS_CONF="$here/containers.conf"
run=/tmp/migration-gate-podman; sock="$run/podman.sock"; pidfile="$run/podman.pid"
mkdir -p "$run"

alive() { [ -s "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null &&
          [ -S "$sock" ] && timeout 5 podman --url "unix://$sock" version >/dev/null 2>&1; }

if ! alive; then
    rm -f "$sock"
    : a session of its own, so that Ctrl-C in this terminal does not end it
    setsid podman system service --time=0 "unix://$sock" >"$run/podman.log" 2>&1 </dev/null &
    echo $! >"$pidfile"
    for _ in $(seq 100); do alive && break; sleep 0.1; done
    alive || { echo "podman's socket did not come up; see $run/podman.log" >&2; cat "$run/podman.log" >&2; exit 1; }
fi

echo "export DOCKER_HOST=unix://$sock"
echo "export TESTCONTAINERS_RYUK_DISABLED=true"
# Where /.dockerenv exists testcontainers believes that it runs inside
# a container, and asks for a gateway address in a way podman 4.3.1 has no answer to
# (KeyError: 'HostConfig'). The published ports are on localhost: say so.
echo "export TESTCONTAINERS_CONNECTION_MODE=docker_host"
