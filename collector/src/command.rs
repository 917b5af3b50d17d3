//! The command line of `groma`: what was typed. What it means stands with each verb.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::verbs::{
    agents, annotate, authority, backup, deploy, diff, export, forget, generate, impact, import,
    report, schema, serve, snapshot, survey, token, wave,
};
use crate::{exit, files, terminal};

/// On the day the old server is switched off, what breaks that nobody had listed?
#[derive(Parser, Debug)]
#[command(name = "groma", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

/// Where the store is.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// Directory of the store [default: the platform's data directory].
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A store in PostgreSQL instead, as postgres://USER@HOST/DATABASE; the password in a file that passfile= names. An authority still
    /// lies in the data directory.
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
}

impl Place {
    /// The database of the store, if it is not in the directory.
    pub(crate) fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The directory of the store.
    pub(crate) fn directory(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(files::default_data)
    }
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Look at this machine, keep what was seen, and report it: all of it here.
    Survey(Box<survey::Arguments>),
    /// Let agents in, keep what they send, and say how it does; until it is stopped.
    Serve(serve::Arguments),
    /// Make or list the tokens that let agents in.
    #[command(subcommand)]
    Token(token::Arguments),
    /// List, approve, revoke and direct agents.
    #[command(subcommand)]
    Agents(agents::Arguments),
    /// Say who signs for the fleet and until when, or replace that authority in three steps.
    Authority(authority::Arguments),
    /// Put the agent on machines over ssh, or take it off again.
    Deploy(deploy::Arguments),
    /// Copy the store to a file, while it is in use.
    Backup(backup::BackUp),
    /// Put a copy of the store where none is.
    Restore(backup::Restore),
    /// Take in batches, inventory lists (CSV), mailbox rights and RVTools workbooks, recognised by their content.
    Import(import::Arguments),
    /// Name the present moment, list the named ones, or forget a name.
    #[command(subcommand)]
    Snapshot(snapshot::Arguments),
    /// Write a document people can hold.
    Report(report::Arguments),
    /// Write the inventory document for the next tool in the chain.
    Export(export::Arguments),
    /// Say what changed between two moments; exit code 1 if there is something to act on.
    Diff(diff::Arguments),
    /// Say everything that breaks, directly and through others, when something goes.
    Impact(impact::Arguments),
    /// Plan waves, and say whether one may begin.
    #[command(subcommand)]
    Wave(wave::Arguments),
    /// Say what no machine can know: owner, criticality, window, a verdict.
    Annotate(annotate::Arguments),
    /// Erase the traces of a machine or a person from the store; says first what that would be.
    Forget(forget::Arguments),
    /// Print the JSON Schema of a format.
    #[command(hide = true)]
    Schema(schema::Arguments),
    /// Fill a store with a made-up estate, for measuring.
    #[command(hide = true)]
    Generate(generate::Arguments),
    /// Print a completion script for a shell.
    #[command(hide = true)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    #[command(hide = true)]
    Man,
}

/// Runs the command line; the exit code follows the contract.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if groma_agent::is_called_apart(&arguments) {
        groma_sys::prefer_small_pages();
        return groma_agent::serve();
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { 0 });
        }
    };
    groma_sys::prefer_small_pages();
    match catch_unwind(AssertUnwindSafe(|| act(&cli))) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => {
            terminal::tell(&format!(
                "groma: {}",
                terminal::visible(&format!("{error:#}"))
            ));
            ExitCode::from(exit::code(&error))
        }
        Err(_) => {
            terminal::tell(
                "groma: this is a bug of groma; please report the lines above with the version",
            );
            ExitCode::from(exit::BUG)
        }
    }
}

fn act(cli: &Cli) -> anyhow::Result<u8> {
    let place = &cli.place;
    match &cli.verb {
        Verb::Survey(arguments) => survey::run(arguments, place),
        Verb::Serve(arguments) => serve::run(arguments, place),
        Verb::Token(arguments) => token::run(arguments, place),
        Verb::Agents(arguments) => agents::run(arguments, place),
        Verb::Authority(arguments) => authority::run(arguments, place),
        Verb::Deploy(arguments) => deploy::run(arguments, place),
        Verb::Backup(arguments) => backup::back_up(arguments, place),
        Verb::Restore(arguments) => backup::restore(arguments, place),
        Verb::Import(arguments) => import::run(arguments, place),
        Verb::Snapshot(arguments) => snapshot::run(arguments, place),
        Verb::Report(arguments) => report::run(arguments, place),
        Verb::Export(arguments) => export::run(arguments, place),
        Verb::Diff(arguments) => diff::run(arguments, place),
        Verb::Impact(arguments) => impact::run(arguments, place),
        Verb::Wave(arguments) => wave::run(arguments, place),
        Verb::Annotate(arguments) => annotate::run(arguments, place),
        Verb::Forget(arguments) => forget::run(arguments, place),
        Verb::Schema(arguments) => schema::run(arguments),
        Verb::Generate(arguments) => generate::run(arguments, place),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "groma", &mut script);
            files::print(&script).map(|()| 0)
        }
        Verb::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            files::print(&page).map(|()| 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
