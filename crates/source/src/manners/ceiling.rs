//! What the owner of this machine allows it to do to the network, whatever anybody asks of it.
//!
//! One file, `/etc/groma/ceiling.toml`. It belongs to root, and nobody else may write it or the folder it lies in; where it
//! is not, the defaults hold. What a look was asked for, cut to what this file allows, is what runs. A file that cannot be
//! read or understood allows nothing: it was meant to hold somebody back.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::calendar::Opening;
use super::targets::Network;
use crate::Disk;

/// Where it stands.
#[cfg(not(windows))]
pub const CEILING: &str = "/etc/groma/ceiling.toml";
/// The same on Windows.
#[cfg(windows)]
pub const CEILING: &str = r"C:\ProgramData\groma\ceiling.toml";
/// What stops every packet at once by being there.
#[cfg(not(windows))]
pub const KILL_SWITCH: &str = "/etc/groma/stop";
/// The same on Windows.
#[cfg(windows)]
pub const KILL_SWITCH: &str = r"C:\ProgramData\groma\stop";
/// Packets to one host in any second, at most.
pub const PER_HOST: u32 = 10;
/// The same to a host of a fragile class, in one conversation at a time.
pub const PER_FRAGILE_HOST: u32 = 2;
/// Packets of one agent in any second, at most.
pub const PER_AGENT: u32 = 200;

const BYTES_MAX: u64 = 64 << 10;
const OTHERS_MAY_WRITE: u32 = 0o022;

/// What holds for every packet of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ceiling {
    /// Networks that may be asked; `None` for any that somebody names.
    pub networks: Option<Vec<Network>>,
    /// Networks that are never asked.
    pub never: Vec<Network>,
    /// Networks of devices that break easily.
    pub fragile: Vec<Network>,
    /// Laboratory networks, in which the caps need not hold.
    pub unrestrained: Vec<Network>,
    /// Packets to one host in any second.
    pub per_host: u32,
    /// Packets to all hosts together in any second.
    pub per_agent: u32,
    /// True if this machine may listen to what crosses the wire.
    pub listening: bool,
    /// Old addresses of other machines at which it may stand sentinel; none unless they are named.
    pub sentinel: Vec<Network>,
    /// When the network may be asked; empty for always.
    pub maintenance: Vec<Opening>,
    /// A file whose presence stops every packet.
    pub kill_switch: PathBuf,
}

impl Default for Ceiling {
    fn default() -> Self {
        Self {
            networks: None,
            never: Vec::new(),
            fragile: Vec::new(),
            unrestrained: Vec::new(),
            per_host: PER_HOST,
            per_agent: PER_AGENT,
            listening: true,
            sentinel: Vec::new(),
            maintenance: Vec::new(),
            kill_switch: KILL_SWITCH.into(),
        }
    }
}

/// Why a ceiling file allows nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CeilingError {
    /// It is there and cannot be read.
    #[error("read {path}: {why}; without what it allows, no packet is sent")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Somebody else than root could have written it.
    #[error(
        "{path} is not root's alone ({what}): chown root and chmod 644 it; until then no packet is sent"
    )]
    NotOfRoot {
        /// The file, or its folder.
        path: PathBuf,
        /// Who may write it.
        what: String,
    },
    /// It is not TOML of the right shape.
    #[error("{path}: {why}; until it is understood, no packet is sent")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    networks: Option<Vec<String>>,
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    fragile: Vec<String>,
    #[serde(default)]
    unrestrained: Vec<String>,
    packets_per_host_per_second: Option<u32>,
    packets_per_second: Option<u32>,
    listening: Option<bool>,
    #[serde(default)]
    sentinel: Vec<String>,
    #[serde(default)]
    maintenance: Vec<String>,
    kill_switch: Option<PathBuf>,
}

impl Ceiling {
    /// The ceiling of this machine.
    ///
    /// # Errors
    /// The file is there, and cannot be believed or understood.
    pub fn of(disk: &dyn Disk) -> Result<Self, CeilingError> {
        Self::at(disk, Path::new(CEILING))
    }

