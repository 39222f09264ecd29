//! Coming in, and being shown out, as the real process does it. Every refusal must reach the
//! peer as an alert or a status, and the operator as one line that names the reason. What the
//! verifier refuses in detail stands in `tests/trust.rs`.

use crate::support::{Site, sighting, streamed, unary};
use entente::client::Endpoint;
use entente::clock::{Clock, SystemClock};
use entente::pki::{Authority, Fault, Issued, LeafSpec};
use entente::trust::{ClientFiles, client_config};
use entente::wire::proto::{self, SubscribeRequest, WhoAmIRequest};
use jiff::{SignedDuration, Timestamp};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_types::StatusExt as _;

pub(crate) fn now() -> Timestamp {
    SystemClock::default().now()
}

/// A nation's own authority, from the site's development set.
pub(crate) fn authority(site: &Site, nation: &str) -> Authority {
    let read = |name: &str| {
        let path = site.path(&format!("certs-dev/{nation}/{name}"));
        std::fs::read_to_string(path).unwrap()
    };
    Authority::from_pem(&read("authority.pem"), &read("authority.key")).unwrap()
}

pub(crate) fn system(nation: &str) -> LeafSpec {
    let uri = format!("spiffe://{}.entente.example/unit-1", nation.to_lowercase());
    LeafSpec::system(&uri, now(), 30)
}

fn put(path: &Path, text: &str, mode: u32) {
    use std::io::Write as _;
    let _absent = std::fs::remove_file(path);
    let mut options = std::fs::File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Replaces a file whole, so that the gateway never sees half of it.
pub(crate) fn replace(site: &Site, name: &str, text: &str) {
    let path = site.path(name);
    let new = path.with_extension("new");
    put(&new, text, 0o600);
    std::fs::rename(new, path).unwrap();
}

pub(crate) fn endpoint(site: &Site, issued: &Issued) -> Endpoint {
    let files = ClientFiles {
        certificate: site.path("unit.pem"),
        key: site.path("unit.key"),
        authority: site.path("certs-dev/gateway/authority.pem"),
    };
    put(&files.certificate, issued.chain_pem(), 0o644);
    put(&files.key, &issued.key_pem(), 0o600);
    Endpoint {
        address: site.address.clone(),
        server_name: "localhost".to_owned(),
        tls: client_config(&files, Arc::new(SystemClock::default())).unwrap(),
    }
}

/// Waits until the log has a line with all the words, and gives it.
pub(crate) async fn logged(site: &Site, words: &[&str]) -> String {
    logged_behind(site, 0, words).await
}

/// The same, without the first so many bytes of the log.
pub(crate) async fn logged_behind(site: &Site, bytes: usize, words: &[&str]) -> String {
    // The log is a file: it can only be looked at from time to time.
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        look.tick().await;
        let log = site.log();
        if let Some(line) = log
            .get(bytes..)
            .unwrap_or_default()
            .lines()
            .find(|line| words.iter().all(|word| line.contains(word)))
        {
            return line.to_owned();
        }
    }
}

