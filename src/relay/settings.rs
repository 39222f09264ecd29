//! A relay's file: read, and everything that is wrong with it said at once. Paths are relative to
//! the file.

use super::audience::Audience;
use super::cascade::CascadeSettings;
use super::subjects::SubjectsSettings;
use super::tak::TakSettings;
use super::webhook::WebhookSettings;
use crate::client::Endpoint;
use crate::clock::Clock;
use crate::identity::NationCode;
use crate::record::{Environment, Level};
use crate::telemetry::MetricsSettings;
use crate::trust::{ClientFiles, TlsError, client_config};
use crate::wire::proto::RecordKind;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Longest name of a relay; it names a cursor, too.
const NAME_BYTES_MAX: usize = 64;
/// Largest file, bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Why a relay's file cannot be used.
#[derive(Debug, Error)]
#[error("{}:\n{}", path.display(), faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n"))]
pub struct SettingsError {
    /// The file.
    pub path: PathBuf,
    /// Everything that is wrong with it.
    pub faults: Vec<String>,
}

/// What a relay reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Numbers of kinds; empty: all.
    pub kinds: Vec<i32>,
    /// Originating nations; empty: all.
    pub nations: Vec<String>,
    /// Numbers of environments; empty: LIVE alone.
    pub environments: Vec<i32>,
}

/// What a relay hands on to.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetSettings {
    /// An HTTP server.
    Webhook(WebhookSettings),
    /// Subjects of a JetStream.
    Subjects(SubjectsSettings),
    /// A TAK server.
    Tak(TakSettings),
    /// Another Entente.
    Cascade(CascadeSettings),
}

impl TargetSettings {
    /// The kind, as its section is named.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Subjects(_) => "jetstream",
            Self::Tak(_) => "tak",
            Self::Cascade(_) => "entente",
        }
    }
}

