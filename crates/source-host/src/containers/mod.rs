//! `host.containers`: containers that run, and those a runtime keeps.

mod parse;
mod ports;
mod proxies;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use groma_model::fact::{Container, PublishedPort};
use groma_model::{Fact, Reason, Scope, SourceName};
use groma_source::{Budget, DiskError, EntryKind, Explanation, Sink, Source, Window, World};

use crate::part::Part;
use crate::reader::{Reader, file_name};
use crate::text::lossy;

/// Tasks that containerd runs, by namespace.
const TASKS: &str = "/run/containerd/io.containerd.runtime.v2.task";

/// Containers of one storage whose configuration is read.
const CONTAINERS_MAX: usize = 2_000;

/// Containers of this machine.
pub struct ContainersSource {
    world: World,
}

impl ContainersSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for ContainersSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.containers")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells which containers run here, and which ones a runtime keeps.".into(),
            reads: words(&[
                "/proc/*/cgroup (in which container a process runs)",
                "Docker: /etc/docker/daemon.json (data-root), containers/*/config.v2.json and hostconfig.json, image/overlay2/layerdb/mounts/*/mount-id",
                "Podman and CRI-O: containers.json of the system's storage and of users' storages under /home, */userdata/config.json beside it",
                "published ports: /var/lib/cni/results/*, /run/containers/networks/firewall/ports/*, *.container of quadlet and *.service that run podman or docker below /etc/containers/systemd and /etc/systemd/system",
                "ports of Docker, where no file of it names the container: /proc/*/comm of what Docker's own service runs, /proc/*/cmdline of docker-proxy, /proc/*/net/fib_trie of one process of the container",
                "containerd: /run/containerd/io.containerd.runtime.v2.task/*/*/config.json; LXC: /var/lib/lxc/*/config",
            ]),
            contacts: Vec::new(),
            sends: words(&[
                "container id, name, image, runtime, whether a process runs in it",
                "its networks, published ports, mounts, restart policy, what it belongs to, where its files stand",
            ]),
            never_sends: words(&[
                "environment and command line of a container (never taken out of the state files), labels of unknown meaning",
            ]),
            rights: words(&["none for ids of running containers; root for names and images"]),
            cost: "one small read per process, one per container".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reader = Reader::new(self.world.disk.as_ref(), window, budget);
        let mut part = Part::begin(window, sink, Scope::new("containers", "/"));
        let mut found = Found {
            part: &mut part,
            reader: &mut reader,
            by_id: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            proxied: Vec::new(),
        };
        found.docker();
        found.storages();
        found.containerd();
        found.lxc();
        found.running();
        found.handed_on();
        found.held_open();
        let by_id = found.by_id;
        for container in by_id.into_values() {
            part.saw(Fact::Container(container));
        }
        part.close();
    }
}

struct Found<'p, 'r, 'w> {
    part: &'p mut Part<'w>,
    reader: &'p mut Reader<'r>,
    by_id: BTreeMap<String, Container>,
    /// Containers that no file names, by id, with one of their processes.
    unwritten: BTreeMap<String, PathBuf>,
    /// What `docker-proxy` holds open.
    proxied: Vec<(IpAddr, PublishedPort)>,
}

