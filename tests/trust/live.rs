//! Live connections: cut when no longer believed, capped, drained; the others untouched.

use super::support::*;
use entente::listener::{EndKind, Settings};
use entente::pki::LeafSpec;
use entente::trust::{Reloaded, TrustStateError};
use jiff::SignedDuration;
use std::io::Read;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn case_23_a_revoked_system_is_cut_and_nobody_else() {
    let mut gateway = Gateway::start(settings()).await;
    let bad = gateway.gbr.issue(&sound("GBR")).unwrap();
    let good = gateway.gbr.issue(&sound("GBR")).unwrap();
    let french = gateway.fra.issue(&sound("FRA")).unwrap();
    let mut cut = gateway.connect(&bad).await.unwrap();
    let peer = gateway.peers.recv().await.unwrap();
    let mut neighbour = gateway.connect(&good).await.unwrap();
    let mut stranger = gateway.connect(&french).await.unwrap();
    assert_eq!(gateway.trust.reload_if_changed(), Ok(Reloaded::Unchanged));

    gateway.write("GBR.crl", &list(&gateway.gbr, 2, &[bad.serial()]));
    assert_eq!(
        gateway.trust.reload_if_changed(),
        Ok(Reloaded::Changed { epoch: 2 })
    );
    assert_eq!(gateway.connections.recheck(&gateway.trust), 1);
    assert!(peer.cut().await.reason.contains("revoked by GBR"));
    cut.ended().await;
    neighbour.echo().await.unwrap();
    stranger.echo().await.unwrap();
    let told = gateway.connect(&bad).await.unwrap_err();
    assert!(told.contains("CertificateRevoked"), "{told}");
}

/// Reads one TLS record.
async fn record(tcp: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 5];
    tcp.read_exact(&mut bytes).await.unwrap();
    let length = usize::from(bytes[3]) << 8 | usize::from(bytes[4]);
    bytes.resize(5 + length, 0);
    tcp.read_exact(&mut bytes[5..]).await.unwrap();
    bytes
}

#[tokio::test]
async fn case_22_a_certificate_revoked_while_hands_are_shaken_is_refused() {
    let gateway = Gateway::start(settings()).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(gateway.client(&issued), name).unwrap();
    let mut tcp = TcpStream::connect(gateway.address).await.unwrap();
    let mut flight = Vec::new();
    session.write_tls(&mut flight).unwrap();
    tcp.write_all(&flight).await.unwrap();
    // The gateway has answered: from now on it holds the trust of this moment for TLS.
    while session.is_handshaking() {
        let bytes = record(&mut tcp).await;
        session.read_tls(&mut bytes.as_slice()).unwrap();
        session.process_new_packets().unwrap();
    }
    gateway.write("GBR.crl", &list(&gateway.gbr, 2, &[issued.serial()]));
    gateway.trust.reload_if_changed().unwrap();
    let mut lines = log();
    let mut flight = Vec::new();
    session.write_tls(&mut flight).unwrap();
    tcp.write_all(&flight).await.unwrap();
    let mut told = Vec::new();
    while told.len() < 20 {
        let bytes = record(&mut tcp).await;
        session.read_tls(&mut bytes.as_slice()).unwrap();
        session.process_new_packets().unwrap();
        let mut buffer = [0; 512];
        if let Ok(read) = session.reader().read(&mut buffer) {
            told.extend_from_slice(&buffer[..read]);
        }
    }
    let text = String::from_utf8_lossy(&told);
    assert!(text.contains("revoked by GBR"), "{text}");
    logged(&mut lines, &["connection refused", "code=\"revoked\""]).await;
    assert_eq!(gateway.connections.total(), 0);
}

