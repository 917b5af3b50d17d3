//! All of one host, put together: which pool a disk lies in, what it takes there, which VLAN a network gives a card.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use groma_model::name::HostName;
use groma_model::virtualization::{
    DiskFormat, Guest, GuestDisk, GuestNic, GuestSnapshot, Hypervisor, HypervisorNic, Passthrough,
    PassthroughSort, Platform, PlatformKind, Power, VirtualSwitch,
};
use groma_model::{Fact, Foreign};

use super::{Card, Document, Host, Machine, Network, Pool, Volume};
use crate::Read;

/// A disk as a running or resting guest shows it (`virsh domstats --block`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Block {
    /// What the guest sees.
    pub capacity_bytes: Option<u64>,
    /// What is written: true of a resting guest; of a running one it is the last place written since its start.
    pub allocation_bytes: Option<u64>,
    /// Length of the file, or what the format takes.
    pub physical_bytes: Option<u64>,
}

/// One host with everything on it, in whatever order it was told.
#[derive(Clone, Debug, Default)]
pub struct Installation {
    called: String,
    /// The host.
    pub host: Host,
    /// Its guests by UUID.
    pub guests: BTreeMap<String, Guest>,
    /// Disks of guests, by the UUID of the guest and their name there.
    pub blocks: BTreeMap<(String, String), Block>,
    machine: Machine,
    cards: BTreeMap<String, Card>,
    pools: BTreeMap<String, Pool>,
    volumes: BTreeMap<String, Volume>,
    networks: BTreeMap<String, Network>,
    snapshots: BTreeMap<String, Vec<GuestSnapshot>>,
    left_out: usize,
    /// Paths of volumes by the UUID of their pool and their name.
    named: BTreeMap<(String, String), String>,
}

/// Pools and networks of one host: each disk and card is held against all of them.
const PLACES_MAX: usize = 1_000;

impl Installation {
    /// A host of which nothing is known but what somebody calls it.
    pub fn named(name: &str) -> Self {
        Self {
            called: name.to_owned(),
            ..Self::default()
        }
    }

    /// Takes one description. Of two guests with one UUID the running one counts; of two descriptions of anything else always
    /// the same one, whichever came first.
    pub fn add(&mut self, document: Document) {
        match document {
            Document::Guest(guest) => {
                let known = self.guests.entry(guest.key.clone()).or_default();
                keep(known, *guest, |guest| guest.power.is_some());
            }
            Document::Host(host) => keep(&mut self.host, *host, |host| host.processor.is_some()),
            Document::Machine(machine) => keep(&mut self.machine, machine, |_| true),
            Document::Card(card) => put(&mut self.cards, card.name.clone(), card),
            Document::Pool(_) if self.pools.len() >= PLACES_MAX => self.left_out += 1,
            Document::Network(_) if self.networks.len() >= PLACES_MAX => self.left_out += 1,
            Document::Pool(pool) => put(&mut self.pools, pool.datastore.key.clone(), pool),
            Document::Volume(volume) => put(&mut self.volumes, volume.path.clone(), volume),
            Document::Network(network) => put(&mut self.networks, network.name.clone(), network),
            Document::Snapshot(guest, snapshot) => {
                self.snapshots.entry(guest).or_default().push(snapshot);
            }
        }
    }

    /// The platform: by the UUID of its host where that lasts, else by the name of it in lower case.
    pub fn platform(&self) -> Platform {
        let name = || self.host.name.as_deref().map(str::to_lowercase);
        let known = self.lasting_uuid().or_else(name);
        Platform {
            kind: PlatformKind::Libvirt,
            id: known.unwrap_or_else(|| self.called.clone()),
        }
    }

