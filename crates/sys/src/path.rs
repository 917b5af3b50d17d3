//! The way to a path, one step at a time: no link is followed without asking where it leads.
//!
//! The common path has no link in it. The kernel is asked for it whole, under the condition that there is
//! none (`openat2(2)`, `RESOLVE_NO_SYMLINKS`). Only where there is one, or where the kernel is too old to be
//! asked, every part is opened by itself, and before each step the mount table says whether the next one
//! would touch another machine. Whatever somebody renames meanwhile, a step leads where it was seen to lead.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use groma_model::Reason;
use groma_source::DiskError;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::mounts::{Class, MountTable};
use crate::silent::Silent;

/// Links on the way to one path, as many as the kernel itself would follow (path_resolution(7)).
const LINKS_MAX: u32 = 40;
/// Steps on the way to one path, however many links wrote them.
const STEPS_MAX: usize = 16_384;

const TOUCH_NOTHING: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What becomes of a link at the very end of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Last {
    /// It is followed.
    Follow,
    /// It is what was asked for.
    Keep,
}

/// What stands at a path: held by a descriptor that has touched nothing.
pub(crate) struct Found {
    pub(crate) held: OwnedFd,
    pub(crate) stat: Stat,
    /// The path without any link.
    pub(crate) path: PathBuf,
    pub(crate) class: Class,
}

impl Found {
    fn is_link(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Symlink
    }
}

/// A directory that paths and links count from, held open: nothing leads out of it.
#[derive(Debug)]
pub(crate) struct Root {
    held: OwnedFd,
    /// Where it stands for the mount table.
    stands: PathBuf,
    /// What is put before the paths of what is found there.
    told: PathBuf,
    /// How we ourselves would write the way there.
    ours: PathBuf,
}

impl Root {
    /// The directory that was found, as a root whose paths begin at itself.
    pub(crate) fn of(found: Found) -> Self {
        Self {
            held: found.held,
            ours: found.path.clone(),
            stands: found.path,
            told: PathBuf::from("/"),
        }
    }

    /// Where `path`, which counts from here, stands for the mount table.
    pub(crate) fn stands(&self, path: &Path) -> PathBuf {
        below(&self.stands, path)
    }

    /// `path`, which counts from here, as we ourselves would write it.
    pub(crate) fn ours(&self, path: &Path) -> PathBuf {
        below(&self.ours, path)
    }
}

/// What a way is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Map<'a> {
    pub(crate) mounts: &'a MountTable,
    /// Where paths count from, if not from our own root.
    pub(crate) root: Option<&'a Root>,
    /// Where nobody goes any more.
    pub(crate) silent: &'a Silent,
    /// Told where the next step leads, before it is taken, by somebody who wants to know where a way ends that does
    /// not come back: then every way is taken part by part.
    pub(crate) steps: Option<&'a dyn Fn(PathBuf)>,
}

/// Goes to `path`, which counts from the root of `map`, or from the root of this process.
pub(crate) fn find(path: &Path, last: Last, map: Map<'_>) -> Result<Found, DiskError> {
    let path = std::path::absolute(path).map_err(|e| DiskError::of_io(path, e))?;
    if map.root.is_none()
        && let Some((root, inside)) = other_root(&path)
        && (last == Last::Follow || !inside.as_os_str().is_empty())
    {
        return find_inside(&path, root, inside, last, map);
    }
    let walk = Walk { asked: &path, map };
    walk.go(&path, last)
}

/// `/proc/PID/root` and what lies behind it: the files as that process sees them. Links inside count from
/// there, so that a container cannot point at a file of its host.
fn other_root(path: &Path) -> Option<(&Path, &Path)> {
    let inside = path.strip_prefix("/proc").ok()?;
    let mut parts = inside.components();
    let pid = parts.next()?.as_os_str();
    let is_pid = pid.as_bytes().iter().all(u8::is_ascii_digit);
    if !is_pid || parts.next()?.as_os_str() != "root" {
        return None;
    }
    let rest = parts.as_path();
    let root = path.ancestors().nth(rest.components().count())?;
    Some((root, rest))
}

