//! Ansible, NetBox and GLPI: what they are told of an ordinary office, and the rules of their formats.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::collections::BTreeSet;

use common::{hostile, hostile_names, office};
use serde_json::{Value, json};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn ansible_knows_machines_where_they_are_reached_and_what_they_need() {
    let read: Value = serde_saphyr::from_str(&groma_export::ansible(&office())).unwrap();
    let hosts = &read["all"]["hosts"];
    assert_eq!(
        hosts.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["dc1", "hv1", "mail1", "six"]
    );
    assert_eq!(
        hosts["mail1"],
        json!({"ansible_host": "10.0.0.5", "groma_id": "ent-mail", "groma_name": "mail1", "groma_owner": "Mail team", "groma_criticality": "high",
            "groma_needs": ["http to api.partner.example:443", "ldap-bind to dc1:389", "runs-on to hv1"]})
    );
    let children = &read["all"]["children"];
    let of = |group: &str| {
        children[group]["hosts"]
            .as_object()
            .map(|hosts| hosts.keys().cloned().collect::<Vec<_>>())
    };
    assert_eq!(of("wave_w1").unwrap(), ["dc1", "mail1"]);
    assert_eq!(of("wave_w_2").unwrap(), ["mail1"]);
    assert_eq!(of("os_linux").unwrap(), ["mail1"]);
    assert_eq!(of("system_company_mail").unwrap(), ["mail1"]);
    assert_eq!(of("site_dublin_east").unwrap().len(), 4);
    assert_eq!(
        children["site_dublin_east"]["vars"]["groma_called"],
        "Dublin (East)"
    );
}

#[test]
fn two_machines_of_one_name_and_one_called_like_a_group_are_three_hosts() {
    let mut office = office();
    office.entities[0].name = "all".to_owned();
    office.entities[1].name = "site_dublin_east".to_owned();
    office.entities[2].name = "HV1".to_owned();
    let read: Value = serde_saphyr::from_str(&groma_export::ansible(&office)).unwrap();
    let keys: Vec<&String> = read["all"]["hosts"].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 4);
    for key in ["all-", "site_dublin_east-", "HV1-", "hv1-"] {
        assert!(keys.iter().any(|k| k.starts_with(key)), "{keys:?}");
    }
}

fn list<'v>(document: &'v Value, endpoint: &str) -> Vec<&'v Value> {
    document[endpoint].as_array().unwrap().iter().collect()
}

