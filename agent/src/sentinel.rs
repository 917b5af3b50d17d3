//! What was typed about standing sentinel at the address of a machine that is gone, and whether this machine may.
//!
//! Five things must hold, and each that does not is a refusal with its remedy: the ceiling file names the address; somebody put
//! it on an interface of this machine; that interface is up; this machine has another address to be known by; and no program of
//! it serves there.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use groma_model::batch::{Record, Said};
use groma_model::fact::{Interface, Listener};
use groma_model::{AgentId, Batch, Fact, SourceName};
use groma_source::World;
use groma_source::manners::Ceiling;
use groma_source_packet::sentinel::{NAME, POSTS_MAX, Post, Standing};

use crate::compose::{LookRequest, Quiet, look};
use crate::hearing::Told;
use crate::sweep::NotSafe;

/// Says what a look of a sentinel heard that did not hear all: its time proves no silence.
const NOBODY: &str = "agent.sentinel";
/// Sources that tell which addresses this machine has, and who serves at them.
const ASKED_FIRST: [&str; 2] = ["host.network", "host.sockets"];
/// Sockets of this machine that no container has for itself.
const OWN_SOCKETS: &str = "socket:host";

/// An address somebody wants to stand at, and the ports that are listened for; none for all.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Asked {
    pub(crate) address: IpAddr,
    pub(crate) ports: BTreeSet<u16>,
}

impl Asked {
    /// Reads `192.0.2.10`, `192.0.2.10:25,443`, `2001:db8::5` or `[2001:db8::5]:25`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no address of one machine; write 192.0.2.10, 192.0.2.10:25,443 or [2001:db8::5]:25"
            )
        };
        let whole = text.parse::<IpAddr>().ok().map(|address| (address, ""));
        let bracketed = || {
            let (address, ports) = text.strip_prefix('[')?.split_once("]:")?;
            Some((address.parse().ok()?, ports))
        };
        let plain = || {
            let (address, ports) = text.split_once(':')?;
            Some((address.parse().ok()?, ports))
        };
        let (address, ports): (IpAddr, &str) =
            whole.or_else(bracketed).or_else(plain).ok_or_else(wrong)?;
        let is_one = !(address.is_unspecified() || address.is_multicast() || address.is_loopback());
        let each = ports.split(',').filter(|port| !port.is_empty());
        let ports: Option<BTreeSet<u16>> = each
            .map(|port| port.parse().ok().filter(|port| *port > 0))
            .collect();
        let ports = ports.filter(|ports| is_one && (whole.is_some() || !ports.is_empty()));
        Ok(Self {
            address: address.to_canonical(),
            ports: ports.ok_or_else(wrong)?,
        })
    }
}

/// Refuses what the ceiling file does not allow, before anything is looked at.
///
/// # Errors
/// An address is not named there, there are too many, or the file cannot be believed.
pub(crate) fn permitted(asked: &[Asked], world: &World) -> Result<(), NotSafe> {
    if asked.is_empty() {
        return Ok(());
    }
    let ceiling = Ceiling::of(world.disk.as_ref())?;
    if let Some(one) = asked.iter().find(|one| !ceiling.may_stand_at(one.address)) {
        return Err(match ceiling.listening {
            true => NotSafe::NoSentinel(one.address),
            false => NotSafe::MayNotListen,
        });
    }
    match asked.len() > POSTS_MAX {
        true => Err(NotSafe::TooManyPosts(asked.len())),
        false => Ok(()),
    }
}