    /// The ceiling in a file.
    ///
    /// # Errors
    /// As [`Ceiling::of`].
    pub fn at(disk: &dyn Disk, path: &Path) -> Result<Self, CeilingError> {
        let read = match disk.read(path, BYTES_MAX) {
            Ok(read) => read,
            Err(error) if error.is_absent() => return Ok(Self::default()),
            Err(error) => {
                return Err(CeilingError::Unreadable {
                    path: path.to_owned(),
                    why: error.to_string(),
                });
            }
        };
        is_steady(disk, path)?;
        is_of_root(path, read.metadata.owner, read.metadata.mode)?;
        if let Some(folder) = read.path.parent()
            && let Ok(met) = disk.metadata(folder)
        {
            is_steady(disk, folder)?;
            is_of_root(folder, met.owner, met.mode)?;
        }
        let malformed = |why: String| CeilingError::Malformed {
            path: path.to_owned(),
            why,
        };
        let text = std::str::from_utf8(&read.bytes).map_err(|e| malformed(e.to_string()))?;
        Self::parse(text).map_err(malformed)
    }

    /// Reads the text of a ceiling file; the error says what is wrong, and where.
    fn parse(text: &str) -> Result<Self, String> {
        let written: Written = toml::from_str(text).map_err(|e| e.to_string())?;
        let usual = Self::default();
        let capped = |name: &str, wish: Option<u32>, most: u32| match wish {
            Some(0) => Err(format!("{name} is 0; name no networks instead")),
            Some(wish) if wish > most => Err(format!(
                "{name} is {wish}; {most} is the most, and more only in `unrestrained` networks"
            )),
            wish => Ok(wish.unwrap_or(most)),
        };
        Ok(Self {
            networks: written
                .networks
                .map(|all| networks("networks", &all))
                .transpose()?,
            never: networks("never", &written.never)?,
            fragile: networks("fragile", &written.fragile)?,
            unrestrained: networks("unrestrained", &written.unrestrained)?,
            per_host: capped(
                "packets_per_host_per_second",
                written.packets_per_host_per_second,
                PER_HOST,
            )?,
            per_agent: capped("packets_per_second", written.packets_per_second, PER_AGENT)?,
            listening: written.listening.unwrap_or(true),
            sentinel: networks("sentinel", &written.sentinel)?,
            maintenance: openings(&written.maintenance)?,
            kill_switch: written.kill_switch.unwrap_or(usual.kill_switch),
        })
    }

    /// True if a packet may go to `address` at all.
    pub fn allows(&self, address: IpAddr) -> bool {
        let named = |all: &[Network]| all.iter().any(|network| network.contains(address));
        self.networks.as_deref().is_none_or(named) && !named(&self.never)
    }

    /// True if a packet may go to every address of `network`: for what is sent to all machines of a link at once.
    pub fn allows_all(&self, network: &Network) -> bool {
        let covered = |all: &[Network]| all.iter().any(|one| one.covers(network));
        self.networks.as_deref().is_none_or(covered)
            && !self.never.iter().any(|one| one.touches(network))
    }

    /// True if `address` is one of a laboratory.
    pub fn is_unrestrained(&self, address: IpAddr) -> bool {
        self.unrestrained
            .iter()
            .any(|network| network.contains(address))
            && self.allows(address)
    }

    /// True if this machine may stand sentinel at `address`.
    pub fn may_stand_at(&self, address: IpAddr) -> bool {
        self.listening && self.sentinel.iter().any(|at| at.contains(address))
    }

    /// True if `address` is named as one that breaks easily.
    pub fn is_fragile(&self, address: IpAddr) -> bool {
        self.fragile.iter().any(|network| network.contains(address))
    }

    /// True if the network may be asked at `now`.
    pub fn is_open(&self, now: groma_model::Timestamp) -> bool {
        self.maintenance.is_empty() || self.maintenance.iter().any(|opening| opening.is_open(now))
    }

