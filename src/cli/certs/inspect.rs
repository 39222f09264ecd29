//! `entente certs inspect`: what a file holds, in plain words, and what the gateway would refuse
//! of it.

use super::Output;
use super::profile::ForProfile;
use super::said::{day, days_left};
use crate::cli::foreign::harmless;
use crate::cli::{Failure, fail};
use crate::clock::Clock;
use crate::identity::spiffe::SpiffeId;
use crate::pki::files;
use crate::trust::{
    self, CertificateFacts, Held, ListFacts, PeerChain, Profile, RequestFacts, TrustError,
};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Explains certificates, requests and revocation lists, PEM or DER, in plain words, and says
/// what a gateway of the given TLS profile would refuse of them and how to mend it.
///
/// Who vouches for a certificate only the gateway knows: `entente doctor` asks it.
/// Exit codes: 0 nothing to refuse, 1 something would be refused or cannot be read.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// Files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    profile: ForProfile,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// By what things are judged.
#[derive(Clone, Copy)]
struct Judge {
    now: Timestamp,
    profile: Profile,
}

/// One object, explained.
struct Explained {
    title: String,
    facts: Vec<(&'static str, String)>,
    refusals: Vec<(String, String)>,
}

pub(super) fn run(
    arguments: &Inspect,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let judge = Judge {
        now: clock.now(),
        profile: arguments.profile.profile(),
    };
    let mut objects = Vec::new();
    let mut is_sound = true;
    for path in &arguments.files {
        let name = path.display().to_string();
        let (explained, error) = match read(path) {
            Ok(held) => (explain_all(&held, judge), None),
            Err(error) => (Vec::new(), Some(error)),
        };
        is_sound &= error.is_none() && explained.iter().all(|e| e.refusals.is_empty());
        match arguments.output {
            Output::Text => {
                print(out, &name, &explained, error.as_deref(), judge.profile).map_err(fail)?;
            }
            Output::Json => objects.push(json!({
                "file": name,
                "error": error,
                "objects": explained.iter().map(object).collect::<Vec<_>>(),
            })),
        }
    }
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut *out, &objects).map_err(fail)?;
        writeln!(out).map_err(fail)?;
    }
    if is_sound {
        Ok(())
    } else {
        Err(Failure::Shown)
    }
}

fn read(path: &Path) -> Result<Vec<Held>, String> {
    use std::io::Read as _;
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin()
            .take(files::FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("standard input cannot be read: {error}"))?;
        bytes
    } else {
        files::read_bounded(path, files::FILE_BYTES_MAX).map_err(|error| error.to_string())?
    };
    trust::read_held(&bytes)
}

