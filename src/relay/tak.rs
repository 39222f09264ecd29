//! Shows records on the maps of a TAK server: events of Cursor on Target over mutual TLS.
//!
//! TAK acknowledges no event. But a server answers a ping when it has read everything before it,
//! so records count as taken when the ping behind them is answered. That is at least once: after
//! a break the same events go again, and replace themselves.

use super::RelayError;
use super::entry::Entry;
use super::event::events;
use super::target::{ANSWER_DEADLINE, CONNECT_DEADLINE, End, Taken};
use crate::clock::Clock;
use crate::formats::{cot_ping, cot_pong_marks};
use crate::trust::{ClientConfig, TargetStream, connect_target, target_config};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Most records before a ping.
const RECORDS_MAX: usize = 100;
/// What is read of a server at a time, bytes.
const READ_BYTES: usize = 16 * 1024;

/// How a TAK server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakSettings {
    /// `HOST:PORT` of its TLS input.
    pub address: String,
    /// The name that its certificate must carry.
    pub server_name: String,
    /// PEM file with the authority of its certificate.
    pub authority: PathBuf,
    /// PEM file with our certificate there.
    pub certificate: PathBuf,
    /// PEM file with its key.
    pub key: PathBuf,
    /// How long after the gateway received it a record is shown, seconds.
    pub stale_after_s: u32,
}

/// A TAK server.
#[derive(Debug)]
pub struct Tak {
    settings: TakSettings,
    clock: Arc<dyn Clock>,
    /// Names our pings.
    ping: String,
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    out: WriteHalf<TargetStream>,
    /// How many pings were answered; closed when the server ends the connection.
    pongs: watch::Receiver<u64>,
    reader: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Tak {
    pub(super) fn open(
        name: &str,
        settings: TakSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RelayError> {
        let tak = Self {
            settings,
            clock,
            ping: format!("entente-{name}-ping"),
            connection: None,
        };
        tak.tls()?;
        Ok(tak)
    }

    /// Read each time, so that a renewed certificate is taken up.
    fn tls(&self) -> Result<Arc<ClientConfig>, RelayError> {
        let TakSettings {
            authority,
            certificate,
            key,
            ..
        } = &self.settings;
        let own = Some((certificate.as_path(), key.as_path()));
        Ok(target_config(authority, own, Arc::clone(&self.clock))?)
    }

    pub(super) async fn hand(&mut self, entries: &[Entry]) -> Taken {
        let (mut count, mut skipped) = (0, 0);
        for chunk in entries.chunks(RECORDS_MAX) {
            let mut text = String::new();
            let mut without = 0;
            for entry in chunk {
                let events = events(entry, self.settings.stale_after_s);
                without += usize::from(events.is_empty());
                for event in events {
                    text.push_str(&event);
                    text.push('\n');
                }
            }
            if let Err(reason) = self.send(text).await {
                // Whatever is under way on it, nobody knows.
                self.connection = None;
                let end = End::Failed(reason);
                return Taken {
                    count,
                    skipped,
                    end,
                };
            }
            count += chunk.len();
            skipped += without;
        }
        Taken {
            count,
            skipped,
            end: End::All,
        }
    }

    /// Sends events and waits until the server has read them.
    async fn send(&mut self, mut text: String) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        let connected = timeout(CONNECT_DEADLINE, self.connected()).await;
        connected.map_err(|_| "nobody answered in time".to_owned())??;
        text.push_str(&cot_ping(&self.ping, self.clock.now()));
        text.push('\n');
        let Some(connection) = &mut self.connection else {
            return Err("there is no connection".to_owned());
        };
        let before = *connection.pongs.borrow_and_update();
        let sent = async {
            connection.out.write_all(text.as_bytes()).await?;
            connection.out.flush().await
        };
        let sent = timeout(ANSWER_DEADLINE, sent).await;
        sent.map_err(|_| "it takes nothing".to_owned())?
            .map_err(|error| format!("the connection broke: {error}"))?;
        let answered = connection.pongs.wait_for(|pongs| *pongs > before);
        match timeout(ANSWER_DEADLINE, answered).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(
                "it ended the connection before it had read everything; does it accept our \
                 certificate?"
                    .to_owned(),
            ),
            Err(_) => Err("it did not answer the ping behind the events in time".to_owned()),
        }
    }

    /// Connects, unless there is a connection that is good.
    async fn connected(&mut self) -> Result<(), String> {
        let is_good = |connection: &Connection| !connection.reader.is_finished();
        if self.connection.as_ref().is_some_and(is_good) {
            return Ok(());
        }
        let TakSettings {
            address,
            server_name,
            ..
        } = &self.settings;
        let tls = self.tls().map_err(|error| error.to_string())?;
        let tcp = TcpStream::connect(address).await;
        let tcp = tcp.map_err(|error| format!("cannot connect to {address}: {error}"))?;
        // A small event must not wait for the next one.
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream = connect_target(tls, server_name, tcp).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let (back, out) = tokio::io::split(stream);
        let (tell, pongs) = watch::channel(0);
        let reader = tokio::spawn(listen(back, tell));
        self.connection = Some(Connection { out, pongs, reader });
        Ok(())
    }
}

/// Reads all that the server sends, since it sends every event of everybody, and counts the
/// answers to pings. Ends with the connection.
async fn listen(mut back: ReadHalf<TargetStream>, tell: watch::Sender<u64>) {
    let marks = cot_pong_marks();
    // An answer may lie across two reads; so much of the one before is looked at again.
    let kept = marks.iter().map(String::len).max().unwrap_or(1) - 1;
    let mut seen: Vec<u8> = Vec::with_capacity(READ_BYTES + kept);
    let mut part = vec![0; READ_BYTES];
    while let Ok(count @ 1..) = back.read(&mut part).await {
        seen.extend_from_slice(part.get(..count).unwrap_or_default());
        let found: usize = marks
            .iter()
            .map(|mark| occurrences(&seen, mark.as_bytes()))
            .sum();
        if found > 0 {
            tell.send_modify(|pongs| *pongs += found as u64);
        }
        let old = seen.len().saturating_sub(kept);
        seen.drain(..old);
    }
}

fn occurrences(bytes: &[u8], mark: &[u8]) -> usize {
    bytes
        .windows(mark.len())
        .filter(|part| *part == mark)
        .count()
}