    /// True if somebody put the file there that stops every packet. What cannot be looked at counts as being there.
    pub fn is_stopped(&self, disk: &dyn Disk) -> bool {
        match disk.metadata(&self.kill_switch) {
            Ok(_) => true,
            Err(error) => !error.is_absent(),
        }
    }
}

/// Where there are no modes the disk says whether the system and its administrators alone may write; silence is no yes.
fn is_steady(disk: &dyn Disk, path: &Path) -> Result<(), CeilingError> {
    let said = disk.attribute(path, crate::disk::STEADY);
    match !cfg!(windows) || said.is_ok_and(|mark| mark.is_some()) {
        true => Ok(()),
        false => Err(CeilingError::NotOfRoot {
            path: path.to_owned(),
            what: "others than SYSTEM and Administrators may write it".to_owned(),
        }),
    }
}

fn is_of_root(path: &Path, owner: Option<u32>, mode: Option<u32>) -> Result<(), CeilingError> {
    let what = match (owner, mode) {
        (Some(owner), _) if owner != 0 => format!("owner {owner}"),
        (_, Some(mode)) if mode & OTHERS_MAY_WRITE != 0 => format!("mode {mode:03o}"),
        _ => return Ok(()),
    };
    Err(CeilingError::NotOfRoot {
        path: path.to_owned(),
        what,
    })
}

fn networks(name: &str, texts: &[String]) -> Result<Vec<Network>, String> {
    let each = texts.iter().map(|text| {
        Network::parse(text)
            .ok_or_else(|| format!("{name}: {text:?} is no network; write 10.0.0.0/8"))
    });
    each.collect()
}

