//! How much a collector takes: starts `groma serve` on this machine, enrols a fleet, and has it talk over real mutual TLS with the
//! client that real agents have.
//!
//!     ulimit -n 16384      # in the shell: 5,000 agents are as many descriptors here and as many there
//!     cargo run --release -p groma-ship --example fleet_load -- GROMA [WHAT…] [SETTING…]
//!
//! GROMA is the program to measure. WHAT is one or more of these, all if none is given:
//!
//! - `throughput`: some connections, each of an agent of its own, send one batch after the other without pause. Observations that were
//!   acknowledged in a second; acknowledged means durable. Batches of 200 and of 5,000; facts that are all new, facts that are all known
//!   with new times, and nineteen of twenty known. Rounds in turn, medians.
//! - `latency`: the same at a rate that is given or half of what was reached, whether or not answers come (open loop): from the moment a
//!   batch was due to its acknowledgement.
//! - `age`: what a report costs the collector when its agent has sent so many before: a day of one a minute, 190 of 200 connections known.
//! - `minute`: a fleet of which each agent says once a minute that it is there and what connections it saw, 200 of which 190 are known,
//!   as what is new in it, which is what agents do. Once with connections that stay, once the same with nothing new in the reports, once with a
//!   new connection for each report. Processor time of the collector in percent of one core, its
//!   largest memory, answers that were none, bytes sent for an observation.
//!
//! | SETTING | Means | Else |
//! | --- | --- | --- |
//! | `--connections K` | connections of `throughput` | 8 |
//! | `--seconds S` | how long each measurement of `throughput` and `latency` takes | 5 |
//! | `--rounds R` | rounds of `throughput` | 3 |
//! | `--rate N` | observations a second of `latency` | half of what `throughput` reached |
//! | `--agents N` | agents of `minute` | 5000 |
//! | `--minutes M` | how long each way of `minute` takes, after everybody has reported once | 2 |
//! | `--whole` | reports of `minute` are sent as a whole | as what is new in them |
//! | `--data DIR` | where the collector keeps its data, made and removed again; must not exist | in `TMPDIR` |
//! | `--reports N` | reports of each agent of `age` | 1440 |
//! | `--database URL` | an empty database in PostgreSQL for it | SQLite in the data directory |
//!
//! Batches are made and packed before the clock runs, so the client's part is TLS and HTTP; its processor time stands beside the
//! collector's. Both share this machine: figures say something of a machine that does nothing else. Linux alone: it reads `/proc`.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for whoever measures"
)]

mod age;
mod arguments;
mod facts;
mod fleet;
mod latency;
mod minute;
mod process;
mod server;
mod throughput;

use std::error::Error;

use arguments::{Arguments, What};
use server::Server;

/// What may go wrong here is told and ends the measurement.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let server = Server::start(&arguments)?;
    println!("collector: process {}, {}", server.pid(), process::load()?);
    let mut reached = Vec::new();
    if arguments.does(What::Throughput) {
        reached = throughput::measure(&arguments, &server)?;
    }
    if arguments.does(What::Latency) {
        latency::measure(&arguments, &server, &reached)?;
    }
    if arguments.does(What::Age) {
        age::measure(&arguments, &server)?;
    }
    if arguments.does(What::Minute) {
        minute::measure(&arguments, &server)?;
    }
    println!("at the end: {}", process::load()?);
    server.end()
}
