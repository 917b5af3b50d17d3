//! A virtual machine, or the template of one.

use groma_model::virtualization::{Firmware, Guest, GuestSort, Power, Tools};
use groma_model::{Fact, Foreign};

use super::answer::Object;
use super::element::Element;
use super::inventory::{Inventory, name};
use super::{device, disk, snapshot};
use crate::Read;

/// The one of all free settings that is asked for: the others may hold anything, passwords too.
const NUMA_NODES: &str = "config.extraConfig[\"numa.nodeAffinity\"]";

pub(super) const PATHS: &[&str] = &[
    "name",
    "parent",
    "parentVApp",
    "resourcePool",
    "config.uuid",
    "config.instanceUuid",
    "config.template",
    "config.guestFullName",
    "config.version",
    "config.firmware",
    "config.bootOptions",
    "config.hardware.numCPU",
    "config.hardware.numCoresPerSocket",
    "config.hardware.memoryMB",
    "config.hardware.device",
    "config.cpuAffinity",
    "config.memoryAffinity",
    "config.changeTrackingEnabled",
    "config.ftInfo",
    "config.managedBy",
    NUMA_NODES,
    "guest.hostName",
    "guest.ipAddress",
    "guest.net",
    "guest.guestFullName",
    "guest.toolsRunningStatus",
    "guest.toolsVersionStatus2",
    "guest.toolsVersion",
    "runtime.host",
    "runtime.powerState",
    "runtime.connectionState",
    "runtime.consolidationNeeded",
    "snapshot",
    "summary.storage.committed",
];

pub(super) fn read(inventory: &Inventory, object: &Object, read: &mut Read) {
    if is_of_the_platform(object) {
        return;
    }
    let state = object.text("runtime.connectionState");
    if let Some(state @ ("orphaned" | "invalid" | "inaccessible")) = state {
        let (key, name) = (&object.key, name(object).unwrap_or_default());
        read.untold.push(format!(
            "{key} ({name:?}) is {state}: its host cannot read its settings; bring its datastore back, or take it off the list"
        ));
        // A name alone would stand in the place of all that was known of it before.
        if object.value("config.hardware.device").is_none() {
            return;
        }
    }
    let guest = guest(inventory, object);
    let used: Option<f64> = object.number("summary.storage.committed");
    // It counts the files of the machine itself, and of a device of the storage none.
    let is_whole = !guest.disks.iter().any(|disk| disk.raw_device)
        && !disk::has_foreign_base(object.value("config.hardware.device"));
    let used = used.filter(|_| is_whole);
    let subject = inventory.platform.subject(&object.key);
    read.facts.push(Fact::Guest(Box::new(guest)));
    if let Some(used) = used.filter(|used| used.is_finite() && *used >= 0.0) {
        read.measured("vm_disk_used_bytes", &subject, used);
    }
}

/// True for an agent of the cluster (vCLS, since version 7.0 U1): the platform makes it, and makes it anew where it is needed.
/// What else is managed by something (an appliance, an agent of a product) is a guest like any other.
fn is_of_the_platform(object: &Object) -> bool {
    let managed = object.value("config.managedBy");
    let of = |path| managed.and_then(|managed| managed.text(path));
    // Until 8.0 U2, and since then.
    matches!(
        (of("extensionKey"), of("type")),
        (Some("com.vmware.vim.eam"), Some("cluster-agent"))
            | (Some("VirtualCenter"), Some("vcls-entity"))
    )
}

fn guest(inventory: &Inventory, object: &Object) -> Guest {
    let all = object.value("config.hardware.device");
    let devices: Vec<&Element> = all
        .map(|all| all.all("VirtualDevice").collect())
        .unwrap_or_default();
    let host = object.text("runtime.host");
    let mut guest = Guest {
        platform: inventory.platform.clone(),
        key: object.key.clone(),
        name: Foreign::from(name(object).unwrap_or_default()),
        sort: match object.truth("config.template") {
            Some(true) => GuestSort::Template,
            _ => GuestSort::Machine,
        },
        uuid: object.text("config.uuid").and_then(crate::own_uuid),
        instance_uuid: object.text("config.instanceUuid").and_then(crate::uuid),
        power: object.text("runtime.powerState").and_then(power),
        host: host.map(str::to_owned),
        folder: folder(inventory, object).map(Foreign::from),
        disks: disk::disks(&devices),
        nics: device::nics(object, &devices, &inventory.networks, host),
        passthrough: device::passthrough(&devices),
        media: device::media(&devices),
        tpm: all.map(|_| devices.iter().any(|device| device.kind == "VirtualTPM")),
        ..Guest::default()
    };
    settings(object, &mut guest);
    told_from_inside(object, &mut guest);
    kept(inventory, object, &mut guest);
    guest
}

