//! The command line of `groma-agent`: what was typed, then what it means.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use groma_model::{AgentId, Batch, HostName, Peer};
use groma_ship::LinkError;
use groma_source::World;
use groma_source_directory::Directory;
use groma_source_hypervisor::Access as PlatformAccess;
use groma_source_log::{JOURNAL_TEXT_NAME, WINDOWS_NAME};
use groma_source_packet::sentinel::NAME as SENTINEL;
use groma_source_packet::{LISTENING_NAME, NAME as PACKETS_NAME};
use groma_source_snmp::Access;
use groma_source_socket::Tier;

use crate::compose::{
    ABROAD, Given, LookRequest, Quiet, are_abroad, asks_certificates_alone, explanations, look,
};
use crate::fleet::Speaker;
use crate::listen::ListenArgs;
use crate::memory::memory_in;
use crate::password::{Interrupted, with_passwords};
use crate::sweep::{NotSafe, SweepArgs, certificates_in_words, plan_in_words};
use crate::{explain, find, fleet, output, state};

/// Looks at the machine it runs on, and says what it saw and what it could not see.
#[derive(Parser, Debug)]
#[command(name = "groma-agent", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Look once and write what was seen as a batch; where this machine is enrolled, in its agent's name and signed by it.
    Look(Box<LookArgs>),
    /// Say what would be read, contacted and sent, before anything is.
    Explain(ExplainArgs),
    /// Find every place on this machine that names a system, by any of its names and addresses.
    Find(FindArgs),
    /// Make this machine one of a fleet: a token for an identity at the collector.
    Enroll(fleet::EnrollArgs),
    /// Look on a schedule and hand over what was seen, until it is told to stop; for a service.
    Run(fleet::RunArgs),
    /// Write what waits to be sent as signed files, for `groma import`, where no way leads to the collector.
    Carry(fleet::CarryArgs),
    /// Say who this agent is, how it does, and what it may do at most.
    Status,
    /// Put the agent in as a service of this machine, or take it out.
    #[cfg(windows)]
    Service(crate::service::ServiceArgs),
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

#[derive(Args, Debug)]
struct LookArgs {
    /// Only these sources, as `host.sockets` or `host` (see `explain`).
    #[arg(long = "source", value_name = "NAME")]
    sources: Vec<String>,
    /// How long to watch sockets, as `30s`, `5m`; `0s` takes one sample.
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = duration)]
    watch: Duration,
    /// By what connections are watched at best: to measure, or where a machine's owner wants no trace. Whatever is
    /// not to be had falls back to the next.
    #[arg(long, value_enum, default_value_t = FlowsBy::Trace, value_name = "WAY")]
    flows_by: FlowsBy,
    /// Ask name servers about the mail of this domain too: who takes it, who may send it, for how long others remember
    /// it. May be given several times; no domain is asked about unless it is named here.
    #[arg(long = "mail-domain", value_name = "DOMAIN", value_parser = mail_domain)]
    mail_domains: Vec<HostName>,
    /// Ask at these domains for keys of DKIM under this selector too (`s=` in the header DKIM-Signature of a mail), beyond
    /// the usual ones and those this machine signs with. May be given several times.
    #[arg(long = "dkim-selector", value_name = "SELECTOR", value_parser = dkim_selector, requires = "mail_domains")]
    dkim_selectors: Vec<String>,
    /// Read logs that somebody exported in this file or folder too: event logs of Windows (.evtx), the text logs of Exchange
    /// and IIS, journals as text (journalctl -o export or -o json). May be given several times.
    #[arg(long, value_name = "PATH")]
    events: Vec<PathBuf>,
    /// Read captures of a network (pcap, pcapng) in this file too: who uses which service of whom. May be given several
    /// times.
    #[arg(long = "capture", value_name = "FILE")]
    captures: Vec<PathBuf>,
    #[command(flatten)]
    listen: ListenArgs,
    /// How long one source may take (beyond the watch, if it watches), before it is ended and a gap says so.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    deadline: Duration,
    /// Let every source look within this process, where none can be ended.
    #[arg(long, hide = true)]
    together: bool,
    /// Whom to ask beyond this machine, and as whom: TOML, readable by its owner alone (`[[directory]]`, `[[snmp]]`, `[[hypervisor]]`). Nobody is
    /// asked without it.
    #[arg(long, value_name = "FILE")]
    access: Option<PathBuf>,
    #[command(flatten)]
    sweep: SweepArgs,
    /// Contact nobody but this machine.
    #[arg(long)]
    offline: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Where to write; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// A batch for `groma import`, or the same as plain JSON lines, which nobody signs.
    #[arg(long, value_enum, default_value_t = Format::Batch)]
    format: Format,
}

