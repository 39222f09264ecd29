//! A verified connection as bytes. Ends by itself: when the peer stays silent after TLS,
//! when its certificate chain ends, and when its [`Peer`] is ended.
//!
//! When the peer is ended, nothing more is read, so no new call comes in; for a moment writing
//! still works, so that calls can tell the reason; then every operation fails.
//! To be used by one task, as HTTP/2 connections are: only the last waker is kept.

use super::connections::Registration;
use super::ending::EndKind;
use super::peer::Peer;
use crate::clock::Clock;
use crate::trust::TlsStream;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Instant, Sleep};

/// Between ending a peer and closing its socket: for the reason to reach it.
const END_GRACE: Duration = Duration::from_millis(300);
/// Wall time is asked at least this often, because it may jump.
const VALIDITY_LOOK: Duration = Duration::from_secs(60);
/// Bytes of the HTTP/2 client preface. One byte more is a frame, and from then on HTTP/2's own
/// keepalive finds silent peers; before, nothing does.
const PREFACE_BYTES: usize = 24;

/// A verified connection.
#[derive(Debug)]
pub struct GatewayIo {
    tls: TlsStream,
    registration: Registration,
    clock: Arc<dyn Clock>,
    ended: Pin<Box<OwnedNotified>>,
    alarm: Pin<Box<Sleep>>,
    phase: Phase,
}

/// What the alarm is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waiting for the first frame.
    Fresh { until: Instant, bytes_read: usize },
    /// Looking at the certificate's end from time to time.
    Serving,
    /// Ended; reads pend, writes still work.
    Ending,
    /// Every operation fails.
    Over,
}

impl GatewayIo {
    pub(super) fn new(
        tls: TlsStream,
        registration: Registration,
        clock: Arc<dyn Clock>,
        first_request_deadline: Duration,
    ) -> Self {
        let ended = Box::pin(registration.peer.ended());
        let until = Instant::now() + first_request_deadline;
        let mut io = Self {
            tls,
            registration,
            clock,
            ended,
            alarm: Box::pin(tokio::time::sleep_until(until)),
            phase: Phase::Fresh {
                until,
                bytes_read: 0,
            },
        };
        io.set_alarm(first_request_deadline.min(io.look_in()));
        io
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.registration.peer
    }

    /// What TLS agreed on: the key exchange group and the cipher suite.
    #[must_use]
    pub fn negotiated(&self) -> (String, String) {
        crate::trust::negotiated(&self.tls)
    }

    /// How long until the chain's end, at most until the next look.
    fn look_in(&self) -> Duration {
        let left = self.peer().term().until.duration_since(self.clock.now());
        Duration::try_from(left)
            .unwrap_or(Duration::ZERO)
            .min(VALIDITY_LOOK)
    }

    fn set_alarm(&mut self, after: Duration) {
        let at = Instant::now() + after;
        self.alarm.as_mut().reset(at);
    }

    /// Goes through what may have ended the connection. Afterwards the phase tells.
    fn poll_end(&mut self, context: &mut Context<'_>) {
        // The notification fuses after firing: polling it again would panic.
        while !matches!(self.phase, Phase::Ending | Phase::Over) {
            let fired = self.ended.as_mut().poll(context).is_ready();
            if self.peer().reason().is_some() {
                self.phase = Phase::Ending;
                self.set_alarm(END_GRACE);
                break;
            }
            if !fired {
                break;
            }
            // The term has changed: wait for the next notification, and look at once.
            self.ended = Box::pin(self.peer().ended());
            self.set_alarm(Duration::ZERO);
        }
        while self.phase != Phase::Over && self.alarm.as_mut().poll(context).is_ready() {
            self.on_alarm();
        }
    }

    fn on_alarm(&mut self) {
        if self.phase == Phase::Ending {
            self.phase = Phase::Over;
            return;
        }
        let look_in = self.look_in();
        if look_in.is_zero() {
            let term = self.peer().term();
            self.peer().end(term.why.kind, &term.why.reason);
            self.phase = Phase::Ending;
            self.set_alarm(END_GRACE);
            return;
        }
        match self.phase {
            Phase::Fresh { until, .. } if until <= self.alarm.deadline() => {
                let reason = "nothing came in time after the handshake";
                self.peer().end(EndKind::Silent, reason);
                self.phase = Phase::Over;
            }
            Phase::Fresh { until, .. } => {
                let next = self.alarm.deadline() + look_in;
                self.alarm.as_mut().reset(until.min(next));
            }
            Phase::Serving | Phase::Ending | Phase::Over => self.set_alarm(look_in),
        }
    }

    fn note_read(&mut self, bytes: usize) {
        if let Phase::Fresh { until, bytes_read } = self.phase {
            let bytes_read = bytes_read.saturating_add(bytes);
            self.phase = if bytes_read > PREFACE_BYTES {
                Phase::Serving
            } else {
                Phase::Fresh { until, bytes_read }
            };
        }
    }

    fn over(&self) -> io::Error {
        let reason = self.peer().reason().unwrap_or("the connection is over");
        io::Error::new(io::ErrorKind::ConnectionAborted, reason.to_owned())
    }
}

impl AsyncRead for GatewayIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_end(context);
        match self.phase {
            Phase::Over => return Poll::Ready(Err(self.over())),
            Phase::Ending => return Poll::Pending,
            Phase::Fresh { .. } | Phase::Serving => {}
        }
        let before = buffer.filled().len();
        let outcome = ready!(Pin::new(&mut self.tls).poll_read(context, buffer));
        let bytes = buffer.filled().len() - before;
        self.note_read(bytes);
        Poll::Ready(outcome)
    }
}

impl AsyncWrite for GatewayIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_end(context);
        if self.phase == Phase::Over {
            return Poll::Ready(Err(self.over()));
        }
        Pin::new(&mut self.tls).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_end(context);
        if self.phase == Phase::Over {
            return Poll::Ready(Err(self.over()));
        }
        Pin::new(&mut self.tls).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(context);
        if self.phase == Phase::Over {
            return Poll::Ready(Err(self.over()));
        }
        Pin::new(&mut self.tls).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(context);
        if self.phase == Phase::Over {
            return Poll::Ready(Err(self.over()));
        }
        Pin::new(&mut self.tls).poll_shutdown(context)
    }
}
