//! Tells an HTTP server: records as lines of JSON in a POST, signed as Standard Webhooks have it.
//! At least once; a server that keeps the last position it took has each once.

use super::RelayError;
use super::dead::REASON_CHARACTERS_MAX;
use super::entry::Entry;
use super::target::{ANSWER_DEADLINE, CONNECT_DEADLINE, End, Taken};
use crate::clock::Clock;
use crate::trust::{connect_target, read_secret, target_config};
use aws_lc_rs::hmac;
use data_encoding::BASE64;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Largest body, bytes, but for one record that is larger by itself.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Most records of a body that may be set.
const RECORDS_MAX: usize = 1000;
/// Most of an answer that is read, bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What a secret begins with.
const SECRET_PREFIX: &str = "whsec_";
/// Most secrets at a time: the present one and the next one.
const SECRETS_MAX: usize = 2;

/// How an HTTP server is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Where to.
    pub url: String,
    /// File with the secret that signs, or two of them in lines.
    pub secret: PathBuf,
    /// PEM file with the authority of the server's certificate.
    pub authority: Option<PathBuf>,
    /// PEM files with a certificate of our own and its key.
    pub own: Option<(PathBuf, PathBuf)>,
    /// Most records of a body.
    pub records_max: usize,
    /// Takes a URL without TLS.
    pub danger_plain_http: bool,
}

impl WebhookSettings {
    /// What cannot work.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match Place::read(&self.url) {
            Err(_) if self.url.is_empty() => {}
            Err(reason) => problems.push(reason),
            Ok(place) if place.is_tls && self.authority.is_none() => problems.push(
                "authority is missing: expected a PEM file with the authority of the server's \
                 certificate; none is taken for granted"
                    .to_owned(),
            ),
            Ok(place) if !place.is_tls && !self.danger_plain_http => problems.push(format!(
                "`{}` is not encrypted: everybody on the way reads the records; use https, or set \
                 danger_plain_http if that is meant",
                self.url
            )),
            Ok(_) => {}
        }
        if !(1..=RECORDS_MAX).contains(&self.records_max) {
            let given = self.records_max;
            problems.push(format!("records_max {given} is not 1 to {RECORDS_MAX}"));
        }
        problems
    }
}

/// Where a URL points.
#[derive(Clone, Debug)]
struct Place {
    is_tls: bool,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Place {
    fn read(url: &str) -> Result<Self, String> {
        let no = || format!("`{url}` is no URL such as https://HOST/PATH");
        let uri: Uri = url.parse().map_err(|_| no())?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(no()),
        };
        let authority = uri.authority().ok_or_else(no)?;
        if authority.as_str().contains('@') {
            return Err(
                "url holds a name or a password: the signature is what shows who tells".into(),
            );
        }
        Ok(Self {
            is_tls,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if is_tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
        })
    }
}

/// What a server said to a body.
enum Answer {
    Taken,
    /// It will not take this body, whenever it comes.
    Refused(String),
    /// It did not take it this time.
    Failed(String),
}

