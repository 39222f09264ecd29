//! PKCS #12 (RFC 7292): a certificate, its chain and its key in one file under a password, as
//! browsers, Windows and Java want them. Written only; AES-256-CBC under PBKDF2 with
//! HMAC-SHA-256, and a SHA-256 integrity check, which OpenSSL 1.1 and later and Java 8u301 and
//! later read.
//!
//! Ours rather than a crate's: the crates at hand bring forty others, pre-releases among them,
//! and a second provider of digests; the primitives here are those of aws-lc-rs.

use super::PkiError;
use super::keys::Key;
use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use rustls_pki_types::CertificateDer;
use std::num::NonZeroU32;
use yasna::models::ObjectIdentifier;
use yasna::{DERWriter, Tag, construct_der};

/// Rounds of the derivation of keys.
const ROUNDS: NonZeroU32 = NonZeroU32::new(100_000).unwrap();
const SALT_BYTES: usize = 16;
/// Block of SHA-256, bytes (`v` in RFC 7292, B.2).
const BLOCK_BYTES: usize = 64;
/// What the derived key is for (RFC 7292, B.3): integrity.
const FOR_MAC: u8 = 3;

const DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 1];
const ENCRYPTED_DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 6];
const SHROUDED_KEY_BAG: &[u64] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 2];
const CERTIFICATE_BAG: &[u64] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 3];
const X509_CERTIFICATE: &[u64] = &[1, 2, 840, 113_549, 1, 9, 22, 1];
const FRIENDLY_NAME: &[u64] = &[1, 2, 840, 113_549, 1, 9, 20];
const LOCAL_KEY_ID: &[u64] = &[1, 2, 840, 113_549, 1, 9, 21];
const PBES2: &[u64] = &[1, 2, 840, 113_549, 1, 5, 13];
const PBKDF2: &[u64] = &[1, 2, 840, 113_549, 1, 5, 12];
const HMAC_SHA256: &[u64] = &[1, 2, 840, 113_549, 2, 9];
const AES_256_CBC: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 1, 42];
const SHA256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];

/// Writes certificates (leaf first) and the leaf's key under a password.
///
/// # Errors
/// The library refuses, or the key cannot be written in PKCS #8.
pub fn write(
    name: &str,
    certificates: &[CertificateDer<'_>],
    key: &Key,
    password: &str,
) -> Result<Vec<u8>, PkiError> {
    let own_id = certificates
        .first()
        .map(|leaf| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, leaf));
    let own_id = own_id.as_ref().map(AsRef::as_ref).unwrap_or_default();
    let bags = construct_der(|writer| {
        writer.write_sequence(|writer| {
            for (place, certificate) in certificates.iter().enumerate() {
                // Only the leaf carries the key's name, by which readers join the two.
                let own = (place == 0).then_some((name, own_id));
                bag(writer.next(), CERTIFICATE_BAG, own, |writer| {
                    writer.write_sequence(|writer| {
                        writer.next().write_oid(&oid(X509_CERTIFICATE));
                        writer.next().write_tagged(Tag::context(0), |writer| {
                            writer.write_bytes(certificate.as_ref());
                        });
                    });
                });
            }
        });
    });
    let sealed_certificates = Sealed::new(&bags, password)?;
    let sealed_key = Sealed::new(&key.to_true_pkcs8()?, password)?;
    let key_bag = construct_der(|writer| {
        writer.write_sequence(|writer| {
            let own = Some((name, own_id));
            bag(writer.next(), SHROUDED_KEY_BAG, own, |writer| {
                writer.write_sequence(|writer| {
                    sealed_key.write_algorithm(writer.next());
                    writer.next().write_bytes(&sealed_key.bytes);
                });
            });
        });
    });
    let safe = construct_der(|writer| {
        writer.write_sequence(|writer| {
            encrypted_content(writer.next(), &sealed_certificates);
            content(writer.next(), &key_bag);
        });
    });
    let (salt, mac) = integrity(&safe, password)?;
    Ok(construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_u8(3);
            content(writer.next(), &safe);
            writer.next().write_sequence(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_sequence(|writer| {
                        writer.next().write_oid(&oid(SHA256));
                        writer.next().write_null();
                    });
                    writer.next().write_bytes(&mac);
                });
                writer.next().write_bytes(&salt);
                writer.next().write_u32(ROUNDS.get());
            });
        });
    }))
}

/// Bytes under PBES2, with what is needed to open them.
struct Sealed {
    salt: [u8; SALT_BYTES],
    iv: Vec<u8>,
    bytes: Vec<u8>,
}

