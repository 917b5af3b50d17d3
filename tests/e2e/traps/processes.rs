//! Traps among processes: each listens on a port of its own, so that a look has a reason to read it.

use std::time::Duration;

use super::Expect::Listener;
use super::{Trap, machine, pass, trap};

/// Compiles the troublemaker into a place where programs may be deleted and replaced.
const COMPILE: &str = "mkdir -p /opt/p && cc -O1 -w -o /opt/p/trap /run/lab/trap.c -lpthread";

#[test]
fn a_look_passes_every_trap_among_processes() {
    let Some(machine) = machine() else { return };
    machine.shell(COMPILE);
    pass(
        &machine,
        TRAPS,
        "--for 2s --deadline 30s --source host",
        Duration::from_secs(60),
    );
}

const TRAPS: &[Trap] = &[
    trap(
        "two mebibytes of arguments are read up to a bound",
        r#"python3 - <<'E'
import subprocess
subprocess.Popen(["/opt/p/trap", "7001", "plain"] + ["x" * 100_000] * 19, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
E
sleep 0.2"#,
        &[Listener(7001, "/opt/p/trap")],
        "",
    ),
    trap(
        "line ends, escapes and nothing at all in arguments are no trouble",
        r#"cp /opt/p/trap /opt/p/python3.11; cd /tmp
           setsid /opt/p/python3.11 7002 plain $'a\nb' $'\033[2J' '' $'\xff' >/dev/null 2>&1 & sleep 0.2"#,
        &[Listener(7002, "/opt/p/python3.11")],
        "",
    ),
    trap(
        "arguments wiped by their own process are no trouble",
        "cp /opt/p/trap /opt/p/perl; setsid /opt/p/perl 7003 blank >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7003, "/opt/p/perl")],
        "",
    ),
    trap(
        "arguments and surroundings rewritten while it runs are not passed on",
        "setsid /opt/p/trap 7004 rewrite Xq7canaryREWRITEZw >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7004, "/opt/p/trap")],
        "",
    ),
    trap(
        "arguments on a page that nobody fills do not hold up the reader",
        "cp /opt/p/trap /opt/p/ruby; setsid /opt/p/ruby 7005 uffd $(printf '%020000d' 0) >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7005, "/opt/p/ruby")],
        "",
    ),
    trap(
        "arguments in a file whose file system does not answer do not hold up the reader",
        r#"python3 /run/lab/answerless.py fuse /run/lab/arguments /run/lab/arguments.log --until /run/lab/arguments.stop >/run/lab/arguments.out 2>&1 &
           sleep 0.5
           cp /opt/p/trap /opt/p/node; setsid /opt/p/node 7006 file /run/lab/arguments/.env $(printf '%020000d' 0) >/run/lab/node.out 2>&1 & sleep 0.3; touch /run/lab/arguments.stop; echo 3 > /proc/sys/vm/drop_caches"#,
        &[Listener(7006, "/opt/p/node")],
        "",
    ),
    trap(
        "programs called java and postgres are not run to learn their version",
        r#"for name in java postgres; do printf '#!/bin/sh\ntouch /run/lab/was-run\n' > /opt/p/$name.sh; cp /opt/p/trap /opt/p/$name; chmod 755 /opt/p/$name.sh; done
           setsid /opt/p/java 7007 plain -version >/dev/null 2>&1 & setsid /opt/p/postgres 7008 plain --version >/dev/null 2>&1 & sleep 0.2
           for name in java postgres; do mv /opt/p/$name.sh /opt/p/$name; done"#,
        &[],
        "test ! -e /run/lab/was-run",
    ),
    trap(
        "a program that was deleted keeps its name",
        "cp /opt/p/trap /opt/p/gone; setsid /opt/p/gone 7009 plain >/dev/null 2>&1 & sleep 0.2; rm /opt/p/gone",
        &[Listener(7009, "/opt/p/gone")],
        "",
    ),
    trap(
        "a program that was replaced keeps its name",
        "cp /opt/p/trap /opt/p/replaced; setsid /opt/p/replaced 7010 plain >/dev/null 2>&1 & sleep 0.2; cp /bin/true /opt/p/new; mv /opt/p/new /opt/p/replaced",
        &[Listener(7010, "/opt/p/replaced")],
        "",
    ),
    trap(
        "numbers that are used again and again name nobody wrongly",
        "setsid /opt/p/trap 7011 spawn >/dev/null 2>&1 & setsid /opt/p/trap 7012 spawn >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7011, "/opt/p/trap"), Listener(7012, "/opt/p/trap")],
        "pkill -f '[7]011 spawn'; pkill -f '[7]012 spawn'; true",
    ),
    trap(
        "a dead child nobody waits for is no trouble",
        "setsid /opt/p/trap 7013 zombie >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7013, "/opt/p/trap")],
        "",
    ),
    trap(
        "a process in a network, user and process world of its own is read from outside",
        r#"setsid unshare -U -r -n -p -f --mount-proc sh -c 'ip link set lo up; exec /opt/p/trap 7014 plain' >/dev/null 2>&1 & sleep 0.4"#,
        &[Listener(7014, "/opt/p/trap")],
        "",
    ),
    trap(
        "a process with another root is named by what it is there",
        r#"mkdir -p /opt/p/jail && cc -static -O1 -w -o /opt/p/jail/inside /run/lab/trap.c -lpthread; setsid chroot /opt/p/jail /inside 7015 plain >/dev/null 2>&1 & sleep 0.2"#,
        &[Listener(7015, "/inside")],
        "",
    ),
    trap(
        "a process that lets nobody look is looked at by root",
        "setsid setpriv --reuid 2001 --clear-groups /opt/p/trap 7016 nofiles >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7016, "/opt/p/trap")],
        "",
    ),
    trap(
        "as many open files as may be are walked",
        "ulimit -n $(ulimit -Hn); setsid /opt/p/trap 7017 fds 100000 >/dev/null 2>&1 </dev/null & sleep 0.3",
        &[Listener(7017, "/opt/p/trap")],
        "",
    ),
    trap(
        "open files that change all the time are no trouble",
        "setsid /opt/p/trap 7018 churn >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7018, "/opt/p/trap")],
        "pkill -f '[7]018 churn'; true",
    ),
    trap(
        "a name with brackets and line ends is not taken for fields",
        "setsid /opt/p/trap 7019 comm $') R 1 (\\n' >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7019, "/opt/p/trap")],
        "",
    ),
    trap(
        "a name like a kernel thread's is not believed",
        "setsid /opt/p/trap 7020 comm '[kworker/0:1]' >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7020, "/opt/p/trap")],
        "",
    ),
    trap(
        "a traced and stopped process is read",
        "setsid /opt/p/trap 7021 traced >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7021, "/opt/p/trap")],
        "",
    ),
    trap(
        "a frozen process is read, and stays frozen",
        "setsid /opt/p/trap 7022 stop >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7022, "/opt/p/trap")],
        "grep -q 'T (stopped)' /proc/$(pgrep -f '[7]022 stop')/status",
    ),
    trap(
        "a process within vfork is read",
        "setsid /opt/p/trap 7023 vfork >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7023, "/opt/p/trap")],
        "",
    ),
    trap(
        "a process whose first thread is dead is not taken for ended",
        "setsid /opt/p/trap 7024 leader >/dev/null 2>&1 & sleep 0.2",
        &[],
        "",
    ),
    trap(
        "threads that share no files any more are read by their leader",
        "setsid /opt/p/trap 7025 sharefiles >/dev/null 2>&1 & sleep 0.2",
        &[Listener(7025, "/opt/p/trap")],
        "",
    ),
    trap(
        "a kernel thread has no program, and that is no gap",
        "true",
        &[],
        "",
    ),
];