#[derive(Args, Debug)]
struct ExplainArgs {
    /// Only the rights each source needs.
    #[arg(long)]
    rights: bool,
    /// The exported logs that a look would be given.
    #[arg(long, value_name = "PATH")]
    events: Vec<PathBuf>,
    /// The captures that a look would be given.
    #[arg(long = "capture", value_name = "FILE")]
    captures: Vec<PathBuf>,
    #[command(flatten)]
    listen: ListenArgs,
    /// The access file that a look would be given.
    #[arg(long, value_name = "FILE")]
    access: Option<PathBuf>,
    /// Text for people, or JSON.
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    format: ExplainFormat,
}

#[derive(Args, Debug)]
struct FindArgs {
    /// Names and addresses of the system.
    #[arg(value_name = "NAME|ADDRESS", required = true)]
    names: Vec<String>,
    /// Ask no name server; the hosts file still tells other names.
    #[arg(long)]
    offline: bool,
    /// Where to write; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Lines for people, JSON, or a batch for `groma import`.
    #[arg(long, value_enum, default_value_t = FindFormat::Text)]
    format: FindFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum FindFormat {
    Text,
    Json,
    Batch,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FlowsBy {
    /// The kernel's own trace.
    Trace,
    /// A BPF program of groma's own (a build with the feature `ebpf`).
    Bpf,
    /// The ends of connections as the kernel tells them.
    Ends,
    /// The socket tables, again and again.
    Dumps,
}

impl FlowsBy {
    fn tier(self) -> Tier {
        match self {
            Self::Trace => Tier::EveryConnection,
            Self::Bpf => Tier::EveryConnectionByProgram,
            Self::Ends => Tier::EveryEnd,
            Self::Dumps => Tier::Polled,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Batch,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ExplainFormat {
    Text,
    Json,
}

/// A domain as people write it; an internationalised one in its ASCII form (RFC 5890).
pub fn mail_domain(text: &str) -> Result<HostName, String> {
    let domain = HostName::parse(text.trim()).filter(HostName::is_qualified);
    domain.ok_or_else(|| {
        format!("{text:?} is no domain; write it as example.org, and umlauts as xn--…")
    })
}

/// A selector of DKIM as the header of a mail says it (RFC 6376 §3.1).
pub fn dkim_selector(text: &str) -> Result<String, String> {
    let name = HostName::parse(text.trim());
    let name = name.ok_or_else(|| format!("{text:?} is no selector; write it as in s=sel2024"));
    name.map(|name| name.as_str().to_owned())
}

/// A length of time as `30s`, `5m`, `2h`, or plain seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text.get(digits.len()..).unwrap_or_default() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        unit => return Err(format!("{unit:?} is no unit of time; write 30s, 5m or 2h")),
    };
    let count: u64 = digits
        .parse()
        .map_err(|_| format!("{text:?} is no length of time; write 30s, 5m or 2h"))?;
    Ok(Duration::from_secs(count.saturating_mul(factor)))
}

/// Runs the command line; the exit code follows the contract (0 done, 2 usage, 3 input, 70 bug).
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if crate::is_called_apart(&arguments) {
        return crate::serve();
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match act(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "groma-agent: {error:#}");
            ExitCode::from(code_of(&error))
        }
    }
}

/// The exit code an error ends with.
fn code_of(error: &anyhow::Error) -> u8 {
    #[cfg(windows)]
    if error.is::<crate::service::Open>() {
        return 5;
    }
    let usage = error.is::<NoSuchSource>() || error.is::<NoName>();
    match () {
        () if usage => 2,
        () if error.is::<Interrupted>() => 130,
        () if error.is::<NotSafe>() => 5,
        () => of_link(error),
    }
}

/// 4 if the collector could not be reached, 5 if whoever answered is not to be believed, else 3.
fn of_link(error: &anyhow::Error) -> u8 {
    if error.is::<fleet::NotWell>() {
        return match error.downcast_ref() {
            Some(fleet::NotWell::Unanswered) => 4,
            _ => 3,
        };
    }
    match error.downcast_ref::<LinkError>() {
        Some(LinkError::Unreachable(_)) => 4,
        Some(LinkError::NotOurs(_)) => 5,
        _ => 3,
    }
}

fn act(verb: Verb) -> Result<()> {
    match verb {
        Verb::Look(arguments) => act_look(&arguments),
        Verb::Explain(arguments) => act_explain(&arguments),
        Verb::Find(arguments) => act_find(&arguments),
        Verb::Enroll(arguments) => fleet::enroll(&arguments),
        #[cfg(windows)]
        Verb::Run(arguments) if arguments.is_service() => fleet::serve(arguments, code_of),
        Verb::Run(arguments) => fleet::run(&arguments),
        Verb::Carry(arguments) => fleet::carry(&arguments),
        Verb::Status => fleet::status(),
        #[cfg(windows)]
        Verb::Service(arguments) => crate::service::act(&arguments),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "groma-agent", &mut io::stdout());
            Ok(())
        }
        Verb::Man => Ok(clap_mangen::Man::new(Cli::command()).render(&mut io::stdout())?),
    }
}