fn find_inside(
    asked: &Path,
    root: &Path,
    inside: &Path,
    last: Last,
    map: Map<'_>,
) -> Result<Found, DiskError> {
    if map.silent.refuses(asked) {
        return Err(DiskError::because(asked, Reason::TimedOut));
    }
    let fail = |e: Errno| DiskError::of_io(asked, e.into());
    let table =
        fs::read(root.with_file_name("mountinfo")).map_err(|e| DiskError::of_io(asked, e))?;
    let mounts = MountTable::parse(&table);
    // The one link of the kernel's own that is followed: it leads to the root of a process and nowhere else.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = Root {
        held: rustix::fs::open(root, flags, Mode::empty()).map_err(fail)?,
        // Its own table of mounts counts from there.
        stands: PathBuf::from("/"),
        told: root.to_owned(),
        ours: root.to_owned(),
    };
    let map = Map {
        mounts: &mounts,
        root: Some(&root),
        ..map
    };
    let walk = Walk { asked, map };
    walk.go(&Path::new("/").join(inside), last)
}

struct Walk<'a> {
    asked: &'a Path,
    map: Map<'a>,
}

/// What a walk remembers of the links it has followed.
#[derive(Default)]
struct Links {
    many: u32,
    /// One of them lies on storage: it must not lead to tables of the kernel.
    from_storage: bool,
    /// One stood at the end of the path: where nothing stands, it is broken.
    at_the_end: bool,
}

enum Step {
    There(Box<Found>),
    Link(Box<Found>),
}

