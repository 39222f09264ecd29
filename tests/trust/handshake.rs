//! Cases 24 and 27 to 35: handshakes, over real TCP and TLS. Each refusal must reach the peer
//! as an alert and the operator as one line with the reason.

use super::support::*;
use entente::listener::Settings;
use entente::pki::Fault;
use entente::trust::connect;
use rustls::client::ResolvesClientCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const SHORT: Duration = Duration::from_millis(200);

/// What the peer is told when its certificate has this fault, and what is logged.
async fn refused(gateway: &Gateway, fault: Fault, alert: &str, code: &str) {
    let mut lines = log();
    let issued = gateway.gbr.issue(&faulty("GBR", fault)).unwrap();
    let told = gateway.connect(&issued).await.unwrap_err();
    assert!(told.contains(alert), "{code}: {told}");
    let serial: String = issued.serial().iter().map(|b| format!("{b:02x}")).collect();
    let quoted = format!("code=\"{code}\"");
    let line = logged(&mut lines, &["connection refused", &serial, &quoted]).await;
    assert!(line.contains("reason="), "{line}");
}

#[tokio::test]
async fn every_fault_of_a_certificate_is_told_to_the_peer_and_to_the_operator() {
    let gateway = Gateway::start(settings()).await;
    for (fault, alert, code) in [
        (Fault::Expired, "CertificateExpired", "expired"),
        (Fault::NotYetValid, "CertificateExpired", "not_yet_valid"),
        (Fault::NoUri, "AccessDenied", "no_uri"),
        (
            Fault::SecondUri(uri("FRA", "x")),
            "AccessDenied",
            "several_uris",
        ),
        (
            Fault::OddUri("spiffe://GBR.x/y".into()),
            "AccessDenied",
            "odd_uri",
        ),
        (
            Fault::OddUri("spiffe://xyz.example/y".into()),
            "AccessDenied",
            "unknown_domain",
        ),
        (
            Fault::NoPurpose,
            "UnsupportedCertificate",
            "not_for_clients",
        ),
        (Fault::AnyPurpose, "UnsupportedCertificate", "any_usage"),
        (
            Fault::ServerOnly,
            "UnsupportedCertificate",
            "not_for_clients",
        ),
        (
            Fault::Authority,
            "UnsupportedCertificate",
            "authority_as_leaf",
        ),
        (Fault::MaySign, "UnsupportedCertificate", "leaf_may_sign"),
        (Fault::SerialLong, "AccessDenied", "odd_serial"),
        (Fault::LongLived, "AccessDenied", "long_lived"),
        (Fault::ForeignCurve, "AccessDenied", "weak_key"),
    ] {
        refused(&gateway, fault, alert, code).await;
    }
    assert_eq!(gateway.connections.total(), 0);
    // After all of that, a sound one still comes in.
    let good = gateway.gbr.issue(&sound("GBR")).unwrap();
    let _client = gateway.connect(&good).await.unwrap();
    assert_eq!(gateway.connections.count(code("GBR")), 1);
}

#[tokio::test]
async fn case_1_another_nations_authority_is_an_unknown_one() {
    let gateway = Gateway::start(settings()).await;
    let mut lines = log();
    let forged = gateway.fra.issue(&sound("GBR")).unwrap();
    let told = gateway.connect(&forged).await.unwrap_err();
    assert!(told.contains("UnknownCA"), "{told}");
    let claimed = format!("claimed=\"{}\"", uri("GBR", "unit-1"));
    logged(
        &mut lines,
        &[
            "unknown_issuer",
            &claimed,
            "not issued by an authority of GBR",
        ],
    )
    .await;
}

#[tokio::test]
async fn case_24_a_client_revoked_between_two_connections_cannot_resume() {
    let gateway = Gateway::start(settings()).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    // One configuration for both connections, with rustls' own resumption left on.
    let config = gateway.client(&issued);
    let client = gateway.connect_with(Arc::clone(&config)).await.unwrap();
    let (_, session) = client.tls.get_ref();
    assert_eq!(session.tls13_tickets_received(), 0);
    let again = gateway.connect_with(Arc::clone(&config)).await.unwrap();
    let (_, session) = again.tls.get_ref();
    assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
    gateway.write("GBR.crl", &list(&gateway.gbr, 2, &[issued.serial()]));
    gateway.trust.reload_if_changed().unwrap();
    let told = gateway.connect_with(config).await.unwrap_err();
    assert!(told.contains("CertificateRevoked"), "{told}");
}

