//! A certificate as a store keeps it: a list of properties ([MS-GPEF] 2.2.1.4 and wincrypt.h, `CERT_*_PROP_ID`), each of a
//! number, an encoding (always 1), a length and so many bytes, all little-endian.

use groma_model::Reason;

/// The certificate itself, in DER.
const CERTIFICATE: u32 = 32;
/// Where its private key is kept: container and provider.
const KEY_PROVIDER: u32 = 2;
/// Properties of one certificate.
const PROPERTIES_MAX: usize = 256;
/// Bytes of one certificate.
const DER_BYTES_MAX: usize = 256 << 10;

/// What a store says of one certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stored<'a> {
    /// The certificate.
    pub(super) der: &'a [u8],
    /// True if the store knows where its private key is.
    pub(super) has_key: bool,
}

/// Reads the properties. An entry without a certificate (a mark that one was taken out) is nothing.
pub(super) fn stored(bytes: &[u8]) -> Result<Option<Stored<'_>>, Reason> {
    let (mut der, mut has_key, mut rest) = (None, false, bytes);
    for _ in 0..PROPERTIES_MAX {
        let Some((id, value, more)) = property(rest)? else {
            return Ok(der.map(|der| Stored { der, has_key }));
        };
        match id {
            CERTIFICATE if value.len() <= DER_BYTES_MAX => der = Some(value),
            CERTIFICATE => return Err(Reason::TooLarge),
            KEY_PROVIDER => has_key = true,
            _ => {}
        }
        rest = more;
    }
    Err(Reason::TooLarge)
}

type Property<'a> = (u32, &'a [u8], &'a [u8]);

fn property(bytes: &[u8]) -> Result<Option<Property<'_>>, Reason> {
    let Some((head, rest)) = bytes.split_first_chunk::<12>() else {
        return match bytes.is_empty() {
            true => Ok(None),
            false => Err(Reason::Malformed),
        };
    };
    let [a, b, c, d, _, _, _, _, e, f, g, h] = *head;
    let id = u32::from_le_bytes([a, b, c, d]);
    let length = u32::from_le_bytes([e, f, g, h]);
    // A list may end with a property that is none.
    if id == 0 {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| Reason::Malformed)?;
    let (value, rest) = rest.split_at_checked(length).ok_or(Reason::Malformed)?;
    Ok(Some((id, value, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(properties: &[(u32, &[u8])]) -> Vec<u8> {
        let one = |(id, value): &(u32, &[u8])| {
            let length = u32::try_from(value.len()).unwrap();
            let head = [id.to_le_bytes(), 1_u32.to_le_bytes(), length.to_le_bytes()];
            [head.as_flattened(), value].concat()
        };
        properties.iter().flat_map(one).collect()
    }

    #[test]
    fn a_certificate_stands_among_its_properties() {
        let blob = made(&[(11, b"name"), (2, b"key"), (32, b"der"), (99, b"")]);
        let expected = Stored {
            der: b"der",
            has_key: true,
        };
        assert_eq!(stored(&blob), Ok(Some(expected)));
        assert_eq!(stored(&made(&[(3, b"hash")])), Ok(None));
        assert_eq!(stored(b""), Ok(None));
    }

    #[test]
    fn what_breaks_off_is_malformed() {
        let blob = made(&[(32, b"der")]);
        for end in 1..blob.len() {
            assert_eq!(stored(&blob[..end]), Err(Reason::Malformed), "{end}");
        }
        let endless = made(&[(1, b"" as &[u8]); 300]);
        assert_eq!(stored(&endless), Err(Reason::TooLarge));
    }

    #[test]
    fn hammered_properties_never_panic() {
        let blob = made(&[(11, b"name"), (2, b"key"), (32, b"der")]);
        groma_fuzz::hammer(3_000, &[blob.as_slice()], |bytes| {
            let _ = stored(bytes);
        });
    }
}
