//! A workshop of authorities in memory, and a door with an echo behind it.

use entente::clock::{Clock, FixedClock};
use entente::identity::NationCode;
use entente::identity::registry::{Limits, Nation, Registry, Rights};
use entente::identity::spiffe::TrustDomain;
use entente::listener::{Connections, Listener, Peer, Settings};
use entente::pki::{Authority, AuthoritySpec, Fault, Issued, LeafSpec};
use entente::record::Level;
use entente::trust::{
    ClientConfig, Material, NationMaterial, NationSources, Own, PeerChain, PeerIdentity, Terms,
    TrustError, TrustProblem, TrustSnapshot, TrustState,
};
use jiff::{SignedDuration, Timestamp};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{broadcast, mpsc, watch};

pub(crate) const NOW: &str = "2026-06-01T12:00:00Z";
pub(crate) const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Longer than anything here takes; a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn code(text: &str) -> NationCode {
    NationCode::parse(text).unwrap()
}

pub(crate) fn root(name: &str) -> Authority {
    Authority::root(&AuthoritySpec::new(name, now(), 730)).unwrap()
}

pub(crate) fn uri(nation: &str, system: &str) -> String {
    format!(
        "spiffe://{}.entente.example/{system}",
        nation.to_lowercase()
    )
}

pub(crate) fn sound(nation: &str) -> LeafSpec {
    LeafSpec::system(&uri(nation, "unit-1"), now(), 90)
}

pub(crate) fn faulty(nation: &str, fault: Fault) -> LeafSpec {
    sound(nation).with(fault)
}

/// An empty list with this number, made now, good for 90 days.
pub(crate) fn list(authority: &Authority, number: u64, revoked: &[&[u8]]) -> String {
    authority
        .revocation_list(number, now(), now() + DAY * 90, revoked)
        .unwrap()
}

pub(crate) fn material(nation: &str, anchors: &[&str], lists: &[&str]) -> NationMaterial {
    let named = |what: &str, texts: &[&str]| {
        let all = texts.iter().enumerate();
        all.map(|(i, text)| Material {
            name: format!("{nation} {what} {i}"),
            bytes: text.as_bytes().to_vec(),
        })
        .collect()
    };
    NationMaterial {
        code: code(nation),
        domain: domain(nation),
        anchors: named("anchor", anchors),
        revocation_lists: named("list", lists),
        allow_development_anchors: true,
        terms: Terms::default(),
    }
}

pub(crate) fn domain(nation: &str) -> TrustDomain {
    TrustDomain::parse(&format!("{}.entente.example", nation.to_lowercase())).unwrap()
}

pub(crate) fn snapshot(nations: &[NationMaterial]) -> TrustSnapshot {
    TrustSnapshot::from_material(1, nations, now(), None).unwrap()
}

pub(crate) fn problems(nations: &[NationMaterial]) -> Vec<TrustProblem> {
    TrustSnapshot::from_material(1, nations, now(), None).unwrap_err()
}

/// GBR and FRA, each with one authority and an empty list.
pub(crate) struct TwoNations {
    pub(crate) gbr: Authority,
    pub(crate) fra: Authority,
}

impl TwoNations {
    pub(crate) fn new() -> Self {
        Self {
            gbr: root("GBR authority"),
            fra: root("FRA authority"),
        }
    }

    pub(crate) fn snapshot(&self) -> TrustSnapshot {
        snapshot(&[
            material(
                "GBR",
                &[self.gbr.certificate_pem()],
                &[&list(&self.gbr, 1, &[])],
            ),
            material(
                "FRA",
                &[self.fra.certificate_pem()],
                &[&list(&self.fra, 1, &[])],
            ),
        ])
    }
}

pub(crate) fn chain_of(issued: &Issued) -> PeerChain {
    let ders: Vec<_> = issued.chain().iter().map(|c| c.as_ref()).collect();
    PeerChain::from_der(&ders)
}

pub(crate) fn verify(
    snapshot: &TrustSnapshot,
    issued: &Issued,
) -> Result<PeerIdentity, TrustError> {
    snapshot.verify(&chain_of(issued), now())
}