#[tokio::test]
async fn what_is_being_ended_can_still_write_its_reason_but_reads_nothing_more() {
    let mut gateway = Gateway::start(settings()).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let mut client = gateway.connect(&issued).await.unwrap();
    let peer = gateway.peers.recv().await.unwrap();
    peer.end(EndKind::Closing, "for a reason");
    peer.end(EndKind::Distrust, "a later reason does not count");
    assert_eq!(peer.reason(), Some("for a reason"));
    client.tls.write_all(&[7; 32]).await.unwrap();
    let mut back = Vec::new();
    let _ended = tokio::time::timeout(PATIENCE, client.tls.read_to_end(&mut back))
        .await
        .unwrap();
    assert!(
        back.is_empty(),
        "nothing that came after the end may be served"
    );
    let ending = peer.cut().await;
    assert_eq!(
        (ending.kind, ending.reason.as_str()),
        (EndKind::Closing, "for a reason")
    );
}

#[tokio::test]
async fn case_25_a_withdrawn_anchor_cuts_exactly_its_systems() {
    let gateway = Gateway::start(settings()).await;
    let successor = root("GBR");
    let both = format!(
        "{}{}",
        gateway.gbr.certificate_pem(),
        successor.certificate_pem()
    );
    let lists = format!("{}{}", list(&gateway.gbr, 1, &[]), list(&successor, 1, &[]));
    gateway.write("GBR.pem", &both);
    gateway.write("GBR.crl", &lists);
    assert_eq!(
        gateway.trust.reload_if_changed(),
        Ok(Reloaded::Changed { epoch: 2 })
    );
    let mut old = gateway
        .connect(&gateway.gbr.issue(&sound("GBR")).unwrap())
        .await
        .unwrap();
    let mut new = gateway
        .connect(&successor.issue(&sound("GBR")).unwrap())
        .await
        .unwrap();
    let mut fra = gateway
        .connect(&gateway.fra.issue(&sound("FRA")).unwrap())
        .await
        .unwrap();
    assert_eq!(gateway.connections.recheck(&gateway.trust), 0);

    gateway.write("GBR.pem", successor.certificate_pem());
    gateway.write("GBR.crl", &list(&successor, 2, &[]));
    gateway.trust.reload_if_changed().unwrap();
    assert_eq!(gateway.connections.recheck(&gateway.trust), 1);
    old.ended().await;
    new.echo().await.unwrap();
    fra.echo().await.unwrap();
}

#[tokio::test]
async fn case_25_a_withdrawn_nation_is_cut_whole() {
    let gateway = Gateway::start(settings()).await;
    let mut gbr = gateway
        .connect(&gateway.gbr.issue(&sound("GBR")).unwrap())
        .await
        .unwrap();
    let mut fra = gateway
        .connect(&gateway.fra.issue(&sound("FRA")).unwrap())
        .await
        .unwrap();
    gateway
        .trust
        .reload(vec![sources(gateway.folder.path(), "FRA")])
        .unwrap();
    assert_eq!(gateway.connections.recheck(&gateway.trust), 1);
    gbr.ended().await;
    fra.echo().await.unwrap();
}

#[tokio::test]
async fn a_faulty_reload_keeps_the_old_trust_and_says_why_once() {
    let gateway = Gateway::start(settings()).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let mut live = gateway.connect(&issued).await.unwrap();
    gateway.write("GBR.crl", "this is no list");
    gateway.write("FRA.pem", "this is no anchor");
    let error = gateway.trust.reload_if_changed().unwrap_err();
    let TrustStateError::Trust(problems) = &error else {
        panic!("{error}");
    };
    assert_eq!(problems.len(), 2, "one for each file: {error}");
    assert!(error.to_string().contains("GBR.crl"), "{error}");
    assert_eq!(gateway.trust.reload_if_changed(), Ok(Reloaded::Unchanged));
    assert_eq!(gateway.trust.snapshot().epoch(), 1);
    assert_eq!(gateway.connections.recheck(&gateway.trust), 0);
    live.echo().await.unwrap();
    gateway.connect(&issued).await.unwrap();
    // Mended: taken up.
    gateway.write("GBR.crl", &list(&gateway.gbr, 2, &[]));
    gateway.write("FRA.pem", gateway.fra.certificate_pem());
    assert_eq!(
        gateway.trust.reload_if_changed(),
        Ok(Reloaded::Changed { epoch: 2 })
    );
}