fn act_explain(arguments: &ExplainArgs) -> Result<()> {
    let memory = memory_in(&state::directory());
    let world = crate::this_machine(true);
    let directories = directories(&world, arguments.access.as_deref())?;
    let given = Given {
        events: whole_paths(&arguments.events)?,
        captures: whole_paths(&arguments.captures)?,
        listen: arguments.listen.listening(),
        sentinel: arguments.listen.wished(),
        platforms: platforms(&world, arguments.access.as_deref())?,
    };
    let all = explanations(&world, Some(&memory), &directories, &given);
    let text = match arguments.format {
        ExplainFormat::Text => explain::render(&all, arguments.rights),
        ExplainFormat::Json => serde_json::to_string_pretty(&all)? + "\n",
    };
    Ok(output::unless_closed(
        io::stdout().write_all(text.as_bytes()),
    )?)
}

/// Paths as the disk wants them: whole.
pub fn whole_paths(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let whole = |path: &PathBuf| {
        std::path::absolute(path).with_context(|| format!("find {}", path.display()))
    };
    paths.iter().map(whole).collect()
}

fn act_look(arguments: &LookArgs) -> Result<()> {
    let world = crate::this_machine(arguments.offline);
    let directories = directories(&world, arguments.access.as_deref())?;
    let given = Given {
        events: whole_paths(&arguments.events)?,
        captures: whole_paths(&arguments.captures)?,
        listen: arguments.listen.permitted(&world)?,
        sentinel: arguments.listen.standing(&world, !arguments.together)?,
        platforms: platforms(&world, arguments.access.as_deref())?,
    };
    let named = devices(&world, arguments.access.as_deref(), &arguments.sweep)?;
    let memory_place = memory_in(&state::directory());
    // Whoever asks others alone need not know what could be read here: explaining it touches every source there is.
    let known = || explanations(&world, Some(&memory_place), &directories, &given);
    if !arguments.sources.is_empty() && !are_abroad(&arguments.sources) {
        check_sources(&arguments.sources, &known())?;
    }
    if directories.is_empty() && asks_a_directory(&arguments.sources) {
        return Err(NoSuchSource(NO_DIRECTORY.to_owned()).into());
    }
    if given.platforms.is_empty() && asks_a_platform(&arguments.sources) {
        return Err(NoSuchSource(NO_PLATFORM.to_owned()).into());
    }
    if given.events.is_empty()
        && arguments.sources.iter().any(|s| s == WINDOWS_NAME)
        && !cfg!(windows)
    {
        return Err(NoSuchSource(NO_EVENTS.to_owned()).into());
    }
    if given.events.is_empty() && arguments.sources.iter().any(|s| s == JOURNAL_TEXT_NAME) {
        return Err(NoSuchSource(NO_EVENTS.to_owned()).into());
    }
    if given.captures.is_empty() && arguments.sources.iter().any(|s| s == PACKETS_NAME) {
        return Err(NoSuchSource(NO_CAPTURE.to_owned()).into());
    }
    if !arguments.listen.names_any() && arguments.sources.iter().any(|s| s == LISTENING_NAME) {
        return Err(NoSuchSource(NO_INTERFACE.to_owned()).into());
    }
    if !arguments.listen.stands_anywhere() && arguments.sources.iter().any(|s| s == SENTINEL) {
        return Err(NoSuchSource(NO_POST.to_owned()).into());
    }
    let sweeping = arguments.sweep.names_anybody();
    if !sweeping
        && arguments
            .sources
            .iter()
            .any(|source| ABROAD.contains(&source.as_str()))
    {
        return Err(NoSuchSource(NO_TARGET.to_owned()).into());
    }
    if named.is_empty()
        && arguments
            .sources
            .iter()
            .any(|s| s == groma_source_snmp::NAME)
    {
        return Err(NoSuchSource(NO_DEVICE.to_owned()).into());
    }
    if arguments.dry_run {
        // With targets it is the sweep somebody wants to know of; without, what is read here.
        let alone = asks_certificates_alone(&arguments.sources);
        let text = match arguments.sweep.plan(&world, false)? {
            Some(plan) if alone => certificates_in_words(&plan),
            Some(plan) => plan_in_words(&plan, &named),
            None => explain::render(&known(), false),
        };
        return Ok(output::unless_closed(
            io::stdout().write_all(text.as_bytes()),
        )?);
    }
    let sweep = arguments.sweep.plan(&world, true)?;
    let is_asked = arguments.sources.is_empty() || asks_a_directory(&arguments.sources);
    let directories = match is_asked {
        true => with_passwords(directories)?,
        false => directories,
    };
    let mut speaker = Speaker::of_this_machine(&world)?;
    let request = LookRequest {
        directories,
        platforms: given.platforms,
        events: given.events,
        captures: given.captures,
        listen: given.listen,
        sentinel: given.sentinel,
        devices: named,
        sweep,
        ..request(arguments, &speaker)
    };
    groma_sys::stop_on_signals(&request.stop);
    let batch = look(&world, &request, &Quiet);
    speaker.has_spoken()?;
    write(&batch, arguments, &speaker)?;
    // Who was told to stop goes on next time, and so does who did not ask this time.
    if request.asks_directories() && !request.stop.is_asked() {
        crate::forget_progress(&memory_in(&state::directory()));
    }
    Ok(())
}

