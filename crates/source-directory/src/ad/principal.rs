//! Service principal names ([MS-ADTS] 5.1.1.4): `class/host[:port or instance][/name]`.

use groma_knowledge::ServiceClass;
use groma_model::{Peer, Port};

/// A service principal name, taken apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Principal {
    /// The service's class as written.
    pub(crate) class: String,
    /// The machine.
    pub(crate) host: Peer,
    /// The port, where one is written.
    pub(crate) port: Option<Port>,
    /// What stands where a port could: the name of an instance.
    pub(crate) instance: Option<String>,
}

impl Principal {
    /// Reads `text`; `None` if it names no machine.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.split('@').next().unwrap_or(text);
        let (class, rest) = text.split_once('/')?;
        let place = rest.split('/').next()?;
        let (host, after) = match place.rsplit_once(':') {
            Some((host, after)) if !host.contains(':') => (host, Some(after)),
            _ => (place, None),
        };
        let port = after
            .and_then(|a| a.parse::<u16>().ok())
            .filter(|p| *p != 0);
        let instance = after.filter(|a| port.is_none() && !a.is_empty());
        Some(Self {
            class: class.to_owned(),
            host: Peer::parse(host)?,
            port: port.map(Port),
            instance: instance.map(str::to_owned),
        })
    }

    /// What is known about its class.
    pub(crate) fn service(&self) -> Option<&'static ServiceClass> {
        groma_knowledge::service_class(&self.class)
    }

    /// The port it is reached at: as written, else the one of its class.
    pub(crate) fn reached_at(&self) -> Option<Port> {
        // A named instance of a database listens where its browser says, not at the port of its class.
        let of_class = self.service().and_then(|s| s.port).map(Port);
        self.port.or(of_class.filter(|_| self.instance.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_services_are_taken_apart() {
        let read = |text| {
            Principal::parse(text).map(|p| {
                (
                    p.class.clone(),
                    p.host.to_string(),
                    p.reached_at().map(|p| p.0),
                    p.instance,
                )
            })
        };
        assert_eq!(
            read("MSSQLSvc/db1.corp.example:1444"),
            Some((
                "MSSQLSvc".into(),
                "db1.corp.example".into(),
                Some(1444),
                None
            ))
        );
        assert_eq!(
            read("MSSQLSvc/db1.corp.example:SALES"),
            Some((
                "MSSQLSvc".into(),
                "db1.corp.example".into(),
                None,
                Some("SALES".into())
            ))
        );
        assert_eq!(
            read("MSSQLSvc/DB1"),
            Some(("MSSQLSvc".into(), "db1".into(), Some(1433), None))
        );
        assert_eq!(
            read("http/app1@CORP.EXAMPLE"),
            Some(("http".into(), "app1".into(), None, None))
        );
        assert_eq!(
            read("ldap/dc1.corp.example/corp.example"),
            Some(("ldap".into(), "dc1.corp.example".into(), Some(389), None))
        );
        assert_eq!(read("kadmin"), None);
        assert_eq!(read("E3514235-4B06-11D1-AB04-00C04FC2DCD2/a b"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,80}") {
            let _ = Principal::parse(&text).map(|p| p.reached_at());
        }
    }
}
