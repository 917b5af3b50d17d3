//! `groma survey`: look, keep, conclude, report, all of it on this machine.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use groma_agent::{Directory, LookRequest};
use groma_model::inventory::Inventory;
use groma_model::{AgentId, Batch, HostName, SiteId};
use groma_source::{Memory, World};
use groma_store::{LOCAL_EPOCH, Moment, Store};

use crate::command::Place;
use crate::link::Line;
use crate::terminal::{Spinner, tell, tell_waiting};
use crate::verbs::open;
use crate::{conclude, files};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// How long to watch sockets, as `30s` or `5m`.
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = groma_agent::duration)]
    watch: Duration,
    /// Where the report is written [default: the directory of the store].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Contact nobody but this machine.
    #[arg(long)]
    offline: bool,
    /// Ask name servers about the mail of this domain too: who takes it, who may send it, for how long others remember
    /// it. May be given several times; no domain is asked about unless it is named here.
    #[arg(long = "mail-domain", value_name = "DOMAIN", value_parser = groma_agent::mail_domain)]
    mail_domains: Vec<HostName>,
    /// Ask at these domains for keys of DKIM under this selector too (`s=` in the header DKIM-Signature of a mail), beyond
    /// the usual ones and those this machine signs with. May be given several times.
    #[arg(long = "dkim-selector", value_name = "SELECTOR", value_parser = groma_agent::dkim_selector, requires = "mail_domains")]
    dkim_selectors: Vec<String>,
    /// Read exported logs of Windows machines in this file or folder too: event logs (.evtx) and the text logs of Exchange
    /// and IIS. May be given several times.
    #[arg(long, value_name = "PATH")]
    events: Vec<PathBuf>,
    /// Read captures of a network (pcap, pcapng) in this file too: who uses which service of whom. May be given several
    /// times.
    #[arg(long = "capture", value_name = "FILE")]
    captures: Vec<PathBuf>,
    #[command(flatten)]
    listen: groma_agent::ListenArgs,
    /// Whom to ask beyond this machine, and as whom: TOML, readable by its owner alone (`[[directory]]`, `[[snmp]]`, `[[hypervisor]]`). Nobody is
    /// asked without it.
    #[arg(long, value_name = "FILE")]
    access: Option<PathBuf>,
    #[command(flatten)]
    sweep: groma_agent::SweepArgs,
    /// Say whom the network would be asked about and how, and do nothing.
    #[arg(long, requires = "targets")]
    dry_run: bool,
    #[command(flatten)]
    link: Line,
    /// Text for people, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn run(arguments: &Arguments, place: &Place) -> Result<u8> {
    if place.database().is_some() {
        // Two machines that survey into one database would be one vantage to it.
        return Err(super::wrong_usage(
            "a survey is kept in a store of its own: for many machines on one database, enrol an agent on each (groma-agent enroll)",
        ));
    }
    let world = groma_agent::this_machine(arguments.offline);
    let directories = groma_agent::directories(&world, arguments.access.as_deref())?;
    let platforms = groma_agent::platforms(&world, arguments.access.as_deref())?;
    let devices = groma_agent::devices(&world, arguments.access.as_deref(), &arguments.sweep)?;
    let sweep = arguments.sweep.plan(&world, !arguments.dry_run)?;
    if let (true, Some(plan)) = (arguments.dry_run, &sweep) {
        files::print(groma_agent::plan_in_words(plan, &devices).as_bytes())?;
        return Ok(0);
    }
    let mut store = open(place)?;
    let out = arguments.out.clone().unwrap_or_else(|| place.directory());
    std::fs::create_dir_all(&out).with_context(|| format!("create {}", out.display()))?;
    let swept = sweep
        .as_ref()
        .map(|plan| groma_agent::plan_in_words(plan, &devices));
    let named = directories.iter().map(Directory::label);
    let named: Vec<String> = named
        .chain(platforms.iter().map(|platform| platform.url.clone()))
        .collect();
    tell(&contacts(arguments, &named, swept.as_deref()));
    let memory = groma_agent::memory_in(&place.directory());
    let directories = groma_agent::with_passwords(directories)?;
    let request = request(&world, store.as_mut(), arguments, memory)?;
    let request = LookRequest {
        directories,
        platforms,
        events: groma_agent::whole_paths(&arguments.events)?,
        captures: groma_agent::whole_paths(&arguments.captures)?,
        listen: arguments.listen.permitted(&world)?,
        sentinel: arguments.listen.standing(&world, true)?,
        devices,
        sweep,
        ..request
    };
    let batch = look(&world, &request);
    keep(store.as_mut(), &batch)?;
    if request.asks_directories() && !request.stop.is_asked() {
        groma_agent::forget_progress(&groma_agent::memory_in(&place.directory()));
    }
    tell_waiting("concluding …");
    let mut inventory = conclude::inventory(
        store.as_mut(),
        &Moment::Now,
        world.clock.now(),
        world.randomness.as_ref(),
    )?;
    arguments.link.apply(&mut inventory);
    let report = out.join("report.html");
    files::write(&report, groma_report::html(&inventory).as_bytes())?;
    let shown = std::path::absolute(&report).unwrap_or(report);
    show(&inventory, &shown, arguments.format)?;
    Ok(0)
}