#[tokio::test]
async fn case_16_a_list_that_goes_back_is_not_taken_up() {
    let gateway = Gateway::start(settings()).await;
    let bad = gateway.gbr.issue(&sound("GBR")).unwrap();
    gateway.write("GBR.crl", &list(&gateway.gbr, 5, &[bad.serial()]));
    gateway.trust.reload_if_changed().unwrap();
    gateway.write("GBR.crl", &list(&gateway.gbr, 4, &[]));
    let error = gateway.trust.reload_if_changed().unwrap_err();
    assert!(error.to_string().contains("never goes back"), "{error}");
    let told = gateway.connect(&bad).await.unwrap_err();
    assert!(told.contains("CertificateRevoked"), "{told}");
}

#[tokio::test]
async fn the_gateways_own_certificate_is_replaced_without_a_restart() {
    let gateway = Gateway::start(settings()).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let mut before = gateway.connect(&issued).await.unwrap();
    let spec = LeafSpec::server(&["localhost".to_owned()], now(), 30);
    let renewed = gateway.gateway.issue(&spec).unwrap();
    write_pair(gateway.folder.path(), "server", &renewed);
    assert_eq!(
        gateway.trust.reload_if_changed(),
        Ok(Reloaded::Changed { epoch: 2 })
    );
    assert_eq!(gateway.connections.recheck(&gateway.trust), 0);
    let after = gateway.connect(&issued).await.unwrap();
    let shown = after.tls.get_ref().1.peer_certificates().unwrap()[0].clone();
    assert_eq!(&shown, &renewed.chain()[0]);
    before.echo().await.unwrap();
}

#[tokio::test]
async fn case_37_silence_after_tls_is_ended() {
    let mut gateway = Gateway::start(Settings {
        first_request_deadline: SHORT,
        ..settings()
    })
    .await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let tcp = TcpStream::connect(gateway.address).await.unwrap();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(gateway.client(&issued));
    let mut silent = connector.connect(name, tcp).await.unwrap();
    // The HTTP/2 preface alone is no request.
    silent
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    let peer = gateway.peers.recv().await.unwrap();
    assert!(
        tokio::time::timeout(PATIENCE, peer.cut())
            .await
            .unwrap()
            .reason
            .contains("nothing came")
    );
    let mut echoed = Vec::new();
    let _ended = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut echoed))
        .await
        .unwrap();
    assert_eq!(echoed.len(), 24);
    // One that speaks in time outlives the deadline.
    let mut lively = gateway.connect(&issued).await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    lively.echo().await.unwrap();
}

#[tokio::test]
async fn no_connection_outlives_its_certificate() {
    let mut gateway = Gateway::start(settings()).await;
    let brief = sound("GBR").until(now() + SignedDuration::from_secs(1));
    let issued = gateway.gbr.issue(&brief).unwrap();
    let mut client = gateway.connect(&issued).await.unwrap();
    let peer = gateway.peers.recv().await.unwrap();
    gateway.clock.advance(Duration::from_secs(2));
    let ending = tokio::time::timeout(PATIENCE, peer.cut()).await.unwrap();
    assert_eq!(ending.kind, EndKind::Distrust);
    let reason = ending.reason;
    assert!(
        reason.contains("the certificate chain ended at 2026-06-01T12:00:01Z"),
        "{reason}"
    );
    client.ended().await;
}

#[tokio::test]
async fn a_nation_at_its_limit_is_told_so_and_others_come_in() {
    let mut gateway = Gateway::start_with(settings(), 1).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let mut first = gateway.connect(&issued).await.unwrap();
    let peer = gateway.peers.recv().await.unwrap();
    let tcp = TcpStream::connect(gateway.address).await.unwrap();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(gateway.client(&issued));
    let mut second = connector.connect(name, tcp).await.unwrap();
    let mut told = Vec::new();
    second.read_to_end(&mut told).await.unwrap();
    let text = String::from_utf8_lossy(&told);
    assert!(
        text.contains("GBR already has 1 live connections, its limit"),
        "{text}"
    );
    let french = gateway.fra.issue(&sound("FRA")).unwrap();
    gateway.connect(&french).await.unwrap();
    first.echo().await.unwrap();
    // A place that is given back can be taken again.
    let mut lines = log();
    drop(first);
    peer.end(EndKind::Closing, "to be sure that it is gone");
    while gateway.connections.count(code("GBR")) > 0 {
        tokio::task::yield_now().await;
    }
    gateway.connect(&issued).await.unwrap();
    logged(&mut lines, &["connection accepted", "nation=GBR"]).await;
}

