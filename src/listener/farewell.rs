//! A word to a peer that is turned away after its handshake, when TLS has no alert for it any
//! more: HTTP/2's GOAWAY, whose text gRPC clients show. The only HTTP/2 that the listener knows.

use crate::trust::TlsStream;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Error codes of HTTP/2 (RFC 9113, 7): too much; and not secure enough.
pub(super) const ENHANCE_YOUR_CALM: u8 = 0x0b;
pub(super) const INADEQUATE_SECURITY: u8 = 0x0c;
/// Time for all of it; the peer may be gone, or not listen.
const FAREWELL_DEADLINE: Duration = Duration::from_secs(1);
/// Longest text, bytes; with it the frame's length fits one octet.
const TEXT_BYTES_MAX: usize = 240;

/// Says why, and closes.
pub(super) async fn farewell(mut tls: TlsStream, code: u8, reason: &str) {
    let frames = goaway(code, reason);
    let said = async {
        tls.write_all(&frames).await?;
        tls.shutdown().await?;
        // Closing a socket with unread bytes resets it, and a reset overtakes what was said.
        let mut rest = [0; 1024];
        while tls.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    // A peer that does not take it has lost nothing but the reason, which is logged.
    let _ = tokio::time::timeout(FAREWELL_DEADLINE, said).await;
}

/// An empty SETTINGS frame and GOAWAY for stream 0 (RFC 9113, 6.5 and 6.8).
fn goaway(code: u8, reason: &str) -> Vec<u8> {
    let reason = reason.as_bytes();
    let reason = reason.get(..TEXT_BYTES_MAX).unwrap_or(reason);
    let length = u8::try_from(8 + reason.len()).unwrap_or(u8::MAX);
    let mut frames = vec![0, 0, 0, 4, 0, 0, 0, 0, 0];
    frames.extend([0, 0, length, 7, 0, 0, 0, 0, 0]);
    frames.extend([0, 0, 0, 0, 0, 0, 0, code]);
    frames.extend(reason);
    frames
}
