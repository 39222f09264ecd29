//! Servers that play targets: an HTTP server and a TAK server, each on a port that it can come
//! back to.

use crate::servers::Papers;
use crate::site::PATIENCE;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a webhook was told.
pub(crate) struct Told {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Told {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// Positions of its records.
    pub(crate) fn positions(&self) -> Vec<u64> {
        let position = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            value["position"].as_str().unwrap().parse().unwrap()
        };
        self.body.lines().map(position).collect()
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Playing {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Playing {
    /// Ends it, with every connection.
    pub(crate) async fn end(self) {
        self.task.abort();
        let _ended = self.task.await;
    }
}

/// TLS that takes only clients of the authority.
pub(crate) fn acceptor(papers: &Papers) -> TlsAcceptor {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(papers.file("ca.pem")).unwrap();
    roots.add(authority).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
    let chain = vec![CertificateDer::from_pem_file(papers.file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(papers.file("server.key")).unwrap();
    let config = ServerConfig::builder()
        .with_client_cert_verifier(verifier.unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A port that nobody listens at now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// An HTTP server: `judge` says the status of each body, and everything is told to `tell`.
pub(crate) async fn webhook(
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    judge: impl Fn(&str) -> u16 + Clone + Send + Sync + 'static,
    tell: mpsc::Sender<Told>,
) -> Playing {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (tcp, _peer) = listener.accept().await.unwrap();
            let (tls, judge, tell) = (tls.clone(), judge.clone(), tell.clone());
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let (judge, tell) = (judge.clone(), tell.clone());
                    async move { Ok::<_, Infallible>(answer(request, judge, tell).await) }
                });
                let http = hyper::server::conn::http1::Builder::new();
                match tls {
                    Some(tls) => {
                        let Ok(stream) = tls.accept(tcp).await else {
                            return;
                        };
                        let _over = http.serve_connection(TokioIo::new(stream), service).await;
                    }
                    None => {
                        let _over = http.serve_connection(TokioIo::new(tcp), service).await;
                    }
                }
            });
        }
    });
    Playing { address, task }
}

async fn answer(
    request: Request<hyper::body::Incoming>,
    judge: impl Fn(&str) -> u16,
    tell: mpsc::Sender<Told>,
) -> Response<Full<Bytes>> {
    let headers = request.headers().clone();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let status = judge(&body);
    if status < 300 {
        tell.send(Told { headers, body }).await.unwrap();
    }
    let mut response = Response::new(Full::new(Bytes::from_static(b"as judged")));
    *response.status_mut() = status.try_into().unwrap();
    response
}

/// The next message, within reason.
pub(crate) async fn next<T>(heard: &mut mpsc::Receiver<T>) -> T {
    let next = tokio::time::timeout(PATIENCE, heard.recv()).await;
    next.expect("nothing comes").expect("the server is gone")
}

/// A TAK server: tells every event but pings, and answers those. Without `answers` it ends the
/// connection at the first ping instead.
pub(crate) async fn tak(
    address: SocketAddr,
    tls: TlsAcceptor,
    answers: bool,
    tell: mpsc::Sender<String>,
) -> Playing {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (tcp, _peer) = listener.accept().await.unwrap();
            let (tls, tell) = (tls.clone(), tell.clone());
            connections.spawn(async move {
                let Ok(mut stream) = tls.accept(tcp).await else {
                    return;
                };
                let mut text = String::new();
                let mut part = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut part).await {
                    text.push_str(std::str::from_utf8(&part[..count]).unwrap());
                    while let Some(end) = text.find("</event>") {
                        let event: String = text.drain(..end + "</event>".len()).collect();
                        if !event.contains("type=\"t-x-c-t\"") {
                            tell.send(event.trim().to_owned()).await.unwrap();
                        } else if answers {
                            // In two parts, as a network may have it.
                            stream.write_all(b"<event type='t-x-").await.unwrap();
                            stream.flush().await.unwrap();
                            stream.write_all(b"c-t-r' uid='takPong'/>").await.unwrap();
                            stream.flush().await.unwrap();
                        } else {
                            return;
                        }
                    }
                }
            });
        }
    });
    Playing { address, task }
}