/// An HTTP server that is told.
#[derive(Debug)]
pub struct Webhook {
    name: String,
    settings: WebhookSettings,
    place: Place,
    clock: Arc<dyn Clock>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Webhook {
    pub(super) fn open(
        name: String,
        settings: WebhookSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RelayError> {
        let webhook = Self {
            name,
            place: Place::read(&settings.url).map_err(RelayError::Target)?,
            settings,
            clock,
            connection: None,
        };
        webhook.keys()?;
        if webhook.place.is_tls {
            webhook.tls()?;
        }
        Ok(webhook)
    }

    /// The secrets, read each time, so that a new one is taken up.
    fn keys(&self) -> Result<Vec<hmac::Key>, RelayError> {
        let path = &self.settings.secret;
        let refused = |reason: &str| {
            RelayError::Target(format!(
                "webhook.secret {}: {reason}; expected {SECRET_PREFIX} and 24 to 64 bytes in \
                 base64, at most {SECRETS_MAX} lines of that",
                path.display()
            ))
        };
        let text = read_secret(path)?;
        let text = std::str::from_utf8(&text).map_err(|_| refused("is no text"))?;
        let lines: Vec<_> = text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        if lines.is_empty() || lines.len() > SECRETS_MAX {
            return Err(refused("has no secret, or too many"));
        }
        let key = |line: &&str| {
            let bytes = line.strip_prefix(SECRET_PREFIX)?;
            let bytes = BASE64.decode(bytes.as_bytes()).ok()?;
            (24..=64)
                .contains(&bytes.len())
                .then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        };
        let keys: Option<Vec<_>> = lines.iter().map(key).collect();
        keys.ok_or_else(|| refused("holds something that is no secret"))
    }

    fn tls(&self) -> Result<Arc<crate::trust::ClientConfig>, RelayError> {
        let authority = self.settings.authority.as_deref();
        let authority = authority
            .ok_or_else(|| RelayError::Target("webhook.authority is missing".to_owned()))?;
        let own = self.settings.own.as_ref();
        let own = own.map(|(certificate, key)| (certificate.as_path(), key.as_path()));
        Ok(target_config(authority, own, Arc::clone(&self.clock))?)
    }

    pub(super) async fn hand(&mut self, entries: &[Entry]) -> Taken {
        let mut count = 0;
        // Halved when a body is refused, so that the one record which is at fault is found.
        let mut records_max = self.settings.records_max;
        while let Some(rest) = entries.get(count..).filter(|rest| !rest.is_empty()) {
            let taken = |end| Taken {
                count,
                skipped: 0,
                end,
            };
            let (body, records) = match body(rest, records_max) {
                Ok(made) => made,
                Err(reason) => return taken(End::Refused(reason)),
            };
            let last = rest.get(records - 1).map_or(0, Entry::position);
            let id = match rest.first().map_or(0, Entry::position) {
                first if first == last => format!("{}.{first}", self.name),
                first => format!("{}.{first}-{last}", self.name),
            };
            match self.tell(&id, body).await {
                Answer::Taken => count += records,
                Answer::Refused(reason) if records == 1 => return taken(End::Refused(reason)),
                Answer::Refused(_) => records_max = records / 2,
                Answer::Failed(reason) => return taken(End::Failed(reason)),
            }
        }
        Taken {
            count,
            skipped: 0,
            end: End::All,
        }
    }

    async fn tell(&mut self, id: &str, body: String) -> Answer {
        let request = match self.request(id, body) {
            Ok(request) => request,
            Err(reason) => return Answer::Failed(reason),
        };
        match timeout(CONNECT_DEADLINE, self.connected()).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => return Answer::Failed(reason),
            Err(_) => return Answer::Failed("nobody answered in time".to_owned()),
        }
        // Taken out, so that a connection with an answer under way is never used again.
        let Some(mut sender) = self.connection.take() else {
            return Answer::Failed("there is no connection".to_owned());
        };
        let told = async {
            let answer = sender.send_request(request).await.map_err(|e| chain(&e))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await;
            let body = body.map_err(|error| format!("its answer breaks off: {error}"))?;
            Ok::<_, String>((status, body.to_bytes()))
        };
        match timeout(ANSWER_DEADLINE, told).await {
            Err(_) => Answer::Failed("it did not answer in time".to_owned()),
            Ok(Err(reason)) => Answer::Failed(reason),
            Ok(Ok((status, text))) => {
                self.connection = Some(sender);
                judged(status, &text)
            }
        }
    }

    fn request(&self, id: &str, body: String) -> Result<Request<Full<Bytes>>, String> {
        let timestamp = self.clock.now().as_second();
        let keys = self.keys().map_err(|error| error.to_string())?;
        Request::builder()
            .method(Method::POST)
            .uri(&self.place.path)
            .header(HOST, &self.place.authority)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature(&keys, id, timestamp, &body))
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())
    }

    /// Connects, unless there is a connection that is good.
    async fn connected(&mut self) -> Result<(), String> {
        if let Some(sender) = &mut self.connection
            && sender.ready().await.is_ok()
        {
            return Ok(());
        }
        let Place { host, port, .. } = &self.place;
        let tcp = TcpStream::connect((host.as_str(), *port)).await;
        let tcp = tcp.map_err(|error| format!("cannot connect to {host}:{port}: {error}"))?;
        self.connection = Some(if self.place.is_tls {
            let config = self.tls().map_err(|error| error.to_string())?;
            let tls = connect_target(config, host, tcp).await;
            spoken(tls.map_err(|error| error.to_string())?).await?
        } else {
            spoken(tcp).await?
        });
        Ok(())
    }
}

