//! Requests to the collector, and what its answers mean.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use groma_model::fleet::{AgentHost, RefusalWord};
use groma_model::foreign::hex;
use groma_wire::talk::{
    self, BASE, BATCHES, BEAT, Beat, Beaten, ENROL, Enrol, Enrolled, Kept, LEASE, Lease,
    LeaseAsked, REJOIN, RENEW, RUN, Refused, Renew, SPLIT, Split,
};
use groma_wire::token::Token;
use rustls::{AlertDescription, CertificateError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::unversioned::transport::{Connector, TcpConnector};

use crate::identity::{Identity, Key, KeyError};
use crate::names::{Lookup, Names};
use crate::tls::{Trust, settings};
use crate::transport::Secured;

/// How long a connection may take to come about; its name may take as long before.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// How long one request may take as a whole.
const WHOLE: Duration = Duration::from_secs(240);

/// Where a collector is: a host and the port of its enrolment listener.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectorUrl {
    host: String,
    port: u16,
}

impl CollectorUrl {
    /// Reads `https://HOST[:PORT]`; nothing else makes sense here.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no address of a collector: write https://HOST or https://HOST:PORT"
            )
        };
        let rest = text.trim().strip_prefix("https://").ok_or_else(wrong)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            // Within brackets a colon is part of the address.
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (rest, talk::ENROL_PORT),
        };
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let fine = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(letter),
        };
        match fine && port != 0 {
            true => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            false => Err(wrong()),
        }
    }

    fn at(&self, port: u16, path: &str) -> String {
        format!("https://{}:{port}{path}", self.host)
    }
}

impl std::fmt::Display for CollectorUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "https://{}:{}", self.host, self.port)
    }
}

/// Why something did not come about. What helps differs, so the words do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkError {
    /// The way: nobody is there, or the connection broke. Waiting may help; it says nothing about who we are.
    #[error("the collector cannot be reached: {0}")]
    Unreachable(String),
    /// Whoever is there is not our collector.
    #[error(
        "whoever answers at this address is not the collector this agent may believe ({0}): check the address, and whether the token or the enrolment is of this collector; nothing was sent to it"
    )]
    NotOurs(String),
    /// Our certificate is not taken any more: it may have lapsed.
    #[error("the collector does not take this agent's certificate: {0}")]
    Lapsed(String),
    /// The collector says no.
    #[error("{says}")]
    Refused {
        /// Why, for programs.
        word: RefusalWord,
        /// Why, for people.
        says: String,
        /// When to come again, if that helps.
        wait: Option<Duration>,
    },
    /// What came back is not understood.
    #[error("the collector's answer is not understood: {0}")]
    Nonsense(String),
    /// Our own key or certificate cannot be used.
    #[error("this agent's identity cannot be used: {0}; enrol it again")]
    Identity(String),
}

impl LinkError {
    pub(crate) fn tls(error: rustls::Error) -> Self {
        Self::Identity(error.to_string())
    }

    /// The collector's word, if it spoke.
    pub fn word(&self) -> Option<RefusalWord> {
        match self {
            Self::Refused { word, .. } => Some(*word),
            _ => None,
        }
    }

    /// How long the collector asked us to wait.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused { wait, .. } => *wait,
            _ => None,
        }
    }
}

impl From<KeyError> for LinkError {
    fn from(error: KeyError) -> Self {
        Self::Identity(error.to_string())
    }
}

/// The way to one collector, as one agent.
pub struct Link {
    agent: ureq::Agent,
    url: CollectorUrl,
    agents_port: u16,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// The way of an agent that is enrolled, to a collector whose name `names` knows.
    ///
    /// # Errors
    /// Its identity cannot be used.
    pub fn of(identity: &Identity, names: Arc<dyn Names>) -> Result<Self, LinkError> {
        let url = CollectorUrl::parse(&identity.collector).map_err(LinkError::Identity)?;
        let trust = Trust::Authorities(identity.authorities.clone());
        Self::new(url, identity.agents_port, &trust, Some(identity), names)
    }

    fn new(
        url: CollectorUrl,
        agents_port: u16,
        trust: &Trust,
        identity: Option<&Identity>,
        names: Arc<dyn Names>,
    ) -> Result<Self, LinkError> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .https_only(true)
            .proxy(None)
            .max_redirects(0)
            .user_agent(concat!("groma-agent/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .max_response_header_size(16 << 10)
            .max_idle_connections(2)
            .max_idle_age(Duration::from_secs(90))
            .build();
        let connector = TcpConnector::default().chain(Secured(settings(trust, identity)?));
        let agent = ureq::Agent::with_parts(config, connector, Lookup(names));
        Ok(Self {
            agent,
            url,
            agents_port,
        })
    }

    /// Asks to be let in with `token`, over `key`. Nothing is sent before the collector has shown the authority of the token.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn enrol(
        url: &CollectorUrl,
        token: &Token,
        key: &Key,
        host: AgentHost,
        names: Arc<dyn Names>,
    ) -> Result<Identity, LinkError> {
        let link = Self::new(url.clone(), 0, &Trust::Pin(token.pin), None, names)?;
        let asked = Enrol {
            secret: hex(&token.secret),
            request: key.request()?,
            host,
        };
        let enrolled: Enrolled = link.ask(&url.at(url.port, ENROL), &asked)?;
        Ok(Identity::of(enrolled, key, &url.to_string()))
    }

