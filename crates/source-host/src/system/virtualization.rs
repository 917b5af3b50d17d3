//! What the machine runs in, told without root and without asking the processor. Pure.

use crate::text::{lossy, words};

/// The signs a look gathers; each may be absent.
#[derive(Clone, Default, Debug)]
pub(crate) struct Signs {
    /// `/run/systemd/container`: what started the container says so.
    pub(crate) container_word: Option<String>,
    /// `/.dockerenv` or `/run/.containerenv` stands there.
    pub(crate) container_mark: bool,
    /// `/proc/1/cgroup`.
    pub(crate) first_cgroup: String,
    /// `/proc/self/mountinfo`.
    pub(crate) mounts: Vec<u8>,
    /// `/sys/class/dmi/id/sys_vendor`.
    pub(crate) vendor: String,
    /// `/sys/class/dmi/id/product_name`.
    pub(crate) product: String,
    /// `/sys/class/dmi/id/bios_vendor`.
    pub(crate) firmware: String,
    /// `/sys/hypervisor/type`, unless this is Xen's own first domain.
    pub(crate) hypervisor: String,
    /// Clock sources the kernel offers.
    pub(crate) clocks: String,
    /// The processor says it is not alone (`hypervisor` among its flags).
    pub(crate) hypervisor_flag: bool,
    /// A virtio device is on the bus.
    pub(crate) virtio: bool,
}

/// True if the machine shares its kernel with others.
pub(crate) fn in_container(signs: &Signs) -> bool {
    let word = signs
        .container_word
        .as_deref()
        .is_some_and(|word| word != "none");
    let cgroup = [
        "/docker/",
        "/docker-",
        "/libpod",
        "/kubepods",
        "/lxc/",
        "/lxc.payload",
        "/machine.slice/",
        "/crio-",
        "/garden/",
    ]
    .iter()
    .any(|mark| signs.first_cgroup.contains(mark));
    // An image unpacked onto a disk of its own keeps the mark of the container it was built in.
    word || cgroup
        || mounted(&signs.mounts, b"fuse.lxcfs")
        || (signs.container_mark && !owns_its_root(&signs.mounts))
}

/// The virtualisation in one word, or `None` on bare metal.
pub(crate) fn kind(signs: &Signs) -> Option<&'static str> {
    if in_container(signs) {
        return Some("container");
    }
    of_firmware(signs).or_else(|| of_kernel(signs))
}

fn of_firmware(signs: &Signs) -> Option<&'static str> {
    let is = |text: &str, start: &str| text.starts_with(start);
    let (vendor, product, firmware) = (
        signs.vendor.as_str(),
        signs.product.as_str(),
        signs.firmware.as_str(),
    );
    match () {
        () if is(vendor, "VMware") || is(product, "VMware") => Some("vmware"),
        () if is(vendor, "innotek") || is(product, "VirtualBox") => Some("virtualbox"),
        () if is(vendor, "Microsoft Corporation") && is(product, "Virtual Machine") => {
            Some("hyper-v")
        }
        () if is(vendor, "Xen") => Some("xen"),
        () if is(vendor, "Amazon EC2") && !product.ends_with(".metal") => Some("kvm"),
        () if is(vendor, "Parallels") => Some("parallels"),
        () if is(vendor, "Nutanix") && is(product, "AHV") => Some("kvm"),
        () if is(firmware, "BHYVE") || is(product, "BHYVE") => Some("bhyve"),
        // QEMU without KVM looks the same in the firmware; the kernel's clock tells.
        () if [
            "QEMU",
            "KVM",
            "Red Hat",
            "OpenStack",
            "Google",
            "DigitalOcean",
            "Hetzner",
            "Alibaba Cloud",
            "Bochs",
        ]
        .iter()
        .any(|v| is(vendor, v))
            && (signs.hypervisor_flag || signs.virtio || signs.clocks.contains("kvm-clock")) =>
        {
            Some(
                if is(vendor, "QEMU") && !signs.clocks.contains("kvm-clock") {
                    "qemu"
                } else {
                    "kvm"
                },
            )
        }
        () => None,
    }
}

fn of_kernel(signs: &Signs) -> Option<&'static str> {
    let clock = |mark: &str| words(signs.clocks.as_bytes()).any(|c| c.starts_with(mark.as_bytes()));
    match () {
        () if signs.hypervisor == "xen" => Some("xen"),
        () if clock("hyperv") => Some("hyper-v"),
        () if clock("kvm-clock") => Some("kvm"),
        () if signs.hypervisor_flag => Some("unknown-hypervisor"),
        () => None,
    }
}

