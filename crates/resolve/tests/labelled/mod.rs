//! 2,000 records of machines as platforms and agents tell of them, made hard to join, each with its truth.
//!
//! Twenty-three families; a record is one thing a platform tells of, or one machine an agent looks at. The
//! families are what joins of others got wrong: see `/docs/reference/platforms.md`.

use std::collections::BTreeMap;

use groma_model::fact::*;
use groma_model::virtualization::{GuestNic, GuestSort, Platform, PlatformKind, Power};

use crate::common::{Told, link};

/// Which agent's machine each guest is, by the guest's subject; `None` for one that no agent looks at.
pub(crate) type Truth = BTreeMap<String, Option<String>>;

/// The evidence, and the truth about it.
#[derive(Default)]
pub(crate) struct Labelled {
    pub(crate) told: Told,
    pub(crate) truth: Truth,
    pub(crate) records: usize,
    /// Family of each guest, for whoever reads what went wrong.
    pub(crate) family: BTreeMap<String, &'static str>,
    count: u32,
}

/// A machine from inside.
#[derive(Clone, Default)]
struct Inside {
    name: String,
    uuid: Option<String>,
    macs: Vec<String>,
    more_macs: Vec<String>,
    addresses: Vec<String>,
    in_container: bool,
    id: Option<String>,
}

impl Labelled {
    /// All families.
    pub(crate) fn all() -> Self {
        let mut set = Self::default();
        for (family, times, build) in FAMILIES {
            for _ in 0..*times {
                build(&mut set, family);
            }
        }
        set
    }

    fn next(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    fn guest(&mut self, family: &'static str, guest: Guest, is: Option<&str>) {
        let subject = guest.platform.subject(&guest.key).to_string();
        self.truth.insert(subject.clone(), is.map(str::to_owned));
        self.family.insert(subject, family);
        self.records += 1;
        self.told.say("vantage", Fact::Guest(Box::new(guest)));
    }

    fn agent(&mut self, agent: &str, inside: &Inside) {
        self.records += 1;
        let number = self.count;
        self.told.say(
            agent,
            Fact::Identity(HostIdentity {
                host_name: inside.name.as_str().into(),
                machine_id: Some(format!("machine-{number}-{agent}")),
                smbios_uuid: inside.uuid.clone(),
                macs: inside.macs.clone(),
                in_container: inside.in_container,
                guest_id: inside.id.clone(),
                ..HostIdentity::default()
            }),
        );
        let addresses: Vec<String> = inside.addresses.iter().map(|a| format!("{a}/16")).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let first = inside.macs.first().map_or("", String::as_str);
        if first.is_empty() {
            self.told.say(
                agent,
                Fact::Interface(Interface {
                    name: "eth0".into(),
                    mac: None,
                    kind: "physical".into(),
                    up: true,
                    addresses: addresses.iter().map(ToString::to_string).collect(),
                }),
            );
        } else {
            self.told
                .say(agent, link("eth0", "physical", first, &addresses));
        }
        for (at, mac) in inside
            .macs
            .iter()
            .skip(1)
            .chain(&inside.more_macs)
            .enumerate()
        {
            let name = format!("eth{}", at + 1);
            self.told.say(agent, link(&name, "physical", mac, &[]));
        }
    }
}

/// A UUID no other number has.
fn uuid(number: u32) -> String {
    let mixed = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-{:04x}-4{:03x}-8a00-{:012x}",
        mixed as u32,
        (mixed >> 32) as u16,
        number & 0xfff,
        mixed >> 16
    )
}

/// The same as the guest reads it where its platform has the first three fields in the other byte order.
fn swapped(uuid: &str) -> String {
    let bytes = |part: &str| -> String {
        let pairs: Vec<&str> = (0..part.len())
            .step_by(2)
            .map(|at| &part[at..at + 2])
            .collect();
        pairs.into_iter().rev().collect()
    };
    let parts: Vec<&str> = uuid.split('-').collect();
    format!(
        "{}-{}-{}-{}-{}",
        bytes(parts[0]),
        bytes(parts[1]),
        bytes(parts[2]),
        parts[3],
        parts[4]
    )
    .to_uppercase()
}

fn mac(number: u32, card: u8) -> String {
    let [_, b, c, d] = number.to_be_bytes();
    format!("52:54:{card:02x}:{b:02x}:{c:02x}:{d:02x}")
}

fn address(number: u32) -> String {
    format!(
        "10.{}.{}.{}",
        1 + number / 60_000,
        (number / 250) % 250,
        1 + number % 250
    )
}

fn platform(id: &str) -> Platform {
    Platform {
        kind: PlatformKind::Vsphere,
        id: id.to_owned(),
    }
}

fn nic(mac: String, addresses: &[&str]) -> GuestNic {
    GuestNic {
        name: "net0".into(),
        mac: Some(mac),
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        ..GuestNic::default()
    }
}

