#!/usr/bin/env bash
# Makes .venv with the locked packages and this project in it; `make setup` calls it when the lock or the project changed.
# Uses uv where it is there, Python's own venv and pip otherwise. PYTHON=... chooses another interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "wiki-pipeline: $*" >&2
    exit 2
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "needs Python 3.11 or newer, and found none. Install it, or name it: make setup PYTHON=/path/to/python3.11"
}

has_pip() {
    .venv/bin/python -m pip --version >/dev/null 2>&1
}

with_uv() {
    is_new_enough .venv/bin/python || uv venv --quiet --clear --python "$1" .venv
    uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
    uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
}

with_pip() {
    if ! is_new_enough .venv/bin/python || ! has_pip; then
        "$1" -m venv --clear .venv || fail "$1 can't make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv"
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
    # The build backend is among the locked packages: nothing is fetched here.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
}

python=$(find_python)
tool=pip
if command -v uv >/dev/null; then
    tool=uv
fi
echo "Setting up .venv with $("$python" --version) and $tool (the first time takes a few minutes) ..."
"with_$tool" "$python"