#[test]
fn netbox_tells_devices_from_virtual_machines() {
    let document = parsed(&groma_export::netbox(&office()));
    let names = |endpoint: &str| {
        list(&document, endpoint)
            .iter()
            .map(|o| o["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("dcim/devices"), ["copier-2", "dc1", "hv1", "six"]);
    assert_eq!(names("virtualization/virtual-machines"), ["mail1"]);
    let site = json!({"slug": "dublin-east"});
    assert_eq!(
        document["virtualization/virtual-machines"][0],
        json!({"name": "mail1", "site": site, "role": {"slug": "virtual-machine"}, "status": "active", "tenant": {"slug": "mail-team"},
            "platform": {"slug": "debian-gnu-linux-12-bookworm"}, "serial": "VM-1", "description": "groma ent-mail",
            "comments": "criticality: high; also known as: mail1.corp.example", "cluster": {"name": "hv1"},
            "device": {"name": "hv1", "site": site}, "vcpus": 4, "memory": 8192})
    );
    assert_eq!(
        document["dcim/devices"][0]["device_type"],
        json!({"slug": "mp-c3003", "manufacturer": {"slug": "ricoh"}})
    );
    assert_eq!(
        document["virtualization/clusters"],
        json!([{"name": "hv1", "status": "active", "type": {"slug": "kvm"}}])
    );
    let address = list(&document, "ipam/ip-addresses")
        .into_iter()
        .find(|a| a["address"] == "10.0.0.5/24")
        .unwrap();
    assert_eq!(
        *address,
        json!({"address": "10.0.0.5/24", "status": "active", "dns_name": "mail1.corp.example", "assigned_object_type": "virtualization.vminterface",
            "assigned_object": {"virtual_machine": {"name": "mail1", "site": site}, "name": "eth0"}})
    );
    let services = list(&document, "ipam/services");
    assert!(
        services.iter().any(|s| s["name"] == "smtp-relay"
            && s["ports"] == json!([25])
            && s["protocol"] == "tcp")
    );
    assert!(
        !services.iter().any(|s| s["ports"] == json!([3306])),
        "loopback is nobody's service"
    );
}

/// What NetBox 4.6 wants of each list: the fields without which it refuses an object, and those that name one alone.
/// From the serializers and models of netbox-community/netbox at version 4.6.8.
const NETBOX: &[(&str, &[&str], &[&str])] = &[
    ("tenancy/tenants", &["name", "slug"], &["name"]),
    ("dcim/sites", &["name", "slug"], &["name"]),
    ("dcim/manufacturers", &["name", "slug"], &["name"]),
    ("dcim/device-roles", &["name", "slug"], &["name"]),
    ("dcim/platforms", &["name", "slug"], &["name"]),
    (
        "dcim/device-types",
        &["manufacturer", "model", "slug"],
        &["manufacturer", "model"],
    ),
    ("virtualization/cluster-types", &["name", "slug"], &["name"]),
    ("virtualization/clusters", &["name", "type"], &["name"]),
    (
        "dcim/devices",
        &["name", "device_type", "role", "site"],
        &["name", "site"],
    ),
    (
        "virtualization/virtual-machines",
        &["name", "site"],
        &["name", "site"],
    ),
    (
        "dcim/interfaces",
        &["device", "name", "type"],
        &["device", "name"],
    ),
    (
        "virtualization/interfaces",
        &["virtual_machine", "name"],
        &["virtual_machine", "name"],
    ),
    (
        "dcim/mac-addresses",
        &["mac_address"],
        &["mac_address", "assigned_object"],
    ),
    ("ipam/ip-addresses", &["address"], &["address"]),
    (
        "ipam/services",
        &["name", "protocol", "ports", "parent_object_type", "parent"],
        &["name", "protocol", "parent"],
    ),
];

/// The longest text of each field.
const LONGEST: &[(&str, usize)] = &[
    ("slug", 100),
    ("model", 100),
    ("serial", 50),
    ("description", 200),
    ("dns_name", 255),
];

#[test]
fn netbox_gets_what_it_wants_in_the_order_it_needs() {
    for estate in [office(), hostile(&hostile_names())] {
        let text = groma_export::netbox(&estate);
        let document = parsed(&text);
        assert_eq!(document.as_object().unwrap().len(), NETBOX.len());
        let places: Vec<usize> = NETBOX
            .iter()
            .map(|(e, ..)| text.find(&format!("\n  \"{e}\": [")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{places:?}");
        for (endpoint, required, natural) in NETBOX {
            let (mut alone, mut slugs) = (BTreeSet::new(), BTreeSet::new());
            for object in list(&document, endpoint) {
                for field in *required {
                    assert!(!object[*field].is_null(), "{endpoint} {field}: {object}");
                }
                let key: Vec<String> = natural
                    .iter()
                    .map(|field| object[*field].to_string().to_lowercase())
                    .collect();
                assert!(alone.insert(key.clone()), "{endpoint}: twice {key:?}");
                if let Some(slug) = object["slug"].as_str() {
                    assert!(
                        slug.chars()
                            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
                            && !slug.is_empty(),
                        "{slug}"
                    );
                    assert!(
                        slugs.insert(format!("{} {slug}", object["manufacturer"])),
                        "{endpoint}: {slug}"
                    );
                }
                let name = match *endpoint {
                    "dcim/devices"
                    | "virtualization/virtual-machines"
                    | "dcim/interfaces"
                    | "virtualization/interfaces" => 64,
                    _ => 100,
                };
                for (field, most) in LONGEST.iter().chain(&[("name", name)]) {
                    let length = object[*field].as_str().unwrap_or_default().chars().count();
                    assert!(length <= *most, "{endpoint} {field}: {length}");
                }
            }
        }
        refers_to_what_is_there(&document);
    }
}

/// Each reference by slug or name finds exactly one object in a list before it.
fn refers_to_what_is_there(document: &Value) {
    let refers = |field: &str| match field {
        "site" => Some("dcim/sites"),
        "tenant" => Some("tenancy/tenants"),
        "manufacturer" => Some("dcim/manufacturers"),
        "role" => Some("dcim/device-roles"),
        "platform" => Some("dcim/platforms"),
        "device_type" => Some("dcim/device-types"),
        "cluster" => Some("virtualization/clusters"),
        "device" => Some("dcim/devices"),
        "virtual_machine" => Some("virtualization/virtual-machines"),
        _ => None,
    };
    for (endpoint, ..) in NETBOX {
        for object in list(document, endpoint) {
            let within = object["assigned_object"].as_object().into_iter().flatten();
            for (field, value) in object.as_object().unwrap().iter().chain(within) {
                let Some(target) = refers(field) else {
                    continue;
                };
                let fits = |other: &&&Value| {
                    value
                        .as_object()
                        .unwrap()
                        .iter()
                        .all(|(k, v)| other[k] == *v)
                };
                assert_eq!(
                    list(document, target).iter().filter(fits).count(),
                    1,
                    "{endpoint} {field}: {value}"
                );
            }
        }
    }
}

#[test]
fn an_address_of_several_is_listed_once_and_says_whose_it_is() {
    let mut office = office();
    office.entities[1]
        .addresses
        .push("172.17.0.1".parse().unwrap());
    let document = parsed(&groma_export::netbox(&office));
    let bridge: Vec<_> = list(&document, "ipam/ip-addresses")
        .into_iter()
        .filter(|a| a["address"].as_str().unwrap().starts_with("172.17.0.1/"))
        .collect();
    assert_eq!(
        bridge,
        [
            &json!({"address": "172.17.0.1/32", "status": "active", "description": "held by 2: dc1, mail1"})
        ]
    );
    for address in list(&document, "ipam/ip-addresses") {
        let address = address["address"].as_str().unwrap();
        assert!(
            !address.starts_with("127.") && !address.starts_with("fe80"),
            "{address}"
        );
    }
}

/// Facts of `inventory.schema.json`, glpi-project/inventory_format 1.2.3: the fields of each section that we write, with
/// their JSON type, and those a row must have.
const GLPI: &[(&str, &str, &[&str])] = &[
    (
        "hardware",
        "name:s uuid:s vmsystem:s defaultgateway:s memory:i",
        &[],
    ),
    (
        "bios",
        "smanufacturer:s smodel:s ssn:s bversion:s bdate:s",
        &[],
    ),
    (
        "operatingsystem",
        "name:s full_name:s version:s kernel_name:s kernel_version:s arch:s fqdn:s dns_domain:s",
        &[],
    ),
    (
        "networks",
        "description:s ipaddress:s ipaddress6:s ipmask:s ipsubnet:s mac:s status:s type:s virtualdev:b",
        &["description"],
    ),
    ("softwares", "name:s version:s", &["name"]),
    (
        "drives",
        "letter:s type:s volumn:s filesystem:s total:i",
        &[],
    ),
    ("storages", "name:s model:s disksize:i type:s", &[]),
    ("cpus", "name:s arch:s", &[]),
    (
        "virtualmachines",
        "name:s uuid:s vmtype:s ipaddress:s",
        &["name"],
    ),
    (
        "network_device",
        "type:s name:s manufacturer:s model:s serial:s location:s mac:s ips:a",
        &["type"],
    ),
];

/// Enumerations of the same schema.
const WORDS: &[(&str, &str, &str)] = &[
    (
        "networks",
        "status",
        "up down dormant notpresent lowerlayerdown unknown testing",
    ),
    (
        "networks",
        "type",
        "ethernet wifi infiniband aggregate alias dialup loopback bridge fibrechannel bluetooth",
    ),
    (
        "network_device",
        "type",
        "Unmanaged Computer Networking Printer Storage Power Phone Video KVM",
    ),
];

#[test]
fn glpi_is_told_only_what_its_schema_knows() {
    for estate in [office(), hostile(&hostile_names())] {
        for document in parsed(&groma_export::glpi(&estate)).as_array().unwrap() {
            let fields = document.as_object().unwrap();
            for field in fields.keys() {
                assert!(
                    ["action", "deviceid", "itemtype", "content", "tag"].contains(&field.as_str()),
                    "{field}"
                );
            }
            assert_eq!(document["action"], "inventory");
            assert!(
                [
                    "Unmanaged",
                    "Computer",
                    "Phone",
                    "NetworkEquipment",
                    "Printer"
                ]
                .contains(&document["itemtype"].as_str().unwrap())
            );
            assert!(
                document["deviceid"].is_string()
                    && document["content"]["versionclient"].is_string()
            );
            for (section, rows) in document["content"]
                .as_object()
                .unwrap()
                .iter()
                .filter(|(section, _)| *section != "versionclient")
            {
                let (_, known, required) = GLPI
                    .iter()
                    .find(|(name, ..)| name == section)
                    .unwrap_or_else(|| panic!("{section}"));
                let one = [rows.clone()];
                for row in rows.as_array().map_or(&one[..], Vec::as_slice) {
                    glpi_row(section, known, required, row);
                }
            }
        }
    }
}

fn glpi_row(section: &str, known: &str, required: &[&str], row: &Value) {
    for field in required {
        assert!(row[*field].is_string(), "{section} {field}");
    }
    for (field, value) in row.as_object().unwrap() {
        let kind = match value {
            Value::String(_) => "s",
            Value::Number(number) if number.is_u64() => "i",
            Value::Bool(_) => "b",
            Value::Array(_) => "a",
            _ => "?",
        };
        assert!(
            known.split(' ').any(|one| one == format!("{field}:{kind}")),
            "{section}: {field} {value}"
        );
        if let Some((.., words)) = WORDS
            .iter()
            .find(|(of, name, _)| *of == section && name == field)
        {
            assert!(
                words.split(' ').any(|word| value == word),
                "{section} {field}: {value}"
            );
        }
    }
    if let Some(date) = row["bdate"].as_str() {
        assert!(date.len() == 10 && date.as_bytes()[4] == b'-', "{date}");
    }
}

#[test]
fn glpi_knows_the_guests_of_a_hypervisor_and_what_a_copier_is() {
    let documents = parsed(&groma_export::glpi(&office()));
    let of = |id: &str| {
        documents
            .as_array()
            .unwrap()
            .iter()
            .find(|d| d["deviceid"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(of("ent-copier")["itemtype"], "Printer");
    assert_eq!(
        of("ent-copier")["content"]["network_device"]["model"],
        "MP C3003"
    );
    assert_eq!(
        of("ent-hv")["content"]["virtualmachines"][0]["name"],
        "mail1"
    );
    let mail = of("ent-mail");
    assert_eq!(mail["content"]["hardware"]["memory"], 8192);
    assert_eq!(mail["content"]["bios"]["bdate"], "2014-04-01");
    assert!(mail["content"]["network_device"].is_null());
    assert_eq!(
        documents.as_array().unwrap().len(),
        5,
        "a certificate is no asset of its own"
    );
}
