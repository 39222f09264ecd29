//! `entente certs export`: a certificate with its key in one file, for software that wants it so.

use super::Output;
use super::said::say;
use crate::cli::partner::Partner;
use crate::cli::{Failure, fail};
use crate::pki::files::{self, NewFile};
use crate::pki::{self, Key, pkcs12};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Shortest password of a PKCS #12 file, characters.
const PASSWORD_CHARS_MIN: usize = 8;
/// Largest password file, bytes.
const PASSWORD_BYTES_MAX: u64 = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Certificate, chain and key as PEM in one file. Not encrypted.
    Pem,
    /// PKCS #12, encrypted under a password.
    Pkcs12,
}

/// Writes a certificate, its chain and its key into one file: PEM, or PKCS #12 under a password.
/// The password comes from a file or from the environment, never from the command line, which
/// others on the machine can see. Overwrites nothing.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    partner: Partner,
    /// Form of the file.
    #[arg(long, value_enum, default_value_t = Format::Pkcs12)]
    format: Format,
    /// The file, made with mode 0600.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Also puts the gateway's authority (--ca, or that of --as) into the file.
    #[arg(long)]
    with_gateway_authority: bool,
    /// File with the password, on its first line.
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    password_file: Option<PathBuf>,
    /// Name of the environment variable with the password.
    #[arg(long, value_name = "VARIABLE")]
    password_env: Option<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) fn run(arguments: &Export, out: &mut dyn Write) -> Result<(), Failure> {
    let (certificate, key_file) = (arguments.partner.certificate()?, arguments.partner.key()?);
    let mut chain = pki::pem_certificates(&certificate).map_err(fail)?;
    let key = Key::read(&key_file).map_err(fail)?;
    let leaf = chain.first().ok_or_else(|| fail("holds no certificate"))?;
    if pki::public_key_of(leaf).as_deref() != Some(key.public_key().as_slice()) {
        return Err(fail(pki::PkiError::NotTheKey {
            key: key_file,
            certificate,
        }));
    }
    if arguments.with_gateway_authority {
        let authority = arguments.partner.resolved()?.files.authority;
        chain.extend(pki::pem_certificates(&authority).map_err(fail)?);
    }
    let bytes = match arguments.format {
        Format::Pem => {
            let certificates = chain.iter().map(|der| files::pem("CERTIFICATE", der));
            let text: String = certificates.chain([key.to_pem()]).collect();
            text.into_bytes()
        }
        Format::Pkcs12 => {
            let name = certificate.file_stem().unwrap_or_default();
            let password = password(arguments)?;
            pkcs12::write(&name.to_string_lossy(), &chain, &key, &password).map_err(fail)?
        }
    };
    files::write_new(&[NewFile::secret(arguments.out.clone(), bytes)]).map_err(fail)?;
    let line = format!(
        "{}: {} certificate(s) and the key (mode 0600)",
        arguments.out.display(),
        chain.len()
    );
    let object = json!({ "file": arguments.out, "certificates": chain.len() });
    say(out, arguments.output, &[line], &object)
}

fn password(arguments: &Export) -> Result<String, Failure> {
    let given = match (&arguments.password_file, &arguments.password_env) {
        (Some(path), _) => {
            let bytes = files::read_bounded(path, PASSWORD_BYTES_MAX).map_err(fail)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| fail(format!("{}: is no text in UTF-8", path.display())))?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        (None, Some(name)) => std::env::var(name).map_err(|_| {
            fail(format!(
                "the environment has no variable {name} with the password"
            ))
        })?,
        (None, None) => {
            return Err(Failure::Usage(
                "a PKCS #12 file needs a password: --password-file FILE or --password-env VARIABLE"
                    .to_owned(),
            ));
        }
    };
    if given.chars().count() < PASSWORD_CHARS_MIN {
        return Err(fail(format!(
            "the password has fewer than {PASSWORD_CHARS_MIN} characters; the file protects the \
             key only as well as its password"
        )));
    }
    Ok(given)
}
