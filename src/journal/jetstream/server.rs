//! Servers and stream: reaching them, and refusing those that promise less than we do.

use super::super::OpenError;
use super::settings::{JetStreamSettings, SYNC_TAG, SyncPromise};
use async_nats::jetstream::context::{ContextBuilder, GetStreamErrorKind};
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Info, PersistenceMode, Placement, RawMessageErrorKind, RetentionPolicy,
    StorageType, Stream,
};
use async_nats::jetstream::{Context, ErrorCode};
use async_nats::{Client, ConnectOptions, ServerAddr, ServerInfo};
use std::time::Duration;

/// How long a connection, and each answer of a server, may take.
pub(super) const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// How long the servers may take until one of them answers as a cluster with a leader does.
pub(super) const START_DEADLINE: Duration = Duration::from_secs(20);
/// How long to wait before the servers are asked again.
const START_PAUSE: Duration = Duration::from_millis(250);
/// Oldest version: earlier ones go on after a failed write, or have lost acknowledged messages.
const VERSION_MIN: (u64, u64, u64) = (2, 14, 0);
/// What headers and protocol of a message may take beside its payload, bytes.
const HEADERS_BYTES_MAX: usize = 4096;

fn failed(doing: &str, error: impl std::fmt::Display) -> OpenError {
    OpenError::JetStream(format!("cannot {doing}: {error}"))
}

/// What the servers give.
pub(super) struct Reached {
    pub(super) context: Context,
    pub(super) stream: Stream,
    /// Most bytes of a message.
    pub(super) message_bytes_max: usize,
}

/// Connects, and looks whether the servers and the stream are as they must be.
pub(super) async fn reach(settings: &JetStreamSettings) -> Result<Reached, OpenError> {
    let client = connect(settings).await?;
    let info = client.server_info();
    check_server(&info)?;
    // The window is bounded by the engine; here it must only never be the limit.
    let context = ContextBuilder::new()
        .timeout(ANSWER_DEADLINE)
        .ack_timeout(ANSWER_DEADLINE)
        .max_ack_inflight(settings.window.saturating_mul(2))
        .build(client);
    let stream = stream(&context, settings, &info).await?;
    check_stream(&stream.cached_info().config, settings, &info)?;
    let of_stream = usize::try_from(stream.cached_info().config.max_message_size);
    let of_stream = of_stream.unwrap_or(usize::MAX);
    let of_server = info.max_payload.saturating_sub(HEADERS_BYTES_MAX);
    Ok(Reached {
        context,
        stream,
        message_bytes_max: of_server.min(of_stream),
    })
}

async fn connect(settings: &JetStreamSettings) -> Result<Client, OpenError> {
    let addresses: Result<Vec<ServerAddr>, _> = settings
        .servers
        .iter()
        .map(|server| server.parse())
        .collect();
    let addresses = addresses.map_err(|e| failed("read journal.jetstream.servers", e))?;
    ConnectOptions::new()
        .name("entente gateway")
        .add_root_certificates(settings.ca.clone())
        .add_client_certificate(settings.certificate.clone(), settings.key.clone())
        .require_tls(true)
        // A server names others before TLS has begun; only those of the operator count.
        .ignore_discovered_servers()
        .connection_timeout(ANSWER_DEADLINE)
        .ping_interval(ANSWER_DEADLINE)
        .event_callback(|event| async move { tracing::info!(%event, "NATS") })
        .connect(addresses)
        .await
        .map_err(|error| {
            let servers = settings.servers.join(", ");
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_default();
            failed(
                "connect",
                format!("{error} {cause}; none of {servers} answers with TLS as expected"),
            )
        })
}

