//! What the words of firmware mean: which are junk, and what the machine runs in.

pub(crate) use groma_model::smbios::text as meant;

use crate::Key;

use super::smbios::Firmware;

/// A UUID, also in the braces of a GUID; what stands in many machines is none.
pub(crate) fn uuid(text: &str) -> Option<String> {
    groma_model::smbios::uuid(text.trim().trim_matches(['{', '}']))
}

/// Fills what the table left open from the registry, where Windows writes some of it at each start
/// (`HKLM\HARDWARE\DESCRIPTION\System\BIOS`).
pub(crate) fn completed(mut found: Firmware, written: &Key) -> Firmware {
    let fill = |place: &mut Option<String>, name: &str| {
        if place.is_none() {
            *place = written.text(name).map(str::to_owned);
        }
    };
    fill(&mut found.vendor, "BIOSVendor");
    fill(&mut found.version, "BIOSVersion");
    fill(&mut found.date, "BIOSReleaseDate");
    fill(&mut found.maker, "SystemManufacturer");
    fill(&mut found.product, "SystemProductName");
    found
}

/// True on a guest of Hyper-V, of a house's own or of Azure; not on a tablet of the same maker.
pub(crate) fn is_hyper_v(found: &Firmware) -> bool {
    let begins = |text: &Option<String>, start: &str| {
        text.as_deref().is_some_and(|text| text.starts_with(start))
    };
    begins(&found.maker, "Microsoft Corporation") && begins(&found.product, "Virtual Machine")
}

/// The virtualisation in one word, or `None` on bare metal. A maker that also sells real machines counts only with the
/// product it gives its guests.
pub(crate) fn virtualization(found: &Firmware) -> Option<&'static str> {
    let [maker, product, firmware] = [&found.maker, &found.product, &found.vendor]
        .map(|text| text.as_deref().unwrap_or_default());
    let is = |text: &str, starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    match () {
        () if is(maker, &["VMware"]) || is(product, &["VMware"]) => Some("vmware"),
        () if is(maker, &["innotek"]) || is(product, &["VirtualBox"]) => Some("virtualbox"),
        () if is_hyper_v(found) => Some("hyper-v"),
        () if is(maker, &["Xen"]) || is(product, &["HVM domU"]) => Some("xen"),
        () if is(maker, &["Amazon EC2"]) && !product.ends_with(".metal") => Some("kvm"),
        () if is(maker, &["Parallels"]) => Some("parallels"),
        () if is(maker, &["Nutanix"]) && is(product, &["AHV"]) => Some("kvm"),
        () if is(firmware, &["BHYVE"]) || is(product, &["BHYVE"]) => Some("bhyve"),
        // Windows is not run on the emulator alone, which looks the same.
        () if is(maker, &["QEMU", "Bochs", "Red Hat", "oVirt", "OpenStack"]) => Some("kvm"),
        () if is(
            product,
            &["KVM", "RHEV", "OpenStack", "Google Compute Engine"],
        ) =>
        {
            Some("kvm")
        }
        () if is(product, &["Alibaba Cloud ECS", "Droplet", "vServer"]) => Some("kvm"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(maker: &str, product: &str) -> Option<&'static str> {
        virtualization(&Firmware {
            maker: Some(maker.into()),
            product: Some(product.into()),
            ..Firmware::default()
        })
    }

    #[test]
    fn each_platform_is_told_by_maker_or_product() {
        for (maker, product, word) in [
            ("VMware, Inc.", "VMware20,1", "vmware"),
            ("Microsoft Corporation", "Virtual Machine", "hyper-v"),
            ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "kvm"),
            ("Red Hat", "KVM", "kvm"),
            ("Google", "Google Compute Engine", "kvm"),
            ("Xen", "HVM domU", "xen"),
            ("innotek GmbH", "VirtualBox", "virtualbox"),
            ("Nutanix", "AHV", "kvm"),
            ("Amazon EC2", "m5.large", "kvm"),
        ] {
            assert_eq!(of(maker, product), Some(word), "{maker} {product}");
        }
    }

    #[test]
    fn a_machine_of_metal_runs_in_nothing() {
        for (maker, product) in [
            ("Dell Inc.", "PowerEdge R740"),
            ("Microsoft Corporation", "Surface Pro 9"),
            ("Google", "Chromebox"),
            ("Amazon EC2", "m5.metal"),
            ("Nutanix", "NX-3060-G7"),
            ("", ""),
        ] {
            assert_eq!(of(maker, product), None, "{maker} {product}");
        }
    }

    #[test]
    fn junk_is_no_serial_number_and_no_uuid() {
        for junk in [
            "To Be Filled By O.E.M.",
            "Default string",
            "0000-0000",
            "None",
            "",
            "....",
        ] {
            assert_eq!(meant(junk), None, "{junk}");
        }
        assert_eq!(meant(" ABC-1 ").as_deref(), Some("ABC-1"));
        assert_eq!(uuid("00000000-0000-0000-0000-000000000000"), None);
        assert_eq!(uuid("4c4c4544"), None);
        assert_eq!(
            uuid("{4C4C4544-004D-3510-8052-B4C04F4A3332}").as_deref(),
            Some("4c4c4544-004d-3510-8052-b4c04f4a3332")
        );
    }
}
