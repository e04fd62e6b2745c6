#!/usr/bin/env bash
# make_venv.sh VENV [PYTHON]: make a new virtual environment with the packaging tools that constraints.txt pins.
set -euo pipefail

venv="$1"
if [[ -e "$venv" && ! -f "$venv/pyvenv.cfg" ]]; then
    echo "$venv exists and is no virtual environment: it is left alone. Remove it, or choose another: make VENV=..." >&2
    exit 1
fi
python="$("$(dirname "$0")/find_python.sh" "${2:-}")"
echo "Making $venv with $("$python" --version) ($python)" >&2
"$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt setuptools
