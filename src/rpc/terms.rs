//! Tells a system when its certificate ends: in the metadata of every answer, and, when it is
//! near, in words.

use crate::clock::Clock;
use crate::listener::Peer;
use crate::trust::ending_soon;
use jiff::Timestamp;
use std::sync::Arc;
use std::task::{Context, Poll};
use tonic::codegen::http::{HeaderName, HeaderValue, Request, Response};
use tower::{Layer, Service};

/// When the caller's certificate ends, RFC 3339.
const EXPIRES_AT: HeaderName = HeaderName::from_static("entente-certificate-expires-at");
/// In words, from 30 days before.
const WARNING: HeaderName = HeaderName::from_static("entente-certificate-warning");

/// What a caller should see to, in words.
pub(super) fn warnings(peer: &Peer, now: Timestamp) -> Vec<String> {
    let identity = peer.identity();
    let mut warnings = Vec::new();
    if let Some(days) = ending_soon(identity.not_before, identity.not_after, now) {
        warnings.push(format!(
            "the certificate ends in {days} days, at {}; renew it",
            identity.not_after
        ));
    }
    if identity.valid_until < identity.not_after
        && let Some(days) = ending_soon(identity.not_before, identity.valid_until, now)
    {
        warnings.push(format!(
            "its authority `{}` ends or retires in {days} days, at {}; a certificate of another \
             authority is needed by then",
            identity.anchor_subject, identity.valid_until
        ));
    }
    warnings
}

/// Adds the metadata to every answer.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) clock: Arc<dyn Clock>,
}

impl<S> Layer<S> for Terms {
    type Service = Told<S>;

    fn layer(&self, inner: S) -> Told<S> {
        Told {
            inner,
            clock: Arc::clone(&self.clock),
        }
    }
}

/// A service whose answers carry the metadata.
#[derive(Clone, Debug)]
pub(super) struct Told<S> {
    inner: S,
    clock: Arc<dyn Clock>,
}

impl<S, Body, Answer> Service<Request<Body>> for Told<S>
where
    S: Service<Request<Body>, Response = Response<Answer>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    Answer: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Telling<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        let headers = peer.map(|peer| {
            let expires_at = peer.identity().not_after.to_string();
            let warnings = warnings(&peer, self.clock.now()).join("; ");
            (expires_at, warnings)
        });
        Telling {
            answer: Box::pin(self.inner.call(request)),
            headers,
        }
    }
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Telling<F> {
    answer: std::pin::Pin<Box<F>>,
    headers: Option<(String, String)>,
}

impl<F, Answer, E> Future for Telling<F>
where
    F: Future<Output = Result<Response<Answer>, E>>,
{
    type Output = F::Output;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let answer = std::task::ready!(self.answer.as_mut().poll(context));
        let headers = self.headers.take();
        Poll::Ready(answer.map(|mut answer| {
            if let Some((expires_at, warning)) = headers {
                let mut tell = |name: HeaderName, text: &str| {
                    // Subjects may hold what a header cannot; those are told by WhoAmI alone.
                    if let Ok(value) = HeaderValue::from_str(text) {
                        answer.headers_mut().insert(name, value);
                    }
                };
                tell(EXPIRES_AT, &expires_at);
                if !warning.is_empty() {
                    tell(WARNING, &warning);
                }
            }
            answer
        }))
    }
}
