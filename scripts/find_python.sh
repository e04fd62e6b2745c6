#!/usr/bin/env bash
# Print the path of a Python that can make a virtual environment.
#
#   find_python.sh              Python 3.10, which Lava needs; else 3.11, 3.12 or 3.13, and a word about it on stderr
#   find_python.sh 3.12         that version
#   find_python.sh python3.12   the same
#   find_python.sh /path/to/python
#
# Each is looked for on the PATH, among pyenv's versions and with uv. A pyenv shim can be on the PATH without being runnable here, so
# a candidate counts only if it has really run.
set -euo pipefail

# Print the interpreter behind $1 if it runs, is a supported version ($2, or any) and has what `python -m venv` needs.
works() {
    "$1" - "${2:-}" 2>/dev/null <<'PYTHON'
import sys, venv, ensurepip
version = "%d.%d" % sys.version_info[:2]
if sys.argv[1] not in ("", version) or version not in ("3.10", "3.11", "3.12", "3.13"):
    sys.exit(1)
print(sys.executable)
PYTHON
}

candidates() {
    echo "python$1"
    if command -v pyenv >/dev/null; then
        ls -d "$(pyenv root 2>/dev/null)/versions/$1".*/bin/python 2>/dev/null | sort -rV || true
    fi
    ls -d "$HOME/.pyenv/versions/$1".*/bin/python 2>/dev/null | sort -rV || true
    if command -v uv >/dev/null; then
        uv python find "$1" 2>/dev/null || true
    fi
    echo python3
}

find_version() {
    local candidate
    while read -r candidate; do
        works "$candidate" "$1" && return 0
    done < <(candidates "$1")
    return 1
}

wanted="${1:-}"
case "$wanted" in
"")
    find_version 3.10 && exit 0
    for version in 3.11 3.12 3.13; do
        if find_version "$version"; then
            echo "Python 3.10 was not found, so Python $version is used: all works but the Lava backend, which needs 3.10." >&2
            exit 0
        fi
    done
    echo "No Python 3.10 to 3.13 with the venv module was found on the PATH, with pyenv or with uv." >&2
    echo "Install one, for example with 'pyenv install 3.10' or 'uv python install 3.10', or name one: make PYTHON=/path/to/python" >&2
    exit 1
    ;;
3.1[0-3] | python3.1[0-3])
    find_version "${wanted#python}" && exit 0
    ;;
*)
    works "$wanted" && exit 0
    ;;
esac
echo "'$wanted' is no Python 3.10 to 3.13 that runs here and has the venv module." >&2
exit 1
