//! Many globs over paths, asked at once.
//!
//! Hundreds of globs stand against tens of thousands of paths, and nearly none of them fit. So a path is asked
//! for its name, then for its ending, then for the first directory: each is one look into a table, and only the
//! globs found there are tried letter by letter.

use std::collections::HashMap;

use crate::glob::{literal_prefix, matches};
use crate::judged::{ON_A_DRIVE, is_on_a_drive, lowered_glob};
use crate::quick::QuickBuilder;

/// A glob with its two ends, which tell nearly every path apart from it.
pub(crate) struct Pattern {
    pub(crate) glob: &'static str,
    pub(crate) prefix: &'static str,
    suffix: &'static str,
}

impl Pattern {
    fn of(glob: &'static str) -> Self {
        Self {
            glob,
            prefix: literal_prefix(glob),
            suffix: glob.rsplit('*').next().unwrap_or(glob),
        }
    }

    pub(crate) fn is_match(&self, path: &str) -> bool {
        path.ends_with(self.suffix) && path.starts_with(self.prefix) && matches(self.glob, path)
    }
}

/// Where a glob can be met.
enum Key {
    Name(&'static str),
    Ending(&'static str),
    Top(&'static str),
    Anywhere,
}

/// Globs with what each stands for, apart for paths of Windows, which are judged in lower case.
pub(crate) struct Patterns<T> {
    unix: Table<T>,
    windows: Table<T>,
}

impl<T: Copy> Patterns<T> {
    pub(crate) fn new(globs: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let all: Vec<(&'static str, T)> = globs.into_iter().collect();
        let unix = all.iter().filter(|(glob, _)| !glob.starts_with(ON_A_DRIVE));
        let windows = all.iter().filter(|(glob, _)| !glob.starts_with('/'));
        Self {
            unix: Table::new(unix.copied()),
            windows: Table::new(windows.map(|(glob, of)| (lowered_glob(glob), *of))),
        }
    }

    /// The globs that fit `path` as it is judged, in no order.
    pub(crate) fn of<'p, 's>(
        &'p self,
        path: &'s str,
    ) -> impl Iterator<Item = &'p (Pattern, T)> + use<'p, 's, T> {
        match is_on_a_drive(path) {
            true => self.windows.of(path),
            false => self.unix.of(path),
        }
    }

    /// True if one of them fits.
    pub(crate) fn fits(&self, path: &str) -> bool {
        self.of(path).next().is_some()
    }
}

/// Globs of one kind of system.
struct Table<T> {
    all: Vec<(Pattern, T)>,
    by_name: HashMap<&'static str, Vec<usize>, QuickBuilder>,
    by_ending: HashMap<&'static str, Vec<usize>, QuickBuilder>,
    by_top: HashMap<&'static str, Vec<usize>, QuickBuilder>,
    anywhere: Vec<usize>,
}

impl<T> Table<T> {
    fn new(globs: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let mut patterns = Self {
            all: Vec::new(),
            by_name: HashMap::default(),
            by_ending: HashMap::default(),
            by_top: HashMap::default(),
            anywhere: Vec::new(),
        };
        for (at, (glob, of)) in globs.into_iter().enumerate() {
            patterns.all.push((Pattern::of(glob), of));
            match key(glob) {
                Key::Name(name) => patterns.by_name.entry(name).or_default().push(at),
                Key::Ending(ending) => patterns.by_ending.entry(ending).or_default().push(at),
                Key::Top(top) => patterns.by_top.entry(top).or_default().push(at),
                Key::Anywhere => patterns.anywhere.push(at),
            }
        }
        patterns
    }

    fn of<'p, 's>(
        &'p self,
        path: &'s str,
    ) -> impl Iterator<Item = &'p (Pattern, T)> + use<'p, 's, T> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let of_ending = ending(name).and_then(|ending| self.by_ending.get(ending));
        let lists = [
            self.by_name.get(name),
            of_ending,
            self.by_top.get(top(path)),
        ];
        let keyed = lists.into_iter().flatten().flatten();
        keyed
            .chain(&self.anywhere)
            .filter_map(|at| self.all.get(*at))
            .filter(move |(pattern, _)| pattern.is_match(path))
    }
}

fn key(glob: &'static str) -> Key {
    let name = glob.rsplit('/').next().unwrap_or(glob);
    if !name.contains('*') {
        return Key::Name(name);
    }
    // What stands behind the last star ends every path that fits, and so does its last dot.
    let suffix = name.rsplit(['*', ']']).next().unwrap_or(name);
    if let Some(ending) = ending(suffix) {
        return Key::Ending(ending);
    }
    let above = glob.get(..glob.len() - name.len()).unwrap_or_default();
    let first = top(above);
    // The first directory is whole only if another part follows it.
    if glob.starts_with('/') && !first.is_empty() && !first.contains('*') {
        return Key::Top(first);
    }
    Key::Anywhere
}

/// `etc` of `/etc/hosts`.
fn top(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').next().unwrap_or(path)
}

/// `conf` of `a.conf`.
pub(crate) fn ending(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, ending)| ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOBS: &[&str] = &[
        "/etc/hosts",
        "**/.env",
        "**/.env.*",
        "**/*.env",
        "**/*.cnf.properties",
        "/etc/default/*",
        "/etc/netplan/**",
        "/home/*/.ssh/config",
        "/etc*/x",
        "/srv/**/a*b",
        "*",
        "/etc/**.conf",
    ];

    const PATHS: &[&str] = &[
        "/etc/hosts",
        "/srv/app/.env",
        "/srv/app/.env.local",
        "/srv/app/x.env",
        "/a/b.cnf.properties",
        "/etc/default/x",
        "/etc/default/x.y",
        "/etc/netplan/a/b.yaml",
        "/home/a/.ssh/config",
        "/etc2/x",
        "/srv/q/axb",
        "/srv/axb",
        "plain",
        "/etc/a/b.conf",
        "/",
        "",
    ];

    #[test]
    fn the_tables_say_what_every_glob_alone_says() {
        let patterns = Patterns::new(GLOBS.iter().map(|glob| (*glob, ())));
        for path in PATHS {
            let mut found: Vec<_> = patterns.of(path).map(|(p, ())| p.glob).collect();
            found.sort_unstable();
            let mut one_by_one: Vec<_> =
                GLOBS.iter().copied().filter(|g| matches(g, path)).collect();
            one_by_one.sort_unstable();
            assert_eq!(found, one_by_one, "{path}");
        }
    }

    #[test]
    fn a_place_of_windows_is_met_on_any_drive_and_in_any_case() {
        let globs = [
            "*:/ProgramData/SSH/ssh_config",
            "**/Web.config",
            "/etc/hosts",
        ];
        let patterns = Patterns::new(globs.map(|glob| (glob, ())));
        let met = |path: &str| patterns.of(path).count();
        assert_eq!(met("c:/programdata/ssh/ssh_config"), 1);
        assert_eq!(met("d:/sites/web.config"), 1);
        assert_eq!(met("/srv/Web.config"), 1);
        for path in [
            "/srv/web.config",
            "/x:/ProgramData/SSH/ssh_config",
            "c:/etc/hosts",
            "c:/a/programdata/ssh/ssh_config",
        ] {
            assert_eq!(met(path), 0, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_is_seen_differently(path in "(/(etc|srv|[a.*]{1,3}|[ab]{1,2}\\.(env|conf)|\\.env|x)){0,4}") {
            let patterns = Patterns::new(GLOBS.iter().map(|glob| (*glob, ())));
            let one_by_one = GLOBS.iter().filter(|g| matches(g, &path)).count();
            proptest::prop_assert_eq!(patterns.of(&path).count(), one_by_one);
        }
    }
}
