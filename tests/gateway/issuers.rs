//! Cases 8 and 12 at the door of the real process: issuers outside of their dates, and
//! certificates that are none.

use crate::handshake::{
    authority, endpoint, hex, logged, logged_behind, now, refusal, replace, system,
};
use crate::raw::{Neighbour, PATIENCE};
use crate::support::Site;
use crate::trust::started;
use entente::pki::{Authority, AuthoritySpec, Issued};
use jiff::SignedDuration;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The dates of an authority that is over, and of one that has not begun.
fn outside(name: &str) -> [(AuthoritySpec, &'static str); 2] {
    let spec = || AuthoritySpec::new(name, now(), 30);
    let mut over = spec();
    over.not_before = now() - DAY * 30;
    over.not_after = now() - DAY;
    let mut to_come = spec();
    to_come.not_before = now() + DAY;
    [(over, "expired"), (to_come, "not_yet_valid")]
}

#[tokio::test(flavor = "multi_thread")]
async fn case_8_an_issuer_outside_of_its_dates_is_refused_by_the_real_process() {
    let site = started(Site::new(""));
    let mut neighbour = Neighbour::connect(&site).await;
    let root = authority(&site, "GBR");
    for (spec, code) in outside("middle") {
        let issued = root.subordinate(&spec).unwrap();
        let issued = issued.issue(&system("GBR")).unwrap();
        let told = refusal(&site, &issued).await;
        assert!(told.contains("CertificateExpired"), "{code}: {told}");
        let code = format!("\"code\":\"{code}\"");
        let line = logged(&site, &[&hex(issued.serial()), &code]).await;
        assert!(line.contains("issuer's certificate"), "{line}");
    }
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_8_a_root_outside_of_its_dates_vouches_for_nobody_in_the_real_process() {
    for (spec, _) in outside("root") {
        let site = Site::new("");
        let root = Authority::root(&spec).unwrap();
        let list = root
            .revocation_list(1, now(), now() + DAY * 30, &[])
            .unwrap();
        replace(&site, "certs-dev/DEU/authority.pem", root.certificate_pem());
        replace(&site, "certs-dev/DEU/authority.crl.pem", &list);
        let site = started(site);
        let mut neighbour = Neighbour::connect(&site).await;
        let issued = root.issue(&system("DEU")).unwrap();
        let told = refusal(&site, &issued).await;
        assert!(told.contains("received fatal alert"), "{told}");
        let line = logged(&site, &[&hex(issued.serial()), "no_live_anchor"]).await;
        assert!(line.contains("connection refused"), "{line}");
        neighbour.is_well().await;
    }
}

/// Comes in with these bytes for a certificate; gives what TLS says.
async fn enter_with(site: &Site, good: &Issued, certificate: Vec<u8>) -> String {
    let key = PrivateKeyDer::from_pem_slice(good.key_pem().as_bytes()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let chain = vec![CertificateDer::from(certificate)];
    let certified = CertifiedKey::new(chain, key);
    let mut config = (*endpoint(site, good).tls).clone();
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
    let tcp = TcpStream::connect(&site.address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let entering = async {
        let mut tls = connector.connect(name, tcp).await?;
        tls.read_exact(&mut [0; 9]).await
    };
    let entered: std::io::Result<_> = tokio::time::timeout(PATIENCE, entering).await.unwrap();
    entered.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_12_what_is_no_certificate_is_refused_by_the_real_process() {
    let site = started(Site::new(""));
    let mut neighbour = Neighbour::connect(&site).await;
    let good = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    let der = good.chain()[0].to_vec();
    let half = der[..der.len() / 2].to_vec();
    let trailing = [der.as_slice(), &[0]].concat();
    // Lengths that promise four gigabytes, nested as deep as fits.
    let promises = [0x30, 0x84, 0xff, 0xff, 0xff, 0xff].repeat(2_000);
    let deep = [0x30, 0x80].repeat(8_000);
    let huge = vec![0x30; 60_000];
    for (what, bytes, code) in [
        ("nothing", Vec::new(), "malformed"),
        ("text", b"-----BEGIN CERTIFICATE-----".to_vec(), "malformed"),
        ("half", half, "malformed"),
        ("trailing", trailing, "malformed"),
        ("promises", promises, "malformed"),
        ("deep", deep, "malformed"),
        ("huge", huge, "too_large"),
        // More than a handshake of TLS may hold: nobody looks at it.
        ("endless", vec![0x30; 1024 * 1024], "tls"),
    ] {
        let seen = site.log().len();
        let told = enter_with(&site, &good, bytes).await;
        let words = ["received fatal alert", "reset", "broken", "closed"];
        let told = told.to_lowercase();
        assert!(
            words.iter().any(|words| told.contains(words)),
            "{what}: {told}"
        );
        let code = format!("\"code\":\"{code}\"");
        logged_behind(&site, seen, &["connection refused", &code]).await;
        neighbour.is_well().await;
    }
}
