//! `groma token create | list`: what lets agents in.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use groma_model::SiteId;
use groma_model::fleet::TokenRecord;
use groma_model::foreign::hex;
use groma_model::id::sha256;
use groma_serve::Authority;
use groma_source::World;
use groma_wire::token::Token;

use crate::command::Place;
use crate::terminal::tell;
use crate::verbs::serve::authority_at;
use crate::verbs::{open_fleet, wrong_usage};
use crate::{files, terminal};

/// A token is not for keeping.
const LIFE_MAX: Duration = Duration::from_secs(30 * 86_400);

#[derive(Subcommand, Debug)]
pub(crate) enum Arguments {
    /// Make a token and print it: hand it over in a file, it is shown this once.
    Create(Create),
    /// List tokens by their public names; no secret is kept.
    List,
}

#[derive(Args, Debug)]
pub(crate) struct Create {
    /// The site of the agents that come with it.
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = site)]
    site: SiteId,
    /// How many agents it lets in.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    uses: u64,
    /// How long it lasts, as 15m, 1h, 7d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = groma_agent::duration)]
    ttl: Duration,
    /// A person approves each agent that comes with it (`groma agents approve`) before anything of it is kept.
    #[arg(long)]
    approve: bool,
    /// Directory of the authority [default: `authority` within the data directory].
    #[arg(long, value_name = "DIR")]
    authority: Option<PathBuf>,
    /// Where to write the token; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

/// A site that can stand in a certificate.
pub(crate) fn site(text: &str) -> Result<SiteId, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    match (1..=64).contains(&text.len()) && text.chars().all(fine) {
        true => Ok(SiteId::new(text)),
        false => Err(format!(
            "{text:?} is no name of a site: use 1 to 64 letters, digits, dots, dashes or underscores"
        )),
    }
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    let world = groma_sys::this_machine(true);
    match arguments {
        Arguments::Create(create) => make(create, place, &world),
        Arguments::List => list(place, &world),
    }
}

fn make(arguments: &Create, place: &Place, world: &World) -> Result<u8> {
    if arguments.ttl.is_zero() || arguments.ttl > LIFE_MAX {
        return Err(wrong_usage(
            "a token lasts from a second to 30 days; write --ttl 1h",
        ));
    }
    let mut store = open_fleet(place)?;
    let authority = authority_at(place, arguments.authority.as_ref(), world)?;
    let (site, uses) = (arguments.site.clone(), arguments.uses);
    let (token, record) = minted(
        &authority,
        world,
        site,
        uses,
        arguments.ttl,
        arguments.approve,
    );
    store.add_token(&record)?;
    files::write(&arguments.out, format!("{}\n", token.reveal()).as_bytes())?;
    tell(&format!(
        "token {} lets {} in at site {} until {}; on the machine: groma-agent enroll --collector https://THIS-HOST --token-file FILE",
        record.name(),
        if record.uses_max == 1 {
            "one agent".to_owned()
        } else {
            format!("{} agents", record.uses_max)
        },
        record.site,
        record.ends_at.minute(),
    ));
    Ok(0)
}

/// A new token of this authority, and what is kept of it.
pub(crate) fn minted(
    authority: &Authority,
    world: &World,
    site: SiteId,
    uses_max: u64,
    life: Duration,
    approve: bool,
) -> (Token, TokenRecord) {
    let mut secret = [0; 32];
    world.randomness.fill(&mut secret);
    let now = world.clock.now();
    let token = Token {
        secret,
        pin: authority.pin(),
    };
    let record = TokenRecord {
        digest: hex(&sha256(&secret)),
        site,
        uses_max,
        uses: 0,
        made_at: now,
        ends_at: now.plus(life),
        approve,
    };
    (token, record)
}

fn list(place: &Place, world: &World) -> Result<u8> {
    let now = world.clock.now();
    for token in open_fleet(place)?.tokens()? {
        let state = match () {
            () if token.uses >= token.uses_max => "used up",
            () if token.ends_at <= now => "over",
            () => "good",
        };
        let line = format!(
            "{}\t{}\t{} of {} used\tuntil {}\t{state}{}\n",
            token.name(),
            terminal::visible(token.site.as_str()),
            token.uses,
            token.uses_max,
            token.ends_at.minute(),
            if token.approve { "\tasks a person" } else { "" },
        );
        files::print(line.as_bytes())?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_a_plain_name() {
        assert!(site("north-2.dc_a").is_ok());
        for wrong in ["", "a/b", "a b", "ä", "a\n", &"x".repeat(65)] {
            assert!(site(wrong).is_err(), "{wrong:?}");
        }
    }
}
