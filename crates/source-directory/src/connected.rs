//! Who is connected, added up over the looks at it: one row for everything that is the same but time and count.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::DirectoryNeed;
use groma_model::{Foreign, Peer, Port, Seen, Timestamp};

/// Accounts one client may have before they are taken for people, whom we do not list: whoever logs people on has ever others.
const ACCOUNTS_MAX: usize = 8;

/// Connections by client, account and protection, with when each was met.
#[derive(Default)]
pub(crate) struct Connected {
    met: BTreeMap<DirectoryNeed, Seen>,
}

type Client = (Peer, Peer, Option<Port>);

fn client(need: &DirectoryNeed) -> Client {
    (need.consumer.clone(), need.provider.clone(), need.port)
}

impl Connected {
    /// Those that one look met. A client with two connections is one client.
    pub(crate) fn met(&mut self, needs: Vec<DirectoryNeed>, at: Timestamp) {
        let needs: BTreeSet<DirectoryNeed> = needs.into_iter().collect();
        for need in needs {
            let seen = self.met.entry(need).or_insert(Seen::once(at));
            seen.count += u64::from(seen.last < at);
            seen.last = at;
        }
    }

    /// The rows, without the names of people.
    pub(crate) fn told(self) -> BTreeMap<DirectoryNeed, Seen> {
        let mut accounts: BTreeMap<Client, BTreeSet<Foreign>> = BTreeMap::new();
        for need in self.met.keys() {
            let own = accounts.entry(client(need)).or_default();
            own.extend(need.account.clone());
        }
        accounts.retain(|_, own| own.len() > ACCOUNTS_MAX);
        let mut out = BTreeMap::new();
        for (mut need, seen) in self.met {
            if accounts.contains_key(&client(&need)) {
                need.account = need.account.filter(Foreign::is_empty);
            }
            out.entry(need)
                .and_modify(|known: &mut Seen| *known = known.joined(seen))
                .or_insert(seen);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project389;
    use crate::testing::{entry, learnt};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_795_250_000 + seconds)
    }

    /// Accounts that are told of one client after `count` of them were met, one in each look.
    fn accounts(count: i64) -> Vec<Option<String>> {
        let mut connected = Connected::default();
        for number in 0..count {
            let mut learnt = learnt();
            let name = format!("uid=person{number},ou=people,dc=corp");
            let text = format!("64:20261121081315Z:2:1:-:{name}:0:0:0:2:ip=10.0.0.7");
            project389::connections(&entry("cn=monitor", &[("connection", &text)]), &mut learnt);
            let needs = learnt.facts.drain(..).filter_map(|fact| match fact {
                groma_model::Fact::DirectoryNeed(need) => Some(need),
                _ => None,
            });
            connected.met(needs.collect(), at(number));
        }
        let told = connected.told().into_keys();
        told.map(|need| need.account.map(|a| a.lossy().into_owned()))
            .collect()
    }

    #[test]
    fn whoever_logs_people_on_is_told_without_them() {
        assert_eq!(accounts(9), [None]);
        let some = accounts(2);
        assert_eq!(some.len(), 2);
        assert!(
            some.iter()
                .all(|a| a.as_deref().is_some_and(|a| a.starts_with("uid=")))
        );
    }
}
