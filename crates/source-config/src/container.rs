//! `written.containers`: what files and environments of running containers say about other machines.
//!
//! A container is met by its processes (their control group names it); where its files stand is what the kernel says of
//! the root of its first process. The same rules that read this machine read it there, as if it were a machine of
//! its own: [`Disk::within`] keeps every path and every link within it, whatever the container renames meanwhile. Its environment is read as a file of variables, so
//! what is taken out of one is all that is ever taken: machines, ports, accounts, and that a secret stands there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use groma_model::fact::{CertificatePlace, ComponentClass};
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Gap, Observation, Reason, Scope, SourceName,
};
use groma_source::{
    Budget, Disk, DiskError, Entry, EntryKind, Explanation, FileRead, Metadata, OpenFile, Sink,
    SinkExt, Source, Space, Window, World,
};

use crate::ConfigSource;

/// Where applications in containers keep their settings.
const ROOTS: &[&str] = &[
    "/etc",
    "/opt",
    "/srv",
    "/app",
    "/config",
    "/data/conf",
    "/usr/local/etc",
    "/usr/src/app",
    "/var/www",
    "/home",
    "/root",
];
/// The name the environment has as a file of variables; no container has one like it.
const ENVIRONMENT: &str = "/etc/default/environment-of-the-container";

const CONTAINERS_MAX: usize = 200;
const PROCESSES_MAX: usize = 100_000;
const TABLE_BYTES_MAX: u64 = 4 << 20;
/// What one container may cost.
const ENTRIES_MAX: u64 = 50_000;
const BYTES_MAX: u64 = 64 << 20;

/// Reads what is written down within running containers.
pub struct ContainerConfigSource {
    world: World,
}

