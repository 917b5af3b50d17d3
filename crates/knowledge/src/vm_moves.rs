//! What stands in the way of a guest that is to move, and what each platform takes. The words are `data/vm_moves.toml`.

use std::sync::LazyLock;

use groma_model::inventory::LINK_SHARES;
use groma_model::virtualization::{
    Blocker, BlockerSeverity, DiskFormat, DiskMode, Guest, GuestSort, MoveWay, PassthroughSort,
    PlatformKind, Power, Way,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: u32,
    rule: Vec<Rule>,
    target: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    severity: BlockerSeverity,
    because: String,
    remedy: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    platform: PlatformKind,
    /// As disks are written there, the usual first.
    formats: Vec<String>,
    #[serde(default)]
    disk_gib_max: Option<u64>,
    #[serde(default)]
    disks_max: Option<usize>,
    /// Where that was read.
    source: String,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/vm_moves.toml"))
        .expect("data/vm_moves.toml is compiled in and a test parses it")
});

const GIB: u64 = 1 << 30;
/// A name list of a blocker ends here.
const NAMES_MAX: usize = 8;

/// What stands in the way of `guest`, the gravest first. What its platform does not tell stands in nobody's way; a template
/// never runs, and has none.
pub fn blockers(guest: &Guest) -> Vec<Blocker> {
    if guest.sort == GuestSort::Template {
        return Vec::new();
    }
    let mut all: Vec<Blocker> = found(guest)
        .into_iter()
        .filter_map(|(rule, what)| blocker(rule, &what))
        .collect();
    all.sort();
    all
}

/// A blocker by its rule; `None` for one the file does not know.
pub fn blocker(rule: &str, what: &str) -> Option<Blocker> {
    let rule = FILE.rule.iter().find(|known| known.name == rule)?;
    Some(Blocker {
        severity: rule.severity,
        rule: rule.name.clone(),
        what: what.to_owned(),
        because: rule.because.clone(),
        remedy: rule.remedy.clone(),
    })
}

/// What to do about what a rule says.
pub fn remedy(rule: &str) -> Option<&'static str> {
    let rule = FILE.rule.iter().find(|known| known.name == rule)?;
    Some(&rule.remedy)
}

/// Where what a platform takes was read.
pub fn source(platform: PlatformKind) -> Option<&'static str> {
    let target = FILE
        .target
        .iter()
        .find(|target| target.platform == platform)?;
    Some(&target.source)
}

/// The names of rules that apply, and to what.
fn found(guest: &Guest) -> Vec<(&'static str, String)> {
    let mut found = disks(guest);
    found.extend(devices(guest));
    found.extend(settings(guest));
    found.extend(from_inside(guest));
    found
}

fn disks(guest: &Guest) -> Vec<(&'static str, String)> {
    let named = |wanted: fn(&groma_model::virtualization::GuestDisk) -> bool| {
        listed(
            guest
                .disks
                .iter()
                .filter(|disk| wanted(disk))
                .map(|disk| disk.name.clone()),
        )
    };
    let all = [
        ("rdm_disk", named(|disk| disk.raw_device)),
        (
            "shared_disk",
            named(|disk| disk.shared && disk.mode != DiskMode::ReadOnly),
        ),
        (
            "disk_mode",
            named(|disk| {
                matches!(
                    disk.mode,
                    DiskMode::IndependentPersistent | DiskMode::IndependentNonpersistent
                )
            }),
        ),
        ("disk_encrypted", named(|disk| disk.encrypted)),
        (
            "disk_smb_path",
            named(|disk| {
                disk.path
                    .as_ref()
                    .is_some_and(|path| path.as_bytes().starts_with(br"\\"))
            }),
        ),
    ];
    present(all)
}

