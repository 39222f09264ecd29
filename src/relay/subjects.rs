//! Puts records on subjects of a JetStream, for a nation's own consumers: one subject for each
//! kind and originating nation, the bytes as the gateway served them.
//!
//! Exactly once, and in the feed's order: the stream is the relay's alone, every message names the
//! sequence that must stand before it, and what stands last says how far the feed was handed on.
//! So an outcome that is not known is looked up, and never guessed.

use super::RelayError;
use super::entry::Entry;
use super::target::{End, Taken};
use crate::wire::proto::record::Body;
use async_nats::jetstream::context::{ContextBuilder, GetStreamErrorKind, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};
use async_nats::{ConnectOptions, ServerAddr};
use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

/// The feed is handed on up to there: in every message, so that the last one tells it.
const THROUGH: &str = "Entente-Through";
/// Place of the record in the feed.
const POSITION: &str = "Entente-Position";
/// How long a connection, and each answer of a server, may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// Most messages on their way.
const PIPELINE_MESSAGES: usize = 256;
/// How long the stream looks for doubles by message id, which is only a second fence.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// What headers of a message may take, bytes.
const HEADERS_BYTES_MAX: usize = 4096;
/// Longest name of a stream or of its subjects.
const NAME_BYTES_MAX: usize = 64;

/// How the stream is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectsSettings {
    /// The servers, each as `tls://host:port`.
    pub servers: Vec<String>,
    /// PEM file with the authority of their certificates.
    pub authority: PathBuf,
    /// PEM file with our certificate there.
    pub certificate: PathBuf,
    /// PEM file with its key.
    pub key: PathBuf,
    /// Name of the stream, which is this relay's alone.
    pub stream: String,
    /// First token of the subjects.
    pub subjects: String,
    /// Copies that are kept if the stream is made: 1, 3 or 5.
    pub replicas: usize,
}

impl SubjectsSettings {
    /// What cannot work.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.servers.is_empty() {
            problems.push("servers is empty: expected one at least".to_owned());
        }
        for server in &self.servers {
            if !server.starts_with("tls://") || server.parse::<ServerAddr>().is_err() {
                problems.push(format!(
                    "`{server}` is not such as tls://nats-1.example:4222"
                ));
            }
        }
        for (key, name) in [("stream", &self.stream), ("subjects", &self.subjects)] {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
                problems.push(format!(
                    "{key} `{name}` is not of letters, digits, - and _, at most {NAME_BYTES_MAX}"
                ));
            }
        }
        if self.subjects == "entente" {
            problems.push(
                "subjects `entente` are those of a gateway's journal: a message there stops it"
                    .to_owned(),
            );
        }
        if !matches!(self.replicas, 1 | 3 | 5) {
            problems.push(format!("replicas {} is none of 1, 3, 5", self.replicas));
        }
        problems
    }
}

/// Subjects of a JetStream.
#[derive(Debug)]
pub struct Subjects {
    name: String,
    settings: SubjectsSettings,
    reached: Option<Reached>,
}

/// The stream as it stands.
#[derive(Clone, Debug)]
struct Reached {
    context: Context,
    message_bytes_max: usize,
    /// Sequence of its last message.
    sequence: u64,
    /// The feed is handed on up to there.
    through: u64,
}

impl Subjects {
    pub(super) fn open(name: String, settings: SubjectsSettings) -> Result<Self, RelayError> {
        // The library reads them when it connects; that others cannot is for us to see.
        crate::trust::read_secret(&settings.key)?;
        Ok(Self {
            name,
            settings,
            reached: None,
        })
    }

    pub(super) async fn hand(&mut self, entries: &[Entry], replaying: bool) -> Taken {
        let mut count = 0;
        let end = loop {
            let Some(rest) = entries.get(count..).filter(|rest| !rest.is_empty()) else {
                break End::All;
            };
            let mut reached = match self.reached.take() {
                Some(reached) => reached,
                None => match reach(&self.settings).await {
                    Ok(reached) => reached,
                    Err(reason) => break End::Failed(reason),
                },
            };
            let through = reached.through;
            let is_there = |entry: &&Entry| !replaying && entry.position() <= through;
            let there = rest.iter().take_while(is_there).count();
            count += there;
            let rest = rest.get(there..).unwrap_or_default();
            match self.publish(&mut reached, rest).await {
                Ok((published, end)) => {
                    count += published;
                    self.reached = Some(reached);
                    if let Some(end) = end {
                        break end;
                    }
                }
                // The connection is given up, and what stands there looked up anew.
                Err(reason) => break End::Failed(reason),
            }
        };
        Taken {
            count,
            skipped: 0,
            end,
        }
    }