/// A relay.
#[derive(Clone, Debug)]
pub struct RelaySettings {
    /// Its name, and that of its cursor.
    pub name: String,
    /// Folder of its own: dead letters, status.
    pub state: PathBuf,
    /// Address of the gateway.
    pub address: String,
    /// Name that the gateway's certificate must carry.
    pub server_name: String,
    /// Who it is to the gateway.
    pub files: ClientFiles,
    /// What it reads.
    pub wanted: Wanted,
    /// Who stands behind the target.
    pub audience: Audience,
    /// Where its metrics are served.
    pub metrics: MetricsSettings,
    /// What it hands on to.
    pub target: TargetSettings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    state: Option<PathBuf>,
    #[serde(default)]
    gateway: GatewaySection,
    #[serde(default)]
    wanted: WantedSection,
    #[serde(default)]
    release: ReleaseSection,
    #[serde(default)]
    metrics: MetricsSection,
    webhook: Option<WebhookSection>,
    jetstream: Option<JetStreamSection>,
    tak: Option<TakSection>,
    entente: Option<GatewaySection>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewaySection {
    address: Option<String>,
    server_name: Option<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    authority: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WantedSection {
    kinds: Vec<String>,
    nations: Vec<String>,
    environments: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ReleaseSection {
    audience: Vec<String>,
    level_max: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsSection {
    address: Option<SocketAddr>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookSection {
    url: Option<String>,
    secret: Option<PathBuf>,
    authority: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    records_max: Option<usize>,
    #[serde(default)]
    danger_plain_http: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JetStreamSection {
    #[serde(default)]
    servers: Vec<String>,
    authority: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    stream: Option<String>,
    subjects: Option<String>,
    replicas: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TakSection {
    address: Option<String>,
    server_name: Option<String>,
    authority: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    stale_after_s: Option<u32>,
}

/// Collects faults while the file is taken apart.
struct Reading<'p> {
    folder: &'p Path,
    faults: Vec<String>,
}

impl Reading<'_> {
    fn fault(&mut self, key: &str, message: impl std::fmt::Display) {
        self.faults.push(format!("{key}: {message}"));
    }

    fn need<T: Default>(&mut self, key: &str, expected: &str, given: Option<T>) -> T {
        given.unwrap_or_else(|| {
            self.fault(key, format_args!("missing: expected {expected}"));
            T::default()
        })
    }

    fn file(&mut self, key: &str, expected: &str, given: Option<PathBuf>) -> PathBuf {
        let given = self.need(key, expected, given);
        self.folder.join(given)
    }

    /// Names, in any case and with `-` or `_`, to what they stand for.
    fn named<T>(&mut self, key: &str, names: &[String], of: fn(&str) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        for name in names {
            match of(&name.to_ascii_uppercase().replace('-', "_")) {
                Some(value) => found.push(value),
                None => self.fault(key, format_args!("`{name}` is none of what it may be")),
            }
        }
        found
    }

    fn nations(&mut self, key: &str, codes: &[String]) -> Vec<NationCode> {
        let mut found = Vec::new();
        for code in codes {
            match NationCode::parse(code) {
                Ok(nation) => found.push(nation),
                Err(error) => self.fault(key, error),
            }
        }
        found
    }
}

fn kind(name: &str) -> Option<i32> {
    let kind = RecordKind::from_str_name(&format!("RECORD_KIND_{name}"))?;
    (kind != RecordKind::Unspecified).then_some(kind.into())
}

impl RelaySettings {
    /// Reads a relay's file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let refused = |faults| SettingsError {
            path: path.to_owned(),
            faults,
        };
        let size = std::fs::metadata(path).map_err(|e| refused(vec![e.to_string()]))?;
        if size.len() > FILE_BYTES_MAX {
            let fault = format!("has more than {FILE_BYTES_MAX} bytes");
            return Err(refused(vec![fault]));
        }
        let text = std::fs::read_to_string(path).map_err(|e| refused(vec![e.to_string()]))?;
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        Self::parse(&text, folder).map_err(refused)
    }

    fn parse(text: &str, folder: &Path) -> Result<Self, Vec<String>> {
        let file: File = toml::from_str(text).map_err(|error| vec![error.to_string()])?;
        let faults = Vec::new();
        let mut reading = Reading { folder, faults };
        let name = reading.need("name", "such as \"desk-webhook\"", file.name);
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        if name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
            let message = format!("`{name}` is not 1 to {NAME_BYTES_MAX} of a-z, 0-9, - and _");
            reading.fault("name", message);
        }
        let state = reading.file("state", "a folder of the relay's own", file.state);
        let (address, server_name, files) = gateway(&mut reading, "gateway", file.gateway);
        let nations = reading.nations("wanted.nations", &file.wanted.nations);
        let environments = reading.named(
            "wanted.environments",
            &file.wanted.environments,
            Environment::from_name,
        );
        let wanted = Wanted {
            kinds: reading.named("wanted.kinds", &file.wanted.kinds, kind),
            nations: nations.iter().map(ToString::to_string).collect(),
            environments: environments.iter().map(|e| e.number()).collect(),
        };
        let level_max: Vec<_> = file.release.level_max.into_iter().collect();
        let levels = reading.named("release.level_max", &level_max, Level::from_name);
        let audience = Audience {
            nations: reading.nations("release.audience", &file.release.audience),
            level_max: levels.first().copied(),
        };
        let target = match (file.webhook, file.jetstream, file.tak, file.entente) {
            (Some(section), None, None, None) => Some(webhook(&mut reading, section)),
            (None, Some(section), None, None) => Some(jetstream(&mut reading, section)),
            (None, None, Some(section), None) => {
                tak_limits(&mut reading, &audience, &wanted);
                Some(tak(&mut reading, section))
            }
            (None, None, None, Some(section)) => {
                let (address, server_name, files) = gateway(&mut reading, "entente", section);
                Some(TargetSettings::Cascade(CascadeSettings {
                    address,
                    server_name,
                    files,
                }))
            }
            _ => {
                let message = "expected exactly one of [webhook], [jetstream], [tak], [entente]";
                reading.fault("target", message);
                None
            }
        };
        let metrics = MetricsSettings {
            address: file.metrics.address,
            danger_serve_to_everyone: false,
        };
        match (target, reading.faults) {
            (Some(target), faults) if faults.is_empty() => Ok(Self {
                name,
                state,
                address,
                server_name,
                files,
                wanted,
                audience,
                metrics,
                target,
            }),
            (_, faults) => Err(faults),
        }
    }

    /// Whether the target gets reports as they were submitted, too: another gateway keeps them.
    #[must_use]
    pub fn wants_originals(&self) -> bool {
        matches!(self.target, TargetSettings::Cascade(_))
    }

    /// The gateway as this relay sees it.
    ///
    /// # Errors
    /// The files of its certificate.
    pub fn endpoint(&self, clock: &Arc<dyn Clock>) -> Result<Endpoint, TlsError> {
        Ok(Endpoint {
            address: self.address.clone(),
            server_name: self.server_name.clone(),
            tls: client_config(&self.files, Arc::clone(clock))?,
        })
    }
}

/// The host of `HOST:PORT`.
pub(super) fn host(address: &str) -> String {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_matches(['[', ']']).to_owned()
}

/// A gateway, and who the relay is there.
fn gateway(
    reading: &mut Reading<'_>,
    section: &str,
    given: GatewaySection,
) -> (String, String, ClientFiles) {
    let key = |name: &str| format!("{section}.{name}");
    let address = reading.need(&key("address"), "HOST:PORT", given.address);
    let server_name = given.server_name.unwrap_or_else(|| host(&address));
    let pem = "a PEM file";
    let files = ClientFiles {
        certificate: reading.file(&key("certificate"), pem, given.certificate),
        key: reading.file(&key("key"), "a PEM file, mode 0600", given.key),
        authority: reading.file(&key("authority"), pem, given.authority),
    };
    (address, server_name, files)
}

fn webhook(reading: &mut Reading<'_>, section: WebhookSection) -> TargetSettings {
    let url = reading.need("webhook.url", "https://HOST/PATH", section.url);
    let own = match (section.certificate, section.key) {
        (Some(certificate), Some(key)) => {
            Some((reading.folder.join(certificate), reading.folder.join(key)))
        }
        (None, None) => None,
        _ => {
            let message = "certificate and key go together: give both or neither";
            reading.fault("webhook.certificate", message);
            None
        }
    };
    let secret = "a file, mode 0600, with whsec_ and 24 to 64 bytes in base64";
    let secret = reading.file("webhook.secret", secret, section.secret);
    let authority = section.authority.map(|path| reading.folder.join(path));
    let settings = WebhookSettings {
        url,
        secret,
        authority,
        own,
        records_max: section.records_max.unwrap_or(100),
        danger_plain_http: section.danger_plain_http,
    };
    for fault in settings.problems() {
        reading.fault("webhook", fault);
    }
    TargetSettings::Webhook(settings)
}

fn jetstream(reading: &mut Reading<'_>, section: JetStreamSection) -> TargetSettings {
    let pem = "a PEM file";
    let settings = SubjectsSettings {
        servers: section.servers,
        authority: reading.file("jetstream.authority", pem, section.authority),
        certificate: reading.file("jetstream.certificate", pem, section.certificate),
        key: reading.file("jetstream.key", "a PEM file, mode 0600", section.key),
        stream: reading.need("jetstream.stream", "such as \"FEED_GBR\"", section.stream),
        subjects: reading.need("jetstream.subjects", "such as \"feed\"", section.subjects),
        replicas: section.replicas.unwrap_or(3),
    };
    for fault in settings.problems() {
        reading.fault("jetstream", fault);
    }
    TargetSettings::Subjects(settings)
}

/// A TAK server shows everything to everybody who is connected to it.
fn tak_limits(reading: &mut Reading<'_>, audience: &Audience, wanted: &Wanted) {
    if audience.nations.is_empty() {
        let message = "missing: a TAK server shows what it gets to everybody; name every nation \
                       whose people use it";
        reading.fault("release.audience", message);
    }
    let live = Environment::Live.number();
    if wanted.environments.iter().any(|e| *e != live) {
        let message = "a TAK server has no place for exercises and simulations: only `live`";
        reading.fault("wanted.environments", message);
    }
}

fn tak(reading: &mut Reading<'_>, section: TakSection) -> TargetSettings {
    let pem = "a PEM file";
    let address = reading.need("tak.address", "HOST:PORT", section.address);
    let stale_after_s = section.stale_after_s.unwrap_or(3600);
    if stale_after_s == 0 {
        reading.fault("tak.stale_after_s", "0: expected at least 1 second");
    }
    TargetSettings::Tak(TakSettings {
        server_name: section.server_name.unwrap_or_else(|| host(&address)),
        address,
        authority: reading.file("tak.authority", pem, section.authority),
        certificate: reading.file("tak.certificate", pem, section.certificate),
        key: reading.file("tak.key", "a PEM file, mode 0600", section.key),
        stale_after_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let text = "name = \"Not plain\"\n[wanted]\nkinds = [\"sightings\"]\nnations = [\"gb\"]\n\
                    environments = [\"exercise\"]\n[tak]\nstale_after_s = 0\n";
        let faults = RelaySettings::parse(text, Path::new("/x")).unwrap_err();
        for key in [
            "name",
            "state",
            "gateway.address",
            "gateway.key",
            "wanted.kinds",
            "wanted.nations",
            "wanted.environments",
            "release.audience",
            "tak.address",
            "tak.stale_after_s",
        ] {
            let front = format!("{key}: ");
            let is_said = faults.iter().any(|fault| fault.starts_with(&front));
            assert!(is_said, "{key} is not in {faults:#?}");
        }
    }

    #[test]
    fn a_relay_has_one_target() {
        let none = RelaySettings::parse("", Path::new("/x")).unwrap_err();
        assert!(none.iter().any(|fault| fault.contains("exactly one of")));
        let misspelt = RelaySettings::parse("nmae = \"a\"", Path::new("/x")).unwrap_err();
        assert!(misspelt[0].contains("unknown field"), "{misspelt:?}");
    }
}