fn devices(guest: &Guest) -> Vec<(&'static str, String)> {
    let named = |wanted: fn(PassthroughSort) -> bool| {
        let devices = guest
            .passthrough
            .iter()
            .filter(|device| wanted(device.sort));
        listed(devices.map(|device| device.what.clone()))
    };
    let all = [
        (
            "passthrough_device",
            named(|sort| !matches!(sort, PassthroughSort::Sriov | PassthroughSort::Usb)),
        ),
        ("sriov_device", named(|sort| sort == PassthroughSort::Sriov)),
        ("usb_controller", named(|sort| sort == PassthroughSort::Usb)),
        ("media", listed(guest.media.iter().map(ToString::to_string))),
    ];
    present(all)
}

fn settings(guest: &Guest) -> Vec<(&'static str, String)> {
    let said = |holds: bool, what: &str| holds.then(|| what.to_owned());
    let snapshots = listed(guest.snapshots.iter().map(|snapshot| {
        let day = snapshot.taken_at.map(|at| format!(" of {}", at.day()));
        format!("{}{}", snapshot.name, day.unwrap_or_default())
    }));
    let rule = match guest.platform.kind {
        PlatformKind::HyperV => "checkpoint",
        _ => "snapshot",
    };
    let all = [
        (rule, snapshots),
        (
            "consolidation_needed",
            said(guest.consolidation_needed == Some(true), "its disks"),
        ),
        (
            "fault_tolerance",
            said(guest.fault_tolerance == Some(true), "it has a second"),
        ),
        (
            "tpm_enabled",
            said(guest.tpm == Some(true), "it has a module"),
        ),
        (
            "secure_boot",
            said(guest.secure_boot == Some(true), "it is switched on"),
        ),
        ("cpu_affinity", guest.cpu_affinity.clone()),
        ("numa_affinity", guest.numa_affinity.clone()),
        (
            "container",
            said(guest.sort == GuestSort::Container, "it is one"),
        ),
    ];
    present(all)
}

/// Only of one that runs: one that is off tells nothing.
fn from_inside(guest: &Guest) -> Vec<(&'static str, String)> {
    let machine = guest.sort == GuestSort::Machine && guest.power == Some(Power::On);
    let Some(tools) = guest.tools.as_ref().filter(|_| machine) else {
        return Vec::new();
    };
    let silent = match (tools.installed, tools.running) {
        (Some(false), _) => Some("it is not installed"),
        (_, Some(false)) => Some("it does not answer"),
        _ => None,
    };
    let answers = tools.running == Some(true);
    let nameless = guest
        .host_name
        .as_ref()
        .is_none_or(|name| name.is_loopback());
    let all = [
        ("integration_services", silent.map(str::to_owned)),
        (
            "hostname",
            (answers && nameless).then(|| "its helper answers without a name".to_owned()),
        ),
        (
            "ip_state",
            (answers && guest.addresses().next().is_none())
                .then(|| "its helper answers without an address".to_owned()),
        ),
    ];
    present(all)
}

fn present<const N: usize>(
    all: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    all.into_iter()
        .filter_map(|(rule, what)| Some((rule, what?)))
        .collect()
}

fn listed(names: impl Iterator<Item = String>) -> Option<String> {
    let mut names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    names.truncate(NAMES_MAX);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    (!names.is_empty()).then(|| names.join(", "))
}

/// What a move is reckoned from.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Load {
    /// What its disks take.
    pub bytes: Option<u64>,
    /// Bytes it writes in a day.
    pub written_per_day: Option<f64>,
    /// The line, in bits per second.
    pub link_bps: u64,
}

/// How `guest` would go to each platform, its own first. A container and a template go nowhere this way.
pub fn ways(guest: &Guest, load: Load) -> Vec<MoveWay> {
    if guest.sort != GuestSort::Machine {
        return Vec::new();
    }
    let mut all: Vec<MoveWay> = FILE
        .target
        .iter()
        .map(|target| to(target, guest, load))
        .collect();
    all.sort_by_key(|way| (way.target != guest.platform.kind, way.target));
    all
}

fn to(target: &Target, guest: &Guest, load: Load) -> MoveWay {
    let way = way(target, guest);
    let (disk_format, converts) = format(target, guest);
    MoveWay {
        target: target.platform,
        way,
        disk_format,
        converts,
        downtime_minutes: downtime(way, converts, load),
        exceeds: exceeds(target, guest),
    }
}