#[tokio::test]
async fn draining_closes_the_door_and_cuts_what_stays() {
    let mut gateway = Gateway::start(Settings {
        drain_deadline: SHORT,
        ..settings()
    })
    .await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let mut client = gateway.connect(&issued).await.unwrap();
    let peer = gateway.peers.recv().await.unwrap();
    gateway.draining.send(true).unwrap();
    let ending = tokio::time::timeout(PATIENCE, peer.cut()).await.unwrap();
    assert_eq!(ending.kind, EndKind::Closing);
    assert_eq!(ending.reason, "the gateway is shutting down");
    client.ended().await;
    assert!(TcpStream::connect(gateway.address).await.is_err());
}

#[tokio::test]
async fn the_list_of_connections_names_who_is_there() {
    let gateway = Gateway::start(settings()).await;
    let gbr = gateway
        .connect(&gateway.gbr.issue(&sound("GBR")).unwrap())
        .await
        .unwrap();
    let _fra = gateway
        .connect(&gateway.fra.issue(&sound("FRA")).unwrap())
        .await
        .unwrap();
    let listed = gateway.connections.list();
    let names: Vec<_> = listed
        .iter()
        .map(|c| c.identity.identity.to_string())
        .collect();
    assert_eq!(names, ["GBR/unit-1", "FRA/unit-1"]);
    assert_eq!(listed[0].address, gbr.local);
    assert_eq!(
        gateway.connections.end_where(
            |p| p.identity().identity.nation == code("GBR"),
            EndKind::Closing,
            "x"
        ),
        1
    );
}

#[tokio::test]
async fn an_occupied_port_is_named() {
    let gateway = Gateway::start(settings()).await;
    let taken = Settings {
        address: gateway.address,
        ..settings()
    };
    let error = entente::listener::Listener::bind(&taken).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&gateway.address.to_string()) && text.contains("in use"),
        "{text}"
    );
}

#[tokio::test]
async fn a_list_past_its_renewal_keeps_new_ones_out_but_ends_no_live_connection() {
    let gateway = Gateway::start(settings()).await;
    let (good, bad) = (
        gateway.gbr.issue(&sound("GBR")).unwrap(),
        gateway.gbr.issue(&sound("GBR")).unwrap(),
    );
    let mut live = gateway.connect(&good).await.unwrap();
    let mut cut = gateway.connect(&bad).await.unwrap();
    // GBR's list falls due unnoticed; then FRA renews its own.
    let short = |number, revoked: &[&[u8]]| {
        let next_update = now() + SignedDuration::from_secs(60);
        gateway
            .gbr
            .revocation_list(number, now(), next_update, revoked)
            .unwrap()
    };
    gateway.write("GBR.crl", &short(2, &[]));
    gateway.trust.reload_if_changed().unwrap();
    gateway.clock.advance(Duration::from_secs(120));
    gateway.write("FRA.crl", &list(&gateway.fra, 2, &[]));
    gateway.trust.reload_if_changed().unwrap();
    assert_eq!(gateway.connections.recheck(&gateway.trust), 0);
    live.echo().await.unwrap();
    let told = gateway.connect(&good).await.unwrap_err();
    assert!(told.contains("UnknownCA"), "{told}");
    // What an overdue list says still counts.
    gateway.write("GBR.crl", &short(3, &[bad.serial()]));
    gateway.trust.reload_if_changed().unwrap();
    assert_eq!(gateway.connections.recheck(&gateway.trust), 1);
    cut.ended().await;
    live.echo().await.unwrap();
}