fn version(text: &str) -> Option<(u64, u64, u64)> {
    let plain = text.split(['-', '+']).next()?;
    let mut parts = plain.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

fn check_server(info: &ServerInfo) -> Result<(), OpenError> {
    let mut faults = Vec::new();
    let (major, minor, patch) = VERSION_MIN;
    if version(&info.version).is_none_or(|version| version < VERSION_MIN) {
        faults.push(format!(
            "server {} has version {}; {major}.{minor}.{patch} or later is required: earlier ones \
             go on after a failed write",
            info.server_name, info.version
        ));
    }
    if !info.jetstream {
        faults.push(format!(
            "server {} has JetStream off; set `jetstream {{ store_dir: ... }}`",
            info.server_name
        ));
    }
    if !info.headers {
        faults.push(format!("server {} has headers off", info.server_name));
    }
    refuse(&faults)
}

fn refuse(faults: &[String]) -> Result<(), OpenError> {
    match faults {
        [] => Ok(()),
        faults => Err(OpenError::JetStream(format!(
            "{}; see docs/ENGINES.md",
            faults.join("; ")
        ))),
    }
}

/// Waits before servers are asked again.
pub(super) async fn pause() {
    tokio::time::sleep(START_PAUSE).await;
}

/// The stream as we make it.
fn wanted(settings: &JetStreamSettings, info: &ServerInfo) -> Config {
    let tagged = settings.sync == SyncPromise::Always && info.cluster.is_some();
    Config {
        name: settings.stream.clone(),
        subjects: vec![format!("{}.>", settings.subjects)],
        description: Some("The journal of Entente gateways".to_owned()),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        num_replicas: settings.replicas,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        persist_mode: Some(PersistenceMode::Default),
        placement: tagged.then(|| Placement {
            cluster: None,
            tags: vec![SYNC_TAG.to_owned()],
        }),
        ..Config::default()
    }
}

/// The stream; made if it is not there. A cluster that has just started has no leader for
/// some time.
async fn stream(
    context: &Context,
    settings: &JetStreamSettings,
    info: &ServerInfo,
) -> Result<Stream, OpenError> {
    let until = tokio::time::Instant::now() + START_DEADLINE;
    loop {
        let error = match context.get_stream(&settings.stream).await {
            Ok(stream) => return Ok(stream),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(cause)
                    if cause.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    match context.create_stream(wanted(settings, info)).await {
                        Ok(stream) => {
                            tracing::info!(stream = settings.stream, "the stream is made");
                            return Ok(stream);
                        }
                        Err(error) => error.to_string(),
                    }
                }
                _ => error.to_string(),
            },
        };
        if tokio::time::Instant::now() >= until {
            let mend = match settings.sync {
                SyncPromise::Always => format!(
                    "; are there {} servers with `server_tags: [\"{SYNC_TAG}\"]` and \
                     `sync_interval: always`?",
                    settings.replicas
                ),
                SyncPromise::Interval => String::new(),
            };
            let doing = format!("find or make the stream {}", settings.stream);
            return Err(failed(&doing, error + &mend));
        }
        pause().await;
    }
}

/// Refuses a stream whose configuration would break promises; tells all of it at once.
fn check_stream(
    config: &Config,
    settings: &JetStreamSettings,
    info: &ServerInfo,
) -> Result<(), OpenError> {
    let mut rules = rules_of_keeping(config);
    rules.extend(rules_of_names(config, settings));
    let tags = config.placement.as_ref().map(|placed| &placed.tags);
    let tagged = tags.is_some_and(|tags| tags.iter().any(|tag| tag == SYNC_TAG));
    match (settings.sync, info.cluster.is_some()) {
        (SyncPromise::Always, true) => rules.push(Rule {
            holds: tagged,
            is: "no placement tag for syncs".to_owned(),
            expected: format!("placement on servers with the tag {SYNC_TAG}"),
            why: "or acknowledged reports may not be on any disk; or set journal.jetstream.sync",
        }),
        (SyncPromise::Always, false) => tracing::warn!(
            "a single server shows nobody its sync_interval; it has to be `always`, and nothing \
             but this line checks it"
        ),
        (SyncPromise::Interval, _) => tracing::warn!(
            "journal.jetstream.sync is \"danger_interval\": reports that were acknowledged may be \
             lost when servers lose power"
        ),
    }
    if settings.replicas == 1 {
        tracing::warn!("the stream has one replica: one lost disk loses the feed");
    }
    let broken = rules.into_iter().filter(|rule| !rule.holds);
    let faults: Vec<_> = broken.map(|rule| rule.told(&settings.stream)).collect();
    refuse(&faults)
}

/// What a stream must be like.
struct Rule {
    holds: bool,
    is: String,
    expected: String,
    why: &'static str,
}

impl Rule {
    fn new(holds: bool, is: impl Into<String>, expected: &str, why: &'static str) -> Self {
        Self {
            holds,
            is: is.into(),
            expected: expected.to_owned(),
            why,
        }
    }

    fn told(&self, stream: &str) -> String {
        let Self {
            is, expected, why, ..
        } = self;
        format!("stream {stream} has {is}; expected {expected}: {why}")
    }
}

