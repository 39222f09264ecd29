//! A flood of handshakes: partners and strangers that come to the door and never stay. Three
//! kinds: some come in and go at once, some are refused for their certificate, and some say
//! hello, let the gateway work, and fall silent.

use crate::trust::{self, ClientConfig, ConnectError};
use serde::Serialize;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// Half-open connections that one silent peer keeps behind it.
const HELD_MAX: usize = 4;
/// Whoever is not answered by then goes away.
const PATIENCE: Duration = Duration::from_secs(5);
/// Only to see that the gateway answers.
const ANSWER_BYTES: usize = 1024;

/// Whom the flood meets, and with what.
#[derive(Clone, Debug)]
pub(super) struct Flood {
    /// The gateway.
    pub(super) address: SocketAddr,
    /// The name that its certificate must carry.
    pub(super) server_name: String,
    /// Where the flood comes from.
    pub(super) sources: Vec<IpAddr>,
    /// A system that may come in.
    pub(super) welcome: Arc<ClientConfig>,
    /// One that may not.
    pub(super) unwelcome: Arc<ClientConfig>,
    /// Peers of each kind and source, at a time.
    pub(super) peers: usize,
}

/// What a flood did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Flooded {
    /// Handshakes that came in.
    pub(super) complete: u64,
    /// Handshakes that the gateway refused for the certificate.
    pub(super) refused: u64,
    /// Handshakes that the gateway answered, and that went no further.
    pub(super) half_open: u64,
    /// Connections that were dropped before that.
    pub(super) turned_away: u64,
}

#[derive(Debug, Default)]
struct Counts {
    complete: AtomicU64,
    refused: AtomicU64,
    half_open: AtomicU64,
    turned_away: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Welcome,
    Unwelcome,
    Silent,
}

impl Flood {
    /// Floods until `stop` resolves.
    ///
    /// # Errors
    /// There is no such server name.
    pub(super) async fn run(self, stop: impl Future<Output = ()>) -> Result<Flooded, ConnectError> {
        let hello = trust::client_hello(Arc::clone(&self.welcome), &self.server_name)?;
        let hello: Arc<[u8]> = hello.into();
        let (flood, counts) = (Arc::new(self), Arc::new(Counts::default()));
        let mut peers = JoinSet::new();
        for source in &flood.sources {
            for kind in [Kind::Welcome, Kind::Unwelcome, Kind::Silent] {
                for _ in 0..flood.peers {
                    let (flood, counts) = (Arc::clone(&flood), Arc::clone(&counts));
                    let (hello, source) = (Arc::clone(&hello), *source);
                    peers.spawn(async move { flood.peer(kind, source, &hello, &counts).await });
                }
            }
        }
        stop.await;
        peers.shutdown().await;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Ok(Flooded {
            complete: read(&counts.complete),
            refused: read(&counts.refused),
            half_open: read(&counts.half_open),
            turned_away: read(&counts.turned_away),
        })
    }

    /// One peer, again and again.
    async fn peer(&self, kind: Kind, source: IpAddr, hello: &[u8], counts: &Counts) {
        let mut held = VecDeque::new();
        loop {
            let knock = self.knock(kind, source, hello, &mut held);
            let count = match (kind, tokio::time::timeout(PATIENCE, knock).await) {
                (Kind::Welcome, Ok(Ok(()))) => &counts.complete,
                (Kind::Unwelcome, Ok(Err(ConnectError::Refused { .. }))) => &counts.refused,
                (Kind::Silent, Ok(Ok(()))) => &counts.half_open,
                _ => &counts.turned_away,
            };
            count.fetch_add(1, Ordering::Relaxed);
            // A peer whose every step is ready at once must still let the others go on.
            tokio::task::yield_now().await;
        }
    }

    async fn knock(
        &self,
        kind: Kind,
        source: IpAddr,
        hello: &[u8],
        held: &mut VecDeque<TcpStream>,
    ) -> Result<(), ConnectError> {
        let mut tcp = self.dial(source).await.map_err(ConnectError::Broken)?;
        let config = match kind {
            Kind::Welcome => &self.welcome,
            Kind::Unwelcome => &self.unwelcome,
            Kind::Silent => {
                let answered = async {
                    tcp.write_all(hello).await?;
                    tcp.read_exact(&mut [0; ANSWER_BYTES]).await
                };
                answered.await.map_err(ConnectError::Broken)?;
                held.push_back(tcp);
                if held.len() > HELD_MAX {
                    held.pop_front();
                }
                return Ok(());
            }
        };
        trust::connect(Arc::clone(config), &self.server_name, tcp)
            .await
            .map(drop)
    }

    async fn dial(&self, source: IpAddr) -> io::Result<TcpStream> {
        let socket = match source {
            IpAddr::V4(_) => TcpSocket::new_v4()?,
            IpAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.bind(SocketAddr::new(source, 0))?;
        // Closed ports must not linger: a flood would run out of them.
        socket.set_zero_linger()?;
        socket.connect(self.address).await
    }
}