    /// Everything as facts: the host, its guests, its pools, and the numbers of each.
    pub fn into_read(mut self) -> Read {
        let platform = self.platform();
        let host = self.hypervisor(&platform);
        let key = host.as_ref().map(|host| host.key.clone());
        let mut read = Read::default();
        if self.left_out > 0 {
            let many = self.left_out;
            read.untold.push(format!(
                "{many} pools and networks beyond the first {PLACES_MAX} of each are left out"
            ));
        }
        self.named = self
            .volumes
            .values()
            .filter_map(|volume| {
                let pool = self.pool(&volume.path, Some(volume))?;
                Some((
                    (pool.datastore.key.clone(), volume.name.clone()),
                    volume.path.clone(),
                ))
            })
            .collect();
        if let Some(host) = host {
            let subject = platform.subject(&host.key);
            read.facts.push(Fact::Hypervisor(Box::new(host)));
            if let Some(used) = self.host.memory_used_bytes {
                read.measured("hypervisor_memory_used_bytes", &subject, float(used));
            }
        }
        for mut guest in std::mem::take(&mut self.guests).into_values() {
            let used = self.complete(&mut guest);
            guest.platform = platform.clone();
            guest.host.clone_from(&key);
            let subject = platform.subject(&guest.key);
            read.facts.push(Fact::Guest(Box::new(guest)));
            if let Some(used) = used {
                read.measured("vm_disk_used_bytes", &subject, float(used));
            }
        }
        for pool in self.pools.into_values() {
            let mut datastore = pool.datastore;
            let subject = platform.subject(&datastore.key);
            datastore.platform = platform.clone();
            datastore.hosts = key.iter().cloned().collect();
            read.facts.push(Fact::Datastore(Box::new(datastore)));
            if let Some(whole) = pool.shared_capacity_bytes {
                read.measured("datastore_capacity_bytes", &subject, float(whole));
            }
            if let Some(free) = pool.free_bytes {
                read.measured("datastore_free_bytes", &subject, float(free));
            }
        }
        read
    }

    /// What libvirt tells the host from others by. Without a UUID in its SMBIOS the daemon makes one up at each start: it
    /// counts where the SMBIOS has one (that one or, by host_uuid in its configuration, another), and where nothing else is
    /// known, as in a file of `virsh capabilities` alone.
    fn lasting_uuid(&self) -> Option<String> {
        let lasts = self.machine.uuid.is_some() || self.host.name.is_none();
        self.host.uuid.clone().filter(|_| lasts)
    }

    /// The host, if anything is known of it.
    fn hypervisor(&self, platform: &Platform) -> Option<Hypervisor> {
        let (host, machine) = (&self.host, &self.machine);
        (host.uuid.is_some() || host.name.is_some()).then(|| Hypervisor {
            platform: platform.clone(),
            key: platform.id.clone(),
            name: Foreign::from(self.shown(platform)),
            names: host
                .name
                .as_deref()
                .and_then(HostName::parse)
                .into_iter()
                .collect(),
            addresses: self.addresses(),
            uuid: machine.uuid.clone().or_else(|| self.lasting_uuid()),
            product: host.product.clone(),
            vendor: machine.vendor.clone(),
            model: machine.model.clone(),
            processor: machine.processor.clone().or_else(|| host.processor.clone()),
            sockets: host.sockets,
            cores: host.cores,
            threads: host.threads,
            memory_bytes: host.memory_bytes,
            nics: self.nics(),
            switches: self.switches(),
            datastores: self.pools.keys().cloned().collect(),
            ..Hypervisor::default()
        })
    }

    /// As it calls itself, else as somebody calls it: a UUID is nothing a person knows it by.
    fn shown<'a>(&'a self, platform: &'a Platform) -> &'a str {
        let called = Some(self.called.trim()).filter(|called| !called.is_empty());
        let own = self.host.name.as_deref();
        own.or(called).unwrap_or(&platform.id)
    }