impl ContainerConfigSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for ContainerConfigSource {
    fn name(&self) -> SourceName {
        SourceName::new("written.containers")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        Explanation {
            purpose: "Find where files and environments of running containers name other machines."
                .to_owned(),
            reads: words(&[
                "/proc/*/cgroup; environ and mountinfo of the first process of each container",
                "text files below /etc, /opt, /srv, /app and the like within each container's files",
                "names of containers out of Docker's and Podman's state",
            ]),
            contacts: Vec::new(),
            sends: words(&[
                "container, file, line and key",
                "the machine named there, port and kind",
                "that a secret stands there",
            ]),
            never_sends: words(&[
                "values of variables that name no machine",
                "passwords, keys and tokens",
                "contents of files",
            ]),
            rights: words(&["root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; else gaps"]),
            cost: "about one search through the configuration of each container".to_owned(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let roots: Vec<PathBuf> = ROOTS.iter().map(PathBuf::from).collect();
        let source =
            |world| -> Box<dyn Source> { Box::new(ConfigSource::with_roots(world, roots.clone())) };
        let all = All {
            world: &self.world,
            source: &source,
        };
        all.look(window, budget, sink);
    }
}

/// Another source that looks at every running container as if it were a machine of its own.
pub struct InContainers {
    world: World,
    name: SourceName,
    source: fn(World) -> Box<dyn Source>,
}

impl InContainers {
    /// Looks at the containers of `world` with what `source` makes, under a name of its own.
    ///
    /// Of what that source says, references and certificates in files are passed on, with the container's name before their
    /// place; everything else would be said of the machine and is dropped.
    pub fn new(world: World, name: SourceName, source: fn(World) -> Box<dyn Source>) -> Self {
        Self {
            world,
            name,
            source,
        }
    }
}

impl Source for InContainers {
    fn name(&self) -> SourceName {
        self.name.clone()
    }

    fn explain(&self) -> Explanation {
        let inner = (self.source)(self.world.clone()).explain();
        let mut reads = vec![
            "/proc/*/cgroup; environ and mountinfo of the first process of each container"
                .to_owned(),
            "names of containers out of Docker's and Podman's state".to_owned(),
        ];
        let within = inner.reads.iter();
        reads.extend(within.map(|what| format!("within each container's files: {what}")));
        let mut sends = vec!["the container's name before each place".to_owned()];
        sends.extend(inner.sends);
        Explanation {
            purpose: format!("The same within running containers. {}", inner.purpose),
            reads,
            sends,
            rights: vec!["root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; else gaps".to_owned()],
            cost: format!(
                "for each container, at most {ENTRIES_MAX} entries: {}",
                inner.cost
            ),
            ..inner
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let all = All {
            world: &self.world,
            source: &self.source,
        };
        all.look(window, budget, sink);
    }
}

/// Every running container of a machine, and what looks at each.
struct All<'a> {
    world: &'a World,
    source: &'a dyn Fn(World) -> Box<dyn Source>,
}

impl All<'_> {
    fn look(&self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let scope = Scope::new("container", "/");
        let found = match met(self.world.disk.as_ref()) {
            Ok(found) => found,
            Err(error) => {
                sink.missed_because(
                    &scope,
                    "which containers run",
                    error.reason,
                    "let /proc be read",
                );
                return sink.covered_now(window, &scope, CoverageState::Partial);
            }
        };
        let mut state = CoverageState::Complete;
        if found.len() > CONTAINERS_MAX {
            state = CoverageState::Partial;
            sink.missed_because(&scope, "further containers", Reason::BudgetExhausted, "");
        }
        for container in found.into_iter().take(CONTAINERS_MAX) {
            if window.is_over() {
                state = CoverageState::Partial;
                sink.missed_because(
                    &scope,
                    "further containers",
                    Reason::TimedOut,
                    "allow more time",
                );
                break;
            }
            self.within(container, window, budget, sink);
        }
        sink.covered_now(window, &scope, state);
    }
}

/// A running container.
struct Running {
    name: String,
    process: PathBuf,
}

impl All<'_> {
    fn within(&self, container: Running, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let disk = &self.world.disk;
        let mut within = Within {
            name: &container.name,
            sink,
        };
        let scope = Scope::new("container", &container.name);
        let table = disk.read(&container.process.join("mountinfo"), TABLE_BYTES_MAX);
        let environment = disk.read(&container.process.join("environ"), TABLE_BYTES_MAX);
        let (table, environment) = match (table, environment) {
            (Ok(table), Ok(environment)) => (table.bytes, environment.bytes),
            // It ended meanwhile.
            (Err(error), _) | (_, Err(error))
                if error.is_absent() || error.reason == Reason::Vanished =>
            {
                return;
            }
            (Err(error), _) | (_, Err(error)) => {
                let what = format!("files and environment of container {}", container.name);
                within
                    .sink
                    .missed_because(&scope, what, error.reason, "run as root");
                return within
                    .sink
                    .covered_now(window, &scope, CoverageState::Partial);
            }
        };
        let own = disk.read(Path::new("/proc/self/mountinfo"), TABLE_BYTES_MAX);
        let own = own.map(|read| read.bytes).unwrap_or_default();
        let is_directory = |root: &PathBuf| {
            let metadata = disk.metadata(root);
            metadata.is_ok_and(|m| m.kind == EntryKind::Directory)
        };
        let mut roots = roots(&table, &own).into_iter().filter(is_directory);
        let Some(files) = roots.find_map(|root| disk.within(&root).ok()) else {
            let what = format!("files of container {}", container.name);
            within.sink.missed_because(
                &scope,
                what,
                Reason::Unsupported,
                "its root is no directory of this machine",
            );
            return within
                .sink
                .covered_now(window, &scope, CoverageState::Partial);
        };
        let rooted = Rooted {
            files,
            environment: variables(&environment),
        };
        let world = World {
            disk: Arc::new(rooted),
            ..self.world.clone()
        };
        let mut budget = *budget;
        budget.entries_max = budget.entries_max.min(ENTRIES_MAX);
        budget.total_bytes_max = budget.total_bytes_max.min(BYTES_MAX);
        (self.source)(world).look(window, &budget, &mut within);
    }
}

