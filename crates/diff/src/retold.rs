//! The same need told in other words: no change of the estate.
//!
//! Who used a port is seen when somebody looks at the right moment; at the next look only the other end may tell, and then
//! the machine as a whole stands where its part stood.

use groma_model::fact::ComponentClass;
use groma_model::inventory::Dependency;

use crate::dependencies::files;
use crate::pair::{Index, Pair, endpoint};

/// True if nobody saw which part of the consumer it was.
pub(crate) fn is_whole(d: &Dependency) -> bool {
    d.consumer.component.class == ComponentClass::Device
}

/// True if `new` is a need that the earlier side knew by another part of the consumer.
pub(crate) fn was_known(pair: &Pair<'_>, new: &Dependency) -> bool {
    if !new.details.written_in.is_empty() {
        return false;
    }
    same_place(&pair.before, new).any(|old| {
        let stays = pair.after.dependencies.contains_key(&old.id);
        match (is_whole(old), is_whole(new)) {
            // What nobody wrote down, or what was not used since, is the memory of the same.
            (false, true) => stays || files(old).is_empty() || new.last_seen <= old.last_seen,
            (true, false) => !stays,
            _ => false,
        }
    })
}

/// True if `gone` is a need that the later side knows by another part of the consumer.
pub(crate) fn is_still_known(pair: &Pair<'_>, gone: &Dependency) -> bool {
    gone.details.written_in.is_empty()
        && same_place(&pair.after, gone).any(|new| match (is_whole(gone), is_whole(new)) {
            (true, false) => true,
            (false, true) => !pair.before.dependencies.contains_key(&new.id),
            _ => false,
        })
}

/// The needs of the same consumer at the same port, for the same.
fn same_place<'s, 'a>(
    side: &'s Index<'a>,
    d: &'s Dependency,
) -> impl Iterator<Item = &'a Dependency> + 's {
    let needers =
        endpoint(d).map(|(port, transport)| side.needers(&d.provider.entity, port, transport));
    let needers = needers.unwrap_or_default().iter().copied();
    needers.filter(|other| {
        other.id != d.id && other.consumer.entity == d.consumer.entity && other.kind == d.kind
    })
}
