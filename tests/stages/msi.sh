#!/usr/bin/env bash
# The agent's MSI, made from a groma-agent.exe that is there already: its tables are what Windows is to do, and under Wine it is
# installed and removed again. Wine is no Windows: it knows neither access lists nor privileges. usage: msi.sh EXE WORK-DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
for tool in wixl msiinfo msibuild; do
    command -v $tool >/dev/null || { echo "skipped: no $tool, so the MSI is neither made nor tried (Debian: wixl, msitools)"; exit 77; }
done
failed=0
wrong() { echo "FAILED: $*"; failed=1; }

msi=$(bash agent/packaging/windows/build-msi.sh "$program" "$work" | tail -n 1)
(cd "$work" && sha256sum --quiet -c "$(basename "$msi").sha256") || wrong "the SHA-256 beside the MSI is another one"

# usage: has TABLE WORD-OF-A-ROW…
has() {
    local table=$1 rows
    shift
    rows=$(msiinfo export "$msi" "$table" | tr '\t' '|')
    for word in "$@"; do
        grep -qF -- "$word" <<< "$rows" || wrong "table $table has no $word"
    done
}
has File '|groma-agent.exe|' 'GROMAAGT.EXE'
has Directory 'GROMA|ProgramFiles64Folder|groma'
has ServiceInstall '|groma-agent|groma agent|16|3|1|' '|LocalSystem||run --service|'
# Stopped at the begin and at the end (0x2, 0x20), deleted at the end (0x80), never started.
has ServiceControl '|groma-agent|162|'
has Property 'ALLUSERS|1' 'UpgradeCode|{7C1B4B6E-52E4-4C1F-9B6A-0B6E1B6C3A51}'
has Upgrade '|0.0.0|' '|513||WIX_UPGRADE_DETECTED'
# Three lines say what a table is; a fourth would be something it runs of its own.
[ "$(msiinfo export "$msi" CustomAction 2>/dev/null | wc -l)" -le 3 ] || wrong "it runs something of its own (CustomAction)"
[[ "$(msiinfo suminfo "$msi")" == *'Template: x64;'* ]] || wrong "it is not for x64"
# Another program is another product, the same one the same.
code() { msiinfo export "$1" Property | sed -n 's/^ProductCode\t//p' | tr -d '\r'; }
{ cat "$program"; echo; } > "$work/other.exe"
other=$(bash agent/packaging/windows/build-msi.sh "$work/other.exe" "$work/other" | tail -n 1)
[ "$(code "$other")" != "$(code "$msi")" ] || wrong "two programs have one product code"
rm -rf "$work/other" "$work/other.exe"
[ $failed = 0 ] || exit 1

command -v wine >/dev/null || { echo "skipped: no wine, so the MSI is made and its tables are right, and nobody installed it"; exit 77; }
export WINEPREFIX=${WINEPREFIX:-$work/wine} WINEARCH=win64 WINEDEBUG=-all DISPLAY=
[ -d "$WINEPREFIX/drive_c" ] || timeout 300 wine wineboot -i >/dev/null 2>&1
place="$WINEPREFIX/drive_c/Program Files/groma/groma-agent.exe"
services() { wine reg query 'HKLM\System\CurrentControlSet\Services\groma-agent' 2>/dev/null | tr -d '\r' | grep REG_ || true; }
path=$(wine winepath -w "$msi" 2>/dev/null | tr -d '\r')
timeout 300 wine msiexec /i "$path" /qn || wrong "msiexec /i ended with $?"
cmp "$program" "$place" || wrong "the program is not in its place"
[[ "$(services)" == *'run --service'* ]] || wrong "the service is not put in"
echo "installed: $(services | grep -c REG_) values of the service"
timeout 300 wine msiexec /x "$path" /qn || wrong "msiexec /x ended with $?"
[ ! -e "$place" ] || wrong "the program is still there"
[ -z "$(services)" ] || wrong "the service is still there"
[ $failed = 0 ] || exit 1
echo "installed and removed under $(wine --version)"
