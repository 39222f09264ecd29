//! Attacks at the door of the real process: cases 21, 22, 24, 25 and 27 to 35. What the listener
//! and the verifier make of each in detail stands in `tests/trust.rs`.

use crate::handshake::{authority, endpoint, logged, now, refusal, replace, system};
use crate::raw::{Neighbour, PATIENCE, PREFACE, SETTINGS, frame};
use crate::support::Site;
use crate::trust::{operate, started, stream};
use entente::pki::{Authority, AuthoritySpec, Issued};
use jiff::SignedDuration;
use rustls::ClientConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

const LIST: &str = "certs-dev/GBR/authority.crl.pem";

fn gbr(site: &Site) -> Issued {
    authority(site, "GBR").issue(&system("GBR")).unwrap()
}

/// Shakes hands over this connection and begins HTTP/2; gives the connection when the gateway has
/// begun too, or the reason why not.
async fn enter(
    tcp: TcpStream,
    config: Arc<ClientConfig>,
    name: &str,
) -> Result<TlsStream<TcpStream>, String> {
    let name = rustls_pki_types::ServerName::try_from(name.to_owned()).unwrap();
    let connector = tokio_rustls::TlsConnector::from(config);
    let entering = async {
        let mut tls = connector.connect(name, tcp).await?;
        let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        tls.write_all(&hello).await?;
        tls.read_exact(&mut [0; 9]).await?;
        Ok(tls)
    };
    let entered: std::io::Result<_> = tokio::time::timeout(PATIENCE, entering).await.unwrap();
    entered.map_err(|error| format!("{error:?}"))
}

async fn dial(site: &Site) -> TcpStream {
    TcpStream::connect(&site.address).await.unwrap()
}

async fn dial_from(site: &Site, address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address.parse().unwrap()).unwrap();
    socket.connect(site.address.parse().unwrap()).await.unwrap()
}

/// The address of this end, as the log shows it.
fn peer(tcp: &TcpStream) -> String {
    format!("\"{}\"", tcp.local_addr().unwrap())
}

fn code(code: &str) -> String {
    format!("\"code\":\"{code}\"")
}