impl Walk<'_> {
    fn refuse(&self, reason: Reason) -> DiskError {
        DiskError::because(self.asked, reason)
    }

    fn fail(&self, error: Errno) -> DiskError {
        DiskError::of_io(self.asked, error.into())
    }

    /// Goes to `path`, which counts from the root of this walk: in one question if that is possible, else in steps.
    fn go(&self, path: &Path, last: Last) -> Result<Found, DiskError> {
        let mut found = match self.at_once(path, last)? {
            Some(found) => found,
            None => self.step_by_step(path, last)?,
        };
        if let Some(root) = self.map.root {
            found.path = below(&root.told, &found.path);
        }
        Ok(found)
    }

    /// Where `path` stands for the mount table.
    fn stands(&self, path: &Path) -> PathBuf {
        match self.map.root {
            Some(root) => root.stands(path),
            None => path.to_owned(),
        }
    }

    /// An error if nobody should touch `path`, which stands there for the mount table.
    fn may_touch(&self, path: &Path, stands: &Path) -> Result<(), DiskError> {
        if self.map.mounts.is_remote(stands) {
            return Err(self.refuse(Reason::RemoteFileSystem));
        }
        if self.map.silent.is_empty() {
            return Ok(());
        }
        match self.map.silent.refuses(&self.ours(path)) {
            true => Err(self.refuse(Reason::TimedOut)),
            false => Ok(()),
        }
    }

    /// `path` as we ourselves would write it.
    fn ours(&self, path: &Path) -> PathBuf {
        match self.map.root {
            Some(root) => root.ours(path),
            None => path.to_owned(),
        }
    }

    /// The whole path in one question; `None` if there is a link in it, or the kernel cannot answer. Within another
    /// root the kernel also sees to it that nothing leads out of it.
    fn at_once(&self, path: &Path, last: Last) -> Result<Option<Found>, DiskError> {
        let is_told_of = self.map.steps.is_some();
        if is_told_of || path.components().any(|c| c == Component::ParentDir) {
            return Ok(None);
        }
        self.may_touch(path, &self.stands(path))?;
        let no_links = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let (from, resolve) = match self.map.root {
            Some(root) => (root.held.as_fd(), no_links | ResolveFlags::IN_ROOT),
            None => (rustix::fs::CWD, no_links),
        };
        let opened = rustix::fs::openat2(from, path, TOUCH_NOTHING, Mode::empty(), resolve);
        let held = match opened {
            Ok(held) => held,
            Err(e @ (Errno::NOENT | Errno::NOTDIR | Errno::ACCESS)) => return Err(self.fail(e)),
            Err(_) => return Ok(None),
        };
        let found = self.examined(held, path.to_owned())?;
        let follow = last == Last::Follow && found.is_link();
        Ok((!follow).then_some(found))
    }

    /// Part by part. After every link the way starts again, with what the link says in its place.
    fn step_by_step(&self, path: &Path, last: Last) -> Result<Found, DiskError> {
        let mut ahead = parts(path);
        let mut links = Links::default();
        let mut steps = 0;
        while links.many <= LINKS_MAX {
            match self.until_a_link(&mut ahead, last, &links, &mut steps)? {
                Step::There(found) => return Ok(*found),
                Step::Link(link) => {
                    let to = self.leads_to(&link)?;
                    links.many += 1;
                    links.from_storage |= link.class == Class::Local;
                    links.at_the_end |= ahead.is_empty();
                    let directory = link.path.parent().unwrap_or(Path::new("/"));
                    let mut way = parts(&directory.join(to));
                    way.append(&mut ahead);
                    ahead = way;
                }
            }
        }
        Err(self.refuse(Reason::BrokenLink))
    }

    /// Goes on until the end or the next link that is to be followed; `ahead` is what is left then.
    fn until_a_link(
        &self,
        ahead: &mut VecDeque<OsString>,
        last: Last,
        links: &Links,
        steps: &mut usize,
    ) -> Result<Step, DiskError> {
        let mut here = self.start()?;
        while let Some(part) = ahead.pop_front() {
            *steps += 1;
            if *steps > STEPS_MAX {
                return Err(self.refuse(Reason::BrokenLink));
            }
            if part == ".." {
                // What was passed has no link in it, so its letters are its place. A descriptor's own `..`
                // might lead elsewhere, if somebody moved the directory meanwhile.
                let mut way = parts(here.path.parent().unwrap_or(Path::new("/")));
                way.append(ahead);
                *ahead = way;
                here = self.start()?;
                continue;
            }
            let next = self.step(&here, &part, links)?;
            let follow = last == Last::Follow || !ahead.is_empty();
            if follow && next.is_link() {
                return Ok(Step::Link(Box::new(next)));
            }
            here = next;
        }
        Ok(Step::There(Box::new(here)))
    }

    fn step(&self, here: &Found, part: &OsStr, links: &Links) -> Result<Found, DiskError> {
        let path = here.path.join(part);
        let stands = self.stands(&path);
        self.may_touch(&path, &stands)?;
        if let Some(tell) = self.map.steps {
            tell(self.place(&path, &stands));
        }
        // A file that pretends to be configuration and is a table of the kernel.
        if links.from_storage && self.map.mounts.class(&stands) != Class::Local {
            return Err(self.refuse(Reason::NotARegularFile));
        }
        match rustix::fs::openat(here.held.as_fd(), part, TOUCH_NOTHING, Mode::empty()) {
            Ok(held) => self.examined(held, path),
            Err(Errno::NOENT) if links.at_the_end => Err(self.refuse(Reason::BrokenLink)),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// The file system that `path` lies on, by where it is mounted. What holds all of this machine is no such place:
    /// there it is the path alone.
    fn place(&self, path: &Path, stands: &Path) -> PathBuf {
        let point = self.map.mounts.point(stands);
        match self.map.root {
            // The table of another process counts from that one's root, ours from ours.
            Some(root) if root.stands == Path::new("/") => root.ours(&point),
            _ if point == Path::new("/") => self.ours(path),
            _ => point,
        }
    }

    fn start(&self) -> Result<Found, DiskError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let held = match self.map.root {
            Some(root) => rustix::fs::openat(&root.held, c".", flags, Mode::empty()),
            None => rustix::fs::open(c"/", flags, Mode::empty()),
        };
        self.examined(held.map_err(|e| self.fail(e))?, PathBuf::from("/"))
    }

    /// Where a link leads, if it may be followed at all.
    fn leads_to(&self, link: &Found) -> Result<PathBuf, DiskError> {
        // Those the kernel makes of a process (`exe`, `cwd`, `fd/7`) lead to an object, whatever their letters say.
        let stands = self.stands(&link.path);
        if link.class == Class::Processes && stands.parent() != Some(Path::new("/proc")) {
            return Err(self.refuse(Reason::NotARegularFile));
        }
        let to = rustix::fs::readlinkat(&link.held, c"", Vec::new()).map_err(|e| self.fail(e))?;
        Ok(PathBuf::from(OsString::from_vec(to.into_bytes())))
    }

    fn examined(&self, held: OwnedFd, path: PathBuf) -> Result<Found, DiskError> {
        let stat = rustix::fs::fstat(&held).map_err(|e| self.fail(e))?;
        let class = self.map.mounts.class(&self.stands(&path));
        Ok(Found {
            held,
            stat,
            path,
            class,
        })
    }
}

/// `path`, which counts from a root, put behind `root`.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The names a path is made of, and `..` where it is written.
fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir))
        .map(|c| c.as_os_str().to_owned())
        .collect()
}
