//! PEM and DER in, DER out. Bounded; never panics on what it is given.

use rustls_pki_types::pem::{PemObject, SectionKind};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

/// Certificates in PEM, or one in DER.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if is_der(bytes) {
        return Ok(vec![CertificateDer::from(bytes.to_vec())]);
    }
    let found = sections::<CertificateDer<'static>>(bytes)?;
    if found.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    Ok(found)
}

/// Revocation lists in PEM, or one in DER.
pub(super) fn revocation_lists(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    if is_der(bytes) {
        return Ok(vec![bytes.to_vec()]);
    }
    let found = sections::<CertificateRevocationListDer<'static>>(bytes)?;
    if found.is_empty() {
        return Err("holds no revocation list".to_owned());
    }
    Ok(found
        .into_iter()
        .map(|list| list.as_ref().to_vec())
        .collect())
}

/// A DER certificate or list is a SEQUENCE with a long-form length.
fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x80..=0x84, ..])
}

fn sections<T: PemObject>(bytes: &[u8]) -> Result<Vec<T>, String> {
    <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes)
        .filter_map(|section| match section {
            Ok((kind, der)) => T::from_pem(kind, der).map(Ok),
            Err(error) => Some(Err(format!("is not valid PEM: {error}"))),
        })
        .collect()
}
