#!/bin/sh
# Puts groma-agent onto this machine: downloads it from the collector that handed this out, believes it only when its SHA-256
# is the one written here, and enrolls it with a token out of a file of yours.
#   sh install.sh [--token-file FILE] [--no-start] [--remove]
# Everything stands in one function that the last line calls within braces, so that a part of this does nothing.
groma_install() {
set -u
umask 077
@VALUES@
binary=$prefix/usr/local/bin/groma-agent
unit=$prefix/etc/systemd/system/groma-agent.service
state=$prefix/var/lib/groma-agent
new=$prefix/usr/local/bin/.groma-agent.download
fail() { printf 'groma: %s\n' "$*" >&2; exit 1; }
say() { printf 'groma: %s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }
has_systemd() { [ -d "$prefix/run/systemd/system" ] && has systemctl; }

token_file='' start=yes remove=no
while [ $# -gt 0 ]; do
    case $1 in
        --token-file) [ $# -gt 1 ] || fail "--token-file needs a file"; token_file=$2; shift ;;
        --no-start) start=no ;;
        --remove) remove=yes ;;
        *) fail "unknown option $1 (known: --token-file FILE, --no-start, --remove)" ;;
    esac
    shift
done

[ "$(uname -s)" = Linux ] || fail "the agent is for Linux"
[ "$(id -u)" = 0 ] || [ -n "$prefix" ] || fail "this needs root: sudo sh install.sh"
if [ -e "$prefix/usr/bin/groma-agent" ]; then fail "a package brought the agent to this machine: use the package manager"; fi

if [ "$remove" = yes ]; then
    if has_systemd; then systemctl disable --now --quiet groma-agent.service 2>/dev/null; fi
    rm -f "$binary" "$unit" "$new"
    rm -rf "$state"
    if [ -d "$prefix/etc/groma" ]; then rmdir "$prefix/etc/groma" 2>/dev/null; fi
    if has_systemd; then systemctl daemon-reload; fi
    say "removed"
    exit 0
fi

case $(uname -m) in
    x86_64 | amd64) machine=x86_64 sum=$sum_x86_64 ;;
    aarch64 | arm64) machine=aarch64 sum=$sum_aarch64 ;;
    *) fail "there is no agent for $(uname -m)" ;;
esac
[ -n "$sum" ] || fail "this collector has no agent for $machine, so there is no SHA-256 to believe one by"

sum_of() {
    if has sha256sum; then sha256sum < "$1" | cut -c 1-64
    elif has openssl; then openssl dgst -sha256 < "$1" | sed 's/.*[ =]//'
    elif has python3; then python3 -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())' < "$1"
    else fail "no sha256sum, openssl or python3 here: nothing can be believed"
    fi
}

if [ -e "$binary" ] && [ "$(sum_of "$binary")" = "$sum" ]; then
    say "the agent is there already"
else
    (umask 022; mkdir -p "$prefix/usr/local/bin") || fail "cannot make $prefix/usr/local/bin"
    trap 'rm -f "$new"' EXIT
    trap 'exit 1' HUP INT TERM
    rm -f "$new"
    from=$url/install/groma-agent-$machine
    if has curl && [ -n "$pin" ]; then
        # The collector's certificate is its own: what it is known by is its key, and nothing else counts.
        curl --fail --silent --show-error --proto '=https' --insecure --pinnedpubkey "sha256//$pin" --max-filesize 268435456 --output "$new" "$from" ||
            fail "no download from $from: not reached, or its key is not the one expected"
    elif has curl; then
        curl --fail --silent --show-error --proto '=https' --max-filesize 268435456 --output "$new" "$from" || fail "no download from $from"
    elif has wget; then
        # wget knows no pin: what arrives is believed by its SHA-256 alone, which stands above.
        wget -q --no-check-certificate -O "$new" "$from" || fail "no download from $from"
    else
        fail "neither curl nor wget is here: copy $from by hand"
    fi
    [ "$(sum_of "$new")" = "$sum" ] || fail "what was downloaded has another SHA-256 than expected: nothing was installed"
    chmod 755 "$new" || fail "cannot make it a program"
    "$new" --version >/dev/null 2>&1 </dev/null || fail "the agent does not run on this machine"
    mv -f "$new" "$binary" || fail "cannot put it into $binary"
    if has restorecon; then restorecon "$binary" 2>/dev/null; fi
    say "installed $("$binary" --version </dev/null)"
fi

if has_systemd; then
    (umask 022; mkdir -p "$prefix/etc/systemd/system") || fail "cannot make the folder of units"
    cat > "$unit.new" <<'GROMA_UNIT' || fail "cannot write $unit"
@UNIT@
GROMA_UNIT
    chmod 644 "$unit.new" && mv -f "$unit.new" "$unit" || fail "cannot write $unit"
    systemctl daemon-reload || fail "systemd did not read its units again"
fi

enrolled=no
for one in "$state"/identity*; do if [ -e "$one" ]; then enrolled=yes; fi; done
if [ "$enrolled" = no ]; then
    # What this reads from is the script itself, so a person is asked at the terminal.
    if [ -z "$token_file" ] && [ -t 1 ] && [ -r /dev/tty ]; then
        printf 'groma: file that holds the token (empty: enroll later): '
        IFS= read -r token_file < /dev/tty || token_file=''
    fi
    if [ -z "$token_file" ]; then
        say "not enrolled yet: groma-agent enroll --collector $url --token-file FILE, then systemctl enable --now groma-agent"
        exit 0
    fi
    [ -r "$token_file" ] || fail "cannot read $token_file"
    "$binary" enroll --collector "$url" --token-file "$token_file" </dev/null || fail "the agent did not enroll"
    say "enrolled with $url"
fi
if [ "$start" = yes ] && has_systemd; then
    systemctl enable --quiet groma-agent.service && systemctl restart groma-agent.service || fail "systemd did not start the agent"
    say "started"
fi
}
{ groma_install "$@"; }
