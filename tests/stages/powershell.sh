#!/usr/bin/env bash
# The collector for Windows, parsed: powershell.py with a parser in a folder of its own, where one can be had.
# usage: powershell.sh WORK-DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "$1"
home=$1/powershell
if ! "$home/bin/python" -c 'import tree_sitter, tree_sitter_powershell' 2>/dev/null; then
    if ! { python3 -m venv "$home" && "$home/bin/python" -m pip install --quiet tree-sitter tree-sitter-powershell; } >"$1/powershell.log" 2>&1; then
        echo "skipped: no parser for PowerShell can be installed (python3 -m venv, pip install tree-sitter tree-sitter-powershell): the collector for Windows was parsed by nobody"
        exit 77
    fi
fi
"$home/bin/python" tests/stages/powershell.py
