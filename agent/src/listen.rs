//! What was typed about listening.

use clap::Args;
use groma_source::World;
use groma_source::manners::Ceiling;
use groma_source_packet::Listening;
use groma_source_packet::sentinel::{Post, Standing};

use crate::sentinel::{self, Asked};
use crate::sweep::NotSafe;

/// Where to listen, and how.
#[derive(Args, Clone, Debug, Default)]
pub struct ListenArgs {
    /// Listen at this interface for as long as --for lasts: who uses which service of whom, and who is there. May be given
    /// several times. Nothing is sent.
    #[arg(long = "listen", value_name = "INTERFACE")]
    interfaces: Vec<String>,
    /// Hear there what is meant for others too, while the look lasts: for a port that a switch mirrors to (SPAN).
    #[arg(long, requires = "interfaces")]
    promiscuous: bool,
    /// Tell who still knocks at this address of a machine that is gone, where somebody put it on this one: 192.0.2.10, or with the
    /// ports that matter 192.0.2.10:25,443. Only as `sentinel` in /etc/groma/ceiling.toml allows. May be given several times.
    /// Nothing is sent, and no port is bound.
    #[arg(long = "sentinel", value_name = "ADDRESS[:PORT,…]", value_parser = Asked::parse)]
    sentinels: Vec<Asked>,
}

impl ListenArgs {
    /// True if an interface was named.
    pub fn names_any(&self) -> bool {
        !self.interfaces.is_empty()
    }

    /// What it means, if the owner of this machine lets it listen at all (`listening` of the ceiling file).
    ///
    /// # Errors
    /// Interfaces were named, and the ceiling file forbids it or cannot be believed.
    pub fn permitted(&self, world: &World) -> Result<Listening, NotSafe> {
        if self.names_any() && !Ceiling::of(world.disk.as_ref())?.listening {
            return Err(NotSafe::MayNotListen);
        }
        Ok(self.listening())
    }

    /// Where to stand sentinel, if the owner of this machine lets it and the address is there for it.
    ///
    /// # Errors
    /// Addresses were named, and one of them may not be stood at ([`NotSafe`]).
    pub fn standing(&self, world: &World, apart: bool) -> Result<Standing, NotSafe> {
        sentinel::standing(&self.sentinels, world, apart)
    }

    /// True if an address to stand at was named.
    pub fn stands_anywhere(&self) -> bool {
        !self.sentinels.is_empty()
    }

    /// Where somebody wants to stand, for who only explains it: nothing is looked at.
    pub fn wished(&self) -> Standing {
        let post = |asked: &Asked| Post {
            address: asked.address,
            interface: "its interface".to_owned(),
            ports: asked.ports.clone(),
            answered: Vec::new(),
        };
        Standing {
            posts: self.sentinels.iter().map(post).collect(),
            hasty: false,
        }
    }

    /// What it means; an interface that is named twice is one.
    pub fn listening(&self) -> Listening {
        let mut interfaces = self.interfaces.clone();
        interfaces.sort();
        interfaces.dedup();
        Listening {
            interfaces,
            promiscuous: self.promiscuous,
        }
    }
}

#[cfg(test)]
mod tests {
    use groma_source::manners::CEILING;
    use groma_source::testing::{FakeDisk, world};

    use super::*;

    #[test]
    fn who_may_not_listen_by_the_ceiling_file_does_not() {
        let args = ListenArgs {
            interfaces: vec!["eth0".to_owned()],
            promiscuous: false,
            sentinels: Vec::new(),
        };
        for (text, may) in [
            ("listening = false", false),
            ("listening = true", true),
            ("", true),
            ("listening = 7", false),
        ] {
            let world = world(FakeDisk::new().file(CEILING, text));
            assert_eq!(args.permitted(&world).is_ok(), may, "{text}");
            assert!(ListenArgs::default().permitted(&world).is_ok());
        }
    }
}