#[tokio::test]
async fn case_27_a_silent_connection_is_closed_at_the_deadline() {
    let gateway = Gateway::start(Settings {
        handshake_deadline: SHORT,
        ..settings()
    })
    .await;
    let mut lines = log();
    let mut tcp = TcpStream::connect(gateway.address).await.unwrap();
    let local = format!("peer={}", tcp.local_addr().unwrap());
    let mut byte = [0];
    let read = tokio::time::timeout(PATIENCE, tcp.read(&mut byte))
        .await
        .unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    logged(&mut lines, &[&local, "handshake_deadline"]).await;
}

#[tokio::test]
async fn case_28_a_byte_at_a_time_does_not_stretch_the_deadline() {
    let gateway = Gateway::start(Settings {
        handshake_deadline: SHORT,
        ..settings()
    })
    .await;
    let mut lines = log();
    let mut tcp = TcpStream::connect(gateway.address).await.unwrap();
    let local = format!("peer={}", tcp.local_addr().unwrap());
    // The head of a ClientHello of 512 bytes, then one byte every 20 ms: 10 s for all of it.
    let mut hello = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc];
    hello.resize(517, 0);
    let dripping = async {
        for byte in hello {
            if tcp.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("all of it was taken");
    };
    tokio::time::timeout(Duration::from_secs(5), dripping)
        .await
        .expect("still open");
    logged(&mut lines, &[&local, "handshake_deadline"]).await;
}

#[tokio::test]
async fn case_29_no_certificate_no_entry() {
    let gateway = Gateway::start(settings()).await;
    let mut lines = log();
    let mut config = client_builder(&gateway.gateway).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let told = gateway.connect_with(Arc::new(config)).await.unwrap_err();
    assert!(told.contains("CertificateRequired"), "{told}");
    logged(&mut lines, &["code=\"no_certificate\""]).await;
}

/// Sends raw bytes and returns what comes back until the end.
async fn answer_to(gateway: &Gateway, bytes: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(gateway.address).await.unwrap();
    tcp.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let reading = tcp.read_to_end(&mut answer);
    // A reset after the alert is an end, too.
    let _ended = tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("still open");
    answer
}

