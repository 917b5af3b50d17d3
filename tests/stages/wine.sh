#!/usr/bin/env bash
# The agent for Windows as its user would have it, under Wine: it explains itself, looks, and its batch is imported; it enrols with a real
# collector, runs and ships. Wine is no Windows: what it cannot show stands in docs/reference/windows.md.
# usage: wine.sh groma-agent.exe WORK-DIRECTORY    (GROMA_BIN: the collector, built)
set -euo pipefail
umask 077     # Wine tells of the modes of files as of access lists
cd "$(dirname "$0")/../.."
exe=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
groma=${GROMA_BIN:-target/release/groma}
[ -x "$groma" ] || { echo "wine.sh: no collector at $groma: cargo build --release --bin groma" >&2; exit 1; }
command -v wine > /dev/null || bash tests/stages/packages.sh wine wine64 || { echo "skipped: no Wine"; exit 77; }
export WINEPREFIX=$work/prefix WINEARCH=win64 WINEDEBUG=-all DISPLAY=''
drive=$WINEPREFIX/drive_c
serving=
ended() {
    [ -z "$serving" ] || kill "$serving" 2> /dev/null || true
    wineserver -k 2> /dev/null || true
}
trap ended EXIT

# Rust's library takes chance from a function that Wine 8 lacks; Windows 10 has it.
prepare() {
    rm -rf "$work/prefix" "$work/data"
    wine wineboot -i > /dev/null 2>&1
    rm -f "$WINEPREFIX"/dosdevices/z:     # the drive that would show this machine's own files
    printf '%s\n' '#include <windows.h>' 'BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);' \
        '__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return SystemFunction036(p, (ULONG)n); }' > "$work/chance.c"
    x86_64-w64-mingw32-gcc -shared -o "$drive/windows/system32/bcryptprimitives.dll" "$work/chance.c" -ladvapi32
    mkdir -p "$drive/groma"
    cp "$exe" "$drive/groma/groma-agent.exe"
}

agent() { timeout 300 wine 'C:\groma\groma-agent.exe' "$@"; }

says() {    # usage: says FILE PATTERN…
    local file=$1 pattern
    shift
    for pattern in "$@"; do
        grep -q -- "$pattern" "$file" || { echo "wine.sh: nothing in $file says $pattern" >&2; return 1; }
    done
}

# What a machine of a customer may have, written by Wine's own reg.exe.
furnish() {
    wine reg add 'HKLM\SOFTWARE\ODBC\ODBC.INI\orders' /v Server /d 'sql01.corp.example' /f > /dev/null
    wine reg add 'HKLM\SOFTWARE\ODBC\ODBC.INI\orders' /v Driver /d 'C:\windows\system32\sqlsrv32.dll' /f > /dev/null
    wine reg add 'HKLM\SOFTWARE\ODBC\ODBC.INI\ODBC Data Sources' /v orders /d 'SQL Server' /f > /dev/null
    wine sc create LedgerSync binPath= 'C:\ledger\sync.exe -p secret-of-the-ledger' start= auto > /dev/null
    mkdir -p "$drive/ledger" "$drive/users/ann/Documents"
    printf 'net use L: \\\\files01.corp.example\\ledger /user:CORP\\svc-ledger\r\n' > "$drive/ledger/start.cmd"
    { printf '!BDN\0\0\0\0SM\027\0\023\0\001\001'; head -c 1008 /dev/zero; } > "$drive/users/ann/Documents/old.pst"
}

looked() {
    agent explain > "$work/explained"
    says "$work/explained" host.units written.registry host.archives
    agent look --for 2s --out 'C:\groma\look.batch'
    zstd -qdc "$drive/groma/look.batch" > "$work/look.jsonl"
    says "$work/look.jsonl" '"fact":"identity"' '"fact":"operating-system"' LedgerSync.service sql01.corp.example files01.corp.example old.pst
    ! grep -q secret-of-the-ledger "$work/look.jsonl" || { echo "wine.sh: a secret left the machine" >&2; return 1; }
    "$groma" --data "$work/data" import "$drive/groma/look.batch"
}

# A collector on this machine; Wine's programs reach it by loopback.
serve() {
    "$groma" serve --data "$work/data" --listen 127.0.0.1:0 --agents 127.0.0.1:0 --operators 127.0.0.1:0 2> "$work/served" &
    serving=$!
    for _ in $(seq 100); do
        port=$(sed -n 's/^serving:[^:]*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/served" | head -n 1)
        [ -z "$port" ] || return 0
        sleep 0.2
    done
    cat "$work/served" >&2
    return 1
}

listed() { "$groma" --data "$work/data" agents list --format json; }

shipped() {
    local port running
    serve
    "$groma" --data "$work/data" token create --out "$drive/groma/token" > /dev/null
    agent enroll --collector "https://127.0.0.1:$port" --token-file 'C:\groma\token'
    agent run --keep-free-mib 16 --look-every 5s > "$work/ran" 2>&1 &
    running=$!
    for _ in $(seq 150); do
        if listed | tr -d ' \n' | grep -q '"spool_batches":0.*"looked_at":"2'; then break; fi
        kill -0 "$running" 2> /dev/null || { cat "$work/ran" >&2; return 1; }
        sleep 1
    done
    listed > "$work/agents.json"
    says "$work/agents.json" '"looked_at": *"2' '"spool_batches": *0'
    agent status > "$work/status" || true
    says "$work/status" '^agent ' '^running      yes'
    kill "$running" 2> /dev/null || true
    wineserver -k || true
    kill "$serving" 2> /dev/null || true
    wait "$serving" || true
    serving=
    "$groma" --data "$work/data" report --out "$work/report.html"
    says "$work/report.html" sql01.corp.example files01.corp.example
}

prepare
furnish
looked
echo "under Wine: explained, looked, and what it saw was imported"
shipped
echo "under Wine: enrolled, ran and shipped"