/// Rules without which reports would go, or not be kept when they are acknowledged.
fn rules_of_keeping(config: &Config) -> Vec<Rule> {
    const LOST: &str = "old reports would go without a word";
    vec![
        Rule::new(
            config.storage == StorageType::File,
            "memory storage",
            "file",
            "a receipt means stable storage",
        ),
        Rule::new(
            config.persist_mode != Some(PersistenceMode::Async),
            "persist_mode async",
            "default",
            "it acknowledges before it stores",
        ),
        Rule::new(
            config.retention == RetentionPolicy::Limits,
            format!("retention {:?}", config.retention),
            "limits",
            LOST,
        ),
        Rule::new(
            config.discard == DiscardPolicy::New,
            format!("discard {:?}", config.discard),
            "new",
            LOST,
        ),
        Rule::new(
            config.max_age.is_zero(),
            format!("max_age {:?}", config.max_age),
            "none",
            LOST,
        ),
        Rule::new(
            config.max_messages <= 0 && config.max_messages_per_subject <= 0,
            "a limit of messages",
            "none",
            LOST,
        ),
        Rule::new(
            config.deny_delete && config.deny_purge,
            "deny_delete or deny_purge off",
            "both on",
            "nobody may take a report out",
        ),
        Rule::new(
            !config.allow_rollup && !config.sealed && !config.no_ack,
            "allow_rollup_hdrs, sealed or no_ack on",
            "all off",
            "reports are added, kept and acknowledged",
        ),
    ]
}

/// Rules without which positions, or who writes, would be unclear.
fn rules_of_names(config: &Config, settings: &JetStreamSettings) -> Vec<Rule> {
    let subjects = format!("{}.>", settings.subjects);
    vec![
        Rule::new(
            config.subjects == [subjects.as_str()],
            format!("subjects {:?}", config.subjects),
            &format!("{subjects:?} alone"),
            "positions are its sequences",
        ),
        Rule::new(
            config.num_replicas == settings.replicas,
            format!("{} replicas", config.num_replicas),
            &format!("{}, as journal.jetstream.replicas says", settings.replicas),
            "one of the two is a mistake",
        ),
        Rule::new(
            config.mirror.is_none()
                && config.sources.as_deref().unwrap_or_default().is_empty()
                && config.subject_transform.is_none(),
            "a mirror, sources or a subject transform",
            "none of them",
            "only gateways write to it",
        ),
    ]
}

/// Whether somebody takes reports in. A server without a cluster leads itself.
pub(super) fn has_leader(info: &Info) -> bool {
    let cluster = info.cluster.as_ref();
    cluster.is_none_or(|cluster| cluster.leader.as_ref().is_some_and(|name| !name.is_empty()))
}

/// Names of the replicas that do not answer their leader.
pub(super) fn offline(info: &Info) -> Vec<String> {
    let replicas = info.cluster.iter().flat_map(|cluster| &cluster.replicas);
    let offline = replicas.filter(|replica| replica.offline);
    offline.map(|replica| replica.name.clone()).collect()
}

/// What the stream is now.
pub(super) async fn ask(stream: &Stream) -> Result<Info, String> {
    match stream.get_info().await {
        Ok(info) => Ok(info),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether whoever leads the stream says that nothing stands at a position. A server that is cut
/// off from the others may tell of the stream as if it were empty; this it does not answer.
pub(super) async fn lacks(stream: &Stream, position: u64) -> Result<bool, String> {
    match stream.get_raw_message(position).await {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(true),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{ServerInfo, check_server, version};

    #[test]
    fn a_server_that_is_too_old_or_stores_nothing_is_refused() {
        let server = |version: &str, jetstream| ServerInfo {
            version: version.to_owned(),
            jetstream,
            headers: true,
            ..ServerInfo::default()
        };
        assert!(check_server(&server("2.14.0", true)).is_ok());
        let refused = |info| check_server(&info).unwrap_err().to_string();
        assert!(refused(server("2.13.9", true)).contains("2.14.0 or later is required"));
        assert!(refused(server("newest", true)).contains("2.14.0 or later is required"));
        assert!(refused(server("2.15.1", false)).contains("JetStream off"));
    }

    #[test]
    fn versions_are_numbers_and_not_words() {
        assert_eq!(version("2.15.1"), Some((2, 15, 1)));
        assert_eq!(version("2.14.0-RC.1"), Some((2, 14, 0)));
        assert!(version("2.9.10") < Some(super::VERSION_MIN));
        assert!(version("2.100.0") > Some(super::VERSION_MIN));
        for no in ["", "2", "2.15", "two.15.1"] {
            assert_eq!(version(no), None);
        }
    }
}