/// True if `/proc/cpuinfo` shows the `hypervisor` flag.
pub(crate) fn hypervisor_flag(cpuinfo: &[u8]) -> bool {
    let flags = cpuinfo
        .split(|b| *b == b'\n')
        .find(|line| line.starts_with(b"flags"));
    flags.is_some_and(|line| words(line).any(|word| word == b"hypervisor"))
}

fn mounted(mountinfo: &[u8], kind: &[u8]) -> bool {
    mountinfo
        .split(|b| *b == b'\n')
        .any(|line| words(line).skip_while(|w| *w != b"-").nth(1) == Some(kind))
}

/// True if the root directory is the top of a block device: nobody gave us a part of theirs.
fn owns_its_root(mountinfo: &[u8]) -> bool {
    mountinfo.split(|b| *b == b'\n').any(|line| {
        let columns: Vec<&[u8]> = words(line).take(5).collect();
        let top =
            columns.get(3) == Some(&b"/".as_slice()) && columns.get(4) == Some(&b"/".as_slice());
        let device = words(line).skip_while(|w| *w != b"-").nth(2);
        top && device.is_some_and(|d| lossy(d).starts_with("/dev/"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERLAY: &[u8] = b"900 800 0:77 / / rw,relatime - overlay overlay rw,lowerdir=/x\n";
    const OWN_DISK: &[u8] = b"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n";

    #[test]
    fn a_container_is_known_by_any_strong_mark() {
        let lxc = Signs {
            container_word: Some("lxc".into()),
            ..Signs::default()
        };
        let pod = Signs {
            first_cgroup: "0::/kubepods/besteffort/pod1/abc".into(),
            ..Signs::default()
        };
        let podman = Signs {
            container_mark: true,
            mounts: OVERLAY.to_vec(),
            ..Signs::default()
        };
        for signs in [lxc, pod, podman] {
            assert_eq!(kind(&signs), Some("container"));
        }
    }

    #[test]
    fn an_image_with_a_disk_of_its_own_is_no_container() {
        let signs = Signs {
            container_mark: true,
            mounts: OWN_DISK.to_vec(),
            clocks: "tsc kvm-clock".into(),
            hypervisor_flag: true,
            ..Signs::default()
        };
        assert_eq!(kind(&signs), Some("kvm"));
    }

    #[test]
    fn bare_metal_is_nothing_in_particular() {
        let signs = Signs {
            vendor: "Dell Inc.".into(),
            product: "PowerEdge R740".into(),
            clocks: "tsc hpet acpi_pm".into(),
            ..Signs::default()
        };
        assert_eq!(kind(&signs), None);
        let metal = Signs {
            vendor: "Amazon EC2".into(),
            product: "m5.metal".into(),
            ..Signs::default()
        };
        assert_eq!(kind(&metal), None);
        let maker_of_tablets = Signs {
            vendor: "Microsoft Corporation".into(),
            product: "Surface Pro".into(),
            ..Signs::default()
        };
        assert_eq!(kind(&maker_of_tablets), None);
    }

    #[test]
    fn each_hypervisor_is_told_by_its_firmware_or_its_clock() {
        let firmware = |vendor: &str, product: &str| {
            kind(&Signs {
                vendor: vendor.into(),
                product: product.into(),
                hypervisor_flag: true,
                clocks: "tsc kvm-clock".into(),
                ..Signs::default()
            })
        };
        assert_eq!(firmware("VMware, Inc.", "VMware7,1"), Some("vmware"));
        assert_eq!(
            firmware("Microsoft Corporation", "Virtual Machine"),
            Some("hyper-v")
        );
        assert_eq!(
            firmware("QEMU", "Standard PC (Q35 + ICH9, 2009)"),
            Some("kvm")
        );
        assert_eq!(firmware("Red Hat", "KVM"), Some("kvm"));
        let emulated = Signs {
            vendor: "QEMU".into(),
            hypervisor_flag: true,
            clocks: "tsc hpet".into(),
            ..Signs::default()
        };
        assert_eq!(kind(&emulated), Some("qemu"));
        assert_eq!(
            kind(&Signs {
                clocks: "hyperv_clocksource_tsc_page acpi_pm".into(),
                ..Signs::default()
            }),
            Some("hyper-v")
        );
        assert_eq!(
            kind(&Signs {
                hypervisor_flag: true,
                ..Signs::default()
            }),
            Some("unknown-hypervisor")
        );
    }

    #[test]
    fn the_flag_is_a_word_of_its_own() {
        assert!(hypervisor_flag(
            b"processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n"
        ));
        assert!(!hypervisor_flag(
            b"processor\t: 0\nflags\t\t: fpu hypervisor2\nmodel name : hypervisor\n"
        ));
    }
}
