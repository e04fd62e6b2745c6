#!/usr/bin/env bash
# package_tree.sh FOLDER: lay out FOLDER/hmn_lava as the package is once it is installed, with links into the sources.
# pyproject.toml maps compiler/, meta/, cli/, processes/ and hardware_profiles/ into hmn_lava; mypy follows no such mapping, so it reads this.
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
tree="$1/hmn_lava"
rm -rf "$tree"
mkdir -p "$tree"
ln -s "$root"/hmn_lava/* "$tree/"
for part in compiler meta cli processes hardware_profiles; do
    ln -s "$root/$part" "$tree/$part"
done
