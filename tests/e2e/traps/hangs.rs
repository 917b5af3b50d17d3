//! What does hang, because no table says beforehand that it will: the look ends all the same, and names it.

use std::time::Duration;

use groma_model::batch::Said;
use groma_model::{CoverageState, Gap, Reason};
use groma_tests::Machine;

use super::{Expect, Look, machine};

const BESIDE: &str =
    "mkdir -p /opt/zz && echo DATABASE_URL=postgresql://u@good.corp.example/x > /opt/zz/.env";

/// The file systems below are gone from the mount table before the look begins, so that nothing warns of them.
fn answerless(machine: &Machine, name: &str) {
    machine.shell(&format!(
        "mkdir -p /run/lab/{name}; rm -f /run/lab/stop-{name}
         python3 /run/lab/answerless.py fuse /run/lab/{name} /run/lab/{name}.log --until /run/lab/stop-{name} >/run/lab/{name}.out 2>&1 &
         echo $! > /run/lab/{name}.pid; for n in $(seq 50); do grep -q ready /run/lab/{name}.out && break; sleep 0.1; done; grep -q ready /run/lab/{name}.out"
    ));
}

/// The look ended in time: one source hung and was given up, whoever came later passed the place over, each with a gap
/// of its own, and everything else is as ever.
fn ends_and_names(look: &Look, path: &str) {
    assert_eq!(look.code, 0, "{}", look.stderr);
    let about: Vec<_> = look
        .gaps()
        .filter(|(_, gap)| gap.what.contains(path) || gap.scope.as_str().contains(path))
        .collect();
    let is_of_a_source = |gap: &Gap| gap.scope.as_str().starts_with("source:");
    let (hung, passed): (Vec<&(&str, &Gap)>, Vec<_>) =
        about.iter().partition(|(_, gap)| is_of_a_source(gap));
    assert_eq!(hung.len(), 1, "one hangs: {about:?}");
    assert!(!passed.is_empty(), "nobody passes it over: {about:?}");
    let most = Duration::from_secs(40);
    assert!(look.took < most, "it took {:?}: {about:?}", look.took);
    for (source, gap) in &about {
        assert_eq!(gap.reason, Reason::TimedOut, "{source}: {gap:?}");
    }
    let covered = |source: &str, state: Option<CoverageState>| {
        look.records.iter().any(|r| {
            r.source.as_str() == source
                && matches!(&r.said, Said::Covered(c) if state.is_none_or(|s| s == c.state))
        })
    };
    assert!(
        !covered(hung[0].0, None),
        "{} keeps its coverage",
        hung[0].0
    );
    for (source, _) in &passed {
        let partial = Some(CoverageState::Partial);
        assert!(
            covered(source, partial),
            "{source} calls everything complete"
        );
    }
    assert!(
        covered("host.units", None),
        "the sources beside it were lost"
    );
}

#[test]
fn an_overlay_whose_lower_layer_no_longer_answers_costs_one_gap_and_not_the_look() {
    let Some(machine) = machine() else { return };
    machine.shell(BESIDE);
    answerless(&machine, "below");
    machine.shell(
        "mkdir -p /opt/app /run/lab/empty && mount -t overlay overlay -o lowerdir=/run/lab/below:/run/lab/empty /opt/app
         umount -l /run/lab/below; touch /run/lab/stop-below",
    );
    let look = Look::at(&machine, "--for 0s --deadline 8s");
    machine.shell("kill $(cat /run/lab/below.pid); umount -l /opt/app");
    ends_and_names(&look, "/opt/app");
    let left = machine.try_shell("sleep 1; pgrep -f look-apart");
    assert_eq!(left.stdout.trim(), "", "a child was left behind");
}

