//! How long a look at a vCenter takes, and how much memory.
//!
//! `vsphere_load MACHINES` asks a server of its own on loopback, which makes that many guests out of recorded ones, a hundred a
//! page. `vsphere_load ACCESS_FILE` asks the platforms of an access file.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example is no source: it measures one"
)]

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use groma_model::virtualization::PlatformKind;
use groma_model::{Coverage, Fact, Gap, Observation};
use groma_source::{Budget, Sink, Source, Stop, Window};
use groma_source_hypervisor::{Access, HypervisorSource, Logon, access};
use groma_trust::Trust;

const MACHINES: &str =
    include_str!("../../platform/tests/fixtures/vsphere/vcsim-vpx/VirtualMachine.xml");
const PAGE: usize = 100;
const COUNTERS: &str = "<objects><obj type='PerformanceManager'>s</obj><propSet><name>perfCounter</name><val>\
<PerfCounterInfo><key>1</key><nameInfo><key>usage</key></nameInfo><groupInfo><key>cpu</key></groupInfo><rollupType>average</rollupType></PerfCounterInfo>\
<PerfCounterInfo><key>2</key><nameInfo><key>consumed</key></nameInfo><groupInfo><key>mem</key></groupInfo><rollupType>average</rollupType></PerfCounterInfo>\
<PerfCounterInfo><key>3</key><nameInfo><key>maxTotalLatency</key></nameInfo><groupInfo><key>disk</key></groupInfo><rollupType>latest</rollupType></PerfCounterInfo>\
<PerfCounterInfo><key>4</key><nameInfo><key>write</key></nameInfo><groupInfo><key>disk</key></groupInfo><rollupType>average</rollupType></PerfCounterInfo>\
</val></propSet></objects>";

/// Counts, and keeps nothing.
#[derive(Default)]
struct Counter {
    facts: BTreeMap<&'static str, u64>,
    gaps: Vec<String>,
    covered: Vec<String>,
}

impl Sink for Counter {
    fn saw(&mut self, seen: Observation) {
        let kind = match seen.fact {
            Fact::Guest(_) => "guests",
            Fact::Measurement(_) => "measurements",
            _ => "other facts",
        };
        *self.facts.entry(kind).or_default() += 1;
    }

    fn missed(&mut self, gap: Gap) {
        self.gaps.push(gap.what);
    }

    fn covered(&mut self, coverage: Coverage) {
        self.covered.push(format!("{:?}", coverage.state));
    }
}

fn main() -> ExitCode {
    match measured() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("vsphere_load: {why}");
            ExitCode::FAILURE
        }
    }
}

fn measured() -> Result<(), String> {
    let argument = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "10000".to_owned());
    let world = groma_sys::this_machine(true);
    let platforms = match argument.parse() {
        Ok(machines) => vec![made(machines)?],
        Err(_) => access::read(world.disk.as_ref(), Path::new(&argument)).map_err(|error| {
            format!("{error}; name a number of machines, or an access file with [[hypervisor]]")
        })?,
    };
    let clock = world.clock.clone();
    let mut source = HypervisorSource::new(world, platforms);
    let window = Window::open(
        clock,
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(600),
    );
    let mut counter = Counter::default();
    let before = peak_mib();
    let begun = Instant::now();
    source.look(&window, &Budget::default(), &mut counter);
    println!("took     {:.2} s", begun.elapsed().as_secs_f64());
    println!(
        "memory   {} MiB at its peak, {before} MiB before",
        peak_mib()
    );
    println!("covered  {}", counter.covered.join(", "));
    for (kind, count) in &counter.facts {
        println!("{count:>8} {kind}");
    }
    counter
        .gaps
        .iter()
        .for_each(|gap| println!("missed   {gap}"));
    Ok(())
}

/// The most memory this process ever had, where the system tells.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) >> 10
}

/// A server that makes `machines` guests out of recorded ones, and how it is asked.
fn made(machines: usize) -> Result<Access, String> {
    let opened =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|door| Ok((door.local_addr()?, door)));
    let (at, door) = opened.map_err(|error| format!("open a port on loopback: {error}"))?;
    std::thread::spawn(move || {
        for stream in door.incoming().flatten() {
            std::thread::spawn(move || {
                if let Err(error) = serve(stream, machines) {
                    eprintln!("vsphere_load: answer a question: {error}");
                }
            });
        }
    });
    Ok(Access {
        kind: PlatformKind::Vsphere,
        url: format!("http://{at}"),
        logon: Logon::Password {
            user: "reader".to_owned(),
            password: "of an example".to_owned().into(),
        },
        trust: Trust::Nothing,
        own_certificate: None,
        ask_guests: false,
    })
}