/// The first process of every container, by the container.
fn met(disk: &dyn Disk) -> Result<Vec<Running>, DiskError> {
    let ours = disk
        .read(Path::new("/proc/1/cgroup"), TABLE_BYTES_MAX)
        .ok()
        .and_then(|r| id_of(&r.bytes));
    let mut first: BTreeMap<String, u32> = BTreeMap::new();
    for entry in disk.list(Path::new("/proc"), PROCESSES_MAX)? {
        let number = entry
            .path
            .file_name()
            .and_then(|n| n.to_str())
            .and_then(|n| n.parse::<u32>().ok());
        let Some(number) = number else { continue };
        let Ok(read) = disk.read(&entry.path.join("cgroup"), TABLE_BYTES_MAX) else {
            continue;
        };
        if let Some(id) = id_of(&read.bytes).filter(|id| Some(id) != ours.as_ref()) {
            let slot = first.entry(id).or_insert(number);
            *slot = (*slot).min(number);
        }
    }
    let named = first.into_iter().map(|(id, number)| Running {
        name: name_of(disk, &id),
        process: PathBuf::from(format!("/proc/{number}")),
    });
    Ok(named.collect())
}

/// The container of a control group: a part that ends in an id of 64 hex digits, or LXC's `lxc.payload.NAME`.
fn id_of(groups: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(groups);
    text.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        path.split('/').rev().find_map(|part| {
            let part = part.strip_suffix(".scope").unwrap_or(part);
            // What watches a container is none.
            if part.contains("conmon") {
                return None;
            }
            let id = part.rsplit('-').next().unwrap_or(part);
            let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
            is_id
                .then(|| id.to_owned())
                .or_else(|| part.strip_prefix("lxc.payload.").map(str::to_owned))
        })
    })
}

/// The name people gave it, where a runtime's state tells; else the start of its id, as the runtimes print it.
fn name_of(disk: &dyn Disk, id: &str) -> String {
    let after = |path: &str, mark: &str, key: &str| -> Option<String> {
        let bytes = disk.read(Path::new(path), TABLE_BYTES_MAX).ok()?.bytes;
        let text = String::from_utf8_lossy(&bytes);
        let rest = text.get(text.find(mark)?..)?;
        let rest = rest.get(rest.find(key)? + key.len()..)?;
        let name: String = rest.chars().take_while(|c| *c != '"').take(128).collect();
        let plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        (plain && !name.is_empty()).then_some(name)
    };
    let mark = format!("\"id\":\"{id}\"");
    after(
        &format!("/var/lib/docker/containers/{id}/config.v2.json"),
        "",
        "\"Name\":\"/",
    )
    .or_else(|| {
        ["overlay", "vfs", "btrfs"].iter().find_map(|driver| {
            let path = format!("/var/lib/containers/storage/{driver}-containers/containers.json");
            after(&path, &mark, "\"names\":[\"")
        })
    })
    .unwrap_or_else(|| id.chars().take(12).collect())
}

/// Directories of this machine that may be the root of a process, the best first (proc(5), mountinfo).
///
/// What a table calls the root of a mount counts from the top of its file system, which may stand anywhere: `own`, the
/// table of this machine, says where.
fn roots(table: &[u8], own: &[u8]) -> Vec<PathBuf> {
    let text = String::from_utf8_lossy(table);
    let Some(line) = text.lines().find(|l| l.split(' ').nth(4) == Some("/")) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    let (before, after) = line.split_once(" - ").unwrap_or((line, ""));
    let options = after.split(' ').nth(2).unwrap_or_default();
    if let Some(upper) = options.split(',').find_map(|o| o.strip_prefix("upperdir=")) {
        let upper = PathBuf::from(upper.replace("\\040", " "));
        // Docker and Podman mount the whole beside the upper layer; where they do not, what was changed is there.
        out.extend(upper.parent().map(|above| above.join("merged")));
        out.push(upper);
    } else if let Some(root) = before
        .split(' ')
        .nth(3)
        .filter(|r| *r != "/" && r.starts_with('/'))
    {
        let device = before.split(' ').nth(2).unwrap_or_default();
        out.extend(standing(device, root, &String::from_utf8_lossy(own)));
        out.push(PathBuf::from(root.replace("\\040", " ")));
    }
    out
}