/// Where this machine may stand, of what was asked.
///
/// # Errors
/// As [`permitted`]; or an address is not here, is the only one, or is served at.
pub(crate) fn standing(asked: &[Asked], world: &World, apart: bool) -> Result<Standing, NotSafe> {
    permitted(asked, world)?;
    if asked.is_empty() {
        return Ok(Standing::default());
    }
    let request = LookRequest {
        sources: ASKED_FIRST.map(str::to_owned).to_vec(),
        apart,
        limit: Duration::from_secs(60),
        source_limit: Duration::from_secs(30),
        ..LookRequest::new(AgentId::new(""), Duration::ZERO)
    };
    let mut here = Here::of(&look(world, &request, &Quiet));
    let links = here.interfaces.iter_mut();
    links.for_each(|link| link.up &= !is_unplugged(link, world));
    let posts = asked.iter().map(|one| here.post(one, asked));
    Ok(Standing {
        posts: posts.collect::<Result<_, _>>()?,
        hasty: false,
    })
}

/// What this machine is, as far as it matters.
#[derive(Default)]
struct Here {
    interfaces: Vec<Interface>,
    listeners: Vec<Listener>,
}

impl Here {
    fn of(batch: &Batch) -> Self {
        let mut here = Self::default();
        for record in &batch.records {
            let Said::Saw(seen) = &record.said else {
                continue;
            };
            match &seen.fact {
                Fact::Interface(link) => here.interfaces.push(link.clone()),
                Fact::Listener(door) if seen.scope.as_str().starts_with(OWN_SOCKETS) => {
                    here.listeners.push(door.clone());
                }
                _ => {}
            }
        }
        here
    }

    fn post(&self, asked: &Asked, all: &[Asked]) -> Result<Post, NotSafe> {
        let address = asked.address;
        let on = self
            .interfaces
            .iter()
            .find(|link| link.kind != "loopback" && addresses(link).any(|own| own == address));
        let on = on.ok_or(NotSafe::NotHere(address))?;
        let interface = on.name.lossy().into_owned();
        if !on.up {
            return Err(NotSafe::Down { address, interface });
        }
        let others = self.interfaces.iter().filter(|l| l.kind != "loopback");
        let is_other = |own: &IpAddr| {
            let link_local = match own {
                IpAddr::V4(v4) => v4.is_link_local(),
                IpAddr::V6(v6) => v6.is_unicast_link_local(),
            };
            !link_local && all.iter().all(|asked| asked.address != *own)
        };
        if !others.flat_map(addresses).any(|own| is_other(&own)) {
            return Err(NotSafe::OnlyAddress(address));
        }
        if let Some(door) = self.listeners.iter().find(|door| is_taken(door, asked)) {
            return Err(NotSafe::Serves {
                address,
                what: said(door),
            });
        }
        let everywhere = self.listeners.iter().filter(|door| {
            let family = door.address.is_ipv4() == address.is_ipv4() || door.address.is_ipv6();
            door.address.is_unspecified() && family
        });
        let answered: BTreeSet<String> = everywhere.map(said).collect();
        Ok(Post {
            address,
            interface,
            ports: asked.ports.clone(),
            answered: answered.into_iter().collect(),
        })
    }
}

/// True if this program serves at that very address; or everywhere, at a port that was named.
fn is_taken(door: &Listener, asked: &Asked) -> bool {
    let is_named = door.address.is_unspecified() && asked.ports.contains(&door.port.0);
    door.address.to_canonical() == asked.address || is_named
}

fn said(door: &Listener) -> String {
    format!(
        "{}/{} ({})",
        door.port,
        door.transport,
        door.program.label()
    )
}

fn addresses(link: &Interface) -> impl Iterator<Item = IpAddr> + '_ {
    let texts = link.addresses.iter();
    texts.filter_map(|text| {
        let address = text.split('/').next().unwrap_or(text);
        Some(address.parse::<IpAddr>().ok()?.to_canonical())
    })
}

/// Gives what a sentinel said that stood nowhere, or that lost something, another name: whoever counts its looks must not count
/// this one. What it heard is told all the same.
pub(crate) fn renamed(told: &mut Told) {
    for (name, records) in &mut told.said {
        let lost = |record: &Record| matches!(record.said, Said::Missed(_));
        let is_whole = records.iter().any(is_post) && !records.iter().any(lost);
        if name.as_str() == NAME && !is_whole {
            *name = SourceName::new(NOBODY);
            let each = records.iter_mut();
            each.for_each(|record| record.source = SourceName::new(NOBODY));
        }
    }
}

