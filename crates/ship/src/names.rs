//! Where the name of a collector leads: asked of whoever was handed in, before each connection.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use groma_model::{HostName, Peer};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::link::CONNECT;

/// As many addresses of one collector as are tried; the client holds no more.
const ADDRESSES_MAX: usize = 16;

/// Who knows the addresses of names.
pub trait Names: Send + Sync {
    /// The addresses of `name`, in the order in which they are to be tried; it ends within `timeout`.
    ///
    /// # Errors
    /// There is none, or nobody could say. The text tells an operator who was asked, and what to do.
    fn addresses(&self, name: &HostName, timeout: Duration) -> io::Result<Vec<IpAddr>>;
}

/// For whoever writes collectors by their address: no name has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddressesAlone;

impl Names for AddressesAlone {
    fn addresses(&self, name: &HostName, _: Duration) -> io::Result<Vec<IpAddr>> {
        let why = format!("{name} is a name, and none is looked up here; write its address");
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    }
}

/// The names of an agent, as the HTTP client asks for them.
pub(crate) struct Lookup(pub(crate) Arc<dyn Names>);

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}

impl Lookup {
    fn addresses(&self, host: &str, timeout: Duration) -> io::Result<Vec<IpAddr>> {
        match Peer::parse(host) {
            Some(Peer::Address(address)) => Ok(vec![address]),
            Some(Peer::Name(name)) => self.0.addresses(&name, timeout),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{host:?} is neither a host name nor an address"),
            )),
        }
    }
}

impl Resolver for Lookup {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        // There is always a port: it stands in the address of a collector, or its usual one does.
        let port = uri.port_u16().ok_or(Error::HostNotFound)?;
        let addresses = self.addresses(host, (*timeout.after).min(CONNECT))?;
        let mut found = self.empty();
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            found.push(SocketAddr::new(address, port));
        }
        match found.is_empty() {
            true => Err(Error::HostNotFound),
            false => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Knows one name, by so many addresses, and notes what it is asked.
    #[derive(Default)]
    struct Book {
        asked: Mutex<Vec<String>>,
        addresses: Vec<IpAddr>,
    }

    impl Names for Book {
        fn addresses(&self, name: &HostName, timeout: Duration) -> io::Result<Vec<IpAddr>> {
            assert!(timeout <= CONNECT, "{timeout:?}");
            self.asked.lock().unwrap().push(name.to_string());
            match name.as_str() {
                "groma.corp.example" => Ok(self.addresses.clone()),
                _ => Err(io::Error::new(io::ErrorKind::NotFound, "nobody knows it")),
            }
        }
    }

    fn resolved(book: &Arc<Book>, url: &str) -> Result<Vec<String>, String> {
        let timeout = NextTimeout {
            after: Duration::from_secs(240).into(),
            reason: ureq::Timeout::Resolve,
            ..NextTimeout::default()
        };
        let found = Lookup(book.clone())
            .resolve(&url.parse().unwrap(), &Config::default(), timeout)
            .map_err(|error| error.to_string())?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    fn book(addresses: &[&str]) -> Arc<Book> {
        let addresses = addresses.iter().map(|at| at.parse().unwrap()).collect();
        Arc::new(Book {
            addresses,
            ..Book::default()
        })
    }

    #[test]
    fn a_collector_is_called_at_the_addresses_of_its_name_in_their_order() {
        let book = book(&["10.0.0.5", "fd00::5"]);
        let expected = vec!["10.0.0.5:8470".to_owned(), "[fd00::5]:8470".to_owned()];
        for url in [
            "https://groma.corp.example:8470/enrol",
            "https://Groma.Corp.Example.:8470/enrol",
        ] {
            assert_eq!(resolved(&book, url).as_ref(), Ok(&expected), "{url}");
        }
        assert_eq!(*book.asked.lock().unwrap(), ["groma.corp.example"; 2]);
    }

    #[test]
    fn an_address_is_asked_of_nobody() {
        let book = book(&["10.0.0.5"]);
        for (url, at) in [
            ("https://192.0.2.7:8470/", "192.0.2.7:8470"),
            ("https://[2001:db8::7]:1/", "[2001:db8::7]:1"),
        ] {
            assert_eq!(resolved(&book, url), Ok(vec![at.to_owned()]));
        }
        assert!(book.asked.lock().unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_name_is_told_as_it_was_said() {
        let told = resolved(&book(&[]), "https://other.example:1/").unwrap_err();
        assert!(told.contains("nobody knows it"), "{told}");
        let told = resolved(&book(&[]), "https://1.2:1/").unwrap_err();
        assert!(
            told.contains("neither a host name nor an address"),
            "{told}"
        );
        assert!(resolved(&book(&[]), "https://groma.corp.example:1/").is_err());
        let name = HostName::parse("groma.corp.example").unwrap();
        let told = AddressesAlone.addresses(&name, CONNECT).unwrap_err();
        assert!(told.to_string().contains("write its address"), "{told}");
    }

    #[test]
    fn of_a_name_with_many_addresses_the_first_are_tried() {
        let many: Vec<String> = (0..40).map(|n| format!("10.0.0.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let found = resolved(&book(&many), "https://groma.corp.example:1/").unwrap();
        assert_eq!(found.len(), ADDRESSES_MAX);
        assert_eq!(found[0], "10.0.0.0:1");
    }
}