/// Where `root` of the file system on `device` stands, by every mount of it.
fn standing(device: &str, root: &str, own: &str) -> Vec<PathBuf> {
    let mounts = own.lines().take(PROCESSES_MAX).filter_map(|line| {
        let mut fields = line.split(' ').skip(2);
        let (on, top, point) = (fields.next()?, fields.next()?, fields.next()?);
        let top = top.strip_suffix('/').unwrap_or(top);
        let rest = root.strip_prefix(top).filter(|_| on == device)?;
        let point = point.strip_suffix('/').unwrap_or(point);
        let whole = rest.is_empty() || rest.starts_with('/');
        whole.then(|| PathBuf::from(format!("{point}{rest}").replace("\\040", " ")))
    });
    mounts.collect()
}

/// An environment as the lines of a file of variables; what holds quotes or breaks is quoted.
fn variables(environment: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(environment.len() + 64);
    for variable in environment
        .split(|b| *b == 0)
        .filter(|v| !v.is_empty())
        .take(4096)
    {
        let Some(at) = variable.iter().position(|b| *b == b'=') else {
            continue;
        };
        let (name, value) = variable.split_at(at);
        let plain = name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
        if plain && !value.contains(&b'\n') && !value.contains(&b'\'') {
            out.extend_from_slice(name);
            out.extend_from_slice(b"='");
            out.extend_from_slice(value.get(1..).unwrap_or_default());
            out.extend_from_slice(b"'\n");
        }
    }
    out
}

/// The files of a container ([`Disk::within`]), with its environment among them.
struct Rooted {
    files: Arc<dyn Disk>,
    environment: Vec<u8>,
}

/// What the environment is as a file or as a directory above one.
fn made_up(path: &Path, bytes: u64) -> Metadata {
    Metadata {
        kind: if path == Path::new(ENVIRONMENT) {
            EntryKind::File
        } else {
            EntryKind::Directory
        },
        bytes,
        owner: None,
        group: None,
        mode: None,
        modified: 0,
        identity: (0, 0),
    }
}

impl Disk for Rooted {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        if path == Path::new(ENVIRONMENT) {
            let bytes = u64::try_from(self.environment.len()).unwrap_or(u64::MAX);
            return Ok(FileRead {
                path: path.to_owned(),
                bytes: self.environment.clone(),
                metadata: made_up(path, bytes),
            });
        }
        self.files.read(path, limit)
    }

    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        self.files.open(path)
    }

    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        let virtual_file = Path::new(ENVIRONMENT);
        let mut entries = match self.files.list(path, limit) {
            Ok(entries) => entries,
            Err(error) if error.is_absent() && virtual_file.starts_with(path) => Vec::new(),
            Err(error) => return Err(error),
        };
        // A container without the directories above still has an environment.
        let child = virtual_file.ancestors().find(|a| a.parent() == Some(path));
        if let Some(child) = child.filter(|c| !entries.iter().any(|e| e.path == *c)) {
            entries.push(Entry {
                path: child.to_owned(),
                kind: made_up(child, 0).kind,
            });
            entries.sort_by(|a, b| a.path.cmp(&b.path));
        }
        Ok(entries)
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        match self.files.metadata(path) {
            Err(error) if error.is_absent() && Path::new(ENVIRONMENT).starts_with(path) => {
                Ok(made_up(path, 0))
            }
            found => found,
        }
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.files.read_link(path)
    }

    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.files.space(path)
    }
}

/// Says what was read within a container as this machine's, with the container's name before every path.
struct Within<'a> {
    name: &'a str,
    sink: &'a mut dyn Sink,
}

impl Within<'_> {
    fn scope(&self, scope: &Scope) -> Scope {
        let path = scope.as_str().split_once(':').map_or("", |(_, path)| path);
        Scope::new("container", &format!("{}{path}", self.name))
    }

    /// `shop:/etc/app.conf`, as the runtimes' own copy commands write it.
    fn place(&self, file: &Foreign) -> Foreign {
        if file.lossy() == ENVIRONMENT {
            return format!("{}:environment", self.name).into();
        }
        let mut bytes = format!("{}:", self.name).into_bytes();
        bytes.extend_from_slice(file.as_bytes());
        Foreign::from_bytes(bytes)
    }
}