    /// Says that we are there.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn beat(&self, beat: &Beat) -> Result<Beaten, LinkError> {
        self.ask(&self.agents(BEAT), beat)
    }

    /// Hands over a batch, packed as `groma_wire::encode` does; or what is new in it against a `base`, as `groma_wire::against` writes it. When
    /// this returns, the collector has it for good.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn send(&self, run: u64, batch: &[u8], base: Option<&str>) -> Result<Kept, LinkError> {
        let mut request = self
            .agent
            .post(self.agents(BATCHES))
            .header(RUN, format!("{run:x}"));
        if let Some(base) = base {
            request = request.header(BASE, base);
        }
        let answer = request
            .header("content-type", "application/zstd")
            .send(batch);
        understood(answer.map_err(meaning)?)
    }

    /// Asks for the next certificate over the same key.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn renew(&self, identity: &Identity) -> Result<Identity, LinkError> {
        self.next(&self.agents(RENEW), identity)
    }

    /// The same with a certificate that may have lapsed, at the enrolment listener.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn rejoin(&self, identity: &Identity) -> Result<Identity, LinkError> {
        self.next(&self.url.at(self.url.port, REJOIN), identity)
    }

    fn next(&self, at: &str, identity: &Identity) -> Result<Identity, LinkError> {
        let key = Key::read(&identity.key)?;
        let asked = Renew {
            request: key.request()?,
            generation: identity.generation,
        };
        let enrolled: Enrolled = self.ask(at, &asked)?;
        Ok(Identity {
            copied_from: identity.copied_from.clone(),
            ..Identity::of(enrolled, &key, &identity.collector)
        })
    }

    /// As the copy of another agent: asks for an identity of its own, over a new key.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn split(&self, run: u64, host: AgentHost) -> Result<Identity, LinkError> {
        let key = Key::generate()?;
        let asked = Split {
            request: key.request()?,
            run,
            host,
        };
        let enrolled: Enrolled = self.ask(&self.agents(SPLIT), &asked)?;
        Ok(Identity::of(enrolled, &key, &self.url.to_string()))
    }

    /// Asks for a share of the packets the fleet may send.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn lease(&self, asked: &LeaseAsked) -> Result<Lease, LinkError> {
        self.ask(&self.agents(LEASE), asked)
    }

    fn agents(&self, path: &str) -> String {
        self.url.at(self.agents_port, path)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        at: &str,
        document: &impl Serialize,
    ) -> Result<T, LinkError> {
        let request = self
            .agent
            .post(at)
            .header("content-type", "application/json");
        understood(
            request
                .send(talk::write(document).as_slice())
                .map_err(meaning)?,
        )
    }
}

/// What an answer says.
fn understood<T: DeserializeOwned>(
    answer: ureq::http::Response<ureq::Body>,
) -> Result<T, LinkError> {
    let (head, body) = answer.into_parts();
    let mut bytes = Vec::new();
    let most = u64::try_from(talk::DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    let read = body.into_reader().take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| LinkError::Unreachable(format!("the answer broke off: {error}")))?;
    if head.status.is_success() {
        return talk::read(&bytes).map_err(LinkError::Nonsense);
    }
    let wait = head
        .headers
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let wait = wait.map(Duration::from_secs);
    match talk::read::<Refused>(&bytes) {
        Ok(refused) => Err(LinkError::Refused {
            word: refused.word,
            says: plain(&refused.says),
            wait,
        }),
        // A relay in between may say so in its own words; that is the way, not the collector.
        Err(_) => Err(LinkError::Unreachable(format!(
            "status {} without a word of the collector",
            head.status.as_u16()
        ))),
    }
}

/// What a collector says is shown on terminals: one line, no controls.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// What a failure of the way means.
fn meaning(error: ureq::Error) -> LinkError {
    let says = error.to_string();
    match tls_failure(error) {
        Some(rustls::Error::InvalidCertificate(why)) => LinkError::NotOurs(not_ours(&why)),
        Some(rustls::Error::AlertReceived(alert)) if is_about_us(alert) => {
            LinkError::Lapsed(about_us(alert))
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            LinkError::Unreachable(format!("it ended the handshake: {alert:?}"))
        }
        Some(other) => LinkError::NotOurs(other.to_string()),
        None => LinkError::Unreachable(says),
    }
}

fn about_us(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => {
            "it is of an authority that the collector does not believe, or not any more; enrol this machine again with a new token".to_owned()
        }
        other => format!("{other:?}"),
    }
}

fn not_ours(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is of another authority".to_owned()
        }
        other => format!("its certificate: {other}"),
    }
}

/// The alerts a collector sends when it does not take a certificate (RFC 8446 §6.2).
fn is_about_us(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::CertificateExpired
            | A::BadCertificate
            | A::CertificateUnknown
            | A::CertificateRevoked
            | A::UnknownCA
            | A::CertificateRequired
            | A::AccessDenied
    )
}

fn tls_failure(error: ureq::Error) -> Option<rustls::Error> {
    let ureq::Error::Io(error) = error else {
        return None;
    };
    let inner = error.get_ref()?;
    if let Some(found) = inner.downcast_ref::<rustls::Error>() {
        return Some(found.clone());
    }
    // ureq wraps its own errors on the way through the adapter of its transports.
    let mut cause = inner.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found.clone());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_collector_is_a_host_and_perhaps_a_port() {
        let parsed = |text: &str| CollectorUrl::parse(text).map(|url| url.to_string());
        assert_eq!(
            parsed("https://groma.corp.example"),
            Ok("https://groma.corp.example:8470".to_owned())
        );
        assert_eq!(
            parsed(" https://10.0.0.5:9000/ "),
            Ok("https://10.0.0.5:9000".to_owned())
        );
        assert_eq!(
            parsed("https://[2001:db8::5]"),
            Ok("https://[2001:db8::5]:8470".to_owned())
        );
        for wrong in [
            "http://a",
            "groma",
            "https://",
            "https://a/b",
            "https://u:p@a",
            "https://a:0",
            "https://[x]",
            "https://a:99999",
            "https://a b",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
