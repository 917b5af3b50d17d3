# What every script of this folder begins with. The machine is 10.20.1.20; each client is a network namespace of its own,
# and 10.20.1.66 is the one that is never let in. Nothing waits for luck: only for a port that is open, or for lines in a log, two minutes
# on a machine that has other things to do. No client asks twice: a second question would be a second line.
server=10.20.1.20
from() { local client=$1; shift; nsenter --net="/run/netns/c$client" -- "$@"; }
needs() { local program; for program; do command -v "$program" >/dev/null || { echo "$program is not installed"; exit 77; }; done; }
await_port() { # PORT
    for _ in $(seq 1200); do ss -Hltn "sport = :$1" | grep -q . && return; sleep 0.1; done
    echo "nothing listens on $1" >&2; cat /run/daemons.log >&2; exit 1
}
await_lines() { # FILE NUMBER PATTERN
    for _ in $(seq 1200); do [ "$(grep -c -e "$3" "$1" 2>/dev/null)" -ge "$2" ] && return; sleep 0.1; done
    echo "$1 never had $2 lines of $3" >&2; cat "$1" /run/daemons.log >&2; exit 1
}
behind() { setsid "$@" </dev/null >>/run/daemons.log 2>&1 & }
