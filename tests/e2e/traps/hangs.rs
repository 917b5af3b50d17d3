//! What does hang, because no table says beforehand that it will: the look ends all the same, and names it.

use std::time::Duration;

use groma_model::Reason;
use groma_model::batch::Said;
use groma_tests::Machine;

use super::{Look, machine};

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

/// The look ended in time, with one gap of the source that hung, and everything else as ever.
fn ends_and_names(look: &Look, path: &str) {
    assert_eq!(look.code, 0, "{}", look.stderr);
    let inside: Vec<_> = look
        .gaps()
        .filter(|(_, gap)| gap.scope.as_str().starts_with("source:"))
        .collect();
    assert!(!inside.is_empty(), "nothing hung");
    // Each source that met it is given its deadline (8 s) and its grace, one after the other.
    let hung = u32::try_from(inside.len()).unwrap_or(u32::MAX);
    let most = Duration::from_secs(15).saturating_add(Duration::from_secs(11).saturating_mul(hung));
    assert!(look.took < most, "it took {:?} of {most:?}", look.took);
    for (source, gap) in &inside {
        assert_eq!(gap.reason, Reason::TimedOut, "{gap:?}");
        assert!(gap.what.contains(path), "{gap:?} does not name {path}");
        let covered = look
            .records
            .iter()
            .any(|r| r.source.as_str() == *source && matches!(r.said, Said::Covered(_)));
        assert!(!covered, "{source} keeps its coverage");
    }
    let mut names: Vec<_> = inside.iter().map(|(source, _)| source).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), inside.len(), "one gap each: {inside:?}");
    let others = look
        .records
        .iter()
        .any(|r| r.source.as_str() == "host.units" && matches!(r.said, Said::Covered(_)));
    assert!(others, "the sources beside it were lost");
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