/// HTTP/1.1 over a connection.
async fn spoken<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // Ends with the connection, and with the sender. Its errors come to the sender, too.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

fn chain(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// As many records as a body may hold, at least one, and how many those are.
fn body(entries: &[Entry], records_max: usize) -> Result<(String, usize), String> {
    let mut body = String::new();
    let mut records = 0;
    for entry in entries.iter().take(records_max.max(1)) {
        let line = match entry.to_json() {
            Ok(line) => line,
            // Those before it go first; then it is alone, and at fault.
            Err(_) if records > 0 => break,
            Err(reason) => return Err(reason),
        };
        if records > 0 && body.len() + line.len() >= BODY_BYTES_MAX {
            break;
        }
        body.push_str(&line);
        body.push('\n');
        records += 1;
    }
    Ok((body, records))
}

/// `v1,` and the HMAC-SHA256 of id, time and body, one for each key.
fn signature(keys: &[hmac::Key], id: &str, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let sign = |key| BASE64.encode(hmac::sign(key, signed.as_bytes()).as_ref());
    let signatures = keys.iter().map(|key| format!("v1,{}", sign(key)));
    signatures.collect::<Vec<_>>().join(" ")
}

/// Only what speaks of the body itself is for good: a wrong path, or a door that is closed to us,
/// would otherwise make a dead letter of every record of the feed.
fn judged(status: StatusCode, text: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(text);
    let text = text.trim().replace(char::is_control, " ");
    let text: String = text.chars().take(REASON_CHARACTERS_MAX / 2).collect();
    let said = match text.as_str() {
        "" => format!("it answered {status}"),
        text => format!("it answered {status}: {text}"),
    };
    match status {
        status if status.is_success() => Answer::Taken,
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused(said),
        _ => Answer::Failed(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        // The example of the Standard Webhooks libraries.
        let secret = BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let body = r#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(
            signature(std::slice::from_ref(&key), id, 1_614_265_330, body),
            expected
        );
        let two = signature(&[key.clone(), key], id, 1_614_265_330, body);
        assert_eq!(two, format!("{expected} {expected}"));
    }

    #[test]
    fn only_what_speaks_of_the_body_is_for_good() {
        for (code, is_for_good) in [
            (400, true),
            (413, true),
            (422, true),
            (401, false),
            (404, false),
            (408, false),
            (425, false),
            (429, false),
            (302, false),
            (500, false),
            (503, false),
        ] {
            let answer = judged(StatusCode::from_u16(code).unwrap(), b"no\x1b[0m");
            let said = matches!(answer, Answer::Refused(_));
            assert_eq!(said, is_for_good, "{code}");
        }
        assert!(matches!(judged(StatusCode::NO_CONTENT, b""), Answer::Taken));
    }

    #[test]
    fn a_url_without_tls_needs_an_ugly_word() {
        let settings = |url: &str, danger_plain_http| WebhookSettings {
            url: url.to_owned(),
            secret: PathBuf::new(),
            authority: Some(PathBuf::new()),
            own: None,
            records_max: 1,
            danger_plain_http,
        };
        assert!(
            settings("https://desk.example/feed", false)
                .problems()
                .is_empty()
        );
        assert_eq!(
            settings("http://desk.example/feed", false).problems().len(),
            1
        );
        assert!(
            settings("http://desk.example/feed", true)
                .problems()
                .is_empty()
        );
        for url in [
            "ftp://desk.example/",
            "desk.example",
            "https://a:b@desk.example/",
        ] {
            assert_eq!(settings(url, true).problems().len(), 1, "{url}");
        }
    }
}
