//! Why a live connection ends, as far as its peer can act on it. Knows no gRPC: `rpc` decides
//! which status tells it.

/// What the end of a connection means for its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndKind {
    /// The peer is no longer believed, or may no longer do what it did: a certificate, an
    /// authority or a right is gone. Connecting again does not mend that.
    Distrust,
    /// It has lasted as long as its profile allows; the next connection is welcome.
    SessionLimit,
    /// The gateway closes; the next connection is welcome when it is back.
    Closing,
    /// A call on it stopped reading and could not be told; the next connection is welcome.
    Stalled,
    /// Nothing came after the handshake; the next connection is welcome.
    Silent,
}

/// The end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What it means for the peer.
    pub kind: EndKind,
    /// In words.
    pub reason: String,
}