/// Reading a disk whose image does not answer hangs in the kernel where no signal reaches.
#[test]
fn a_disk_image_that_no_longer_answers_costs_one_gap_and_its_reader_is_left_behind() {
    let Some(machine) = machine() else { return };
    machine.shell(BESIDE);
    machine.shell(
        "truncate -s 16M /run/lab/image && mke2fs -q -F -t ext4 -O ^has_journal /run/lab/image && mkdir -p /run/lab/fill && mount -o loop /run/lab/image /run/lab/fill
         for n in $(seq 50); do mkdir -p /run/lab/fill/d$n; head -c 40k /dev/urandom | base64 > /run/lab/fill/d$n/application.conf; echo DATABASE_URL=postgresql://u@image$n.corp.example/x >> /run/lab/fill/d$n/application.conf; done
         umount /run/lab/fill",
    );
    answerless(&machine, "image-below");
    let mounted = machine.try_shell(
        "mkdir -p /opt/image && losetup -r /dev/loop6 /run/lab/image-below/image && mount -o ro,noload /dev/loop6 /opt/image || mount -o ro /dev/loop6 /opt/image
         umount -l /run/lab/image-below; echo 3 > /proc/sys/vm/drop_caches; touch /run/lab/stop-image-below",
    );
    if mounted.code != 0
        || !machine
            .try_shell("mountpoint -q /opt/image")
            .stdout
            .is_empty()
    {
        groma_tests::skip("a loop device over a file system of a program cannot be made here");
        return;
    }
    let look = Look::at(&machine, "--for 0s --deadline 8s");
    let reader = machine.try_shell("cat /proc/[0-9]*/stat | grep -c ') D ' || true");
    // The daemon goes, its requests fail, and whoever waited for them is let go.
    machine.try_shell("kill -9 $(cat /run/lab/image-below.pid); sleep 1; umount -l /opt/image; losetup -d /dev/loop6");
    assert_ne!(reader.stdout.trim(), "0", "nothing hung in the kernel");
    ends_and_names(&look, "/opt/image");
}

/// Reading the arguments of such a process waits for a lock it holds: `ps` hangs on it.
#[test]
fn a_process_that_hangs_with_its_memory_locked_costs_the_name_of_its_script_alone() {
    let Some(machine) = machine() else { return };
    machine.shell("mkdir -p /opt/p && cc -O1 -w -o /opt/p/trap /run/lab/trap.c -lpthread && cp /opt/p/trap /opt/p/python3");
    answerless(&machine, "memory");
    let planted = machine.try_shell(
        "setsid /opt/p/trap 7032 plain >/dev/null 2>&1 &
         setsid /opt/p/python3 7031 locked /run/lab/memory/.env /run/lab/stop-memory >/run/lab/locked.out 2>&1 & echo $! > /run/lab/locked.pid
         for n in $(seq 100); do grep -q dirty /run/lab/locked.out && break; sleep 0.1; done; touch /run/lab/stop-memory
         for n in $(seq 100); do grep -q 'State:.D' /proc/$(cat /run/lab/locked.pid)/status && exit; sleep 0.1; done; exit 77",
    );
    if planted.code == 77 {
        groma_tests::skip("a process cannot be made to hang with its memory locked here");
        return;
    }
    let look = Look::at(
        &machine,
        "--for 1s --deadline 30s --source host.sockets --source host.flows --source host.forwards",
    );
    machine.try_shell(
        "kill -9 $(cat /run/lab/memory.pid); sleep 1; kill -9 $(cat /run/lab/locked.pid)",
    );
    assert_eq!(look.code, 0, "{}", look.stderr);
    assert!(look.took < Duration::from_secs(60), "{:?}", look.took);
    for expect in [
        Expect::Listener(7031, "/opt/p/python3"),
        Expect::Listener(7032, "/opt/p/trap"),
    ] {
        assert_eq!(look.lacks(expect), None);
    }
    let gaps: Vec<_> = look.gaps().collect();
    let scripts = gaps.iter().filter(|(source, gap)| {
        *source == "host.sockets" && gap.reason == Reason::TimedOut && gap.what.contains("scripts")
    });
    assert_eq!(scripts.count(), 1, "{gaps:?}");
    let lost = gaps
        .iter()
        .any(|(_, gap)| gap.scope.as_str().starts_with("source:"));
    assert!(!lost, "a whole source was lost: {gaps:?}");
}

/// A list of the networks of a country, as firewalls hold them: what is not told is not fetched either.
#[test]
fn a_packet_filter_with_a_hundred_thousand_addresses_is_read_up_to_a_bound() {
    let Some(machine) = machine() else { return };
    machine.shell(
        r#"python3 -c '
print("table ip guard { set country { type ipv4_addr; elements = {")
print(",".join(f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in range(100_000)))
print("}; }; chain input { type filter hook input priority 0; ip saddr @country drop; ip saddr 192.0.2.9 drop; }; }")' > /run/lab/country.nft
           nft -f /run/lab/country.nft"#,
    );
    let look = Look::at(&machine, "--for 0s --source host.ruleset");
    assert_eq!(look.code, 0, "{}", look.stderr);
    let gaps: Vec<_> = look.gaps().collect();
    let [(_, gap)] = gaps.as_slice() else {
        panic!("one gap, not {gaps:?}");
    };
    assert_eq!(gap.reason, Reason::BudgetExhausted);
    assert!(gap.what.contains("1 large sets"), "{gap:?}");
    let said: Vec<String> = look.facts().map(groma_model::Fact::says).collect();
    assert!(
        said.iter().any(|line| line.contains("192.0.2.9")),
        "{said:?}"
    );
}
