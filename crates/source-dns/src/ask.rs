//! The thin shell over hickory: one question to given resolvers, its records, or why there are none.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use groma_model::{HostName, Reason};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    NameServerConfig, ResolveHosts, ResolverConfig, ServerOrderingStrategy,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::Instant;

use crate::answer::{RECORDS_MAX, Record, Reply, Value};

/// Why a resolver gave no word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Trouble {
    pub(crate) reason: Reason,
    pub(crate) what: String,
}

/// Turns taken at a steady pace by all who share it.
pub(crate) struct Pace {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn of(per_second: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_second.max(1),
            next: Mutex::new(Instant::now()),
        }
    }

    async fn turn(&self) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = (*next).max(Instant::now());
            *next = at + self.interval;
            at
        };
        tokio::time::sleep_until(at).await;
    }
}

/// Asks certain resolvers, and nobody else: no hosts file, no search list, no cache of our own.
pub(crate) struct Asker {
    resolver: TokioResolver,
    pace: std::sync::Arc<Pace>,
}

impl Asker {
    /// An asker of the resolvers `servers`, in this order.
    pub(crate) fn new(
        servers: &[SocketAddr],
        timeout: Duration,
        pace: std::sync::Arc<Pace>,
    ) -> Result<Self, Trouble> {
        Self::made(servers, timeout, pace, true)
    }

    /// An asker of `servers` that speak for a zone: none of them is asked to ask others.
    pub(crate) fn of_zone(
        servers: &[SocketAddr],
        timeout: Duration,
        pace: std::sync::Arc<Pace>,
    ) -> Result<Self, Trouble> {
        Self::made(servers, timeout, pace, false)
    }

    fn made(
        servers: &[SocketAddr],
        timeout: Duration,
        pace: std::sync::Arc<Pace>,
        recursion_desired: bool,
    ) -> Result<Self, Trouble> {
        let servers = servers.iter().map(|server| {
            let mut configuration = NameServerConfig::udp_and_tcp(server.ip());
            configuration
                .connections
                .iter_mut()
                .for_each(|connection| connection.port = server.port());
            configuration
        });
        let configuration = ResolverConfig::from_name_servers(servers.collect());
        let mut builder =
            TokioResolver::builder_with_config(configuration, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.use_hosts_file = ResolveHosts::Never;
        options.cache_size = 0;
        options.recursion_desired = recursion_desired;
        options.attempts = 1;
        options.timeout = timeout;
        options.num_concurrent_reqs = 1;
        options.preserve_intermediates = true;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        let resolver = builder.build().map_err(|error| trouble(&error))?;
        Ok(Self { resolver, pace })
    }

    /// Addresses of `name`: A and AAAA, each with its own fate.
    pub(crate) async fn addresses(&self, name: &HostName) -> [Result<Reply, Trouble>; 2] {
        let first = self.ask(fully_qualified(name), RecordType::A).await;
        // A name that does not exist does not exist for any type (RFC 8020 §2).
        if first == Ok(Reply::NoSuchName) {
            return [first, Ok(Reply::NoSuchName)];
        }
        let second = self.ask(fully_qualified(name), RecordType::AAAA).await;
        [first, second]
    }

    /// The alias at `name`: asked only when no address was found, to keep the name a dead alias leads to.
    pub(crate) async fn alias(&self, name: &HostName) -> Result<Reply, Trouble> {
        self.ask(fully_qualified(name), RecordType::CNAME).await
    }

    /// Names of `address`.
    pub(crate) async fn names(&self, address: IpAddr) -> Result<Reply, Trouble> {
        self.ask(Some(Name::from(address)), RecordType::PTR).await
    }

    async fn ask(&self, name: Option<Name>, kind: RecordType) -> Result<Reply, Trouble> {
        Ok(match self.look_up(name, kind).await? {
            Asked::NoData => Reply::NoData,
            Asked::NoSuchName => Reply::NoSuchName,
            Asked::Answered(lookup) => Reply::Records {
                records: lookup
                    .answers()
                    .iter()
                    .take(RECORDS_MAX)
                    .filter_map(record)
                    .collect(),
                authoritative: lookup.message().metadata.authoritative,
            },
        })
    }

    /// The records of one kind at `name`, as a zone file writes them; none where there are none.
    pub(crate) async fn records(
        &self,
        name: &HostName,
        kind: RecordType,
    ) -> Result<RecordSet, Trouble> {
        Ok(match self.look_up(fully_qualified(name), kind).await? {
            Asked::NoData | Asked::NoSuchName => RecordSet::default(),
            Asked::Answered(lookup) => RecordSet::of(&lookup),
        })
    }

    async fn look_up(&self, name: Option<Name>, kind: RecordType) -> Result<Asked, Trouble> {
        let Some(name) = name else {
            return Err(Trouble {
                reason: Reason::Malformed,
                what: "it cannot be written as a question".into(),
            });
        };
        self.pace.turn().await;
        match self.resolver.lookup(name, kind).await {
            Ok(lookup) => Ok(Asked::Answered(lookup)),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
                ResponseCode::NXDomain => Ok(Asked::NoSuchName),
                ResponseCode::NoError => Ok(Asked::NoData),
                code => Err(refused(code)),
            },
            Err(error) => Err(trouble(&error)),
        }
    }
}