/// Whom this survey will contact, said before it does.
fn contacts(arguments: &Arguments, named: &[String], swept: Option<&str>) -> String {
    let domains: Vec<&str> = arguments
        .mail_domains
        .iter()
        .map(HostName::as_str)
        .collect();
    let asked = match (arguments.offline, domains.is_empty()) {
        (true, _) => String::new(),
        (false, true) => {
            ", and the name servers this machine itself is configured to ask".to_owned()
        }
        (false, false) => format!(
            ", the name servers this machine itself is configured to ask, and those of {}",
            domains.join(", ")
        ),
    };
    let named = match named.is_empty() {
        true => String::new(),
        false => format!("; of the access file, with its logon: {}", named.join(", ")),
    };
    let swept = swept.map_or(". ".to_owned(), |plan| {
        format!(
            "; over the network, within manners, these:
{plan}"
        )
    });
    format!("groma will contact: this machine's own TLS listeners{asked}{named}{swept}Nobody else.")
}

fn request(
    world: &World,
    store: &mut dyn Store,
    arguments: &Arguments,
    memory: Memory,
) -> Result<LookRequest> {
    let watch = arguments.watch;
    let site = SiteId::default();
    let randomness = world.randomness.clone();
    let mint = move || {
        let mut bits = [0; 16];
        randomness.fill(&mut bits);
        AgentId::from_random(bits)
    };
    let agent = store.local_agent(&site, &mint)?;
    let sequence = store.next_sequence(&site)?;
    Ok(LookRequest {
        site,
        epoch: LOCAL_EPOCH,
        sequence,
        apart: true,
        memory: Some(memory),
        mail_domains: arguments.mail_domains.clone(),
        dkim_selectors: arguments.dkim_selectors.clone(),
        ..LookRequest::new(agent, watch)
    })
}

fn look(world: &World, request: &LookRequest) -> Batch {
    groma_sys::stop_on_signals(&request.stop);
    let spinner = Spinner::new(request.watch);
    let batch = groma_agent::look(world, request, &spinner);
    spinner.done();
    batch
}

/// Through the wire like any other batch: what cannot travel is not kept either.
fn keep(store: &mut dyn Store, batch: &Batch) -> Result<()> {
    let mut bytes = Vec::new();
    groma_wire::encode(batch, &mut bytes).context("pack what was seen")?;
    let received = groma_wire::decode(&mut bytes.as_slice(), &groma_wire::Limits::local())
        .context("unpack what was seen")?;
    store.ingest(&received)?;
    Ok(())
}

fn show(inventory: &Inventory, report: &std::path::Path, format: Format) -> Result<()> {
    let summary = groma_report::summary(inventory);
    let text = match format {
        Format::Text => format!("{summary}\nreport: {}\n", report.display()),
        Format::Json => {
            serde_json::to_string_pretty(
                &serde_json::json!({ "summary": summary, "report": report }),
            )? + "\n"
        }
    };
    files::print(text.as_bytes())
}
