//! What the door costs: handshakes beside those of a bare acceptor of tokio-rustls, client and
//! server on one machine. The aim is four fifths of the bare rate.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    missing_docs,
    unused_imports,
    unreachable_pub,
    reason = "the support of the tests is more than a measurement needs"
)]

#[path = "../tests/trust/support.rs"]
mod support;

use rustls::server::WebPkiClientVerifier;
use std::net::SocketAddr;
use std::sync::Arc;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Handshakes of one round, and how many are in flight.
const HANDSHAKES: usize = 160;
const IN_FLIGHT: usize = 8;
const ROUNDS: usize = 12;
/// Names of the threads that shake hands: of the bare acceptor, and of the gateway.
const BARE: &str = "bare";
const OURS: &str = "handshakes";

/// Processor time of the thread of a name, in ticks: hardly disturbed by what else runs.
fn ticks(name: &str) -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let stats = threads.map(|thread| {
        let path = thread.unwrap().path().join("stat");
        std::fs::read_to_string(path).unwrap_or_default()
    });
    let of_name = stats.filter(|stat| stat.contains(&format!("({name})")));
    let used = of_name.map(|stat| {
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields: Vec<u64> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse().unwrap())
            .collect();
        fields[0] + fields[1]
    });
    used.sum()
}

/// tokio-rustls alone: the same certificates, one anchor, its list, and an echo.
fn bare(gateway: &Gateway) -> SocketAddr {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(gateway.gbr.certificate().clone()).unwrap();
    let lists = {
        use rustls_pki_types::pem::PemObject;
        let text = list(&gateway.gbr, 1, &[]);
        rustls_pki_types::CertificateRevocationListDer::from_pem_slice(text.as_bytes()).unwrap()
    };
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .with_crls([lists])
        .build()
        .unwrap();
    let names = ["localhost".to_owned()];
    let spec = entente::pki::LeafSpec::server(&names, now(), 90);
    let own = gateway.gateway.issue(&spec).unwrap();
    let mut config = rustls::ServerConfig::builder_with_details(provider(), Arc::new(TestTime))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(own.chain().to_vec(), key_of(&own))
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.send_tls13_tickets = 0;
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let _nodelay = tcp.set_nodelay(true);
                let mut tls = acceptor.accept(tcp).await.unwrap();
                let mut buffer = [0; 32];
                while tls.read_exact(&mut buffer).await.is_ok() {
                    tls.write_all(&buffer).await.unwrap();
                    tls.flush().await.unwrap();
                }
            });
        }
    };
    // As many threads as the gateway shakes hands on, on a machine of this size: one.
    let bare = std::thread::Builder::new().name(BARE.to_owned());
    let accept = || {
        let mut alone = tokio::runtime::Builder::new_current_thread();
        alone.enable_all().build().unwrap().block_on(accepting);
    };
    bare.spawn(accept).unwrap();
    address
}

/// Handshakes a second, each proven with an echo.
async fn rate(address: SocketAddr, config: &Arc<entente::trust::ClientConfig>) -> f64 {
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..HANDSHAKES {
        if running.len() >= IN_FLIGHT {
            running.join_next().await.unwrap().unwrap();
        }
        let config = Arc::clone(config);
        running.spawn(async move {
            let tcp = TcpStream::connect(address).await.unwrap();
            let _nodelay = tcp.set_nodelay(true);
            connect_over(tcp, config).await.unwrap();
        });
    }
    running.join_all().await;
    HANDSHAKES as f64 / began.elapsed().as_secs_f64()
}

// The peers have a thread of their own, so that nobody waits for a processor.
#[tokio::main(worker_threads = 1)]
async fn main() {
    let mut settings = settings();
    // The pace is what keeps a flood out; here the work of a handshake is measured.
    settings.handshakes_per_second_max = 1 << 20;
    settings.handshakes_per_source_per_second_max = 1 << 20;
    let gateway = Gateway::start_with(settings, 100_000).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let config = gateway.client(&issued);
    let bare = bare(&gateway);
    // Turn by turn, and the best of each counts: others work on this machine, too.
    let (mut best_bare, mut best_ours) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        best_bare = best_bare.max(rate(bare, &config).await);
        best_ours = best_ours.max(rate(gateway.address, &config).await);
    }
    let share = best_ours / best_bare;
    let of_work = ticks(BARE) as f64 / ticks(OURS) as f64;
    eprintln!(
        "bare {best_bare:.0}/s, ours {best_ours:.0}/s, share {share:.2}; by processor time \
         {of_work:.2}"
    );
}