/// True if this machine stood sentinel in this look, whether it heard all or not.
pub(crate) fn stood(batch: &Batch) -> bool {
    batch.records.iter().any(is_post)
}

fn is_post(record: &Record) -> bool {
    matches!(&record.said, Said::Saw(seen) if matches!(seen.fact, Fact::SentinelPost(_)))
}

/// True if the kernel says that nothing is plugged in there (`/sys/class/net`, sysfs-class-net); what it does not tell is not held
/// against it.
fn is_unplugged(link: &Interface, world: &World) -> bool {
    let name = link.name.lossy();
    let path = Path::new("/sys/class/net").join(&*name).join("carrier");
    let read = world.disk.read(&path, 16);
    !name.contains('/') && read.is_ok_and(|read| read.bytes.starts_with(b"0"))
}

#[cfg(test)]
mod tests {
    use groma_model::fact::{Program, SentinelPost};
    use groma_model::{Gap, Observation, Port, Reason, Scope, Seen, Timestamp, Transport};
    use groma_source::manners::CEILING;
    use groma_source::testing::{FakeDisk, world};

    use super::*;

    fn asked(text: &str) -> Asked {
        Asked::parse(text).unwrap()
    }

    fn here(addresses: &[&str], listeners: &[(&str, u16)]) -> Here {
        let link = |(at, address): (usize, &&str)| Interface {
            name: format!("eth{at}").as_str().into(),
            kind: "physical".to_owned(),
            addresses: vec![(*address).to_owned()],
            mac: None,
            up: true,
        };
        let door = |(address, port): &(&str, u16)| Listener {
            address: address.parse().unwrap(),
            port: Port(*port),
            transport: Transport::Tcp,
            program: Program {
                executable: Some("/usr/sbin/sshd".into()),
                ..Program::default()
            },
        };
        Here {
            interfaces: addresses.iter().enumerate().map(link).collect(),
            listeners: listeners.iter().map(door).collect(),
        }
    }