/// Lines of the log, as they are written.
pub(crate) fn log() -> broadcast::Receiver<String> {
    static LINES: OnceLock<broadcast::Sender<String>> = OnceLock::new();
    let sender = LINES.get_or_init(|| {
        let (sender, _) = broadcast::channel(16_384);
        let writer = LineWriter(sender.clone());
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .with_max_level(tracing::Level::INFO)
            .init();
        sender
    });
    sender.subscribe()
}

#[derive(Clone)]
struct LineWriter(broadcast::Sender<String>);

impl io::Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _nobody_listens = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first log line that holds all the words.
pub(crate) async fn logged(lines: &mut broadcast::Receiver<String>, words: &[&str]) -> String {
    let search = async {
        loop {
            match lines.recv().await {
                Ok(line) if words.iter().all(|w| line.contains(w)) => return line,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => panic!("the log is closed"),
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, search).await;
    found.unwrap_or_else(|_| panic!("nothing was logged with {words:?}"))
}

/// A door over files in a folder of its own, with an echo behind it.
pub(crate) struct Gateway {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) gateway: Authority,
    pub(crate) gbr: Authority,
    pub(crate) fra: Authority,
    pub(crate) trust: Arc<TrustState>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) address: SocketAddr,
    pub(crate) peers: mpsc::Receiver<Arc<Peer>>,
    pub(crate) draining: watch::Sender<bool>,
}

pub(crate) fn settings() -> Settings {
    Settings {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..Settings::default()
    }
}

impl Gateway {
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::start_with(settings, 100).await
    }

    pub(crate) async fn start_with(settings: Settings, connections_max: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (gateway, gbr, fra) = (root("gateway authority"), root("GBR"), root("FRA"));
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let server = gateway.issue(&LeafSpec::server(&names, now(), 90)).unwrap();
        let path = folder.path();
        write_pair(path, "server", &server);
        write(&path.join("GBR.pem"), gbr.certificate_pem());
        write(&path.join("FRA.pem"), fra.certificate_pem());
        write(&path.join("GBR.crl"), &list(&gbr, 1, &[]));
        write(&path.join("FRA.crl"), &list(&fra, 1, &[]));
        write(&path.join("gateway.pem"), gateway.certificate_pem());
        let clock = Arc::new(FixedClock::at(now()));
        let own = Own {
            certificate: path.join("server.pem"),
            key: path.join("server.key"),
        };
        let sources = vec![sources(path, "GBR"), sources(path, "FRA")];
        let trust =
            Arc::new(TrustState::load(sources, own, Arc::clone(&clock) as Arc<dyn Clock>).unwrap());
        let connections = Arc::new(Connections::new());
        let registry = Registry::new(["GBR", "FRA"].map(|n| nation(n, connections_max)));
        let listener = Listener::bind(&settings).await.unwrap();
        let address = listener.local_addr();
        let (draining, drained) = watch::channel(false);
        let accepted = listener.run(
            Arc::clone(&trust),
            Arc::clone(&connections),
            Arc::new(arc_swap::ArcSwap::from_pointee(registry)),
            Arc::clone(&clock) as Arc<dyn Clock>,
            drained,
        );
        let (seen, peers) = mpsc::channel(64);
        tokio::spawn(echo(accepted, seen));
        Self {
            folder,
            clock,
            gateway,
            gbr,
            fra,
            trust,
            connections,
            address,
            peers,
            draining,
        }
    }

    /// A client with this certificate, sound in every other way.
    pub(crate) fn client(&self, issued: &Issued) -> Arc<ClientConfig> {
        let mut config = client_builder(&self.gateway)
            .with_client_auth_cert(issued.chain().to_vec(), key_of(issued))
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }

    pub(crate) async fn connect(&self, issued: &Issued) -> Result<Client, String> {
        self.connect_with(self.client(issued)).await
    }

    pub(crate) async fn connect_with(&self, config: Arc<ClientConfig>) -> Result<Client, String> {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        connect_over(tcp, config).await
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        write(&self.folder.path().join(name), text);
    }
}

/// A client of the gateway's authority; the caller decides how it authenticates.
pub(crate) fn client_builder(
    gateway: &Authority,
) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(gateway.certificate().clone()).unwrap();
    rustls::ClientConfig::builder_with_details(provider(), Arc::new(TestTime))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
}

pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[derive(Debug)]
pub(crate) struct TestTime;

impl rustls::time_provider::TimeProvider for TestTime {
    fn current_time(&self) -> Option<rustls_pki_types::UnixTime> {
        let seconds = u64::try_from(now().as_second()).unwrap();
        Some(rustls_pki_types::UnixTime::since_unix_epoch(
            Duration::from_secs(seconds),
        ))
    }
}

pub(crate) fn key_of(issued: &Issued) -> rustls_pki_types::PrivateKeyDer<'static> {
    rustls_pki_types::PrivatePkcs8KeyDer::from(issued.key_der()).into()
}

/// A connected client; `local` is how the log knows it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) tls: tokio_rustls::client::TlsStream<TcpStream>,
    pub(crate) local: SocketAddr,
}

/// Connects and proves with an echo that the server accepted: in TLS 1.3 a client's own
/// handshake ends before the server has judged its certificate.
pub(crate) async fn connect_over(
    tcp: TcpStream,
    config: Arc<ClientConfig>,
) -> Result<Client, String> {
    let local = tcp.local_addr().unwrap();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let connecting = async {
        let tls = tokio_rustls::TlsConnector::from(config)
            .connect(name, tcp)
            .await
            .map_err(|e| e.to_string())?;
        let mut client = Client { tls, local };
        client.echo().await.map_err(|e| e.to_string())?;
        Ok(client)
    };
    tokio::time::timeout(PATIENCE, connecting)
        .await
        .expect("neither accepted nor refused")
}

impl Client {
    /// More bytes than the HTTP/2 preface, so that they count as a first frame.
    pub(crate) async fn echo(&mut self) -> io::Result<()> {
        let sent = [7_u8; 32];
        self.tls.write_all(&sent).await?;
        let mut back = [0_u8; 32];
        self.tls.read_exact(&mut back).await?;
        assert_eq!(sent, back);
        Ok(())
    }

    /// Waits until the server ends it.
    pub(crate) async fn ended(&mut self) {
        let mut byte = [0_u8; 1];
        let read = tokio::time::timeout(PATIENCE, self.tls.read(&mut byte)).await;
        let outcome = read.expect("the connection still lives");
        assert!(matches!(outcome, Ok(0) | Err(_)), "{outcome:?}");
    }
}

async fn echo(
    mut accepted: mpsc::Receiver<entente::listener::GatewayIo>,
    seen: mpsc::Sender<Arc<Peer>>,
) {
    while let Some(mut io) = accepted.recv().await {
        let _full = seen.try_send(Arc::clone(io.peer()));
        tokio::spawn(async move {
            let mut buffer = [0_u8; 1024];
            while let Ok(read @ 1..) = io.read(&mut buffer).await {
                if io.write_all(&buffer[..read]).await.is_err() || io.flush().await.is_err() {
                    break;
                }
            }
        });
    }
}

pub(crate) fn sources(folder: &Path, nation: &str) -> NationSources {
    NationSources {
        code: code(nation),
        domain: domain(nation),
        anchors: vec![folder.join(format!("{nation}.pem"))],
        revocation_lists: vec![folder.join(format!("{nation}.crl"))],
        allow_development_anchors: true,
        terms: Terms::default(),
    }
}

pub(crate) fn nation(name: &str, connections_max: u32) -> Nation {
    Nation {
        code: code(name),
        name: name.to_owned(),
        domain: domain(name),
        clearance: Level::Unclassified,
        special: Vec::new(),
        default_rights: Rights::default(),
        systems: std::collections::BTreeMap::new(),
        vouches_for: Default::default(),
        limits: Limits {
            connections_max,
            nation_reports_per_s: 1,
            system_reports_per_s: 1,
            nation_bytes_per_s: 1,
            system_bytes_per_s: 1,
            system_in_flight_max: 1,
            quarantine_reports_max: 1,
            quarantine_bytes_max: 1,
        },
    }
}

pub(crate) fn write_pair(folder: &Path, stem: &str, issued: &Issued) {
    write(&folder.join(format!("{stem}.pem")), issued.chain_pem());
    let key = folder.join(format!("{stem}.key"));
    write(&key, &issued.key_pem());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Replaces a file as an operator's tools do: a new file under the old name.
pub(crate) fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}