fn malformed(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn serve(stream: TcpStream, machines: usize) -> io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut heard = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if heard.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_lowercase();
            if let Some(told) = line.strip_prefix("content-length: ") {
                length = told
                    .parse()
                    .map_err(|_| malformed(format!("{told:?} is no length of a body")))?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        heard.read_exact(&mut body)?;
        let answer = answer(&String::from_utf8_lossy(&body), machines)?;
        write!(
            out,
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )?;
    }
}

fn answer(asked: &str, machines: usize) -> io::Result<String> {
    let method = asked.split("<soapenv:Body><").nth(1).unwrap_or_default();
    let method = method.split(' ').next().unwrap_or_default();
    let inside = match method {
        "RetrieveServiceContent" => "<rootFolder type='Folder'>f</rootFolder><propertyCollector type='PropertyCollector'>p</propertyCollector>\
            <viewManager type='ViewManager'>v</viewManager><perfManager type='PerformanceManager'>s</perfManager><about><apiVersion>7.0</apiVersion><apiType>VirtualCenter</apiType>\
            <instanceUuid>dbed6e0c-bd88-4ef6-b594-21283e1c677f</instanceUuid></about><sessionManager type='SessionManager'>s</sessionManager>".to_owned(),
        "CreateContainerView" => "view".to_owned(),
        "RetrievePropertiesEx" if asked.contains("<type>VirtualMachine</type>") => page(0, machines)?,
        "ContinueRetrievePropertiesEx" => {
            let token = asked.split("<token>").nth(1).unwrap_or_default();
            let token = token.split('<').next().unwrap_or_default();
            let from = token.parse().map_err(|_| malformed(format!("{token:?} is no token of a page")))?;
            page(from, machines)?
        }
        "RetrievePropertiesEx" if asked.contains("perfCounter") => COUNTERS.to_owned(),
        "QueryPerf" => return Ok(statistics(asked)),
        _ => String::new(),
    };
    Ok(format!(
        "<s:Envelope xmlns:s='s' xmlns:xsi='x'><s:Body><{method}Response><returnval type='ContainerView'>{inside}</returnval></{method}Response></s:Body></s:Envelope>"
    ))
}

/// A week of four statistics for each guest that is asked for.
fn statistics(asked: &str) -> String {
    let guests = asked.split("<entity type=\"VirtualMachine\">").skip(1);
    let guests = guests.filter_map(|rest| rest.split('<').next());
    let values: Vec<String> = (0..336)
        .map(|sample| (sample * 17 % 9_973).to_string())
        .collect();
    let values = values.join(",");
    let series = |key: u32| {
        format!(
            "<value><id><counterId>{key}</counterId><instance></instance></id><value>{values}</value></value>"
        )
    };
    let series: String = (1..=4).map(series).collect();
    let all: String = guests
        .map(|guest| {
            format!("<returnval><entity type='VirtualMachine'>{guest}</entity>{series}</returnval>")
        })
        .collect();
    format!(
        "<s:Envelope xmlns:s='s'><s:Body><QueryPerfResponse>{all}</QueryPerfResponse></s:Body></s:Envelope>"
    )
}

fn page(from: usize, machines: usize) -> io::Result<String> {
    let recorded = recorded();
    let first = from
        .checked_rem(recorded.len())
        .ok_or_else(|| malformed("no guest was recorded".to_owned()))?;
    let to = machines.min(from.saturating_add(PAGE));
    let mut all = String::new();
    if to < machines {
        all.push_str(&format!("<token>{to}</token>"));
    }
    for (number, guest) in (from..to).zip(recorded.iter().cycle().skip(first)) {
        all.push_str(&format!(
            "<objects><obj type=\"VirtualMachine\">vm-{number}<{guest}</objects>"
        ));
    }
    Ok(all)
}

/// Of each recorded guest what follows its key.
fn recorded() -> Vec<&'static str> {
    let all = MACHINES.split("<objects><obj type=\"VirtualMachine\">");
    let all = all.skip(1).filter_map(|one| one.split_once('<'));
    all.filter_map(|(_, rest)| rest.split("</objects>").next())
        .collect()
}
