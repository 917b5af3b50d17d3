//! The batch before: what the collector has already need not be sent again.

use groma_model::fleet::RefusalWord;
use groma_ship::LinkError;
use groma_wire::against;

/// No batch that packs to more is held.
const FRAME_BYTES_MAX: usize = 2 << 20;
/// What it costs to name a base.
const NAME_BYTES: usize = 64;

/// The last batch of which the collector said that the next one may be written against it.
#[derive(Default)]
pub(crate) struct Former(Option<Vec<u8>>);

/// What is new in a batch, and the name of the text it is new against.
pub(crate) struct Patch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) base: String,
}

impl Former {
    /// A batch as what is new in it, if that is less.
    pub(crate) fn against(&self, frame: &[u8]) -> Option<Patch> {
        let base = against::text_of(self.0.as_ref()?)?;
        let text = against::text_of(frame)?;
        let bytes = against::write(&text, &base)?;
        (bytes.len() + NAME_BYTES < frame.len()).then(|| Patch {
            bytes,
            base: against::name_of(&base),
        })
    }

    /// The collector kept this batch, and holds it as a base or does not.
    pub(crate) fn kept(&mut self, frame: &[u8], is_base: bool) {
        let fits = is_base && frame.len() <= FRAME_BYTES_MAX;
        self.0 = fits.then(|| frame.to_vec());
    }

    /// The collector does not have it any more, or cannot use it.
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }
}

/// True if it cannot be told whether a patch is to blame: its batch goes whole when it goes again.
pub(crate) fn may_be_its_fault(error: &LinkError) -> bool {
    matches!(
        error,
        LinkError::Unreachable(_)
            | LinkError::Nonsense(_)
            | LinkError::Refused {
                word: RefusalWord::Other,
                ..
            }
    )
}

/// True if a batch that came as what is new in it was turned away, and may be taken as a whole: the base is gone, or the two sides read the
/// form differently.
pub(crate) fn goes_whole(error: &LinkError) -> bool {
    use RefusalWord as W;
    matches!(
        error.word(),
        Some(W::UnknownBase | W::Malformed | W::TooLarge)
    )
}
