# Begins every script that runs on the far side. POSIX sh: dash, ash of busybox and ksh read it as well as bash.
# The values before it are set by groma, quoted: prefix, binary, unit, state, and what the step needs.
set -u
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 077
bin_dir=${binary%/*}
unit_dir=${unit%/*}
new=$bin_dir/.groma-agent.new
old=$bin_dir/.groma-agent.old
unit_old=$unit.groma-old

tell() { printf 'groma:%s=%s\n' "$1" "$2"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
# The SHA-256 of a file in hexadecimal; nothing where no program here can tell.
sum_of() {
    if has sha256sum; then sha256sum < "$1" | cut -c 1-64
    elif has openssl; then openssl dgst -sha256 < "$1" | sed 's/.*[ =]//'
    elif has python3; then python3 -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())' < "$1"
    fi
}
size_of() { wc -c < "$1" | tr -d ' '; }
has_systemd() { [ -d "$prefix/run/systemd/system" ] && has systemctl; }
is_enrolled() { for one in "$state"/identity*; do [ -e "$one" ] && return 0; done; return 1; }
# Who the agent here says it is. By its own word: the file that holds it holds its key too, and is not read. It may hang.
tell_claim() {
    if has timeout; then limit='timeout 20'; else limit=; fi
    $limit "$binary" status </dev/null 2>/dev/null | sed -n -e 's/^agent  */groma:agent=/p' -e 's/^fingerprint  */groma:fingerprint=/p'
}
# Open to all to read, as such folders are everywhere, whatever the mask says.
make_dirs() {
    [ -d "$1" ] && return 0
    make_dirs "${1%/*}" && mkdir -m 755 "$1"
}