    /// Publishes as many as may be on their way at once; how many were stored.
    async fn publish(
        &self,
        reached: &mut Reached,
        entries: &[Entry],
    ) -> Result<(usize, Option<End>), String> {
        let mut waiting = Vec::new();
        let (mut sequence, mut through) = (reached.sequence, reached.through);
        let mut end = None;
        for entry in entries.iter().take(PIPELINE_MESSAGES) {
            let bytes = entry.served.record.len();
            if bytes > reached.message_bytes_max {
                let most = reached.message_bytes_max;
                let reason = format!("{bytes} bytes: the servers take at most {most}");
                end = Some(End::Refused(reason));
                break;
            }
            through = through.max(entry.position());
            let message = PublishMessage::build()
                .payload(entry.served.record.clone())
                .header(POSITION, entry.position().to_string().as_str())
                .header(THROUGH, through.to_string().as_str())
                .message_id(format!("{}:{}", self.name, entry.position()))
                .expected_last_sequence(sequence);
            let subject = subject(&self.settings.subjects, entry);
            let sent = reached.context.send_publish(subject, message).await;
            waiting.push((sent.map_err(|error| error.to_string())?, through));
            sequence += 1;
        }
        let mut stored = 0;
        for (answer, through) in waiting {
            match answer.await {
                Ok(told) if told.duplicate => {
                    return Err("a message with this id stands there already".to_owned());
                }
                Ok(told) => {
                    reached.sequence = told.sequence;
                    reached.through = through;
                    stored += 1;
                }
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                    return Err(format!(
                        "somebody else writes to the stream {}, or an answer was lost: looking \
                         where it stands",
                        self.settings.stream
                    ));
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok((stored, end))
    }
}

/// `PREFIX.KIND.NATION`.
fn subject(prefix: &str, entry: &Entry) -> String {
    let kind = match entry.record.body {
        Some(Body::Sighting(_)) => "sighting",
        Some(Body::Contribution(_)) => "contribution",
        None => "retraction",
    };
    format!("{prefix}.{kind}.{}", entry.record.nation)
}

/// Connects, finds or makes the stream, and reads how far the feed was handed on.
async fn reach(settings: &SubjectsSettings) -> Result<Reached, String> {
    let addresses: Result<Vec<ServerAddr>, _> = settings
        .servers
        .iter()
        .map(|server| server.parse())
        .collect();
    let addresses = addresses.map_err(|error| error.to_string())?;
    let client = ConnectOptions::new()
        .name("entente relay")
        .add_root_certificates(settings.authority.clone())
        .add_client_certificate(settings.certificate.clone(), settings.key.clone())
        .require_tls(true)
        .ignore_discovered_servers()
        .connection_timeout(ANSWER_DEADLINE)
        .connect(addresses)
        .await
        .map_err(|error| {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            let servers = settings.servers.join(", ");
            format!("none of {servers} answers with TLS as expected: {error} {cause}")
        })?;
    let of_server = client.server_info().max_payload;
    let context = ContextBuilder::new()
        .timeout(ANSWER_DEADLINE)
        .ack_timeout(ANSWER_DEADLINE)
        .max_ack_inflight(PIPELINE_MESSAGES * 2)
        .build(client);
    let stream = stream(&context, settings).await?;
    let of_stream = usize::try_from(stream.cached_info().config.max_message_size);
    let most = of_server.min(
        of_stream
            .ok()
            .filter(|most| *most > 0)
            .unwrap_or(usize::MAX),
    );
    let info = stream.get_info().await.map_err(|error| error.to_string())?;
    let sequence = info.state.last_sequence;
    let through = match info.state.messages {
        0 => 0,
        _ => through(&stream, sequence).await?,
    };
    Ok(Reached {
        context,
        message_bytes_max: most.saturating_sub(HEADERS_BYTES_MAX),
        sequence,
        through,
    })
}

async fn through(stream: &Stream, sequence: u64) -> Result<u64, String> {
    let last = stream.get_raw_message(sequence).await;
    let last = last.map_err(|error| format!("its last message cannot be read: {error}"))?;
    let told = last.headers.get(THROUGH).map(|told| told.as_str().parse());
    match told {
        Some(Ok(position)) => Ok(position),
        _ => Err(format!(
            "the last message of the stream, {sequence}, is none of a relay: the stream must be \
             the relay's alone"
        )),
    }
}

async fn stream(context: &Context, settings: &SubjectsSettings) -> Result<Stream, String> {
    let name = &settings.stream;
    let found = match context.get_stream(name).await {
        Ok(stream) => stream,
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(cause)
                if cause.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                let made = context.create_stream(wanted(settings)).await;
                return made.map_err(|error| format!("cannot make the stream {name}: {error}"));
            }
            _ => return Err(format!("cannot find the stream {name}: {error}")),
        },
    };
    let config = &found.cached_info().config;
    let subjects = format!("{}.>", settings.subjects);
    let is_alike = config.subjects == [subjects.as_str()]
        && config.storage == StorageType::File
        && config.retention == RetentionPolicy::Limits
        && config.sources.as_deref().unwrap_or_default().is_empty()
        && config.mirror.is_none()
        && !config.no_ack;
    if is_alike {
        Ok(found)
    } else {
        Err(format!(
            "the stream {name} is not as it must be: expected the subject {subjects} alone, file \
             storage, retention by limits, acknowledgements, no sources and no mirror"
        ))
    }
}

/// The stream as we make it.
fn wanted(settings: &SubjectsSettings) -> Config {
    Config {
        name: settings.stream.clone(),
        subjects: vec![format!("{}.>", settings.subjects)],
        description: Some("The feed of Entente, by a relay".to_owned()),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        num_replicas: settings.replicas,
        duplicate_window: DUPLICATE_WINDOW,
        allow_direct: true,
        ..Config::default()
    }
}
