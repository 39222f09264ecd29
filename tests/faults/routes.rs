//! The ways between the servers of a cluster, one for each direction of each pair, that can be
//! cut as a network is: what is sent does not arrive, and nobody is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A way of one server to another.
#[derive(Debug)]
struct Way {
    ends: [String; 2],
    is_open: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// All ways of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    ways: Mutex<Vec<Way>>,
}

impl Routes {
    /// Puts a way of its own in the place of each route in a server's configuration. Servers
    /// tell each other where they are: they tell of a place where nobody is, so that there are
    /// no other ways.
    pub(crate) fn through(&self, text: &str) -> String {
        let own = between(text, "server_name: \"", "\"").to_owned();
        let listed = between(text, "routes: [", "]").to_owned();
        let names: BTreeMap<_, _> = listed.split(", ").zip(["s1", "s2", "s3"]).collect();
        let mut routes = Vec::new();
        for (url, name) in names.iter().filter(|(_, name)| **name != own) {
            let port = between(url, "127.0.0.1:", "\"").parse().unwrap();
            let address = self.way(&own, name, ([127, 0, 0, 1], port).into());
            routes.push(format!("\"tls://{address}\""));
        }
        let advertised = "name: \"test\", advertise: \"127.0.0.1:1\",";
        text.replace(&listed, &routes.join(", "))
            .replace("name: \"test\",", advertised)
    }

    /// Opens a way and says where it begins.
    fn way(&self, from: &str, to: &str, server: SocketAddr) -> SocketAddr {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let (is_open, state) = watch::channel(true);
        let accepting = tokio::spawn(async move {
            loop {
                let (one, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(one, server, state.clone()));
            }
        });
        self.ways.lock().unwrap().push(Way {
            ends: [from.to_owned(), to.to_owned()],
            is_open,
            accepting,
        });
        address
    }

    /// Cuts every way from and to a server.
    pub(crate) fn isolate(&self, server: &str) {
        for way in self.ways.lock().unwrap().iter() {
            if way.ends.iter().any(|end| end == server) {
                way.is_open.send_replace(false);
            }
        }
    }

    /// Cuts the ways between two servers, and leaves those over the third: a bridge.
    pub(crate) fn part(&self, one: &str, other: &str) {
        for way in self.ways.lock().unwrap().iter() {
            if way.ends.iter().all(|end| end == one || end == other) {
                way.is_open.send_replace(false);
            }
        }
    }

    /// How many ways there are.
    pub(crate) fn count(&self) -> usize {
        self.ways.lock().unwrap().len()
    }

    /// Cuts or opens one way by its number.
    pub(crate) fn set(&self, way: usize, is_open: bool) {
        self.ways.lock().unwrap()[way].is_open.send_replace(is_open);
    }

    /// Opens all of them again; what was on its way arrives.
    pub(crate) fn heal(&self) {
        for way in self.ways.lock().unwrap().iter() {
            way.is_open.send_replace(true);
        }
    }
}

impl Drop for Routes {
    fn drop(&mut self) {
        for way in self.ways.lock().unwrap().iter() {
            way.accepting.abort();
        }
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split_once(after).unwrap().0
}

async fn carry(one: TcpStream, server: SocketAddr, mut is_open: watch::Receiver<bool>) {
    if is_open.wait_for(|is_open| *is_open).await.is_err() {
        return;
    }
    let Ok(other) = TcpStream::connect(server).await else {
        return;
    };
    let (from_one, to_one) = one.into_split();
    let (from_other, to_other) = other.into_split();
    tokio::join!(
        pass(from_one, to_other, is_open.clone()),
        pass(from_other, to_one, is_open)
    );
}

/// Hands on what comes while the way is open, and keeps it while it is cut.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_open: watch::Receiver<bool>) {
    let mut room = vec![0; 16 * 1024];
    while let Ok(bytes @ 1..) = from.read(&mut room).await {
        if is_open.wait_for(|is_open| *is_open).await.is_err() {
            return;
        }
        if to.write_all(&room[..bytes]).await.is_err() {
            return;
        }
    }
}
