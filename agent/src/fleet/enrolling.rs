//! `groma-agent enroll`: a token for an identity.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use groma_ship::{CollectorUrl, Link};
use groma_wire::token::Token;

use super::home::Home;
use super::host::this_host;
use crate::machine::collector_names;
use crate::{output, state};

/// A token is one short line.
const TOKEN_BYTES_MAX: u64 = 4096;

#[derive(Args, Debug)]
pub(crate) struct EnrollArgs {
    /// Where the collector is, as https://groma.corp.example.
    #[arg(long, value_name = "URL", value_parser = CollectorUrl::parse)]
    collector: CollectorUrl,
    /// The file with the token of `groma token create`; `-` is standard input. A token never stands on a command line, where every user
    /// of the machine can read it.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Enrol this machine as a new agent, though it is enrolled: what waits in its spool goes to the new collector.
    #[arg(long)]
    again: bool,
}

/// Lets this machine in, and keeps who it is.
pub(crate) fn enroll(arguments: &EnrollArgs) -> Result<()> {
    let home = Home::at(state::directory());
    if !arguments.again
        && let Some(known) = home.identity()?
    {
        bail!(
            "this machine is enrolled already, as {} at {}; write --again to enrol it anew",
            known.agent,
            known.collector
        );
    }
    let token = Token::parse(&read_token(&arguments.token_file)?)?;
    let host = this_host();
    let fingerprint = host.fingerprint.clone();
    // Nobody who runs with the former identity may write it down again.
    let _alone = home.alone()?;
    // If the answer is lost on the way, the same key asks again, and the collector knows it: no token is lost with it.
    let key = home.key_to_enrol()?;
    let enrolled = Link::enrol(&arguments.collector, &token, &key, host, collector_names())?;
    home.keep_identity(&enrolled)
        .context("keep who this agent is: make room, and run the same command again")?;
    home.forget_former()
        .context("forget the former enrolment")?;
    let text = format!(
        "enrolled as {} at site {}; fingerprint {fingerprint}\nnext: groma-agent run (or start its service); what it would read: groma-agent explain\n",
        enrolled.agent, enrolled.site
    );
    Ok(output::unless_closed(io::Write::write_all(
        &mut io::stdout(),
        text.as_bytes(),
    ))?)
}

fn read_token(path: &Path) -> Result<String> {
    let what = || format!("read the token in {}", path.display());
    let mut text = String::new();
    match path == Path::new("-") {
        true => io::stdin()
            .take(TOKEN_BYTES_MAX)
            .read_to_string(&mut text)
            .with_context(what)?,
        false => File::open(path)
            .with_context(what)?
            .take(TOKEN_BYTES_MAX)
            .read_to_string(&mut text)
            .with_context(what)?,
    };
    ensure!(
        !text.trim().is_empty(),
        "read the token in {}: it is empty",
        path.display()
    );
    Ok(text)
}