/// A ClientHello without supported_versions, so of TLS 1.2 at most; `extensions` are raw.
#[expect(clippy::big_endian_bytes, reason = "the order of bytes on the wire")]
fn hello_tls12(extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.
    body.extend([0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut hello = vec![1, 0];
    hello.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    hello.extend(body);
    let mut record = vec![0x16, 3, 1];
    record.extend(u16::try_from(hello.len()).unwrap().to_be_bytes());
    record.extend(hello);
    record
}

#[tokio::test]
async fn case_30_tls_1_2_is_refused_with_its_alert() {
    let gateway = Gateway::start(settings()).await;
    let mut lines = log();
    let signature_algorithms = [0, 13, 0, 4, 0, 2, 4, 3];
    let groups = [0, 10, 0, 4, 0, 2, 0, 23];
    let alpn = [0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
    let extensions = [&signature_algorithms[..], &groups, &alpn].concat();
    let answer = answer_to(&gateway, &hello_tls12(&extensions)).await;
    // Alert, fatal, protocol_version.
    assert_eq!(&answer[..7], [0x15, 3, 3, 0, 2, 2, 70]);
    logged(&mut lines, &["connection refused", "code=\"tls\""]).await;
}

#[tokio::test]
async fn case_31_a_foreign_group_or_suite_finds_no_common_ground() {
    let gateway = Gateway::start(settings()).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let mut foreign = rustls::crypto::aws_lc_rs::default_provider();
    foreign.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::MLKEM1024];
    let mut roots = rustls::RootCertStore::empty();
    roots.add(gateway.gateway.certificate().clone()).unwrap();
    let mut config =
        rustls::ClientConfig::builder_with_details(Arc::new(foreign), Arc::new(TestTime))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(issued.chain().to_vec(), key_of(&issued))
            .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let told = gateway.connect_with(Arc::new(config)).await.unwrap_err();
    assert!(told.contains("HandshakeFailure"), "{told}");
}

#[tokio::test]
async fn the_hybrid_group_is_what_a_client_of_today_gets() {
    let gateway = Gateway::start(settings()).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let client = gateway.connect(&issued).await.unwrap();
    let (_, session) = client.tls.get_ref();
    let group = session.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    assert_eq!(
        session.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
}

#[tokio::test]
async fn case_32_without_h2_there_is_nothing_to_talk_about() {
    let gateway = Gateway::start(settings()).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    for offered in [vec![], vec![b"http/1.1".to_vec()]] {
        let mut config = (*gateway.client(&issued)).clone();
        config.alpn_protocols = offered;
        let told = gateway.connect_with(Arc::new(config)).await.unwrap_err();
        assert!(told.contains("NoApplicationProtocol"), "{told}");
    }
}

#[tokio::test]
async fn case_32_a_wrong_server_name_is_found_by_the_client_and_logged_as_its_refusal() {
    let gateway = Gateway::start(settings()).await;
    let mut lines = log();
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let tcp = TcpStream::connect(gateway.address).await.unwrap();
    let name = rustls_pki_types::ServerName::try_from("another.example").unwrap();
    let connector = tokio_rustls::TlsConnector::from(gateway.client(&issued));
    let told = connector.connect(name, tcp).await.unwrap_err().to_string();
    assert!(told.contains("not valid for name"), "{told}");
    logged(&mut lines, &["connection refused", "peer_refused"]).await;
    assert_eq!(gateway.connections.total(), 0);
}

#[tokio::test]
async fn case_33_there_is_never_early_data() {
    let gateway = Gateway::start(settings()).await;
    let server = gateway.trust.server_config().unwrap();
    assert_eq!(server.max_early_data_size, 0);
    assert_eq!(server.send_tls13_tickets, 0);
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let mut config = (*gateway.client(&issued)).clone();
    config.enable_early_data = true;
    let config = Arc::new(config);
    for _ in 0..2 {
        let client = gateway.connect_with(Arc::clone(&config)).await.unwrap();
        assert!(!client.tls.get_ref().1.is_early_data_accepted());
    }
}

#[tokio::test]
async fn case_34_a_stolen_certificate_is_worth_nothing_without_its_key() {
    let gateway = Gateway::start(settings()).await;
    let stolen = gateway.gbr.issue(&sound("GBR")).unwrap();
    let own = gateway.gbr.issue(&sound("GBR")).unwrap();
    let key = provider()
        .key_provider
        .load_private_key(key_of(&own))
        .unwrap();
    let certified = CertifiedKey::new(stolen.chain().to_vec(), key);
    let resolver: Arc<dyn ResolvesClientCert> = Arc::new(SingleCertAndKey::from(certified));
    let mut config = client_builder(&gateway.gateway).with_client_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let told = gateway.connect_with(Arc::new(config)).await.unwrap_err();
    assert!(told.contains("DecryptError"), "{told}");
    assert_eq!(gateway.connections.total(), 0);
}

#[tokio::test]
async fn case_35_a_flood_from_one_address_leaves_room_for_others() {
    let mut gateway = Gateway::start(Settings {
        handshakes_max: 8,
        handshakes_per_source_max: 2,
        ..settings()
    })
    .await;
    // Two silent connections take the address' whole share; further ones are dropped at once.
    let first = TcpStream::connect(gateway.address).await.unwrap();
    let second = TcpStream::connect(gateway.address).await.unwrap();
    for _ in 0..20 {
        let mut third = TcpStream::connect(gateway.address).await.unwrap();
        let mut byte = [0];
        let read = tokio::time::timeout(PATIENCE, third.read(&mut byte))
            .await
            .unwrap();
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let other = socket.connect(gateway.address).await.unwrap();
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let _client = connect_over(other, gateway.client(&issued)).await.unwrap();
    let peer = gateway.peers.recv().await.unwrap();
    assert_eq!(peer.identity().identity.to_string(), "GBR/unit-1");
    assert_eq!(peer.address().ip().to_string(), "127.0.0.2");
    drop((first, second));
}

/// A connection from another address of this machine, which is closed when this returns.
async fn silent_until_closed(mut tcp: TcpStream) {
    let mut byte = [0];
    let read = tokio::time::timeout(PATIENCE, tcp.read(&mut byte)).await;
    let read = read.expect("still open");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

async fn dial_from(address: &str, gateway: &Gateway) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address.parse().unwrap()).unwrap();
    socket.connect(gateway.address).await.unwrap()
}

#[tokio::test]
async fn case_35_who_comes_from_the_address_of_a_flood_is_not_locked_out() {
    let gateway = Gateway::start(Settings {
        handshakes_per_source_max: 2,
        ..settings()
    })
    .await;
    let mut lines = log();
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let first = TcpStream::connect(gateway.address).await.unwrap();
    let silent = format!("peer={}", first.local_addr().unwrap());
    let second = TcpStream::connect(gateway.address).await.unwrap();
    // Both are in once a third is dropped.
    silent_until_closed(TcpStream::connect(gateway.address).await.unwrap()).await;
    // They have had their time; a system of the same nation comes back from the same address.
    gateway.clock.advance(Duration::from_secs(1));
    let mut client = gateway.connect(&issued).await.unwrap();
    silent_until_closed(first).await;
    logged(&mut lines, &[&silent, "gave_way"]).await;
    // Whoever is in stays in, whatever becomes of handshakes.
    gateway.clock.advance(Duration::from_secs(1));
    let _again = gateway.connect(&issued).await.unwrap();
    client.echo().await.unwrap();
    drop(second);
}

#[tokio::test]
async fn case_35_one_address_cannot_use_up_what_is_there_for_all() {
    let gateway = Gateway::start(Settings {
        handshakes_max: 4,
        handshakes_per_source_max: 4,
        ..settings()
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(dial_from("127.0.0.2:0", &gateway).await);
    }
    // All places are taken by one; its fifth is dropped.
    silent_until_closed(dial_from("127.0.0.2:0", &gateway).await).await;
    // Two silent ones from elsewhere take the places of its oldest two, at once.
    let mut others = Vec::new();
    for number in [3, 4] {
        others.push(dial_from(&format!("127.0.0.{number}:0"), &gateway).await);
        silent_until_closed(held.remove(0)).await;
    }
    // And so does one who comes in.
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let tcp = dial_from("127.0.0.5:0", &gateway).await;
    let _client = connect_over(tcp, gateway.client(&issued)).await.unwrap();
    silent_until_closed(held.remove(0)).await;
}

#[tokio::test]
async fn case_35_one_address_has_its_pace_and_others_do_not_wait_for_it() {
    let gateway = Gateway::start(Settings {
        handshakes_per_source_per_second_max: 1,
        ..settings()
    })
    .await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    // Three have come before it: it is its turn in 2.9 s, for the gateway's clock stands.
    let mut before = Vec::new();
    for _ in 0..3 {
        before.push(TcpStream::connect(gateway.address).await.unwrap());
    }
    let order = std::sync::Mutex::new(Vec::new());
    let one = async {
        let client = gateway.connect(&issued).await;
        order.lock().unwrap().push("the one");
        client
    };
    let other = async {
        let tcp = dial_from("127.0.0.2:0", &gateway).await;
        let client = connect_over(tcp, gateway.client(&issued)).await;
        order.lock().unwrap().push("the other");
        client
    };
    let (one, other) = tokio::join!(one, other);
    assert_eq!(*order.lock().unwrap(), ["the other", "the one"]);
    one.unwrap().echo().await.unwrap();
    other.unwrap();
}

#[tokio::test]
async fn a_refused_client_can_say_in_plain_words_why() {
    let gateway = Gateway::start(settings()).await;
    for (fault, words) in [
        (Fault::Expired, "compare its dates with both clocks"),
        (
            Fault::ServerOnly,
            "extended key usage client authentication",
        ),
        (Fault::NoUri, "exactly one URI"),
    ] {
        let issued = gateway.gbr.issue(&faulty("GBR", fault)).unwrap();
        let tcp = TcpStream::connect(gateway.address).await.unwrap();
        let error = connect(gateway.client(&issued), "localhost", tcp)
            .await
            .unwrap_err();
        let explained = error.to_string();
        assert!(explained.contains(words), "{explained}");
    }
    // Nor does a client hide that it is the one who refuses.
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let tcp = TcpStream::connect(gateway.address).await.unwrap();
    let error = connect(gateway.client(&issued), "another.example", tcp)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("does not accept the gateway's certificate"),
        "{error}"
    );
    let unrelated = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    assert_eq!(entente::trust::explain(&unrelated), None);
}

#[tokio::test]
async fn bytes_that_are_no_tls_are_refused() {
    let gateway = Gateway::start(settings()).await;
    let mut lines = log();
    let answer = answer_to(&gateway, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(answer.first(), Some(&0x15), "an alert, not {answer:?}");
    logged(&mut lines, &["connection refused", "code=\"tls\""]).await;
}