/// The directories an access file names; none without one.
///
/// # Errors
/// The file or one it names cannot be read, is open to others, or says what nobody understands.
pub fn directories(world: &World, access: Option<&Path>) -> Result<Vec<Directory>> {
    let Some(path) = access else {
        return Ok(Vec::new());
    };
    // The disk speaks of whole paths alone.
    let path = std::path::absolute(path)?;
    Ok(groma_source_directory::access::read(
        world.disk.as_ref(),
        &path,
    )?)
}

/// The platforms of virtualization an access file names; none without one.
///
/// # Errors
/// As [`directories`].
pub fn platforms(world: &World, access: Option<&Path>) -> Result<Vec<PlatformAccess>> {
    let Some(path) = access else {
        return Ok(Vec::new());
    };
    let path = std::path::absolute(path)?;
    let disk = world.disk.as_ref();
    Ok(groma_source_hypervisor::access::read(disk, &path)?)
}

/// The devices an access file names, and with `--snmp-public` whoever may be asked.
///
/// # Errors
/// As [`directories`].
pub fn devices(world: &World, access: Option<&Path>, sweep: &SweepArgs) -> Result<Vec<Access>> {
    let mut named = match access {
        Some(path) => {
            let path = std::path::absolute(path)?;
            groma_source_snmp::access::read(world.disk.as_ref(), &path)?
        }
        None => Vec::new(),
    };
    if sweep.asks_with_public() {
        named.push(Access::public());
    }
    Ok(named)
}

const NO_TARGET: &str =
    "nobody to be asked is named: write --target 10.0.0.0/24, and try --dry-run first";
const NO_DEVICE: &str =
    "no device is named: write --access FILE, with an [[snmp]] in it, or --snmp-public";
const NO_EVENTS: &str = "no exported log is named: write --events PATH, of a file or a folder";
const NO_CAPTURE: &str =
    "no capture is named: write --capture FILE, of a file that tcpdump, dumpcap or Wireshark wrote";
const NO_INTERFACE: &str =
    "no interface is named: write --listen INTERFACE, of one that `ip link` lists";
const NO_POST: &str = "no old address is named: write --sentinel ADDRESS, of a machine that is gone and whose address is on this one";
const NO_DIRECTORY: &str = "no directory is named: write --access FILE, with a [[directory]] in it";

