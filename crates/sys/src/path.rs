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

/// Goes to `path`, which counts from the root of this process.
pub(crate) fn find(path: &Path, last: Last, mounts: &MountTable) -> Result<Found, DiskError> {
    let path = std::path::absolute(path).map_err(|e| DiskError::of_io(path, e))?;
    if let Some((root, inside)) = other_root(&path)
        && (last == Last::Follow || !inside.as_os_str().is_empty())
    {
        return find_inside(&path, root, inside, last);
    }
    let walk = Walk {
        asked: &path,
        root: None,
        mounts,
    };
    match walk.at_once(last)? {
        Some(found) => Ok(found),
        None => walk.step_by_step(&path, last),
    }
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

fn find_inside(asked: &Path, root: &Path, inside: &Path, last: Last) -> Result<Found, DiskError> {
    let fail = |e: Errno| DiskError::of_io(asked, e.into());
    let table =
        fs::read(root.with_file_name("mountinfo")).map_err(|e| DiskError::of_io(asked, e))?;
    let mounts = MountTable::parse(&table);
    // The one link of the kernel's own that is followed: it leads to the root of a process and nowhere else.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let held = rustix::fs::open(root, flags, Mode::empty()).map_err(fail)?;
    let walk = Walk {
        asked,
        root: Some((held, root)),
        mounts: &mounts,
    };
    walk.step_by_step(&Path::new("/").join(inside), last)
}

struct Walk<'a> {
    asked: &'a Path,
    /// Where paths count from, if not from our own root.
    root: Option<(OwnedFd, &'a Path)>,
    mounts: &'a MountTable,
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

    /// The whole path in one question; `None` if there is a link in it, or the kernel cannot answer.
    fn at_once(&self, last: Last) -> Result<Option<Found>, DiskError> {
        if self.asked.components().any(|c| c == Component::ParentDir) {
            return Ok(None);
        }
        if self.mounts.is_remote(self.asked) {
            return Err(self.refuse(Reason::RemoteFileSystem));
        }
        let no_links = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let opened = rustix::fs::openat2(
            rustix::fs::CWD,
            self.asked,
            TOUCH_NOTHING,
            Mode::empty(),
            no_links,
        );
        let held = match opened {
            Ok(held) => held,
            Err(e @ (Errno::NOENT | Errno::NOTDIR | Errno::ACCESS)) => return Err(self.fail(e)),
            Err(_) => return Ok(None),
        };
        let found = self.examined(held, self.asked.to_owned())?;
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
        if let Some((_, root)) = &self.root {
            here.path = root.join(here.path.strip_prefix("/").unwrap_or(&here.path));
        }
        Ok(Step::There(Box::new(here)))
    }

    fn step(&self, here: &Found, part: &OsStr, links: &Links) -> Result<Found, DiskError> {
        let path = here.path.join(part);
        if self.mounts.is_remote(&path) {
            return Err(self.refuse(Reason::RemoteFileSystem));
        }
        // A file that pretends to be configuration and is a table of the kernel.
        if links.from_storage && self.mounts.class(&path) != Class::Local {
            return Err(self.refuse(Reason::NotARegularFile));
        }
        match rustix::fs::openat(here.held.as_fd(), part, TOUCH_NOTHING, Mode::empty()) {
            Ok(held) => self.examined(held, path),
            Err(Errno::NOENT) if links.at_the_end => Err(self.refuse(Reason::BrokenLink)),
            Err(error) => Err(self.fail(error)),
        }
    }

    fn start(&self) -> Result<Found, DiskError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let held = match &self.root {
            Some((held, _)) => rustix::fs::openat(held, c".", flags, Mode::empty()),
            None => rustix::fs::open(c"/", flags, Mode::empty()),
        };
        self.examined(held.map_err(|e| self.fail(e))?, PathBuf::from("/"))
    }

    /// Where a link leads, if it may be followed at all.
    fn leads_to(&self, link: &Found) -> Result<PathBuf, DiskError> {
        // Those the kernel makes of a process (`exe`, `cwd`, `fd/7`) lead to an object, whatever their letters say.
        if link.class == Class::Processes && link.path.parent() != Some(Path::new("/proc")) {
            return Err(self.refuse(Reason::NotARegularFile));
        }
        let to = rustix::fs::readlinkat(&link.held, c"", Vec::new()).map_err(|e| self.fail(e))?;
        Ok(PathBuf::from(OsString::from_vec(to.into_bytes())))
    }

    fn examined(&self, held: OwnedFd, path: PathBuf) -> Result<Found, DiskError> {
        let stat = rustix::fs::fstat(&held).map_err(|e| self.fail(e))?;
        let class = self.mounts.class(&path);
        Ok(Found {
            held,
            stat,
            path,
            class,
        })
    }
}

/// The names a path is made of, and `..` where it is written.
fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir))
        .map(|c| c.as_os_str().to_owned())
        .collect()
}