fn explain_all(held: &[Held], judge: Judge) -> Vec<Explained> {
    // A leaf with the authorities behind it is judged as the chain that a system would send.
    let certificates = held.iter().filter_map(|held| match held {
        Held::Certificate(facts) => Some(facts.as_ref()),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    let explain = |held: &Held| match held {
        Held::Certificate(facts) => explain_certificate(facts, &certificates, judge),
        Held::Request(facts) => explain_request(facts, judge),
        Held::RevocationList(facts) => explain_list(facts, judge),
        Held::PrivateKey => Explained {
            title: "a private key".to_owned(),
            facts: vec![(
                "note",
                "nothing of it is shown; keep it at mode 0600 and never send it to anybody"
                    .to_owned(),
            )],
            refusals: Vec::new(),
        },
        Held::Other(what) => Explained {
            title: format!("something else ({what})"),
            facts: Vec::new(),
            refusals: Vec::new(),
        },
    };
    held.iter().map(explain).collect()
}

fn explain_certificate(
    facts: &CertificateFacts,
    all: &[&CertificateFacts],
    judge: Judge,
) -> Explained {
    let Judge { now, profile } = judge;
    let is_server = facts.purposes.iter().any(|p| p == "server authentication");
    let is_gateway = is_server && facts.uris.is_empty() && !facts.is_authority;
    let title = if facts.is_authority {
        "the certificate of an authority"
    } else if is_gateway {
        "the certificate of a gateway or another server"
    } else {
        "the certificate of a system"
    };
    let mut shown = vec![("subject", facts.subject.clone())];
    if !facts.uris.is_empty() {
        shown.push(("identity", facts.uris.join(", ")));
    }
    if !facts.hosts.is_empty() {
        shown.push(("for", facts.hosts.join(", ")));
    }
    let issuer = if facts.is_self_issued() {
        "itself (a root)".to_owned()
    } else {
        facts.issuer.clone()
    };
    shown.extend([
        ("issued by", issuer),
        ("serial number", facts.serial_hex.clone()),
        ("valid", validity(facts.not_before, facts.not_after, now)),
        ("key", facts.key.clone()),
        ("may be used for", words(&facts.usages)),
        ("purposes", words(&facts.purposes)),
        ("public key", format!("sha256:{}", facts.spki_sha256_hex)),
        ("fingerprint", format!("sha256:{}", facts.sha256_hex)),
    ]);
    let faults = if facts.is_authority {
        let mut refusals = authority_refusals(facts, now);
        refusals.extend(in_words(trust::authority_faults(&facts.der, profile)));
        refusals
    } else if is_gateway {
        let shown = PeerChain::from_der(&[facts.der.as_slice()]);
        let dates = trust::chain_faults(&shown, now, profile).into_iter();
        let dates = dates.filter(|f| {
            matches!(
                f,
                TrustError::Expired { .. } | TrustError::NotYetValid { .. }
            )
        });
        in_words(dates.chain(trust::server_faults(&shown, profile))).collect()
    } else {
        let behind = all.iter().filter(|other| other.is_authority);
        let behind = behind.filter(|other| !other.is_self_issued());
        let chain: Vec<_> = std::iter::once(&facts.der)
            .chain(behind.map(|other| &other.der))
            .map(Vec::as_slice)
            .collect();
        in_words(trust::chain_faults(
            &PeerChain::from_der(&chain),
            now,
            profile,
        ))
        .collect()
    };
    Explained {
        title: title.to_owned(),
        facts: shown,
        refusals: faults,
    }
}

fn in_words(
    faults: impl IntoIterator<Item = TrustError>,
) -> impl Iterator<Item = (String, String)> {
    let faults = faults.into_iter();
    faults.map(|fault| (fault.to_string(), fault.mend().to_owned()))
}

/// What keeps an authority's certificate from being an anchor.
fn authority_refusals(facts: &CertificateFacts, now: Timestamp) -> Vec<(String, String)> {
    let mut refusals = Vec::new();
    for usage in ["signing certificates", "signing revocation lists"] {
        if !facts.usages.contains(&usage) {
            refusals.push((
                format!("its key usage does not allow {usage}, so it can be no anchor"),
                "issue the authority's certificate with key usage keyCertSign and cRLSign"
                    .to_owned(),
            ));
        }
    }
    if facts.not_after < now {
        refusals.push((
            format!(
                "it expired at {}; this machine's clock says {now}",
                facts.not_after
            ),
            "publish the nation's next root, and let both stand side by side for a while"
                .to_owned(),
        ));
    }
    if now < facts.not_before {
        refusals.push((
            format!(
                "it is not valid before {}; this machine's clock says {now}",
                facts.not_before
            ),
            "compare the clocks, or wait".to_owned(),
        ));
    }
    refusals
}

fn explain_request(facts: &RequestFacts, judge: Judge) -> Explained {
    let mut refusals: Vec<_> = in_words(facts.key_fault(judge.profile)).collect();
    if !facts.is_proven {
        refusals.push((
            "the key that it names did not sign it".to_owned(),
            "make it anew: `entente certs csr`".to_owned(),
        ));
    }
    if facts.hosts.is_empty() {
        match facts.uris.as_slice() {
            [uri] => {
                if let Err(error) = SpiffeId::parse(uri) {
                    refusals.push((
                        format!("its URI `{uri}` is no SPIFFE id: {error}"),
                        "ask for spiffe://<trust domain>/<system>".to_owned(),
                    ));
                }
            }
            uris => refusals.push((
                format!("it asks for {} URIs; a system has exactly one", uris.len()),
                "ask for one URI, spiffe://<trust domain>/<system>: `entente certs csr`".to_owned(),
            )),
        }
    }
    Explained {
        title: "a request for a certificate".to_owned(),
        facts: vec![
            ("subject", facts.subject.clone()),
            (
                "asks for",
                words(&[&facts.uris[..], &facts.hosts[..]].concat()),
            ),
            ("key", facts.key.clone()),
            ("public key", format!("sha256:{}", facts.spki_sha256_hex)),
        ],
        refusals,
    }
}

fn explain_list(facts: &ListFacts, judge: Judge) -> Explained {
    let Judge { now, profile } = judge;
    let mut refusals: Vec<_> = in_words(facts.signature_fault(profile)).collect();
    if facts.number.is_none() {
        refusals.push((
            "it has no number, so a stale copy could not be told from a fresh one".to_owned(),
            "the authority has to write a CRL number (openssl: crlnumber and crl_extensions)"
                .to_owned(),
        ));
    }
    match facts.next_update {
        None => refusals.push((
            "it does not say when it will be renewed".to_owned(),
            "the authority has to write nextUpdate".to_owned(),
        )),
        Some(next) if next <= now => refusals.push((
            format!("it was to be renewed by {next}; this machine's clock says {now}"),
            "the authority has to issue its next list: `entente certs crl`".to_owned(),
        )),
        Some(_) => {}
    }
    if now < facts.this_update {
        refusals.push((
            format!(
                "it begins only at {}; this machine's clock says {now}",
                facts.this_update
            ),
            "compare the clocks".to_owned(),
        ));
    }
    let next = facts.next_update;
    let mut shown = vec![
        ("issued by", facts.issuer.clone()),
        (
            "number",
            facts.number.clone().unwrap_or_else(|| "none".to_owned()),
        ),
        ("made", day(facts.this_update)),
        (
            "to be renewed by",
            next.map_or_else(
                || "not said".to_owned(),
                |at| format!("{} ({} days left)", day(at), days_left(at, now)),
            ),
        ),
        ("revoked", format!("{} certificates", facts.revoked.len())),
    ];
    for (serial, at) in facts.revoked.iter().take(20) {
        shown.push(("", format!("{serial} since {}", day(*at))));
    }
    Explained {
        title: "a revocation list".to_owned(),
        facts: shown,
        refusals,
    }
}

fn validity(from: Timestamp, until: Timestamp, now: Timestamp) -> String {
    let left = match days_left(until, now) {
        left if left < 0 => "over".to_owned(),
        _ if now < from => "not begun".to_owned(),
        left => format!("{left} days left"),
    };
    format!("{} to {} ({left})", day(from), day(until))
}

fn words(list: &[impl AsRef<str>]) -> String {
    if list.is_empty() {
        return "nothing stated".to_owned();
    }
    let list: Vec<_> = list.iter().map(AsRef::as_ref).collect();
    list.join(", ")
}

fn print(
    out: &mut dyn Write,
    name: &str,
    explained: &[Explained],
    error: Option<&str>,
    profile: Profile,
) -> std::io::Result<()> {
    if let Some(error) = error {
        return writeln!(out, "{name}: {error}");
    }
    for one in explained {
        writeln!(out, "{name}: {}", one.title)?;
        for (word, text) in &one.facts {
            writeln!(out, "  {word:<16}  {}", harmless(text))?;
        }
        if one.refusals.is_empty() {
            match profile {
                Profile::Default => writeln!(out, "  nothing in it that the gateway would refuse")?,
                other => writeln!(
                    out,
                    "  nothing in it that a gateway of the profile {other} would refuse"
                )?,
            }
        }
        for (reason, mend) in &one.refusals {
            writeln!(out, "  REFUSED: {}", harmless(reason))?;
            writeln!(out, "     mend: {mend}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn object(explained: &Explained) -> Value {
    let facts = explained.facts.iter().filter(|(word, _)| !word.is_empty());
    let facts: serde_json::Map<_, _> = facts
        .map(|(word, text)| ((*word).to_owned(), json!(text)))
        .collect();
    let refusals = explained.refusals.iter();
    json!({
        "is": explained.title,
        "facts": facts,
        "refusals": refusals
            .map(|(reason, mend)| json!({ "reason": reason, "mend": mend }))
            .collect::<Vec<_>>(),
    })
}
