//! What users set up for themselves: `.forward`, `.procmailrc`, Sieve.

use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_model::fact::{RouteRule, RouteTarget};
use groma_source::EntryKind;

use super::aims::{self, domain_of, each_line};
use super::command::program;
use super::reader::Reader;
use super::sieve::{self, Scripts};
use super::{At, Found};
use crate::accounts::Accounts;

const HOMES_MAX: usize = 5_000;
/// Homes of virtual users that are looked into.
const MAILBOXES_MAX: usize = 10_000;

pub(super) fn read(found: &mut Found<'_, '_, '_, '_>, accounts: &Accounts, scripts: &Scripts) {
    let homes: Vec<(PathBuf, u32)> = accounts
        .homes()
        .map(|(home, _, owner)| (home.clone(), owner))
        .collect();
    if homes.len() > HOMES_MAX {
        let what = format!("forwards in homes beyond the first {HOMES_MAX}");
        found.gap(&what, Reason::BudgetExhausted, "");
    }
    for (home, owner) in homes.iter().take(HOMES_MAX) {
        found.read_for(Reader::User {
            owner: Some(*owner),
            home: home.clone(),
        });
        forward(found, &home.join(".forward"));
        procmail(found, &home.join(".procmailrc"));
        for script in &scripts.in_homes {
            sieve::add(found, &home.join(script), "sieve");
        }
    }
    found.read_for(Reader::Machine);
    procmail(found, Path::new("/etc/procmailrc"));
    let mut left = MAILBOXES_MAX;
    for (base, levels) in &scripts.homes {
        virtual_users(found, base, *levels, &scripts.in_homes, &mut left);
    }
    found.read_for(Reader::Machine);
}

/// Homes of virtual users stand so many levels below `base`.
fn virtual_users(
    found: &mut Found<'_, '_, '_, '_>,
    base: &Path,
    levels: usize,
    scripts: &[PathBuf],
    left: &mut usize,
) {
    if levels == 0 {
        let owner = found.owner_of(base).filter(|owner| *owner != 0);
        let home = base.to_owned();
        found.read_for(Reader::User { owner, home });
        for script in scripts {
            sieve::add(found, &base.join(script), "sieve");
        }
        return;
    }
    for entry in found.list(base) {
        if entry.kind != EntryKind::Directory {
            continue;
        }
        if *left == 0 || found.is_spent() {
            let what = format!("filter rules of mailboxes beyond the first {MAILBOXES_MAX}");
            return found.gap(&what, Reason::BudgetExhausted, "");
        }
        *left -= 1;
        virtual_users(found, &entry.path, levels - 1, scripts, left);
    }
}

/// forward(5): as aliases, in lines. What begins with `# Exim filter` or `# Sieve filter` is a script.
fn forward(found: &mut Found<'_, '_, '_, '_>, file: &Path) {
    let Some(text) = found.text(file) else {
        return;
    };
    let first = text.lines().next().unwrap_or_default().to_ascii_lowercase();
    if first.starts_with('#') && first.contains("sieve filter") {
        return sieve::add(found, file, "");
    }
    let at = At {
        product: "forward",
        file,
        key: "",
        line: 0,
    };
    if first.starts_with('#') && first.contains("exim filter") {
        return super::exim::filter(found, &text, RouteRule::Forward, at);
    }
    each_line(&text, |line, value| {
        aims::add(found, RouteRule::Forward, None, value, At { line, ..at });
    });
}

/// procmailrc(5): `! address` sends on, `| program` runs one.
fn procmail(found: &mut Found<'_, '_, '_, '_>, file: &Path) {
    let Some(text) = found.text(file) else {
        return;
    };
    each_line(&text, |line, value| {
        let at = At {
            product: "procmail",
            file,
            key: "",
            line,
        };
        if let Some(addresses) = value.strip_prefix('!') {
            for domain in addresses.split_ascii_whitespace().filter_map(domain_of) {
                found.add(RouteRule::Forward, None, RouteTarget::Domain { domain }, at);
            }
        } else if let Some(path) = value.strip_prefix('|').and_then(program) {
            found.add(RouteRule::Forward, None, RouteTarget::Program { path }, at);
        }
    });
}