/// What keeps a guest from being copied while it works.
fn holds_still(guest: &Guest) -> bool {
    let said = [guest.fault_tolerance, guest.consolidation_needed];
    let bound = said.contains(&Some(true)) || !guest.passthrough.is_empty();
    let disks = guest.disks.iter();
    let mut left_out =
        disks.map(|disk| disk.raw_device || disk.shared || disk.mode != DiskMode::Dependent);
    bound || left_out.any(|left_out| left_out)
}

fn way(target: &Target, guest: &Guest) -> Way {
    let (from, to) = (guest.platform.kind, target.platform);
    // One that is off stands still anyway, and is copied once.
    if holds_still(guest) || guest.power != Some(Power::On) {
        return Way::Cold;
    }
    let is_tracked = from == PlatformKind::Vsphere && guest.changed_block_tracking == Some(true);
    match from == to && from != PlatformKind::Other {
        true => Way::Live,
        false if is_tracked => Way::Warm,
        false => Way::Cold,
    }
}

/// The format its disks keep if that platform takes it, else the usual one there.
fn format(target: &Target, guest: &Guest) -> (String, bool) {
    let mut has: Vec<&str> = guest.disks.iter().map(|disk| word(disk.format)).collect();
    has.sort_unstable();
    has.dedup();
    let taken = |format: &&str| target.formats.iter().any(|taken| taken == format);
    match has.as_slice() {
        [only] if taken(only) => ((*only).to_owned(), false),
        // A platform that writes its own format everywhere takes its own guests as they are.
        _ if guest.platform.kind == target.platform => (target.formats.join(" or "), false),
        _ => (target.formats.join(" or "), !has.is_empty()),
    }
}

fn word(format: DiskFormat) -> &'static str {
    match format {
        DiskFormat::Vmdk => "vmdk",
        DiskFormat::Qcow2 => "qcow2",
        DiskFormat::Raw => "raw",
        DiskFormat::Vhdx => "vhdx",
        DiskFormat::Vhd => "vhd",
        DiskFormat::Vdi => "vdi",
        DiskFormat::Unknown => "unknown",
    }
}

fn exceeds(target: &Target, guest: &Guest) -> Vec<String> {
    let mut exceeds = Vec::new();
    if let Some(max) = target.disks_max.filter(|max| guest.disks.len() > *max) {
        exceeds.push(format!(
            "{} disks, and at most {max} there",
            guest.disks.len()
        ));
    }
    for disk in &guest.disks {
        let size = disk.capacity_bytes.map(|bytes| bytes / GIB);
        if let (Some(size), Some(max)) = (size, target.disk_gib_max)
            && size > max
        {
            exceeds.push(format!(
                "{} of {size} GiB, and at most {max} GiB there",
                disk.name
            ));
        }
    }
    exceeds.truncate(NAMES_MAX);
    exceeds
}

/// Bytes a second that are read, rewritten in another format and written, at best and at worst.
const CONVERTS: [f64; 2] = [400e6, 100e6];
/// Minutes until it is off, started at the new place and looked at.
const ROUND: [f64; 2] = [5.0, 20.0];
/// Minutes a live move holds it up.
const BLINK: [f64; 2] = [0.0, 1.0];
/// Where nobody measured what it writes: shares of its disks in a day.
const WRITES: [f64; 2] = [0.01, 0.1];
const DAY_SECONDS: f64 = 86_400.0;

