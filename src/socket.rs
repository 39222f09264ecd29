//! TCP as the gateway and its clients use it: the system's, or with the feature `simulation` that
//! of a simulated network (turmoil), where a test decides what arrives, and when.

#[cfg(feature = "simulation")]
pub use turmoil::net::{TcpListener, TcpStream};

#[cfg(not(feature = "simulation"))]
pub use tokio::net::{TcpListener, TcpStream};

use std::fmt;
use std::io;
use std::net::SocketAddr;
use tokio::runtime::Handle;

/// A bound address that nothing listens on yet.
pub struct Bound {
    #[cfg(feature = "simulation")]
    tcp: TcpListener,
    #[cfg(not(feature = "simulation"))]
    tcp: std::net::TcpListener,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bound")
    }
}

impl Bound {
    /// Binds an address; gives it with the port that the system chose.
    ///
    /// # Errors
    /// It cannot be had.
    pub async fn bind(address: SocketAddr) -> io::Result<(Self, SocketAddr)> {
        let tcp = TcpListener::bind(address).await?;
        let address = tcp.local_addr()?;
        #[cfg(not(feature = "simulation"))]
        let tcp = tcp.into_std()?;
        Ok((Self { tcp }, address))
    }

    /// Listens in the runtime that this is called in: that one wakes for each knock.
    ///
    /// # Errors
    /// The system has no room for it.
    pub fn open(self) -> io::Result<TcpListener> {
        #[cfg(feature = "simulation")]
        return Ok(self.tcp);
        #[cfg(not(feature = "simulation"))]
        TcpListener::from_std(self.tcp)
    }
}

/// Accepts a connection for the runtime that serves it.
///
/// # Errors
/// The connection broke before, or the system has no descriptors or memory for it.
#[cfg(not(feature = "simulation"))]
pub async fn accept(tcp: &TcpListener, serving: &Handle) -> io::Result<(TcpStream, SocketAddr)> {
    std::future::poll_fn(|context| {
        let _its_socket = serving.enter();
        tcp.poll_accept(context)
    })
    .await
}

/// Accepts a connection; in a simulation there is one runtime.
///
/// # Errors
/// The connection broke before.
#[cfg(feature = "simulation")]
pub async fn accept(tcp: &TcpListener, _: &Handle) -> io::Result<(TcpStream, SocketAddr)> {
    tcp.accept().await
}
