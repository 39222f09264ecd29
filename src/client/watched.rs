//! A connection that remembers why the gateway ended it. A TLS 1.3 server judges the client's
//! certificate after the client thinks itself connected; its alert arrives on a connection that
//! HTTP/2 has taken over by then, and HTTP/2 only says that the connection was closed.

use crate::trust::explain;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What TLS said of this client, if anything; set at most once.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict(Arc<OnceLock<String>>);

impl Verdict {
    /// In plain words.
    pub(super) fn words(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// Bytes pass; an alert is noted.
#[derive(Debug)]
pub(super) struct Watched<S> {
    inner: S,
    verdict: Verdict,
}

impl<S> Watched<S> {
    pub(super) fn new(inner: S, verdict: Verdict) -> Self {
        Self { inner, verdict }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_read(cx, buf);
        if let Poll::Ready(Err(error)) = &outcome
            && let Some(words) = explain(error)
        {
            // The first word stands.
            let _said_before = this.verdict.0.set(words);
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