impl Sink for Within<'_> {
    fn saw(&mut self, mut observation: Observation) {
        match &mut observation.fact {
            // Its loopback is not the machine's.
            Fact::Reference(reference) if !reference.peer.is_loopback() => {
                reference.file = self.place(&reference.file);
                reference.component.name = match reference.component.class {
                    ComponentClass::File => reference.file.clone(),
                    _ => self.place(&reference.component.name),
                };
            }
            Fact::Certificate(sighting) => {
                let CertificatePlace::File { path, .. } = &mut sighting.place else {
                    return;
                };
                *path = self.place(path);
                // Whom it trusts and who may read its keys is decided by its image, not by the machine.
                sighting.trust = None;
                sighting.key = None;
            }
            // Names of its hosts file mean something within it only.
            _ => return,
        }
        observation.scope = self.scope(&observation.scope);
        self.sink.saw(observation);
    }

    fn missed(&mut self, gap: Gap) {
        let scope = self.scope(&gap.scope);
        let what = format!("{} in container {}", gap.what, self.name);
        self.sink.missed(Gap { scope, what, ..gap });
    }

    fn covered(&mut self, coverage: Coverage) {
        let scope = self.scope(&coverage.scope);
        self.sink.covered(Coverage { scope, ..coverage });
    }
}

#[cfg(test)]
mod tests {
    use groma_source::Recorder;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    const ID: &str = "4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339c4c01";

    fn machine() -> FakeDisk {
        let merged = "/var/lib/docker/overlay2/x/merged";
        FakeDisk::new()
            .file("/proc/1/cgroup", "0::/init.scope\n")
            .file("/proc/40/cgroup", format!("0::/system.slice/docker-{ID}.scope\n"))
            .file("/proc/41/cgroup", format!("0::/system.slice/docker-{ID}.scope\n"))
            .file("/proc/39/cgroup", "0::/system.slice/docker.service\n")
            .file("/proc/40/environ", "PATH=/bin\0SMTP_HOST=mail1.corp.example\0SMTP_PORT=587\0SMTP_PASSWORD=geheim1\0DATABASE_URL=postgres://shop:geheim2@192.0.2.44:5432/shop\0")
            .file("/proc/40/mountinfo", "600 500 0:55 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b,upperdir=/var/lib/docker/overlay2/x/diff,workdir=/w\n601 600 0:60 / /proc rw - proc proc rw\n")
            .file(&format!("/var/lib/docker/containers/{ID}/config.v2.json"), format!("{{\"ID\":\"{ID}\",\"Name\":\"/shop\"}}"))
            .file(&format!("{merged}/app/.env"), "REDIS_URL=redis://cache1.corp.example:6379/0\nLOCAL_URL=http://127.0.0.1:8080\n")
            .link(&format!("{merged}/etc/outside.env"), "/etc/secret.env")
            .file("/etc/secret.env", "API_URL=https://api.corp.example\n")
    }

    fn said(disk: FakeDisk) -> (Vec<String>, String) {
        let world = world(disk);
        let window = window(&world);
        let mut recorder = Recorder::new(SourceName::new("written.containers"));
        ContainerConfigSource::new(world).look(&window, &Budget::default(), &mut recorder);
        let lines: Vec<String> = recorder.facts().map(Fact::says).collect();
        (lines, format!("{:?}", recorder.records))
    }

    #[test]
    fn environment_and_files_of_a_container_name_machines_and_keep_their_secrets() {
        let (lines, all) = said(machine());
        for wanted in [
            "shop:environment:2 SMTP_HOST names mail1.corp.example:587",
            "shop:environment:5 DATABASE_URL names 192.0.2.44:5432 as shop",
            "shop:/app/.env:1 REDIS_URL names cache1.corp.example:6379",
        ] {
            assert!(
                lines.iter().any(|l| l.starts_with(wanted)),
                "{wanted}\n{lines:#?}"
            );
        }
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(!all.contains("geheim"));
    }