    fn addresses(&self) -> Vec<std::net::IpAddr> {
        let all = self.cards.values().flat_map(|card| &card.addresses);
        all.copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn nics(&self) -> Vec<HypervisorNic> {
        let real = self.cards.values().filter(|card| is_real(card));
        real.map(|card| HypervisorNic {
            name: card.name.clone(),
            mac: card.mac.clone(),
            speed_mbps: card.speed_mbps,
            ..HypervisorNic::default()
        })
        .collect()
    }

    /// Bridges of the host and switches of networks, those of one name together.
    fn switches(&self) -> Vec<VirtualSwitch> {
        let mut all: BTreeMap<String, VirtualSwitch> = BTreeMap::new();
        let bridges = self.cards.values().filter(|card| card.sort == "bridge");
        let bridges = bridges.map(|card| VirtualSwitch {
            name: card.name.clone(),
            mtu: card.mtu,
            uplinks: card
                .ports
                .iter()
                .filter(|port| !is_of_a_guest(port))
                .cloned()
                .collect(),
            ..VirtualSwitch::default()
        });
        let networks = self.networks.values().map(|network| network.switch.clone());
        for switch in bridges.chain(networks) {
            let one = all
                .entry(switch.name.clone())
                .or_insert_with(|| VirtualSwitch {
                    name: switch.name.clone(),
                    ..VirtualSwitch::default()
                });
            one.uplinks.extend(switch.uplinks);
            one.port_groups.extend(switch.port_groups);
            one.mtu = one.mtu.or(switch.mtu);
            one.leads_out = one.leads_out.take().or(switch.leads_out);
        }
        all.into_values().map(in_order).collect()
    }

    /// Fills in what other descriptions tell of a guest. The answer is what its disks take, if that is known of all.
    fn complete(&self, guest: &mut Guest) -> Option<u64> {
        for nic in &mut guest.nics {
            self.plug_in(nic, &mut guest.passthrough);
        }
        guest.passthrough.sort();
        guest.passthrough.dedup();
        guest.snapshots = self.snapshots.get(&guest.key).cloned().unwrap_or_default();
        guest
            .snapshots
            .sort_by(|one, other| (one.taken_at, &one.name).cmp(&(other.taken_at, &other.name)));
        guest.snapshots.dedup();
        let is_off = guest.power == Some(Power::Off);
        let key = &guest.key;
        let mut used = guest.disks.iter_mut().map(|disk| {
            let block = self.blocks.get(&(key.clone(), disk.name.clone()));
            self.lay(disk, block.copied().unwrap_or_default(), is_off)
        });
        let first = used.next()?;
        used.fold(first, |sum, one| sum?.checked_add(one?))
    }

    fn plug_in(&self, nic: &mut GuestNic, passthrough: &mut Vec<Passthrough>) {
        let Some((network, vlan)) = nic.network.as_ref().and_then(|name| self.network(name)) else {
            return;
        };
        nic.switch
            .get_or_insert_with(|| network.switch.name.clone());
        nic.vlan = nic.vlan.take().or(vlan);
        if network.hands_out_functions {
            passthrough.push(Passthrough {
                sort: PassthroughSort::Sriov,
                what: format!("a function of {}", network.switch.name),
            });
        }
    }

    /// A network, or the one network that has a port group of that name; and the VLAN.
    fn network(&self, name: &str) -> Option<(&Network, Option<String>)> {
        if let Some(network) = self.networks.get(name) {
            return Some((network, network.vlan.clone()));
        }
        let mut all = self.networks.values().filter_map(|network| {
            let mut groups = network.switch.port_groups.iter();
            let group = groups.find(|group| group.name == name)?;
            Some((network, group.vlan.clone()))
        });
        all.next().filter(|_| all.next().is_none())
    }

    /// Says where a disk lies and how large it is; the answer is what it takes there, if that is all of it.
    fn lay(&self, disk: &mut GuestDisk, block: Block, is_off: bool) -> Option<u64> {
        let path = disk.path.as_ref().map(|path| path.lossy().into_owned());
        let volume = path.as_deref().and_then(|path| self.volume(path));
        let pool = path.as_deref().and_then(|path| self.pool(path, volume));
        if let Some(pool) = pool {
            disk.datastore = Some(pool.datastore.key.clone());
            disk.raw_device = pool.hands_out_devices() || (disk.raw_device && is_lun(disk));
        }
        if let Some(volume) = volume {
            disk.encrypted |= volume.encrypted;
            let backing = volume.backing.as_deref().map(Foreign::from);
            disk.backing = disk.backing.take().or(backing);
            if disk.format == DiskFormat::Unknown {
                disk.format = volume.format;
            }
        }
        let capacity = volume.and_then(|volume| volume.capacity_bytes);
        disk.capacity_bytes = capacity.or(block.capacity_bytes);
        let written = volume.and_then(|volume| volume.allocation_bytes);
        let written = written.or_else(|| block.allocation_bytes.filter(|_| is_off));
        // What a running guest wrote since its start is not what it has; the length of a sparse file is more than it takes.
        let long = block
            .physical_bytes
            .filter(|_| disk.format != DiskFormat::Raw);
        let taken = written.or(long);
        disk.thin = taken
            .zip(disk.capacity_bytes)
            .map(|(taken, whole)| taken < whole);
        // The file of a disk with another below it holds the changes alone.
        let is_whole = disk.backing.is_none();
        taken.or(block.physical_bytes).filter(|_| is_whole)
    }

    fn volume(&self, path: &str) -> Option<&Volume> {
        let by_name = || {
            let (pool, name) = named(path)?;
            let pool = self.pool_called(pool)?.datastore.key.clone();
            self.volumes.get(self.named.get(&(pool, name.to_owned()))?)
        };
        self.volumes.get(path).or_else(by_name)
    }

    fn pool(&self, path: &str, volume: Option<&Volume>) -> Option<&Pool> {
        let of_volume = volume.and_then(|volume| self.pools.get(volume.pool.as_ref()?));
        let called = || named(path).and_then(|(pool, _)| self.pool_called(pool));
        let nearest = || {
            let held = self
                .pools
                .values()
                .filter_map(|pool| Some((pool.holds(path)?, pool)));
            held.max_by_key(|(length, _)| *length).map(|(_, pool)| pool)
        };
        of_volume.or_else(called).or_else(nearest)
    }

    fn pool_called(&self, name: &str) -> Option<&Pool> {
        let mut all = self.pools.values();
        all.find(|pool| pool.datastore.name.as_str() == Some(name))
    }
}

/// Keeps one of two, always the same one: the one that is worth more, else the greater.
fn keep<T: Ord>(known: &mut T, new: T, worth: fn(&T) -> bool) {
    if (worth(known), &*known) < (worth(&new), &new) {
        *known = new;
    }
}

/// Keeps one of two with one key.
fn put<T: Ord>(all: &mut BTreeMap<String, T>, key: String, new: T) {
    match all.entry(key) {
        Entry::Vacant(free) => {
            free.insert(new);
        }
        Entry::Occupied(mut known) => keep(known.get_mut(), new, |_| true),
    }
}

/// `pool/volume`, which no path and no address of the network is; the name of a volume may hold what it likes.
fn named(path: &str) -> Option<(&str, &str)> {
    let (pool, volume) = path.split_once('/')?;
    (!pool.is_empty() && !pool.contains(':')).then_some((pool, volume))
}

/// True for a disk that is a LUN by its own words, and no file or logical volume.
fn is_lun(disk: &GuestDisk) -> bool {
    let path = disk.path.as_ref().map(Foreign::lossy);
    path.is_some_and(|path| path.starts_with("iscsi:"))
}

/// A card that leads out of the host, not the end of a guest's cable or a bridge of the system's own.
fn is_real(card: &Card) -> bool {
    let names = [
        "lo",
        "ifb",
        "dummy",
        "docker",
        "virbr",
        "br-",
        "tun",
        "ovs-system",
    ];
    let is_own = names.iter().any(|name| card.name.starts_with(name));
    card.sort == "ethernet" && card.mac.is_some() && !is_own && !is_of_a_guest(&card.name)
}

fn is_of_a_guest(name: &str) -> bool {
    ["vnet", "tap", "veth", "macvtap", "vif"]
        .iter()
        .any(|start| name.starts_with(start))
}

fn in_order(mut switch: VirtualSwitch) -> VirtualSwitch {
    switch.uplinks.sort();
    switch.uplinks.dedup();
    switch.port_groups.sort();
    switch.port_groups.dedup();
    if !switch.uplinks.is_empty() {
        switch.leads_out = None;
    }
    switch
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes below nine petabytes are exact, and none is larger"
)]
fn float(bytes: u64) -> f64 {
    bytes as f64
}