/// Connects and asks who we are; gives everything that the client learns of a refusal.
pub(crate) async fn refusal(site: &Site, issued: &Issued) -> String {
    let mut client = match endpoint(site, issued).submission().await {
        Ok(client) => client,
        Err(error) => return format!("{error} {error:?}"),
    };
    let status = client.who_am_i(WhoAmIRequest {}).await.unwrap_err();
    format!("{status:?}")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn every_refusal_is_told_to_the_peer_and_to_the_operator() {
    let site = Site::started("");
    let gbr = authority(&site, "GBR");
    for (fault, alert, code) in [
        (Fault::Expired, "CertificateExpired", "expired"),
        (Fault::NotYetValid, "CertificateExpired", "not_yet_valid"),
        (Fault::NoUri, "AccessDenied", "no_uri"),
        (
            Fault::SecondUri("spiffe://fra.entente.example/x".to_owned()),
            "AccessDenied",
            "several_uris",
        ),
        (
            Fault::OddUri("spiffe://gbr.entente.example:1/x".to_owned()),
            "AccessDenied",
            "odd_uri",
        ),
        (
            Fault::NoPurpose,
            "UnsupportedCertificate",
            "not_for_clients",
        ),
        (
            Fault::ServerOnly,
            "UnsupportedCertificate",
            "not_for_clients",
        ),
    ] {
        let issued = gbr.issue(&system("GBR").with(fault)).unwrap();
        let told = refusal(&site, &issued).await;
        assert!(told.contains(alert), "{code}: {told}");
        let line = logged(&site, &[&hex(issued.serial()), code]).await;
        assert!(line.contains("connection refused"), "{line}");
    }
    let sound = gbr.issue(&system("GBR")).unwrap();
    let mut client = endpoint(&site, &sound).submission().await.unwrap();
    let me = client
        .who_am_i(WhoAmIRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!((me.nation.as_str(), me.system.as_str()), ("GBR", "unit-1"));
}

#[tokio::test]
async fn case_1_the_authority_of_one_nation_cannot_mint_an_identity_of_another() {
    let site = Site::started("");
    let forged = authority(&site, "FRA").issue(&system("GBR")).unwrap();
    let told = refusal(&site, &forged).await;
    assert!(told.contains("UnknownCA"), "{told}");
    logged(
        &site,
        &["unknown_issuer", "spiffe://gbr.entente.example/unit-1"],
    )
    .await;
}

/// The list of GBR with the next number and these serials; taken up when this returns.
fn revoke(site: &Site, number: u64, serials: &[&[u8]]) {
    let until = now() + SignedDuration::from_hours(24);
    let list = authority(site, "GBR")
        .revocation_list(number, now(), until, serials)
        .unwrap();
    replace(site, "certs-dev/GBR/authority.crl.pem", &list);
}

#[tokio::test]
async fn case_23_a_revoked_system_is_cut_with_the_reason_and_nobody_else() {
    let site = Site::started("");
    let issued = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    let mut client = endpoint(&site, &issued).submission().await.unwrap();
    let messages = tokio_stream::iter(vec![streamed(&sighting("r-1"))])
        .chain(tokio_stream::pending::<proto::SubmitStreamRequest>());
    let mut answers = client.submit_stream(messages).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().outcomes.len(), 1);
    // A neighbour of the same nation, and a reader of another.
    let mut neighbour = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let mut reader = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let mut feed = reader
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(feed.message().await.unwrap().unwrap().entries.len(), 1);

    revoke(&site, 2, &[issued.serial()]);
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    assert!(status.message().contains("revoked by GBR"), "{status:?}");
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "CONNECTION_CUT"
    );
    // The connection itself goes too: the next call finds it refused.
    let again = refusal(&site, &issued).await;
    assert!(again.contains("CertificateRevoked"), "{again}");

    neighbour.submit(unary(&sighting("r-2"))).await.unwrap();
    let next = feed.message().await.unwrap().unwrap();
    assert_eq!(next.entries[0].position, 2);
}

#[tokio::test]
async fn a_faulty_list_is_not_taken_up_and_the_log_says_why() {
    let site = Site::started("");
    replace(&site, "certs-dev/GBR/authority.crl.pem", "no list");
    let line = logged(&site, &["trust was not reloaded", "authority.crl.pem"]).await;
    assert!(line.contains("holds no revocation list"), "{line}");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    client.who_am_i(WhoAmIRequest {}).await.unwrap();
}

#[tokio::test]
async fn the_gateways_own_certificate_is_replaced_without_a_restart() {
    let site = Site::started("");
    let spec = LeafSpec::server(&["renewed.example".to_owned()], now(), 30);
    let renewed = authority(&site, "gateway").issue(&spec).unwrap();
    // Between the two files they do not fit; the gateway keeps the old pair until they do.
    replace(&site, "certs-dev/gateway/server.pem", renewed.chain_pem());
    replace(&site, "certs-dev/gateway/server.key", &renewed.key_pem());
    logged(&site, &["trust was reloaded"]).await;
    let mut endpoint = site.endpoint("GBR/uav-cell-4");
    assert!(
        endpoint.submission().await.is_err(),
        "localhost is no longer its name"
    );
    endpoint.server_name = "renewed.example".to_owned();
    let mut client = endpoint.submission().await.unwrap();
    client.who_am_i(WhoAmIRequest {}).await.unwrap();
}
