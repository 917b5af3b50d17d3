//! `groma-agent service`: the agent as a service of Windows, put in and taken out.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use groma_sys::descriptor::{Thing, others_who_may_write};
use groma_sys::windows::services::{self, Put, Wanted};
use groma_sys::windows::{people, rights_of};

use crate::purging::purge;
use crate::{output, state};

/// What the service is called.
pub(crate) const NAME: &str = "groma-agent";

/// Files of others are read by SeBackupPrivilege, programs behind sockets and their command lines by SeDebugPrivilege; folders are
/// passed through by SeChangeNotifyPrivilege. The system's account loses every other one.
const PRIVILEGES: &[&str] = &[
    "SeBackupPrivilege",
    "SeChangeNotifyPrivilege",
    "SeDebugPrivilege",
];
/// What is left to an account of the system with few rights: it has none of the two others, and a service that asks for one its account
/// has not does not start.
const PRIVILEGES_OF_FEW: &[&str] = &["SeChangeNotifyPrivilege"];

#[derive(Args, Debug)]
pub(crate) struct ServiceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Put the service in, or set right the one that is there. It starts with the machine, not now; enrol first.
    Install {
        /// Run as this account instead of the system: "NT AUTHORITY\LocalService", or a group managed one as DOMAIN\NAME$. It
        /// sees less, and has to be enrolled as that account.
        #[arg(long, value_name = "ACCOUNT", value_parser = account)]
        account: Option<String>,
    },
    /// Stop the service and take it out.
    Uninstall {
        /// Remove what the agent keeps as well: its identity, its spool, its memory. Files it does not know stay.
        #[arg(long)]
        purge: bool,
    },
}

/// Does what was asked.
pub(crate) fn act(arguments: &ServiceArgs) -> Result<()> {
    ensure!(
        people::is_administrator(),
        "services are put in and taken out by administrators: open a shell as administrator"
    );
    let said = match &arguments.what {
        What::Install { account } => install(account.as_deref())?,
        What::Uninstall { purge } => uninstall(*purge)?,
    };
    Ok(output::unless_closed(
        io::stdout().write_all(said.as_bytes()),
    )?)
}

/// Accounts without a password that anybody would have to keep.
fn account(text: &str) -> Result<String, String> {
    let plain = text.to_ascii_lowercase();
    let known = [r"nt authority\localservice", r"nt authority\networkservice"];
    let is_managed = text.ends_with('$') && text.contains('\\');
    match known.contains(&plain.as_str()) || is_managed {
        true => Ok(text.to_owned()),
        false => Err(r#"write "NT AUTHORITY\LocalService", "NT AUTHORITY\NetworkService", or a group managed account as DOMAIN\NAME$: an account with a password is not for a service"#.to_owned()),
    }
}

fn install(account: Option<&str>) -> Result<String> {
    let started = std::env::current_exe().context("find this very program")?;
    // Through no link: whoever may change one would choose what the system starts.
    let program = std::fs::canonicalize(&started).context("find this very program")?;
    let program = plain(&program);
    refuse_if_open(&program)?;
    let command = format!("\"{}\" run --service", program.display());
    let privileges = match account {
        None => PRIVILEGES,
        // What a managed account may do its owner has decided.
        Some(account) if account.ends_with('$') => &[],
        Some(_) => PRIVILEGES_OF_FEW,
    };
    let put = services::put(&Wanted {
        name: NAME,
        title: "groma agent",
        description: "Looks at this machine for groma and changes nothing.",
        command: &command,
        account,
        privileges,
    })
    .context("put the service in")?;
    let done = match put {
        Put::Created => "put in",
        Put::Changed => "was there; it is as it should be now",
    };
    Ok(format!(
        "the service {NAME}: {done}\nnext: groma-agent enroll, then: sc.exe start {NAME}\n"
    ))
}

/// A path as people write it: without the `\\?\` that says there is no link in it, where a drive follows.
fn plain(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    let drive = text
        .strip_prefix(r"\\?\")
        .filter(|rest| rest.get(1..3) == Some(r":\"));
    drive.map_or_else(|| path.to_owned(), PathBuf::from)
}

/// Whoever may write to the program, or to the folder it lies in, would be what the service is: the system.
fn refuse_if_open(program: &Path) -> Result<()> {
    let text = program.to_string_lossy();
    if text.starts_with(r"\\") {
        bail!(Open(format!(
            "{text} lies on another machine, which could put something else in its place; copy it to a folder below %ProgramFiles%"
        )));
    }
    for (depth, place) in program.ancestors().enumerate() {
        let thing = if depth < 2 {
            Thing::Itself
        } else {
            Thing::Above
        };
        let rights = rights_of(place).unwrap_or_default();
        let who = match others_who_may_write(&rights, thing) {
            Ok(others) if others.is_empty() => continue,
            Ok(others) => others
                .iter()
                .map(|who| called(who))
                .collect::<Vec<_>>()
                .join(", "),
            Err(_) => "everybody (it has no access list, or none that can be read)".to_owned(),
        };
        bail!(Open(remedy(place, &who)));
    }
    Ok(())
}

fn called(who: &str) -> String {
    match people::name_of(who) {
        Some(name) => format!("{name} ({who})"),
        None => who.to_owned(),
    }
}

fn remedy(place: &Path, who: &str) -> String {
    let place = place.display();
    let system = "*S-1-5-18";
    let administrators = "*S-1-5-32-544";
    format!(
        "{place} may be written by {who}, who could then act as the service. Copy groma-agent.exe to a folder below %ProgramFiles% and run the same command there; or, if nobody else needs to write there: icacls \"{place}\" /setowner {administrators} && icacls \"{place}\" /inheritance:r /grant:r {system}:(OI)(CI)F {administrators}:(OI)(CI)F *S-1-5-32-545:(OI)(CI)RX"
    )
}

/// A place that others may write to is none for a service.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Open(String);

fn uninstall(purges: bool) -> Result<String> {
    let was_there = services::remove(NAME).context("take the service out")?;
    let mut said = match was_there {
        true => format!("the service {NAME} is taken out\n"),
        false => format!("there is no service {NAME}\n"),
    };
    let home = state::directory();
    match purges {
        false if home.exists() => said.push_str(&format!(
            "{} stays, with the identity of this agent; --purge removes it\n",
            home.display()
        )),
        false => {}
        true => match purge(&home).with_context(|| format!("purge {}", home.display()))? {
            None => said.push_str("nothing is left of what it kept\n"),
            Some(left) => said.push_str(&format!(
                "{} is not the agent's, and stays\n",
                left.display()
            )),
        },
    }
    Ok(said)
}