/// Minutes it stands still, low and high, in whole minutes upwards.
///
/// Cold: all of it over the line, converted where it must be, and a round of off and on. Warm: what it wrote while the last
/// copy ran, reckoned from what it writes in a day, and the same round. Live: a minute at most.
fn downtime(way: Way, converts: bool, load: Load) -> Option<[f64; 2]> {
    if way == Way::Live {
        return Some(BLINK);
    }
    let bytes = precise(load.bytes?);
    let mut minutes = [0.0; 2];
    let cases = minutes
        .iter_mut()
        .zip(LINK_SHARES)
        .zip(CONVERTS)
        .zip(ROUND)
        .zip(WRITES);
    for ((((minutes, line), rate), round), writes) in cases {
        let over = |bytes: f64| bytes * 8.0 / (precise(load.link_bps.max(1)) * line);
        let rewritten = |bytes: f64| if converts { bytes / rate } else { 0.0 };
        let moved = match way {
            Way::Warm => {
                let daily = load.written_per_day.unwrap_or(bytes * writes);
                (daily * over(bytes) / DAY_SECONDS).min(bytes)
            }
            _ => bytes,
        };
        *minutes = (round + (over(moved) + rewritten(moved)) / 60.0).ceil();
    }
    Some(minutes)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "minutes need no more than seven digits"
)]
fn precise(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::virtualization::{GuestDisk, GuestSnapshot, Passthrough, Platform, Tools};

    fn guest() -> Guest {
        Guest {
            platform: Platform {
                kind: PlatformKind::Vsphere,
                id: "vc".into(),
            },
            power: Some(Power::On),
            changed_block_tracking: Some(true),
            disks: vec![GuestDisk {
                name: "Hard disk 1".into(),
                format: DiskFormat::Vmdk,
                capacity_bytes: Some(100 * GIB),
                ..GuestDisk::default()
            }],
            ..Guest::default()
        }
    }

    fn rules(guest: &Guest) -> Vec<String> {
        blockers(guest)
            .into_iter()
            .map(|blocker| blocker.rule)
            .collect()
    }

    #[test]
    fn every_target_has_a_source_and_every_rule_its_words() {
        for target in &FILE.target {
            assert!(
                source(target.platform).is_some_and(|source| source.starts_with("https://")),
                "{:?}",
                target.platform
            );
            assert!(!target.formats.is_empty());
        }
        for rule in &FILE.rule {
            assert!(
                rule.because.ends_with('.') && rule.remedy.ends_with('.'),
                "{}",
                rule.name
            );
        }
    }

    #[test]
    fn every_rule_that_is_found_has_words_and_every_word_a_rule() {
        let mut all = guest();
        all.consolidation_needed = Some(true);
        all.fault_tolerance = Some(true);
        (all.tpm, all.secure_boot) = (Some(true), Some(true));
        (all.cpu_affinity, all.numa_affinity) = (Some("0-3".into()), Some("0".into()));
        all.media = vec!["[iso] setup.iso".into()];
        all.snapshots = vec![GuestSnapshot {
            name: "before".into(),
            ..GuestSnapshot::default()
        }];
        for sort in [
            PassthroughSort::Pci,
            PassthroughSort::Sriov,
            PassthroughSort::Usb,
        ] {
            all.passthrough.push(Passthrough {
                sort,
                what: "0000:01:00.0".into(),
            });
        }
        let disk = &mut all.disks[0];
        (disk.raw_device, disk.shared, disk.encrypted) = (true, true, true);
        (disk.mode, disk.path) = (
            DiskMode::IndependentPersistent,
            Some(r"\\nas\vm\a.vhdx".into()),
        );
        all.tools = Some(Tools {
            running: Some(true),
            ..Tools::default()
        });
        let mut met = found(&all);
        all.tools = Some(Tools {
            running: Some(false),
            ..Tools::default()
        });
        all.platform.kind = PlatformKind::HyperV;
        met.extend(found(&all));
        all.sort = GuestSort::Container;
        met.extend(found(&all));
        let met: std::collections::BTreeSet<&str> = met.iter().map(|(rule, _)| *rule).collect();
        for rule in &met {
            assert!(blocker(rule, "").is_some(), "{rule} has no words");
        }
        // What others are like counts too: these are applied where all of them are known.
        let by_others = ["host_affinity", "changed_block_tracking"];
        for rule in &FILE.rule {
            let name = rule.name.as_str();
            assert!(
                met.contains(name) || by_others.contains(&name),
                "{name} is never found"
            );
        }
    }

    #[test]
    fn what_is_not_told_or_usual_stands_in_nobodys_way() {
        assert_eq!(rules(&guest()), [""; 0]);
        assert_eq!(rules(&Guest::default()), [""; 0]);
        let mut shared = guest();
        shared.disks[0].shared = true;
        shared.disks[0].mode = DiskMode::ReadOnly;
        assert_eq!(rules(&shared), [""; 0], "nobody writes to it");
        let untracked = Guest {
            changed_block_tracking: Some(false),
            ..guest()
        };
        assert_eq!(rules(&untracked), [""; 0], "as it comes out of the box");
        let off = Guest {
            power: Some(Power::Off),
            tools: Some(Tools {
                running: Some(false),
                ..Tools::default()
            }),
            ..guest()
        };
        assert_eq!(rules(&off), [""; 0], "one that is off does not answer");
        let template = Guest {
            sort: GuestSort::Template,
            fault_tolerance: Some(true),
            ..guest()
        };
        assert_eq!(rules(&template), [""; 0]);
    }

    #[test]
    fn the_gravest_comes_first() {
        let mut both = guest();
        both.tpm = Some(true);
        both.disks[0].raw_device = true;
        assert_eq!(rules(&both), ["rdm_disk", "tpm_enabled"]);
    }

    fn way_to(guest: &Guest, target: PlatformKind, load: Load) -> MoveWay {
        let all = ways(guest, load);
        all.into_iter().find(|way| way.target == target).unwrap()
    }

    fn load() -> Load {
        Load {
            bytes: Some(100 * GIB),
            written_per_day: Some(10e9),
            link_bps: 1_000_000_000,
        }
    }

    #[test]
    fn a_move_is_live_at_home_warm_with_tracking_and_cold_elsewhere() {
        let way = |guest: &Guest, to| way_to(guest, to, load()).way;
        assert_eq!(way(&guest(), PlatformKind::Vsphere), Way::Live);
        assert_eq!(way(&guest(), PlatformKind::Proxmox), Way::Warm);
        let untracked = Guest {
            changed_block_tracking: None,
            ..guest()
        };
        assert_eq!(way(&untracked, PlatformKind::Proxmox), Way::Cold);
        for power in [Some(Power::Off), Some(Power::Suspended), None] {
            let still = Guest { power, ..guest() };
            assert_eq!(way(&still, PlatformKind::Proxmox), Way::Cold, "{power:?}");
            assert_eq!(way(&still, PlatformKind::Vsphere), Way::Cold, "{power:?}");
        }
        let mut bound = guest();
        bound.passthrough.push(Passthrough::default());
        assert_eq!(way(&bound, PlatformKind::Vsphere), Way::Cold);
    }

    #[test]
    fn downtime_is_a_range_that_grows_with_what_must_be_done() {
        let minutes = |guest: &Guest, to| way_to(guest, to, load()).downtime_minutes.unwrap();
        let untracked = Guest {
            changed_block_tracking: None,
            ..guest()
        };
        let cold = minutes(&untracked, PlatformKind::Proxmox);
        let warm = minutes(&guest(), PlatformKind::Proxmox);
        // 100 GiB over a gigabit: 16 minutes at best, 41 at worst; converted in 5 to 18; a round of 5 to 20.
        assert_eq!(cold, [25.0, 79.0]);
        assert!(warm[0] >= 5.0 && warm[1] < cold[0], "{warm:?}");
        let unmeasured = Load {
            bytes: None,
            ..load()
        };
        assert_eq!(
            way_to(&untracked, PlatformKind::Proxmox, unmeasured).downtime_minutes,
            None
        );
    }

    #[test]
    fn what_a_platform_does_not_take_is_told() {
        let mut large = guest();
        large.disks[0].capacity_bytes = Some(3 << 40);
        let to = |target| way_to(&large, target, load());
        assert_eq!(
            to(PlatformKind::Xapi).exceeds,
            ["Hard disk 1 of 3072 GiB, and at most 2040 GiB there"]
        );
        assert!(to(PlatformKind::HyperV).exceeds.is_empty());
        assert_eq!(
            (
                to(PlatformKind::HyperV).disk_format.as_str(),
                to(PlatformKind::HyperV).converts
            ),
            ("vhdx", true)
        );
        assert!(!to(PlatformKind::Vsphere).converts);
    }
}