    /// Says of every machine it looks at that a certificate lies there, and one is served.
    struct Certificates(World);

    impl Source for Certificates {
        fn name(&self) -> SourceName {
            SourceName::new("certificates.files")
        }
        fn explain(&self) -> Explanation {
            ContainerConfigSource::new(self.0.clone()).explain()
        }
        fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
            let path = Path::new("/app/.env");
            assert!(self.0.disk.read(path, 1 << 20).is_ok(), "its own files");
            for place in [
                serde_json::json!({"file": {"path": "/etc/ssl/web.pem", "position": 0}}),
                serde_json::json!({"endpoint": {"address": "127.0.0.1", "port": 443, "protocol": "tls", "position": 0}}),
            ] {
                let fact = serde_json::json!({
                    "fact": "certificate", "place": place, "key_present": true, "trust": "added",
                    "key": {"path": "/etc/ssl/web.key"},
                    "certificate": {
                        "sha256": "aa", "spki_sha256": "bb", "subject": "CN=x", "issuer": "CN=y", "serial": "1", "names": [],
                        "not_before": "2026-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z", "key_algorithm": "rsa",
                        "key_bits": 2048, "signature_algorithm": "x", "authority": false, "self_signed": false,
                    },
                });
                let fact = serde_json::from_value(fact).unwrap();
                sink.saw_now(window, &Scope::new("file", "/etc/ssl"), fact);
            }
        }
    }

    #[test]
    fn certificates_in_a_container_are_told_under_its_name_and_as_no_trust_of_the_machine() {
        let world = world(machine());
        let window = window(&world);
        let name = SourceName::new("certificates.containers");
        let mut recorder = Recorder::new(name.clone());
        let mut source = InContainers::new(world, name, |world| Box::new(Certificates(world)));
        source.look(&window, &Budget::default(), &mut recorder);
        let told: Vec<String> = recorder
            .facts()
            .map(|fact| match fact {
                Fact::Certificate(one) => {
                    format!("{:?}", (&one.place, &one.trust, &one.key, one.key_present))
                }
                other => format!("{other:?}"),
            })
            .collect();
        let [one] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert!(
            one.contains("shop:/etc/ssl/web.pem") && one.ends_with("None, None, true)"),
            "{one}"
        );
        assert!(
            source
                .explain()
                .reads
                .iter()
                .any(|r| r.starts_with("within each container"))
        );
    }

    #[test]
    fn a_root_on_a_file_system_of_its_own_is_found_where_that_is_mounted() {
        let table = b"900 800 253:4 /storage/vfs/dir/abc / rw,relatime - ext4 /dev/x rw\n";
        let own = b"20 1 253:1 / / rw - ext4 /dev/r rw\n30 20 253:4 / /var/lib/containers rw - ext4 /dev/x rw\n31 20 253:4 /storag /mnt rw - ext4 /dev/x rw\n";
        assert_eq!(
            roots(table, own),
            [
                PathBuf::from("/var/lib/containers/storage/vfs/dir/abc"),
                PathBuf::from("/storage/vfs/dir/abc")
            ]
        );
    }

    #[test]
    fn a_link_out_of_a_container_leads_nowhere() {
        assert!(!said(machine()).1.contains("api.corp.example"));
    }

    #[test]
    fn without_rights_a_gap_says_so_and_without_containers_nothing() {
        let (lines, all) = said(machine().refused("/proc/40/environ", Reason::PermissionDenied));
        assert!(
            lines.is_empty() && all.contains("PermissionDenied"),
            "{all}"
        );
        let none = FakeDisk::new().file("/proc/1/cgroup", "0::/\n");
        assert!(said(none).0.is_empty());
    }

    #[test]
    fn hammered_tables_never_panic() {
        let corpus: &[&[u8]] = &[
            b"600 500 0:55 /a\\040b / rw - overlay overlay rw,upperdir=/x/diff\n",
            b"0::/lxc.payload.a/b\n",
            b"A=b\0C='d\0",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            roots(bytes, bytes);
            id_of(bytes);
            variables(bytes);
        });
    }
}