fn openings(texts: &[String]) -> Result<Vec<Opening>, String> {
    let each = texts
        .iter()
        .map(|text| Opening::parse(text).map_err(|e| format!("maintenance: {e}")));
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeDisk;

    fn ceiling(text: &str) -> Result<Ceiling, CeilingError> {
        Ceiling::of(&FakeDisk::new().file(CEILING, text))
    }

    #[test]
    fn without_the_file_the_defaults_hold() {
        let usual = Ceiling::of(&FakeDisk::new()).unwrap();
        assert_eq!((usual.per_host, usual.per_agent), (10, 200));
        assert!(usual.allows("10.0.0.1".parse().unwrap()));
        assert!(!usual.is_unrestrained("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_it_names_is_cut_out_and_kept_out() {
        let text = "networks = [\"10.0.0.0/8\"]\nnever = [\"10.9.0.0/16\"]\nunrestrained = [\"10.9.1.0/24\", \"10.77.0.0/22\"]\npackets_per_second = 50\nmaintenance = [\"22:00-05:00\"]";
        let ceiling = ceiling(text).unwrap();
        let is = |at: &str| ceiling.allows(at.parse().unwrap());
        assert!(is("10.1.2.3") && !is("10.9.0.1") && !is("192.168.0.1") && !is("2001:db8::1"));
        assert!(ceiling.is_unrestrained("10.77.1.1".parse().unwrap()));
        assert!(!ceiling.is_unrestrained("10.9.1.1".parse().unwrap()));
        assert_eq!((ceiling.per_agent, ceiling.per_host), (50, 10));
        assert!(!ceiling.is_open("2026-11-21T12:00:00Z".parse().unwrap()));
    }

    #[test]
    fn nobody_stands_sentinel_where_the_file_does_not_say_so() {
        let may = |text: &str, at: &str| {
            let ceiling = ceiling(text).unwrap();
            ceiling.may_stand_at(at.parse().unwrap())
        };
        assert!(!Ceiling::default().may_stand_at("192.0.2.10".parse().unwrap()));
        assert!(!may("networks = [\"192.0.2.0/24\"]", "192.0.2.10"));
        let one = "sentinel = [\"192.0.2.10\", \"2001:db8::/64\"]";
        assert!(may(one, "192.0.2.10") && may(one, "2001:db8::7"));
        assert!(!may(one, "192.0.2.11"));
        let deaf = format!("listening = false\n{one}");
        assert!(
            !may(&deaf, "192.0.2.10"),
            "who may not listen stands nowhere"
        );
        assert!(super::tests::ceiling("sentinel = [\"ten\"]").is_err());
    }

    #[test]
    fn a_network_is_allowed_whole_or_it_is_not() {
        let ceiling =
            ceiling("networks = [\"2001:db8::/32\"]\nnever = [\"2001:db8:9::5\"]").unwrap();
        let is = |text: &str| ceiling.allows_all(&Network::parse(text).unwrap());
        assert!(is("2001:db8:1::/64") && is("2001:db8::/48"));
        assert!(!is("2001:db8:9::/64"), "one of it is never asked");
        assert!(!is("2001::/16") && !is("fe80::/64"), "beyond what is named");
        assert!(Ceiling::default().allows_all(&Network::parse("fe80::/64").unwrap()));
    }

    #[test]
    fn no_file_raises_a_cap() {
        for text in [
            "packets_per_second = 201",
            "packets_per_host_per_second = 11",
            "packets_per_second = 0",
        ] {
            assert!(
                matches!(ceiling(text), Err(CeilingError::Malformed { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn a_file_that_is_not_understood_allows_nothing() {
        for text in [
            "netwroks = []",
            "networks = [\"ten\"]",
            "maintenance = [\"soon\"]",
            "[",
            "\u{0}",
        ] {
            assert!(
                matches!(ceiling(text), Err(CeilingError::Malformed { .. })),
                "{text}"
            );
        }
        let refused = FakeDisk::new().refused(CEILING, groma_model::Reason::PermissionDenied);
        assert!(matches!(
            Ceiling::of(&refused),
            Err(CeilingError::Unreadable { .. })
        ));
        let special = FakeDisk::new().special(CEILING);
        assert!(matches!(
            Ceiling::of(&special),
            Err(CeilingError::Unreadable { .. })
        ));
    }

    #[test]
    fn a_file_that_others_may_write_is_not_believed() {
        for (mode, owner) in [(0o666, 0), (0o664, 0), (0o644, 1000)] {
            let disk = FakeDisk::new()
                .file(CEILING, "")
                .owned(CEILING, mode, owner, 0);
            let error = Ceiling::at(&Owned(disk, mode, owner), Path::new(CEILING)).unwrap_err();
            assert!(
                matches!(error, CeilingError::NotOfRoot { .. }),
                "{mode:o} {owner}"
            );
        }
    }

    /// A disk on which the file read has these rights.
    struct Owned(FakeDisk, u32, u32);

    impl Disk for Owned {
        fn read(&self, path: &Path, limit: u64) -> Result<crate::FileRead, crate::DiskError> {
            let mut read = self.0.read(path, limit)?;
            read.metadata.mode = Some(self.1);
            read.metadata.owner = Some(self.2);
            Ok(read)
        }
        fn open(&self, path: &Path) -> Result<Box<dyn crate::OpenFile>, crate::DiskError> {
            self.0.open(path)
        }
        fn list(&self, path: &Path, limit: usize) -> Result<Vec<crate::Entry>, crate::DiskError> {
            self.0.list(path, limit)
        }
        fn metadata(&self, path: &Path) -> Result<crate::Metadata, crate::DiskError> {
            self.0.metadata(path)
        }
        fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, crate::DiskError> {
            self.0.attribute(path, name)
        }
        fn read_link(&self, path: &Path) -> Result<PathBuf, crate::DiskError> {
            self.0.read_link(path)
        }
        fn within(&self, root: &Path) -> Result<std::sync::Arc<dyn Disk>, crate::DiskError> {
            self.0.within(root)
        }
        fn space(&self, path: &Path) -> Result<crate::Space, crate::DiskError> {
            self.0.space(path)
        }
    }

    #[test]
    fn a_stop_file_stops_whatever_it_is() {
        let usual = Ceiling::default();
        assert!(!usual.is_stopped(&FakeDisk::new()));
        assert!(usual.is_stopped(&FakeDisk::new().file(KILL_SWITCH, "")));
        assert!(usual.is_stopped(&FakeDisk::new().special(KILL_SWITCH)));
    }
}