/// Waits until the gateway has closed a connection that says nothing.
async fn silent_until_closed(mut tcp: TcpStream) {
    let read = tokio::time::timeout(PATIENCE, tcp.read(&mut [0; 64])).await;
    let read = read.expect("still open");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

/// A foreign client: what `openssl s_client` says, connected as a good system but for this.
fn s_client(site: &Site, difference: &[&str]) -> String {
    let system = "certs-dev/GBR/uav-cell-4";
    let output = Command::new("openssl")
        .current_dir(site.path(""))
        .args([
            "s_client",
            "-connect",
            &site.address,
            "-servername",
            "localhost",
        ])
        .args([
            "-cert",
            &format!("{system}.pem"),
            "-key",
            &format!("{system}.key"),
        ])
        .args(["-CAfile", "certs-dev/gateway/authority.pem"])
        .args(difference)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// A client that trusts the gateway; the caller decides how it authenticates.
fn builder(site: &Site) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let authority = site.path("certs-dev/gateway/authority.pem");
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(authority).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_29_to_32_and_34_are_refused_by_the_real_process() {
    let site = started(Site::new(""));
    let mut neighbour = Neighbour::connect(&site).await;
    let good = gbr(&site);
    let config = endpoint(&site, &good).tls;
    // 29: no certificate. 34: a certificate without its key.
    let other = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(other.key_pem().as_bytes()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let stolen = CertifiedKey::new(good.chain().to_vec(), key);
    let stolen = Arc::new(SingleCertAndKey::from(stolen));
    for (mut config, alert, words) in [
        (
            builder(&site).with_no_client_auth(),
            "CertificateRequired",
            "no_certificate",
        ),
        (
            builder(&site).with_client_cert_resolver(stolen),
            "DecryptError",
            "tls",
        ),
    ] {
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tcp = dial(&site).await;
        let me = peer(&tcp);
        let told = enter(tcp, Arc::new(config), "localhost").await.unwrap_err();
        assert!(told.contains(alert), "{told}");
        logged(&site, &["connection refused", &me, &code(words)]).await;
    }
    // 32: the client finds that the gateway is not whom it wanted, and says so.
    let tcp = dial(&site).await;
    let me = peer(&tcp);
    let entered = enter(tcp, Arc::clone(&config), "another.example").await;
    let told = entered.unwrap_err();
    assert!(told.contains("NotValidForName"), "{told}");
    let words = "it asked for `another.example`, a name that the gateway's certificate";
    logged(
        &site,
        &["connection refused", &me, &code("peer_refused"), words],
    )
    .await;
    neighbour.is_well().await;
    // 30, 31, 32: another version, group, suite or protocol, by a client that is not ours.
    let h2 = ["-alpn", "h2"];
    let differences: [(&[&str], &str, &str); 4] = [
        (
            &["-tls1_2"],
            "alert protocol version",
            "does not offer TLS 1.3",
        ),
        (
            &["-groups", "secp521r1"],
            "alert handshake failure",
            "no key exchange group that is taken here",
        ),
        (
            &["-ciphersuites", "TLS_AES_128_CCM_SHA256"],
            "alert handshake failure",
            "no cipher suite that is taken here",
        ),
        (
            &["-alpn", "http/1.1"],
            "alert no application protocol",
            "no_h2",
        ),
    ];
    for (difference, alert, reason) in differences {
        let told = s_client(&site, &[&h2, difference].concat());
        assert!(told.contains(alert), "{difference:?}: {told}");
        logged(&site, &["connection refused", reason]).await;
    }
    assert!(s_client(&site, &h2).contains("ALPN protocol: h2"));
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_24_and_33_nobody_resumes_past_a_list_in_the_real_process() {
    let site = started(Site::new(""));
    let mut neighbour = Neighbour::connect(&site).await;
    let good = gbr(&site);
    // No early data and no tickets, so no way around a list that came meanwhile.
    let mut eager = (*endpoint(&site, &good).tls).clone();
    eager.enable_early_data = true;
    let eager = Arc::new(eager);
    for _ in 0..2 {
        let tls = enter(dial(&site).await, Arc::clone(&eager), "localhost").await;
        let tls = tls.unwrap();
        let session = tls.get_ref().1;
        assert!(!session.is_early_data_accepted());
        assert_eq!(session.tls13_tickets_received(), 0);
        assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
    replace(
        &site,
        LIST,
        &crate::trust::gbr_list(&site, 2, &[good.serial()]),
    );
    logged(&site, &["trust was reloaded", "file watch"]).await;
    let told = enter(dial(&site).await, eager, "localhost")
        .await
        .unwrap_err();
    assert!(told.contains("CertificateRevoked"), "{told}");
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_27_28_and_35_slow_and_silent_peers_do_not_keep_the_door_of_the_real_process() {
    let mut site = Site::new("");
    site.start(&[
        ("ENTENTE__LISTENER__HANDSHAKE_DEADLINE", "1s"),
        ("ENTENTE__LISTENER__HANDSHAKES_MAX", "8"),
        ("ENTENTE__LISTENER__HANDSHAKES_PER_SOURCE_MAX", "4"),
    ]);
    let mut neighbour = Neighbour::connect(&site).await;
    // 27: silence. 28: a byte every 20 ms, 10 s for the whole of a ClientHello.
    let silent = dial(&site).await;
    let drip = dial(&site).await;
    let (of_silent, of_drip) = (peer(&silent), peer(&drip));
    let mut hello = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc];
    hello.resize(517, 0);
    let (mut back, mut out) = drip.into_split();
    let dripping = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        for byte in hello {
            tick.tick().await;
            if out.write_all(&[byte]).await.is_err() {
                return;
            }
        }
    };
    let ended = async {
        // An alert may come first; then the end.
        while let Ok(1..) = back.read(&mut [0; 64]).await {}
    };
    let both = async {
        tokio::select! { () = dripping => panic!("all was taken"), () = ended => {} }
    };
    tokio::time::timeout(PATIENCE, both)
        .await
        .expect("still open");
    silent_until_closed(silent).await;
    for me in [of_silent, of_drip] {
        logged(
            &site,
            &["connection refused", &me, &code("handshake_deadline")],
        )
        .await;
    }
    // 35: one address takes its share and no more; another comes in meanwhile.
    let mut flood = Vec::new();
    for _ in 0..40 {
        flood.push(dial_from(&site, "127.0.0.2:0").await);
    }
    let fra = site.endpoint("FRA/poste-12").tls;
    let entered = enter(dial(&site).await, fra, "localhost").await;
    assert!(entered.is_ok(), "{entered:?}");
    neighbour.is_well().await;
    for tcp in flood {
        silent_until_closed(tcp).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_21_and_25_authorities_of_one_name_come_and_go_in_the_real_process() {
    let site = started(Site::new(""));
    let old = authority(&site, "GBR");
    let name = AuthoritySpec::new("GBR authority (development)", now(), 90);
    let new = Authority::root(&name).unwrap();
    let subject = |of: &Authority| {
        let (_, parsed) = x509_parser::parse_x509_certificate(of.certificate()).unwrap();
        parsed.subject().to_string()
    };
    assert_eq!(subject(&old), subject(&new));
    let until = now() + SignedDuration::from_hours(24 * 30);
    let list = |of: &Authority, number, serials: &[&[u8]]| {
        of.revocation_list(number, now(), until, serials).unwrap()
    };
    let issue = |of: &Authority| of.issue(&system("GBR")).unwrap();
    let (of_old, of_new, revoked) = (issue(&old), issue(&new), issue(&new));
    let both = [old.certificate_pem(), new.certificate_pem()].concat();
    replace(&site, "certs-dev/GBR/authority.pem", &both);
    let lists = list(&old, 2, &[]) + &list(&new, 1, &[revoked.serial()]);
    replace(&site, LIST, &lists);
    let mut look = tokio::time::interval(Duration::from_millis(100));
    while endpoint(&site, &of_new).who_am_i().await.is_err() {
        look.tick().await;
    }
    let told = refusal(&site, &revoked).await;
    assert!(told.contains("CertificateRevoked"), "{told}");
    let mut live_old = stream(&site, &of_old, "old-1").await;
    let mut live_new = stream(&site, &of_new, "new-1").await;
    let mut neighbour = Neighbour::connect(&site).await;
    // The old one goes: exactly its systems with it.
    replace(&site, "certs-dev/GBR/authority.pem", new.certificate_pem());
    replace(&site, LIST, &list(&new, 2, &[revoked.serial()]));
    let cut = tokio::time::timeout(PATIENCE, live_old.message()).await;
    let status = cut.unwrap().unwrap_err();
    assert!(status.message().contains("GBR"), "{status:?}");
    assert!(refusal(&site, &of_old).await.contains("UnknownCA"));
    endpoint(&site, &of_new).who_am_i().await.unwrap();
    neighbour.is_well().await;
    // And the nation: all of them.
    std::fs::remove_file(site.path("config/nations/GBR.toml")).unwrap();
    let cut = tokio::time::timeout(PATIENCE, live_new.message()).await;
    assert!(cut.unwrap().is_err());
    neighbour.is_well().await;
}

/// A record of TLS, with its head.
async fn record(tcp: &mut TcpStream) -> Vec<u8> {
    let mut record = vec![0; 5];
    tcp.read_exact(&mut record).await.unwrap();
    let length = usize::from(record[3]) << 8 | usize::from(record[4]);
    record.resize(5 + length, 0);
    tcp.read_exact(&mut record[5..]).await.unwrap();
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn case_22_whoever_is_revoked_or_suspended_on_the_way_in_stays_out_of_the_real_process() {
    let site = Arc::new(started(Site::new("")));
    let (first, second) = (gbr(&site), gbr(&site));
    let config = endpoint(&site, &first).tls;
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(config, name).unwrap();
    let mut tcp = dial(&site).await;
    let me = peer(&tcp);
    let mut flight = Vec::new();
    session.write_tls(&mut flight).unwrap();
    tcp.write_all(&flight).await.unwrap();
    // The gateway has answered, and works with the trust of this moment; our certificate is
    // sent only after it has been revoked.
    while session.is_handshaking() {
        let bytes = record(&mut tcp).await;
        session.read_tls(&mut bytes.as_slice()).unwrap();
        session.process_new_packets().unwrap();
    }
    replace(
        &site,
        LIST,
        &crate::trust::gbr_list(&site, 2, &[first.serial()]),
    );
    logged(&site, &["trust was reloaded", "file watch"]).await;
    let mut flight = Vec::new();
    session.write_tls(&mut flight).unwrap();
    tcp.write_all(&flight).await.unwrap();
    logged(&site, &["connection refused", &me, &code("revoked")]).await;
    // A nation is suspended while its systems come in, again and again: nobody is left in.
    let mut neighbour = Neighbour::connect(&site).await;
    for _ in 0..5 {
        let config = endpoint(&site, &second).tls;
        let there = Arc::clone(&site);
        let suspending = tokio::task::spawn_blocking(move || {
            operate(&there, &["suspend", "GBR", "--reason", "exercise"])
        });
        let mut inside = Vec::new();
        while !suspending.is_finished() {
            inside.extend(enter(dial(&site).await, Arc::clone(&config), "localhost").await);
        }
        let suspended = suspending.await.unwrap();
        assert_eq!(suspended.0, Some(0), "{}", suspended.2);
        for mut tls in inside {
            // What still comes is the reason; then the end.
            while let Ok(1..) = tokio::time::timeout(PATIENCE, tls.read(&mut [0; 512]))
                .await
                .unwrap()
            {}
        }
        let told = enter(dial(&site).await, config, "localhost")
            .await
            .unwrap_err();
        assert!(told.contains("AccessDenied"), "{told}");
        neighbour.is_well().await;
        let resumed = operate(&site, &["resume", "GBR"]);
        assert_eq!(resumed.0, Some(0), "{}", resumed.2);
    }
}
