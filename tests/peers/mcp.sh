#!/usr/bin/env bash
# A real MCP server for the tests, of the protocol's own authors: installed below one directory, in the
# version that everything/package-lock.json names. Over HTTP it listens on 127.0.0.1 only.
#
#   mcp.sh DIR start     prints the settings as NAME=VALUE lines
#   mcp.sh DIR stop
set -euo pipefail

dir=${1:?directory}
what=${2:?start or stop}
here=$(cd "$(dirname "$0")" && pwd)/everything
port=${MCP_PORT:-23801}
program=$dir/node_modules/@modelcontextprotocol/server-everything/dist/index.js

stop() {
    if [ -f "$dir/pid" ]; then
        kill "$(cat "$dir/pid")" 2>/dev/null || true
        rm -f "$dir/pid"
    fi
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

start() {
    mkdir -p "$dir"
    cp "$here/package.json" "$here/package-lock.json" "$dir/"
    # Nothing of what is installed runs while it is installed.
    npm ci --prefix "$dir" --ignore-scripts --no-audit --no-fund --silent >&2
    PORT=$port node --import "$here/loopback.mjs" "$program" streamableHttp >"$dir/log" 2>&1 &
    echo $! >"$dir/pid"
    for _ in $(seq 100); do
        if answers; then
            echo "MCP_PROGRAM=$program"
            echo "MCP_URL=http://127.0.0.1:$port/mcp"
            return
        fi
        sleep 0.1
    done
    echo "the MCP server did not come up:" >&2
    tail "$dir/log" >&2
    stop
    exit 1
}

case $what in
    start) start ;;
    stop) stop ;;
    *) echo "start or stop" >&2; exit 2 ;;
esac
