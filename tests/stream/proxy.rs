//! A way to a server that can be cut in one direction: what the gateway sends arrives, and what
//! the server answers is lost.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes connections on until it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    deaf: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (deaf, state) = watch::channel(false);
        let accepting = tokio::spawn(async move {
            loop {
                let (gateway, _) = listener.accept().await.unwrap();
                let Ok(server) = TcpStream::connect(server).await else {
                    continue;
                };
                let (from_gateway, to_gateway) = gateway.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_gateway, to_server));
                tokio::spawn(answer(from_server, to_gateway, state.clone()));
            }
        });
        Self {
            address,
            deaf,
            accepting,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("tls://127.0.0.1:{}", self.address.port())
    }

    /// Loses all answers from now on.
    pub(crate) fn lose_answers(&self) {
        self.deaf.send_replace(true);
    }

    /// Ends the connections whose answers were lost; new ones are whole.
    pub(crate) fn mend(&self) {
        self.deaf.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // Either side may go away at any time.
    let _ended = tokio::io::copy(&mut from, &mut to).await;
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut deaf: watch::Receiver<bool>) {
    let mut room = vec![0; 16 * 1024];
    let mut has_lost = false;
    loop {
        let read = tokio::select! {
            read = from.read(&mut room) => read,
            _ = deaf.changed() => {
                if has_lost && !*deaf.borrow() {
                    return;
                }
                continue;
            }
        };
        let Ok(bytes @ 1..) = read else { return };
        if *deaf.borrow() {
            has_lost = true;
        } else if has_lost || to.write_all(&room[..bytes]).await.is_err() {
            return;
        }
    }
}