    #[test]
    fn an_address_is_read_with_and_without_ports_and_nonsense_is_refused() {
        assert!(asked("192.0.2.10").ports.is_empty());
        assert_eq!(asked("192.0.2.10:25,443").ports, [25, 443].into());
        assert!(asked("2001:db8::5").ports.is_empty());
        assert_eq!(asked("[2001:db8::5]:25").ports, [25].into());
        for wrong in [
            "",
            "mail1",
            "192.0.2.10:",
            "192.0.2.10:0",
            "192.0.2.10:x",
            "192.0.2.10:99999",
            "0.0.0.0",
            "224.0.0.1",
            "127.0.0.1",
            "192.0.2.0/24",
            "[2001:db8::5]",
            "[2001:db8::5]:",
        ] {
            assert!(Asked::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_a_line_in_the_ceiling_file_nobody_stands_anywhere_and_the_line_is_named() {
        let one = [asked("192.0.2.10")];
        let of = |text: &str| permitted(&one, &world(FakeDisk::new().file(CEILING, text)));
        for text in [
            "",
            "sentinel = [\"192.0.2.11\"]",
            "networks = [\"192.0.2.0/24\"]",
        ] {
            let said = of(text).unwrap_err().to_string();
            assert!(
                said.contains(CEILING) && said.contains("sentinel = [\"192.0.2.10\"]"),
                "{said}"
            );
        }
        assert!(of("sentinel = [\"192.0.2.10\"]").is_ok());
        let deaf = of("listening = false\nsentinel = [\"192.0.2.10\"]").unwrap_err();
        assert!(matches!(deaf, NotSafe::MayNotListen));
        assert!(permitted(&one, &world(FakeDisk::new())).is_err());
        assert!(permitted(&[], &world(FakeDisk::new())).is_ok());
    }

    #[test]
    fn it_stands_at_an_address_that_is_here_beside_its_own_and_at_no_other() {
        let one = [asked("192.0.2.10")];
        let post = |here: &Here| here.post(&one[0], &one);
        let good = here(&["192.0.2.9/24", "192.0.2.10/32"], &[("0.0.0.0", 22)]);
        let stands = post(&good).unwrap();
        assert_eq!(
            (stands.interface.as_str(), stands.answered.len()),
            ("eth1", 1)
        );
        let absent = post(&here(&["192.0.2.9/24"], &[])).unwrap_err();
        assert!(matches!(absent, NotSafe::NotHere(_)));
        let only = post(&here(&["192.0.2.10/24", "fe80::1/64"], &[])).unwrap_err();
        assert!(matches!(only, NotSafe::OnlyAddress(_)));
    }

    #[test]
    fn it_stands_at_no_interface_that_is_down_or_has_nothing_plugged_in() {
        let one = [asked("192.0.2.10")];
        let mut down = here(&["192.0.2.9/24", "192.0.2.10/32"], &[]);
        down.interfaces[0].up = false;
        assert!(down.post(&one[0], &one).is_ok(), "another one is down");
        down.interfaces[1].up = false;
        let said = down.post(&one[0], &one).unwrap_err();
        assert!(matches!(said, NotSafe::Down { .. }) && said.to_string().contains("eth1"));
        let carrier = "/sys/class/net/eth1/carrier";
        let of = |text: &str| {
            let world = world(FakeDisk::new().file(carrier, text));
            is_unplugged(&down.interfaces[1], &world)
        };
        assert!(of("0\n") && !of("1\n"));
        assert!(!is_unplugged(&down.interfaces[1], &world(FakeDisk::new())));
    }

    #[test]
    fn a_look_that_lost_something_is_counted_by_nobody_and_told_all_the_same() {
        let record = |said: Said| Record {
            source: SourceName::new(NAME),
            said,
        };
        let scope = || Scope::new("sentinel", "192.0.2.10");
        let post = || {
            record(Said::Saw(Observation {
                scope: scope(),
                fact: Fact::SentinelPost(SentinelPost {
                    address: "192.0.2.10".parse().unwrap(),
                    ports: vec![],
                }),
                seen: Seen::once(Timestamp::from_seconds(1)),
            }))
        };
        let lost = || {
            record(Said::Missed(Gap {
                scope: scope(),
                what: "17 packets".to_owned(),
                reason: Reason::BudgetExhausted,
                remedy: None,
            }))
        };
        let named = |records: Vec<Record>| {
            let many = records.len();
            let said = vec![(SourceName::new(NAME), records)];
            let mut told = Told {
                said,
                ..Told::default()
            };
            renamed(&mut told);
            let (name, records) = told.said.remove(0);
            assert!(records.len() == many && records.iter().all(|r| r.source == name));
            name.as_str().to_owned()
        };
        assert_eq!(named(vec![post()]), NAME);
        assert_eq!(named(vec![post(), lost()]), NOBODY);
        assert_eq!(named(vec![lost()]), NOBODY);
    }

    #[test]
    fn it_never_stands_where_a_program_of_its_own_serves() {
        let both = ["192.0.2.9/24", "192.0.2.10/32"];
        let serves = |text: &str, at: &str, port: u16| {
            let one = [asked(text)];
            here(&both, &[(at, port)]).post(&one[0], &one).is_err()
        };
        assert!(serves("192.0.2.10", "192.0.2.10", 443));
        assert!(
            serves("192.0.2.10:22", "0.0.0.0", 22),
            "a port that was named"
        );
        assert!(serves("192.0.2.10:22", "::", 22));
        assert!(!serves("192.0.2.10:25", "0.0.0.0", 22));
        assert!(
            !serves("192.0.2.10", "192.0.2.9", 443),
            "at its own address"
        );
        assert!(!serves("192.0.2.10", "127.0.0.1", 443));
    }
}
