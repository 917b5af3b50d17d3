//! A disk that does not wait for ever to read the memory of another process.
//!
//! The command line and the surroundings of a process are its own memory. Whoever reads them waits for a lock the
//! process may hold while it waits itself, for a file system that does not answer, say: then `ps` hangs too. All
//! else below `/proc/PID` the kernel answers by itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_model::Reason;
use groma_source::{Disk, DiskError, Entry, FileMet, FileRead, Listed, Metadata, OpenFile, Space};

/// How long one process is waited for. An answer takes microseconds, on a machine out of memory some milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Processes that do not answer, before none is asked any more: each keeps a thread.
const STUCK_MAX: usize = 16;

/// Passes everything on to another disk; reads the memory of processes on a thread that may be left behind.
#[derive(Clone)]
pub struct PatientDisk {
    disk: Arc<dyn Disk>,
    patience: Duration,
    /// What did not answer is not asked again.
    stuck: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl PatientDisk {
    /// A disk that reads `disk`.
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            patience: PATIENCE,
            stuck: Arc::default(),
        }
    }

    fn is_given_up(&self, path: &Path) -> bool {
        let stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        stuck.len() >= STUCK_MAX || stuck.contains(path)
    }

    /// Does `act` on a thread of its own, and waits a while.
    fn patiently<T: Send + 'static>(
        &self,
        path: &Path,
        act: impl FnOnce(&dyn Disk) -> Result<T, DiskError> + Send + 'static,
    ) -> Result<T, DiskError> {
        let timed_out = || DiskError::because(path, Reason::TimedOut);
        if self.is_given_up(path) {
            return Err(timed_out());
        }
        let (tell, heard) = channel();
        let disk = Arc::clone(&self.disk);
        let thread = std::thread::Builder::new().name("groma-patient".to_owned());
        let started = thread.spawn(move || {
            // Nobody may be listening any more: that is what the channel is for.
            let _ = tell.send(act(disk.as_ref()));
        });
        started.map_err(|e| DiskError::of_io(path, e))?;
        heard.recv_timeout(self.patience).unwrap_or_else(|_| {
            let mut stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
            stuck.insert(path.to_owned());
            Err(timed_out())
        })
    }
}

/// True for files that are memory of a process (proc(5)).
fn is_memory(path: &Path) -> bool {
    let memory = ["cmdline", "environ", "auxv"].map(|name| path.ends_with(name));
    let mut parts = path.components().skip(1);
    memory.contains(&true)
        && parts.next().is_some_and(|part| part.as_os_str() == "proc")
        && parts.count() >= 2
}

impl Disk for PatientDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        if !is_memory(path) {
            return self.disk.read(path, limit);
        }
        let asked = path.to_owned();
        self.patiently(path, move |disk| disk.read(&asked, limit))
    }
    fn read_into(
        &self,
        path: &Path,
        limit: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<FileMet, DiskError> {
        if !is_memory(path) {
            return self.disk.read_into(path, limit, buffer);
        }
        let asked = path.to_owned();
        let read = self.patiently(path, move |disk| {
            let mut bytes = Vec::new();
            let met = disk.read_into(&asked, limit, &mut bytes)?;
            Ok((met, bytes))
        });
        let (met, bytes) = read?;
        *buffer = bytes;
        Ok(met)
    }
    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        let file = self.disk.open(path)?;
        if !is_memory(path) {
            return Ok(file);
        }
        Ok(Box::new(PatientFile {
            metadata: file.metadata().clone(),
            file: Arc::new(Mutex::new(file)),
            path: path.to_owned(),
            disk: self.clone(),
        }))
    }
    fn list_stamped(&self, path: &Path, limit: usize) -> Result<Listed, DiskError> {
        self.disk.list_stamped(path, limit)
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        self.disk.list(path, limit)
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        self.disk.metadata(path)
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.disk.read_link(path)
    }
    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        self.disk.attribute(path, name)
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.disk.space(path)
    }
    fn within(&self, root: &Path) -> Result<Arc<dyn Disk>, DiskError> {
        // Files of a container; the memory of its processes is nowhere in them.
        self.disk.within(root)
    }
}

struct PatientFile {
    metadata: Metadata,
    file: Arc<Mutex<Box<dyn OpenFile>>>,
    path: PathBuf,
    disk: PatientDisk,
}

impl OpenFile for PatientFile {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        let (file, length) = (Arc::clone(&self.file), into.len());
        let bytes = self.disk.patiently(&self.path, move |_| {
            let mut bytes = vec![0; length];
            let file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let many = file.read_at(offset, &mut bytes)?;
            bytes.truncate(many);
            Ok(bytes)
        })?;
        let many = bytes.len().min(into.len());
        if let (Some(into), Some(bytes)) = (into.get_mut(..many), bytes.get(..many)) {
            into.copy_from_slice(bytes);
        }
        Ok(many)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use groma_source::testing::FakeDisk;

    use super::*;

    /// A disk on which the memory of process 7 does not answer before the test is over.
    struct Stuck(FakeDisk, Arc<Barrier>);

    impl Disk for Stuck {
        fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
            if path.starts_with("/proc/7") {
                self.1.wait();
            }
            self.0.read(path, limit)
        }
        fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
            self.0.open(path)
        }
        fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
            self.0.list(path, limit)
        }
        fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
            self.0.metadata(path)
        }
        fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
            self.0.read_link(path)
        }
        fn space(&self, path: &Path) -> Result<Space, DiskError> {
            self.0.space(path)
        }
    }

    #[test]
    fn a_process_whose_memory_does_not_answer_costs_itself_alone_and_is_asked_once() {
        let files = FakeDisk::new()
            .file("/proc/7/cmdline", "stuck")
            .file("/proc/7/environ", "stuck")
            .file("/proc/8/cmdline", "sh")
            .file("/proc/7/cgroup", "0::/");
        let let_go = Arc::new(Barrier::new(2));
        let patient = PatientDisk {
            patience: Duration::from_millis(1),
            ..PatientDisk::new(Arc::new(Stuck(files, Arc::clone(&let_go))))
        };
        let reason = |path: &str| patient.read(Path::new(path), 99).unwrap_err().reason;
        assert_eq!(reason("/proc/7/cmdline"), Reason::TimedOut);
        assert_eq!(reason("/proc/7/cmdline"), Reason::TimedOut);
        // The one thread that was left behind; had the second question been asked, there would be two.
        let_go.wait();
        let whole = PatientDisk {
            patience: Duration::from_secs(600),
            ..patient.clone()
        };
        let bytes = |path: &str| whole.read(Path::new(path), 99).unwrap().bytes;
        assert_eq!(bytes("/proc/8/cmdline"), b"sh");
        let mut part = [0; 2];
        let open = whole.open(Path::new("/proc/8/cmdline")).unwrap();
        assert_eq!(open.read_at(1, &mut part).unwrap(), 1);
        assert_eq!(part[0], b'h');
    }

    #[test]
    fn only_the_memory_of_processes_is_read_apart() {
        for memory in [
            "/proc/7/cmdline",
            "/proc/7/task/8/environ",
            "/proc/self/cmdline",
        ] {
            assert!(is_memory(Path::new(memory)), "{memory}");
        }
        for other in [
            "/proc/cmdline",
            "/proc/7/cgroup",
            "/srv/7/environ",
            "proc/7/cmdline",
            "/",
        ] {
            assert!(!is_memory(Path::new(other)), "{other}");
        }
    }
}
