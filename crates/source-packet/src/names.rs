//! By which name a client called an address: the one it had asked for last when the connection began, unless another one that
//! led there was still good. Two browsers' tabs say nothing of the mail program beside them.

use std::collections::HashMap;
use std::net::IpAddr;

use groma_model::{HostName, Timestamp};

/// Names that were asked for, each with who asked and where it led.
const NAMES_MAX: usize = 65_536;

/// What a client asked for and was led to one address by.
struct Asked {
    name: HostName,
    /// How long the client may keep it.
    until: Timestamp,
    /// How long it may keep any other name of that address.
    others_until: Option<Timestamp>,
}

/// All names that were asked for.
#[derive(Default)]
pub(crate) struct Names {
    known: HashMap<(IpAddr, IpAddr), Asked>,
}

impl Names {
    /// `client` was told that `name` leads to `server`, and may believe it `until` then.
    pub(crate) fn asked(
        &mut self,
        client: IpAddr,
        server: IpAddr,
        name: HostName,
        until: Timestamp,
    ) {
        if self.known.len() >= NAMES_MAX {
            self.known.clear();
        }
        let new = Asked {
            name,
            until,
            others_until: None,
        };
        let Some(known) = self.known.get_mut(&(client, server)) else {
            self.known.insert((client, server), new);
            return;
        };
        if known.name == new.name {
            known.until = known.until.max(until);
        } else {
            let others_until = known.others_until.max(Some(known.until));
            *known = Asked {
                others_until,
                ..new
            };
        }
    }

    /// By which name `client` called `server` at a time; `None` where it may have been either of two.
    pub(crate) fn called(&self, client: IpAddr, server: IpAddr, at: Timestamp) -> Option<HostName> {
        let known = self.known.get(&(client, server))?;
        let is_only = known.others_until.is_none_or(|until| until < at);
        is_only.then(|| known.name.clone())
    }
}
