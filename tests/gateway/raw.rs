//! A partner that speaks HTTP/2 frame by frame over real TLS, and does what no library would.

use crate::support::{Site, sighting, unary};
use entente::wire::proto;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

/// Longer than anything here takes; a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Kinds of frames (RFC 9113, 6).
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// Error codes (RFC 9113, 7).
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let mut bytes = network(length)[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(network(stream));
    bytes.extend(payload);
    bytes
}

/// In the order of bytes on the wire.
#[expect(clippy::big_endian_bytes, reason = "the order of bytes on the wire")]
pub(crate) fn network(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

/// A setting (RFC 9113, 6.5.2).
pub(crate) fn setting(name: u8, value: u32) -> Vec<u8> {
    let mut bytes = vec![0, name];
    bytes.extend(network(value));
    bytes
}

/// A header that is sent literally and kept by nobody (RFC 7541, 6.2.2); under 127 bytes each.
pub(crate) fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0, u8::try_from(name.len()).unwrap()];
    bytes.extend(name.as_bytes());
    bytes.push(u8::try_from(value.len()).unwrap());
    bytes.extend(value.as_bytes());
    bytes
}

/// The headers of a gRPC call, as HPACK.
pub(crate) fn call(path: &str) -> Vec<u8> {
    // :method POST and :scheme https stand in the static table.
    let mut block = vec![0x83, 0x87];
    block.extend(literal(":path", path));
    block.extend(literal(":authority", "localhost"));
    block.extend(literal("content-type", "application/grpc"));
    block.extend(literal("te", "trailers"));
    block
}

pub(crate) const WHO_AM_I: &str = "/entente.v1.SubmissionService/WhoAmI";
pub(crate) const SUBMIT_STREAM: &str = "/entente.v1.SubmissionService/SubmitStream";
pub(crate) const SUBSCRIBE: &str = "/entente.v1.FeedService/Subscribe";

/// A gRPC message, not compressed.
pub(crate) fn message(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(network(u32::try_from(body.len()).unwrap()));
    bytes.extend(body);
    bytes
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) frames: BTreeMap<u8, usize>,
    /// Error codes of RST_STREAM, and how often.
    pub(crate) resets: BTreeMap<u32, usize>,
    /// The error code of GOAWAY; a second one may follow a first.
    pub(crate) goaway: Option<u32>,
    /// Header blocks and data, as they came.
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_closed: bool,
}

impl Seen {
    pub(crate) fn count(&self, kind: u8) -> usize {
        self.frames.get(&kind).copied().unwrap_or(0)
    }

    fn note(&mut self, kind: u8, payload: &[u8]) {
        *self.frames.entry(kind).or_default() += 1;
        let number = |at: usize| {
            let octets = payload.get(at..at + 4).unwrap_or_default();
            octets.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b))
        };
        match kind {
            RST_STREAM => *self.resets.entry(number(0)).or_default() += 1,
            GOAWAY => self.goaway = Some(number(4)),
            DATA | HEADERS => self.bytes.extend(payload.iter().take(4096)),
            _ => {}
        }
    }
}

/// One connection.
pub(crate) struct Raw {
    pub(crate) out: WriteHalf<TlsStream<TcpStream>>,
    seen: tokio::sync::watch::Receiver<Seen>,
    reading: JoinHandle<()>,
}

/// TLS to the gateway, as this system.
pub(crate) async fn tls(site: &Site, system: &str) -> TlsStream<TcpStream> {
    let endpoint = site.endpoint(system);
    let tcp = TcpStream::connect(&site.address).await.unwrap();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(endpoint.tls);
    connector.connect(name, tcp).await.unwrap()
}

impl Raw {
    /// Connects, with these settings of ours, and reads all that comes.
    pub(crate) async fn connect(site: &Site, system: &str, settings: &[u8]) -> Self {
        let (back, out) = tokio::io::split(tls(site, system).await);
        let (seen_in, seen) = tokio::sync::watch::channel(Seen::default());
        let reading = tokio::spawn(read(back, seen_in));
        let mut raw = Self { out, seen, reading };
        let mut hello = PREFACE.to_vec();
        hello.extend(frame(SETTINGS, 0, 0, settings));
        raw.send(&hello).await;
        raw
    }

    /// Sends; tells whether the gateway still takes it.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        let sending =
            async { self.out.write_all(bytes).await.is_ok() && self.out.flush().await.is_ok() };
        tokio::time::timeout(PATIENCE, sending)
            .await
            .unwrap_or(false)
    }

    /// Sends the same again and again until the gateway takes no more; tells how often it took.
    pub(crate) async fn flood(&mut self, times: usize, bytes: impl Fn(u32) -> Vec<u8>) -> usize {
        for round in 0..times {
            if self.seen.borrow().is_closed
                || !self.send(&bytes(u32::try_from(round).unwrap())).await
            {
                return round;
            }
        }
        times
    }

    /// Waits until what came back is as wanted.
    pub(crate) async fn until(&mut self, wanted: impl FnMut(&Seen) -> bool) -> Seen {
        let waited = tokio::time::timeout(PATIENCE, self.seen.wait_for(wanted)).await;
        let seen = waited.ok().and_then(|seen| Some(seen.ok()?.clone()));
        seen.unwrap_or_else(|| panic!("nothing of the kind came: {:?}", self.seen.borrow()))
    }

    /// Waits until the gateway has closed the connection.
    pub(crate) async fn closed(&mut self) -> Seen {
        self.until(|seen| seen.is_closed).await
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn read(mut back: ReadHalf<TlsStream<TcpStream>>, seen: tokio::sync::watch::Sender<Seen>) {
    loop {
        let mut head = [0; 9];
        if back.read_exact(&mut head).await.is_err() {
            break;
        }
        let length = head[..3]
            .iter()
            .fold(0_usize, |n, b| n << 8 | usize::from(*b));
        let mut payload = vec![0; length];
        if back.read_exact(&mut payload).await.is_err() {
            break;
        }
        seen.send_modify(|seen| seen.note(head[3], &payload));
    }
    seen.send_modify(|seen| seen.is_closed = true);
}

/// Somebody else, connected from before the attack.
pub(crate) struct Neighbour {
    client: proto::submission_service_client::SubmissionServiceClient<tonic::transport::Channel>,
    sent: u32,
}

impl Neighbour {
    pub(crate) async fn connect(site: &Site) -> Self {
        let client = site.endpoint("FRA/poste-12").submission().await.unwrap();
        let mut neighbour = Self { client, sent: 0 };
        neighbour.is_well().await;
        neighbour
    }

    /// Hands a report in and gets its receipt, soon.
    pub(crate) async fn is_well(&mut self) {
        self.sent += 1;
        let mut report = sighting(&format!("neighbour-{}", self.sent));
        report.marking.as_mut().unwrap().text = "DIFFUSION RESTREINTE".to_owned();
        let answer = self.client.submit(unary(&report));
        let answer = tokio::time::timeout(Duration::from_secs(5), answer).await;
        let outcome = answer
            .expect("in time")
            .unwrap()
            .into_inner()
            .outcome
            .unwrap();
        assert_eq!(
            outcome.disposition(),
            proto::Disposition::Accepted,
            "{outcome:?}"
        );
    }
}

/// Memory that the gateway holds, KiB.
pub(crate) fn memory_kib(site: &Site) -> u64 {
    let pid = site.pid().as_raw_nonzero();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .trim()
        .parse()
        .unwrap()
}