impl Found<'_, '_, '_> {
    fn list(&mut self, path: &str, what: &str) -> Vec<PathBuf> {
        match self.reader.list(Path::new(path)) {
            Ok(entries) => entries
                .into_iter()
                .filter(|e| e.kind == EntryKind::Directory)
                .map(|e| e.path)
                .collect(),
            Err(error) => {
                self.part.refused(what, &error);
                Vec::new()
            }
        }
    }

    /// Reads one state file; an absent one is none, an unreadable one a gap.
    fn state(&mut self, path: &Path, what: &str) -> Option<Vec<u8>> {
        match self.reader.read(path) {
            Ok(read) => Some(read.bytes),
            Err(error) if error.is_absent() => None,
            Err(error) => {
                self.part.refused(what, &error);
                None
            }
        }
    }

    fn keep(&mut self, container: Option<Container>, path: &Path, what: &str) {
        match container {
            Some(container) => {
                self.by_id.entry(container.id.clone()).or_insert(container);
            }
            None => self
                .part
                .refused(what, &DiskError::because(path, Reason::Malformed)),
        }
    }

    fn docker(&mut self) {
        let settings = self.state(Path::new("/etc/docker/daemon.json"), "settings of Docker");
        let root = settings
            .and_then(|bytes| parse::docker_root(&bytes))
            .unwrap_or_else(|| "/var/lib/docker".into());
        for directory in self.list(&format!("{root}/containers"), "containers of Docker") {
            let path = directory.join("config.v2.json");
            if let Some(bytes) = self.state(&path, "container of Docker") {
                let beside = self.state(&directory.join("hostconfig.json"), "container of Docker");
                let mut told = parse::docker(&bytes, beside.as_deref());
                if let Some(container) = &mut told {
                    container.root = self.docker_files(&root, &container.id);
                }
                self.keep(told, &path, "container of Docker");
            }
        }
    }

    /// Where the files of a running container stand: the merged directory of its overlay.
    fn docker_files(&mut self, root: &str, id: &str) -> Option<groma_model::Foreign> {
        let named = format!("{root}/image/overlay2/layerdb/mounts/{id}/mount-id");
        let mount = self.reader.word(&named)?;
        let safe = mount
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        safe.then(|| format!("{root}/overlay2/{mount}/merged").into())
    }

    fn storages(&mut self) {
        let mut files = vec![
            PathBuf::from("/var/lib/containers/storage/overlay-containers/containers.json"),
            PathBuf::from("/var/lib/containers/storage/vfs-containers/containers.json"),
            PathBuf::from("/var/lib/containers/storage/btrfs-containers/containers.json"),
            PathBuf::from(
                "/root/.local/share/containers/storage/overlay-containers/containers.json",
            ),
        ];
        for home in self.reader.list(Path::new("/home")).unwrap_or_default() {
            files.push(
                home.path
                    .join(".local/share/containers/storage/overlay-containers/containers.json"),
            );
        }
        for path in files {
            let Some(bytes) = self.state(&path, "containers of Podman") else {
                continue;
            };
            match parse::storage(&bytes) {
                Some(containers) => {
                    for mut one in containers.into_iter().take(CONTAINERS_MAX) {
                        let above = path.parent().unwrap_or(Path::new("/"));
                        let userdata = above.join(&one.id).join("userdata");
                        let configuration =
                            self.state(&userdata.join("config.json"), "container of Podman");
                        if let Some(bytes) = configuration {
                            parse::oci(&mut one, &bytes, &userdata.to_string_lossy());
                        }
                        self.keep(Some(one), &path, "");
                    }
                }
                None => self.keep(None, &path, "containers of Podman"),
            }
        }
    }

    fn containerd(&mut self) {
        for namespace in self.list(TASKS, "containers of containerd") {
            // Docker's own containers are in Docker's state.
            if file_name(&namespace) == b"moby" {
                continue;
            }
            for task in self.list(&namespace.to_string_lossy(), "containers of containerd") {
                let path = task.join("config.json");
                if let Some(bytes) = self.state(&path, "container of containerd") {
                    self.keep(
                        parse::containerd(
                            &lossy(file_name(&task)),
                            &bytes,
                            &task.to_string_lossy(),
                        ),
                        &path,
                        "container of containerd",
                    );
                }
            }
        }
    }

    fn lxc(&mut self) {
        for directory in self.list("/var/lib/lxc", "containers of LXC") {
            let path = directory.join("config");
            if let Some(bytes) = self.state(&path, "container of LXC") {
                self.keep(
                    Some(parse::lxc(&lossy(file_name(&directory)), &bytes)),
                    &path,
                    "",
                );
            }
        }
    }

    /// Ports that plugins and units hand on: of containers that are known, never of one that is only written down.
    fn handed_on(&mut self) {
        for (directory, read) in ports::STATES {
            for path in self.files(directory, "published ports of containers") {
                if let Some(bytes) = self.state(&path, "published ports of a container")
                    && let Some(told) = read(&bytes)
                    && let Some(container) = self.by_id.get_mut(&told.container)
                {
                    ports::give(container, told);
                }
            }
        }
        for directory in ports::UNITS {
            for path in self.files(directory, "units that start containers") {
                let Some(bytes) = self.state(&path, "unit that starts a container") else {
                    continue;
                };
                let name = lossy(file_name(&path));
                for told in ports::of_unit(&name, &bytes) {
                    let mut known = self.by_id.values_mut();
                    if let Some(container) = known.find(|c| told.starts(c)) {
                        ports::give(container, told.into());
                    }
                }
            }
        }
    }

    /// Keeps what a process hands on if it is Docker's. Only what runs in the engine's own group is asked for its name.
    fn proxy(&mut self, process: &Path, cgroup: &[u8]) {
        let may_be = cgroup.windows(6).any(|word| word == b"docker") || cgroup.ends_with(b":/\n");
        if !may_be || self.proxied.len() >= CONTAINERS_MAX {
            return;
        }
        // Whatever it was, it may have ended: then it holds nothing open.
        let comm = self.reader.read(&process.join("comm"));
        if comm.is_ok_and(|read| proxies::is_proxy(&read.bytes)) {
            let line = self.reader.read(&process.join("cmdline"));
            self.proxied
                .extend(line.ok().and_then(|read| proxies::told(&read.bytes)));
        }
    }

    /// Gives the ports that are held open to containers no file tells of, by the address the kernel says they have. Where
    /// two share one network nothing tells which is meant.
    fn held_open(&mut self) {
        if self.proxied.is_empty() {
            return;
        }
        let mut holders: BTreeMap<IpAddr, Vec<&String>> = BTreeMap::new();
        for (id, process) in self.unwritten.iter().take(CONTAINERS_MAX) {
            let table = self.reader.read(&process.join("net/fib_trie"));
            let own = table.map(|read| proxies::addresses(&read.bytes));
            for address in own.unwrap_or_default() {
                holders.entry(address).or_default().push(id);
            }
        }
        for (within, port) in std::mem::take(&mut self.proxied) {
            if let Some([id]) = holders.get(&within).map(Vec::as_slice)
                && let Some(container) = self.by_id.get_mut(*id)
            {
                ports::give(container, ports::Told::of_port(within, port));
            }
        }
    }

    fn files(&mut self, path: &str, what: &str) -> Vec<PathBuf> {
        match self.reader.list(Path::new(path)) {
            Ok(entries) => {
                let files = entries.into_iter().filter(|e| e.kind == EntryKind::File);
                files.map(|e| e.path).take(CONTAINERS_MAX).collect()
            }
            Err(error) => {
                if !error.is_absent() {
                    self.part.refused(what, &error);
                }
                Vec::new()
            }
        }
    }

    /// Marks what runs, and adds what runs without a state file we could read.
    fn running(&mut self) {
        let ours = self
            .reader
            .read_if_there("/proc/1/cgroup")
            .ok()
            .flatten()
            .and_then(|bytes| parse::of_cgroup(&bytes));
        let processes = match self.reader.list(Path::new("/proc")) {
            Ok(entries) => entries,
            Err(error) => return self.part.refused("running containers", &error),
        };
        for process in processes {
            if !file_name(&process.path).iter().all(u8::is_ascii_digit) {
                continue;
            }
            match self.reader.read(&process.path.join("cgroup")) {
                Ok(read) => {
                    // Inside a container every process is in it: that is this machine, not a guest of it.
                    let Some((runtime, id)) =
                        parse::of_cgroup(&read.bytes).filter(|found| Some(found) != ours.as_ref())
                    else {
                        self.proxy(&process.path, &read.bytes);
                        continue;
                    };
                    if !self.by_id.contains_key(&id) {
                        self.unwritten.insert(id.clone(), process.path.clone());
                    }
                    let unnamed = || Container {
                        id: id.clone(),
                        runtime: runtime.into(),
                        running: true,
                        ..Container::default()
                    };
                    self.by_id.entry(id.clone()).or_insert_with(unnamed).running = true;
                }
                // It ended while we looked.
                Err(error) if error.is_absent() || error.reason == Reason::Vanished => {}
                Err(error) if error.reason == Reason::BudgetExhausted => {
                    return self.part.refused("running containers", &error);
                }
                Err(error)
                    if error
                        .source
                        .as_ref()
                        .is_some_and(|e| e.raw_os_error() == Some(3)) => {}
                Err(error) => return self.part.refused("running containers", &error),
            }
        }
    }
}