fn power(word: &str) -> Option<Power> {
    match word {
        "poweredOn" => Some(Power::On),
        "poweredOff" => Some(Power::Off),
        "suspended" => Some(Power::Suspended),
        _ => None,
    }
}

/// Its folder, else the application or pool that people made for it.
fn folder(inventory: &Inventory, object: &Object) -> Option<String> {
    let folder = object.text("parent");
    let folder = folder.and_then(|key| inventory.folder_path(key));
    let pool = |path: &str| {
        let key = object.text(path)?;
        inventory.pool_name(key)
    };
    folder
        .or_else(|| pool("parentVApp"))
        .or_else(|| pool("resourcePool"))
}

fn settings(object: &Object, guest: &mut Guest) {
    guest.processors = object.number("config.hardware.numCPU");
    guest.cores_per_socket = object
        .number("config.hardware.numCoresPerSocket")
        .filter(|cores| *cores > 0);
    guest.memory_bytes = object
        .number::<u64>("config.hardware.memoryMB")
        .and_then(|megabytes| megabytes.checked_mul(1 << 20));
    guest.firmware = match object.text("config.firmware") {
        Some("bios") => Some(Firmware::Bios),
        Some("efi") => Some(Firmware::Efi),
        _ => None,
    };
    guest.secure_boot = object
        .value("config.bootOptions")
        .and_then(|options| options.truth("efiSecureBootEnabled"));
    guest.hardware_version = object.text("config.version").map(str::to_owned);
    guest.cpu_affinity = affinity(object, "config.cpuAffinity");
    guest.numa_affinity = nodes(object).or_else(|| affinity(object, "config.memoryAffinity"));
    // Who has no second has no such property; whose settings are hidden from us has no version either.
    let second = object.value("config.ftInfo").is_some();
    guest.fault_tolerance = guest.hardware_version.as_ref().map(|_| second);
    guest.changed_block_tracking = object.truth("config.changeTrackingEnabled");
    guest.consolidation_needed = object.truth("runtime.consolidationNeeded");
    guest.configured_os = object.text("config.guestFullName").map(str::to_owned);
}

/// An empty set binds it to nothing.
fn affinity(object: &Object, path: &str) -> Option<String> {
    let set = object.value(path)?.all("affinitySet");
    let numbers: Vec<&str> = set.filter_map(Element::own_text).collect();
    (!numbers.is_empty()).then(|| numbers.join(","))
}

fn nodes(object: &Object) -> Option<String> {
    let value = object.value(NUMA_NODES)?;
    let text = value.text("value").or_else(|| value.own_text());
    text.map(str::to_owned)
}

fn told_from_inside(object: &Object, guest: &mut Guest) {
    let host_name = object.text("guest.hostName");
    guest.host_name = host_name.and_then(groma_model::name::HostName::parse);
    guest.reported_os = object.text("guest.guestFullName").map(str::to_owned);
    let running = object.text("guest.toolsRunningStatus");
    let status = object.text("guest.toolsVersionStatus2");
    if running.is_none() && status.is_none() {
        return;
    }
    guest.tools = Some(Tools {
        installed: status.map(|status| status != "guestToolsNotInstalled"),
        running: running.map(|word| word != "guestToolsNotRunning"),
        version: object
            .text("guest.toolsVersion")
            .filter(|version| *version != "0")
            .map(str::to_owned),
        outdated: status.map(|status| {
            matches!(
                status,
                "guestToolsNeedUpgrade"
                    | "guestToolsTooOld"
                    | "guestToolsSupportedOld"
                    | "guestToolsBlacklisted"
            )
        }),
    });
}

/// What its host, its cluster and its snapshots have to do with it.
fn kept(inventory: &Inventory, object: &Object, guest: &mut Guest) {
    let tree = object.value("snapshot");
    guest.snapshots = tree.map(snapshot::snapshots).unwrap_or_default();
    let host = guest.host.as_deref();
    guest.starts_with_host = host
        .and_then(|host| inventory.starts.get(host))
        .map(|starts| starts.get(&guest.key).copied().unwrap_or(false));
    let cluster = host.and_then(|host| inventory.clusters.get(host));
    let restarts = cluster.and_then(|cluster| inventory.restarts.get(cluster));
    if guest.sort == GuestSort::Machine {
        guest.restarted_elsewhere = restarts.and_then(|restarts| restarts.of(&guest.key));
    }
}