/// What became of one question.
enum Asked {
    Answered(Lookup),
    NoData,
    NoSuchName,
}

/// Records at one name. Texts are in one piece, whatever pieces they travelled in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct RecordSet {
    /// As a zone file writes them, without quotes; sorted.
    pub(crate) values: Vec<String>,
    /// The machines they name, in the order of their preference.
    pub(crate) targets: Vec<HostName>,
    /// Addresses among them, sorted.
    pub(crate) addresses: Vec<IpAddr>,
    /// The smallest time to live, if the server speaks for the zone.
    pub(crate) ttl_seconds: Option<u32>,
}

impl RecordSet {
    fn of(lookup: &Lookup) -> Self {
        let mut set = Self::default();
        let mut preferred = Vec::new();
        let mut ttl = None;
        for record in lookup.answers().iter().take(RECORDS_MAX) {
            let preference = match &record.data {
                RData::MX(mx) => Some((mx.preference, host_name(&mx.exchange))),
                RData::SRV(srv) => Some((srv.priority, host_name(&srv.target))),
                RData::NS(name) => Some((0, host_name(&name.0))),
                RData::CNAME(name) => Some((0, host_name(&name.0))),
                RData::PTR(name) => Some((0, host_name(&name.0))),
                RData::SOA(soa) => Some((0, host_name(&soa.mname))),
                RData::A(address) => {
                    set.addresses.push(address.0.into());
                    None
                }
                RData::AAAA(address) => {
                    set.addresses.push(address.0.into());
                    None
                }
                RData::TXT(_) | RData::TLSA(_) => None,
                _ => continue,
            };
            preferred.extend(preference.and_then(|(order, name)| Some((order, name?))));
            set.values.push(written(&record.data));
            ttl = Some(ttl.unwrap_or(u32::MAX).min(record.ttl));
        }
        preferred.sort();
        set.targets = preferred.into_iter().map(|(_, name)| name).collect();
        set.targets.dedup();
        set.values.sort();
        set.addresses.sort();
        set.ttl_seconds = ttl.filter(|_| lookup.message().metadata.authoritative);
        set
    }
}

/// A dot alone stays: it says that there is none (RFC 2782, RFC 7505).
fn without_final_dot(text: &str) -> &str {
    let short = text.strip_suffix('.').unwrap_or(text);
    match short.is_empty() || short.ends_with(' ') {
        true => text,
        false => short,
    }
}

/// The value without the final dots of names, cut where no text of this sort goes on.
fn written(data: &RData) -> String {
    const VALUE_MAX: usize = 2_000;
    let text = match data {
        RData::TXT(text) => {
            let bytes: Vec<u8> = text
                .txt_data
                .iter()
                .flat_map(|part| part.to_vec())
                .collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        // The serial number counts on by itself, and the mailbox is a person's.
        RData::SOA(soa) => without_final_dot(&soa.mname.to_ascii()).to_ascii_lowercase(),
        other => without_final_dot(&other.to_string()).to_ascii_lowercase(),
    };
    text.chars().take(VALUE_MAX).collect()
}

/// With the final dot: no search list is ever added.
fn fully_qualified(name: &HostName) -> Option<Name> {
    Name::from_ascii(format!("{name}.")).ok()
}

fn record(record: &hickory_resolver::proto::rr::Record) -> Option<Record> {
    let value = match &record.data {
        RData::A(address) => Value::Address(address.0.into()),
        RData::AAAA(address) => Value::Address(address.0.into()),
        RData::CNAME(target) => Value::Alias(host_name(&target.0)?),
        RData::PTR(target) => Value::Pointer(host_name(&target.0)?),
        _ => return None,
    };
    Some(Record {
        owner: host_name(&record.name)?,
        ttl_seconds: record.ttl,
        value,
    })
}

/// The name at which the names of `address` stand, as `9.1.1.10.in-addr.arpa` (RFC 1035 §3.5, RFC 3596 §2.5).
pub(crate) fn reverse_name(address: IpAddr) -> Option<HostName> {
    host_name(&Name::from(address))
}

fn host_name(name: &Name) -> Option<HostName> {
    HostName::parse(&name.to_ascii())
}

fn refused(code: ResponseCode) -> Trouble {
    let what = format!("the resolver answered {code}");
    let reason = if code == ResponseCode::Refused {
        Reason::Forbidden
    } else {
        Reason::Refused
    };
    Trouble { reason, what }
}

fn trouble(error: &NetError) -> Trouble {
    match error {
        NetError::Timeout => Trouble {
            reason: Reason::TimedOut,
            what: "the resolver did not answer".into(),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => refused(*code),
        NetError::Io(error) => Trouble {
            reason: Reason::of_io(error),
            what: "the resolver could not be reached".into(),
        },
        NetError::NoConnections => Trouble {
            reason: Reason::Unreachable,
            what: "the resolver could not be reached".into(),
        },
        other => Trouble {
            reason: Reason::Malformed,
            what: format!("the answer could not be used: {other}"),
        },
    }
}