fn guest(number: u32) -> Guest {
    Guest {
        platform: platform("vc"),
        key: format!("vm-{number}"),
        name: format!("srv{number}").into(),
        uuid: Some(uuid(number)),
        power: Some(Power::On),
        nics: vec![nic(mac(number, 0), &[&address(number)])],
        ..Guest::default()
    }
}

fn inside(number: u32) -> Inside {
    Inside {
        name: format!("srv{number}"),
        uuid: Some(uuid(number)),
        macs: vec![mac(number, 0)],
        addresses: vec![address(number)],
        ..Inside::default()
    }
}

type Family = (&'static str, usize, fn(&mut Labelled, &'static str));

const FAMILIES: &[Family] = &[
    (
        "told its id by its host, with cards that were all replaced",
        25,
        |set, family| {
            let n = set.next();
            let hyper_v = Platform {
                kind: PlatformKind::HyperV,
                id: "hv".into(),
            };
            let told = Guest {
                platform: hyper_v,
                key: uuid(n + 500_000),
                ..guest(n)
            };
            set.guest(family, told, Some(&format!("a{n}")));
            let within = Inside {
                id: Some(uuid(n + 500_000)),
                macs: vec![mac(n, 9)],
                name: "elsewhere".into(),
                ..inside(n)
            };
            set.agent(&format!("a{n}"), &within);
        },
    ),
    ("told another id by its host", 25, |set, family| {
        let n = set.next();
        let hyper_v = Platform {
            kind: PlatformKind::HyperV,
            id: "hv".into(),
        };
        set.guest(
            family,
            Guest {
                platform: hyper_v,
                key: uuid(n + 500_000),
                ..guest(n)
            },
            None,
        );
        let within = Inside {
            id: Some(uuid(n + 600_000)),
            ..inside(n)
        };
        set.agent(&format!("a{n}"), &within);
    }),
    ("plain", 50, |set, family| {
        let n = set.next();
        set.guest(family, guest(n), Some(&format!("a{n}")));
        set.agent(&format!("a{n}"), &inside(n));
    }),
    ("the other byte order", 50, |set, family| {
        let n = set.next();
        set.guest(family, guest(n), Some(&format!("a{n}")));
        let within = Inside {
            uuid: Some(swapped(&uuid(n))),
            ..inside(n)
        };
        set.agent(&format!("a{n}"), &within);
    }),
    ("a clone that kept the UUID", 25, |set, family| {
        let (n, m) = (set.next(), set.next());
        for (one, name) in [(n, "srv"), (m, "copy")] {
            let told = Guest {
                uuid: Some(uuid(n)),
                name: format!("{name}{n}").into(),
                ..guest(one)
            };
            set.guest(family, told, Some(&format!("a{one}")));
            set.agent(
                &format!("a{one}"),
                &Inside {
                    uuid: Some(uuid(n)),
                    ..inside(one)
                },
            );
        }
    }),
    ("clones nobody renamed, with one UUID", 25, |set, family| {
        let (n, m) = (set.next(), set.next());
        for one in [n, m] {
            let told = Guest {
                uuid: Some(uuid(n)),
                name: format!("srv{n}").into(),
                ..guest(one)
            };
            set.guest(family, told, Some(&format!("a{one}")));
            let within = Inside {
                uuid: Some(uuid(n)),
                name: format!("srv{n}"),
                ..inside(one)
            };
            set.agent(&format!("a{one}"), &within);
        }
    }),
    (
        "a container with the UUID of its host",
        50,
        |set, family| {
            let n = set.next();
            let told = Guest {
                sort: GuestSort::Container,
                uuid: None,
                ..guest(n)
            };
            set.guest(family, told, Some(&format!("a{n}")));
            let within = Inside {
                uuid: Some(uuid(900_001)),
                in_container: true,
                ..inside(n)
            };
            set.agent(&format!("a{n}"), &within);
        },
    ),
    ("a service address on both", 25, |set, family| {
        let (n, m) = (set.next(), set.next());
        let service = format!("10.250.{}.{}", n / 250, 1 + n % 250);
        for one in [n, m] {
            let told = Guest {
                nics: vec![nic(mac(one, 0), &[&address(one), &service])],
                ..guest(one)
            };
            set.guest(family, told, Some(&format!("a{one}")));
            let within = Inside {
                addresses: vec![address(one), service.clone()],
                ..inside(one)
            };
            set.agent(&format!("a{one}"), &within);
        }
    }),
    ("renamed inside", 50, |set, family| {
        let n = set.next();
        let told = Guest {
            name: "Old display name (do not touch)".into(),
            ..guest(n)
        };
        set.guest(family, told, Some(&format!("a{n}")));
        set.agent(&format!("a{n}"), &inside(n));
    }),
    ("several cards, and more inside", 50, |set, family| {
        let n = set.next();
        let nics = (0..3).map(|card| nic(mac(n, card), &[])).collect();
        set.guest(family, Guest { nics, ..guest(n) }, Some(&format!("a{n}")));
        let within = Inside {
            macs: (0..3).map(|card| mac(n, card)).collect(),
            more_macs: vec![format!("02:42:ac:11:{:02x}:{:02x}", n / 256, n % 256)],
            ..inside(n)
        };
        set.agent(&format!("a{n}"), &within);
    }),
    ("known to two lone hosts after a move", 33, |set, family| {
        let n = set.next();
        for (host, power) in [("hv-a", Power::Off), ("hv-b", Power::On)] {
            let told = Guest {
                platform: platform(host),
                power: Some(power),
                ..guest(n)
            };
            set.guest(family, told, Some(&format!("a{n}")));
        }
        set.agent(&format!("a{n}"), &inside(n));
    }),
    ("no firmware that tells a UUID", 50, |set, family| {
        let n = set.next();
        set.guest(family, guest(n), Some(&format!("a{n}")));
        set.agent(
            &format!("a{n}"),
            &Inside {
                uuid: None,
                ..inside(n)
            },
        );
    }),
    ("cards the agent may not see", 50, |set, family| {
        let n = set.next();
        let told = Guest {
            nics: vec![nic(mac(n, 0), &[])],
            ..guest(n)
        };
        set.guest(family, told, Some(&format!("a{n}")));
        set.agent(
            &format!("a{n}"),
            &Inside {
                macs: Vec::new(),
                ..inside(n)
            },
        );
    }),
    (
        "one UUID, and other cards and names: its twin is nowhere told",
        50,
        |set, family| {
            let n = set.next();
            set.guest(family, guest(n), None);
            let other = set.next();
            let within = Inside {
                uuid: Some(uuid(n)),
                ..inside(other)
            };
            set.agent(&format!("a{other}"), &within);
        },
    ),
    ("one MAC address, and two UUIDs", 50, |set, family| {
        let n = set.next();
        set.guest(family, guest(n), None);
        let other = set.next();
        let within = Inside {
            macs: vec![mac(n, 0)],
            ..inside(other)
        };
        set.agent(&format!("a{other}"), &within);
    }),
    (
        "a template beside what was made of it",
        33,
        |set, family| {
            let (n, m) = (set.next(), set.next());
            set.guest(family, guest(n), Some(&format!("a{n}")));
            let template = Guest {
                sort: GuestSort::Template,
                power: Some(Power::Off),
                uuid: Some(uuid(n)),
                nics: vec![nic(mac(n, 0), &[])],
                ..guest(m)
            };
            set.guest(family, template, None);
            set.agent(&format!("a{n}"), &inside(n));
        },
    ),
    (
        "real hardware with the name of a guest elsewhere",
        50,
        |set, family| {
            let n = set.next();
            set.guest(family, guest(n), None);
            let other = set.next();
            set.agent(
                &format!("a{other}"),
                &Inside {
                    name: format!("srv{n}"),
                    ..inside(other)
                },
            );
        },
    ),
    ("without an agent", 100, |set, family| {
        let n = set.next();
        set.guest(family, guest(n), None);
    }),
    ("a card was replaced since", 50, |set, family| {
        let n = set.next();
        set.guest(family, guest(n), Some(&format!("a{n}")));
        set.agent(
            &format!("a{n}"),
            &Inside {
                macs: vec![mac(n, 9)],
                ..inside(n)
            },
        );
    }),
    ("only name and address", 50, |set, family| {
        let n = set.next();
        set.guest(
            family,
            Guest {
                uuid: None,
                ..guest(n)
            },
            Some(&format!("a{n}")),
        );
        set.agent(
            &format!("a{n}"),
            &Inside {
                macs: Vec::new(),
                uuid: None,
                ..inside(n)
            },
        );
    }),
    ("a copy kept ready, that is off", 33, |set, family| {
        let (n, m) = (set.next(), set.next());
        set.guest(family, guest(n), Some(&format!("a{n}")));
        let ready = Guest {
            key: format!("vm-{m}"),
            power: Some(Power::Off),
            nics: vec![nic(mac(n, 0), &[])],
            ..guest(n)
        };
        set.guest(family, ready, None);
        set.agent(&format!("a{n}"), &inside(n));
    }),
    (
        "the address of another one some time ago",
        50,
        |set, family| {
            let n = set.next();
            let other = set.next();
            set.guest(
                family,
                Guest {
                    nics: vec![nic(mac(n, 0), &[&address(other)])],
                    ..guest(n)
                },
                None,
            );
            set.agent(&format!("a{other}"), &inside(other));
        },
    ),
    ("hot-added card the agent has not met", 26, |set, family| {
        let n = set.next();
        let nics = vec![nic(mac(n, 0), &[&address(n)]), nic(mac(n, 7), &[])];
        set.guest(family, Guest { nics, ..guest(n) }, Some(&format!("a{n}")));
        set.agent(&format!("a{n}"), &inside(n));
    }),
];