impl Sealed {
    fn new(plain: &[u8], password: &str) -> Result<Self, PkiError> {
        let failed = |_| PkiError::Seal;
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt).map_err(failed)?;
        let mut secret = [0; 32];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            &salt,
            password.as_bytes(),
            &mut secret,
        );
        let key = UnboundCipherKey::new(&AES_256, &secret).map_err(failed)?;
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(failed)?;
        let mut bytes = plain.to_vec();
        let mut iv = [0; 16];
        rand::fill(&mut iv).map_err(failed)?;
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        key.less_safe_encrypt(&mut bytes, context).map_err(failed)?;
        Ok(Self {
            salt,
            iv: iv.to_vec(),
            bytes,
        })
    }

    fn write_algorithm(&self, writer: DERWriter<'_>) {
        writer.write_sequence(|writer| {
            writer.next().write_oid(&oid(PBES2));
            writer.next().write_sequence(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_oid(&oid(PBKDF2));
                    writer.next().write_sequence(|writer| {
                        writer.next().write_bytes(&self.salt);
                        writer.next().write_u32(ROUNDS.get());
                        writer.next().write_sequence(|writer| {
                            writer.next().write_oid(&oid(HMAC_SHA256));
                            writer.next().write_null();
                        });
                    });
                });
                writer.next().write_sequence(|writer| {
                    writer.next().write_oid(&oid(AES_256_CBC));
                    writer.next().write_bytes(&self.iv);
                });
            });
        });
    }
}

fn oid(components: &[u64]) -> ObjectIdentifier {
    ObjectIdentifier::from_slice(components)
}

/// A SafeBag; `own`: name and local key id of the pair.
fn bag(
    writer: DERWriter<'_>,
    kind: &[u64],
    own: Option<(&str, &[u8])>,
    value: impl FnOnce(DERWriter<'_>),
) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&oid(kind));
        writer.next().write_tagged(Tag::context(0), value);
        let Some((name, id)) = own else { return };
        writer.next().write_set(|writer| {
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&oid(FRIENDLY_NAME));
                let text = |writer: DERWriter<'_>| writer.write_bmp_string(name);
                writer.next().write_set(|writer| text(writer.next()));
            });
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&oid(LOCAL_KEY_ID));
                writer
                    .next()
                    .write_set(|writer| writer.next().write_bytes(id));
            });
        });
    });
}

fn content(writer: DERWriter<'_>, bytes: &[u8]) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&oid(DATA));
        writer
            .next()
            .write_tagged(Tag::context(0), |writer| writer.write_bytes(bytes));
    });
}

fn encrypted_content(writer: DERWriter<'_>, sealed: &Sealed) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&oid(ENCRYPTED_DATA));
        writer.next().write_tagged(Tag::context(0), |writer| {
            writer.write_sequence(|writer| {
                writer.next().write_u8(0);
                writer.next().write_sequence(|writer| {
                    writer.next().write_oid(&oid(DATA));
                    sealed.write_algorithm(writer.next());
                    writer
                        .next()
                        .write_tagged_implicit(Tag::context(0), |writer| {
                            writer.write_bytes(&sealed.bytes);
                        });
                });
            });
        });
    });
}

/// Salt and code of the integrity check.
fn integrity(safe: &[u8], password: &str) -> Result<([u8; SALT_BYTES], Vec<u8>), PkiError> {
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt).map_err(|_| PkiError::Seal)?;
    let secret = derive(FOR_MAC, password, &salt, ROUNDS.get());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    Ok((salt, hmac::sign(&key, safe).as_ref().to_vec()))
}

/// The derivation of RFC 7292, B.2, for one output of SHA-256.
fn derive(purpose: u8, password: &str, salt: &[u8], rounds: u32) -> Vec<u8> {
    let utf16 = password.encode_utf16().chain([0]);
    let password: Vec<u8> = utf16
        .flat_map(|unit| [(unit >> 8) as u8, (unit & 0xff) as u8])
        .collect();
    let stretched = |bytes: &[u8]| -> Vec<u8> {
        let length = bytes.len().div_ceil(BLOCK_BYTES) * BLOCK_BYTES;
        bytes.iter().copied().cycle().take(length).collect()
    };
    let mut input = vec![purpose; BLOCK_BYTES];
    input.extend(stretched(salt));
    input.extend(stretched(&password));
    let mut out = digest::digest(&digest::SHA256, &input);
    for _ in 1..rounds {
        out = digest::digest(&digest::SHA256, out.as_ref());
    }
    out.as_ref().to_vec()
}