const NO_PLATFORM: &str = "no platform is named: write --access FILE, with a [[hypervisor]] in it";

fn asks_a_platform(sources: &[String]) -> bool {
    let named = |source: &String| source == "hypervisor" || source == groma_source_hypervisor::NAME;
    sources.iter().any(named)
}

fn asks_a_directory(sources: &[String]) -> bool {
    let named = |source: &String| source == "directory" || source == groma_source_directory::NAME;
    sources.iter().any(named)
}

fn act_find(arguments: &FindArgs) -> Result<()> {
    let peer = |text: &String| Peer::parse(text).ok_or_else(|| NoName(text.clone()));
    let asked = arguments
        .names
        .iter()
        .map(peer)
        .collect::<Result<Vec<_>, _>>()?;
    let world = crate::this_machine(arguments.offline);
    let mut speaker = Speaker::of_this_machine(&world)?;
    let request = speaker.request(LookRequest {
        apart: true,
        ..LookRequest::new(AgentId::new(""), Duration::ZERO)
    });
    groma_sys::stop_on_signals(&request.stop);
    let search = find::find(&world, &asked, &request);
    let mut bytes = Vec::new();
    match arguments.format {
        FindFormat::Text => bytes = find::render(&search.found).into_bytes(),
        FindFormat::Json => {
            serde_json::to_writer_pretty(&mut bytes, &search.found)?;
            bytes.push(b'\n');
        }
        FindFormat::Batch => {
            bytes = speaker.written(&search.batch)?;
            speaker.has_spoken()?;
        }
    }
    let what = || format!("write {}", arguments.out.display());
    let mut out = output::open(&arguments.out).with_context(what)?;
    output::unless_closed(out.write_all(&bytes).and_then(|()| out.flush())).with_context(what)
}

/// What was typed is neither a name nor an address.
#[derive(Debug)]
struct NoName(String);

impl std::fmt::Display for NoName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is neither a host name nor an address", self.0)
    }
}

impl std::error::Error for NoName {}

/// What was typed names no source: wrong usage, not a bad input.
#[derive(Debug)]
struct NoSuchSource(String);

impl std::fmt::Display for NoSuchSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoSuchSource {}

fn check_sources(wanted: &[String], known: &[explain::Explained]) -> Result<()> {
    let known: Vec<_> = known
        .iter()
        .filter(|k| k.name.as_str() != groma_source_config::FIND_NAME)
        .collect();
    for name in wanted {
        let prefix = format!("{name}.");
        let hit = known
            .iter()
            .map(|k| k.name.as_str())
            .any(|k| k == name || k.starts_with(&prefix));
        let all: Vec<&str> = known.iter().map(|k| k.name.as_str()).collect();
        if !hit {
            let all = all.join(", ");
            return Err(
                NoSuchSource(format!("there is no source {name:?}; there are {all}")).into(),
            );
        }
    }
    Ok(())
}

fn request(arguments: &LookArgs, speaker: &Speaker) -> LookRequest {
    speaker.request(LookRequest {
        sources: arguments.sources.clone(),
        source_limit: arguments.deadline,
        flows_at_most: arguments.flows_by.tier(),
        mail_domains: arguments.mail_domains.clone(),
        dkim_selectors: arguments.dkim_selectors.clone(),
        apart: !arguments.together,
        memory: Some(memory_in(&state::directory())),
        ..LookRequest::new(AgentId::new(""), arguments.watch)
    })
}

fn write(batch: &Batch, arguments: &LookArgs, speaker: &Speaker) -> Result<()> {
    let what = || format!("write {}", arguments.out.display());
    let mut out = output::open(&arguments.out).with_context(what)?;
    let mut bytes = Vec::new();
    match arguments.format {
        Format::Batch => bytes = speaker.written(batch)?,
        Format::Json => plain(batch, &mut bytes)?,
    }
    output::unless_closed(out.write_all(&bytes).and_then(|()| out.flush())).with_context(what)
}

/// The batch as plain JSON lines, for reading with other tools.
fn plain(batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(&mut *out, &batch.header)?;
    out.push(b'\n');
    for record in &batch.records {
        serde_json::to_writer(&mut *out, record)?;
        out.push(b'\n');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_nonsense_is_refused() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("soon").is_err());
        assert!(duration("3 fortnights").is_err());
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
