//! `entente doctor` against the real gateway: every fault is found, named, and comes with its
//! mend.

use super::site::Site;
use super::support::Ran;
use entente::clock::{Clock as _, SystemClock};
use entente::pki::{Authority, AuthoritySpec, Fault, Issued, KeyType, LeafSpec, Office};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const DIAGNOSIS: &str = "[diagnosis]\naddress = \"127.0.0.1:0\"\nper_minute_max = 1000\n";
const URI: &str = "spiffe://gbr.entente.example/uav-cell-4";

fn now() -> Timestamp {
    SystemClock::default().now()
}

/// GBR's authority of the site.
fn gbr(site: &Site) -> Authority {
    let read = |name: &str| std::fs::read_to_string(site.path(name)).unwrap();
    let (certificate, key) = (
        read("certs-dev/GBR/authority.pem"),
        read("certs-dev/GBR/authority.key"),
    );
    Authority::from_pem(&certificate, &key).unwrap()
}

fn stranger() -> Authority {
    Authority::root(&AuthoritySpec::new("Stranger", now(), 90)).unwrap()
}

/// Puts a pair where the site's commands find it as `x.pem` and `x.key`.
fn put(site: &Site, issued: &Issued) {
    std::fs::write(site.path("x.pem"), issued.chain_pem()).unwrap();
    std::fs::write(site.path("x.key"), issued.key_pem()).unwrap();
    set_mode(&site.path("x.key"), 0o600);
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// What the doctor found.
struct Found(i32, Value);

impl Found {
    fn checks(&self) -> &Vec<Value> {
        self.1["checks"].as_array().unwrap()
    }

    /// A check of this name ended so, and said this; failures have a mend.
    #[track_caller]
    fn says(&self, name: &str, outcome: &str, words: &str) -> &Self {
        let found = self.checks().iter().any(|check| {
            check["name"] == name
                && check["outcome"] == outcome
                && check["message"].as_str().unwrap().contains(words)
                && (outcome != "failed" || !check["mend"].as_str().unwrap_or_default().is_empty())
        });
        assert!(found, "no {outcome} {name} with `{words}` in {:#}", self.1);
        self
    }

    #[track_caller]
    fn fails(&self) -> &Self {
        assert_eq!(self.0, 1, "{:#}", self.1);
        assert_eq!(self.1["ok"], false);
        self
    }
}

fn doctor(site: &Site, arguments: &[&str]) -> Found {
    let gateway = [
        "doctor",
        "--output",
        "json",
        "--as",
        "GBR/uav-cell-4",
        "--gateway",
        &site.address,
    ];
    let told = site.diagnosis.as_str();
    let diagnosis: &[&str] = if told.is_empty() {
        &[]
    } else {
        &["--diagnosis", told]
    };
    let mut all = [&gateway[..], diagnosis].concat();
    // An option that is given again replaces the one above.
    for option in arguments.iter().filter(|a| a.starts_with("--")) {
        if let Some(at) = all.iter().position(|a| a == option) {
            all.drain(at..at + 2);
        }
    }
    let output = site.run(&[&all[..], arguments].concat());
    let ran = Ran::of(&output);
    let object = serde_json::from_str(&ran.said);
    Found(
        ran.code,
        object.unwrap_or_else(|_| panic!("{}\n{}", ran.said, ran.told)),
    )
}

fn with_pair(site: &Site) -> Found {
    doctor(site, &["--cert", "x.pem", "--key", "x.key"])
}

#[test]
fn a_sound_system_gets_in_and_is_told_so() {
    let site = Site::started(DIAGNOSIS);
    let found = doctor(&site, &[]);
    assert_eq!(found.0, 0, "{:#}", found.1);
    assert!(
        found.checks().iter().all(|c| c["outcome"] == "ok"),
        "{:#}",
        found.1
    );
    found
        .says("gateway: vouching", "ok", "vouches for GBR/uav-cell-4")
        .says("gateway: revocation", "ok", "on no revocation list")
        .says("the real door", "ok", "rights: submit");
    let said = site.run(&[
        "doctor",
        "--as",
        "GBR/uav-cell-4",
        "--gateway",
        &site.address,
    ]);
    let said = Ran::of(&said).well();
    assert!(
        said.contains("ok    certificate") && said.contains("gets in"),
        "{said}"
    );
}

#[test]
fn every_type_of_key_that_can_be_made_opens_the_door() {
    let site = Site::started(DIAGNOSIS);
    let authority = gbr(&site);
    for key_type in [
        KeyType::P256,
        KeyType::P384,
        KeyType::Ed25519,
        KeyType::MlDsa44,
        KeyType::MlDsa65,
        KeyType::MlDsa87,
    ] {
        let spec = LeafSpec::system(URI, now(), 47).with_key(key_type);
        put(&site, &authority.issue(&spec).unwrap());
        let found = with_pair(&site);
        assert_eq!(found.0, 0, "{key_type:?}: {:#}", found.1);
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_found_here_and_there() {
    let site = Site::started(DIAGNOSIS);
    let authority = gbr(&site);
    let cases = [
        (Fault::Expired, "expired at"),
        (Fault::NotYetValid, "is not valid before"),
        (Fault::NoPurpose, "does not name client authentication"),
        (Fault::ServerOnly, "does not name client authentication"),
        (Fault::AnyPurpose, "any extended key usage"),
        (
            Fault::SecondUri("spiffe://gbr.entente.example/b".to_owned()),
            "has 2 URI",
        ),
        (Fault::NoDigitalSignature, "lacks digital signature"),
        (Fault::LongLived, "is valid for"),
        (Fault::Authority, "is an authority's"),
    ];
    for (fault, words) in cases {
        let spec = LeafSpec::system(URI, now(), 47).with(fault.clone());
        put(&site, &authority.issue(&spec).unwrap());
        let found = with_pair(&site);
        found
            .fails()
            .says("certificate", "failed", words)
            .says("gateway: certificate", "failed", words)
            .says("gateway: vouching", "skipped", "mend the certificate first")
            .says(
                "the real door",
                "failed",
                "the gateway refused this certificate",
            );
    }
    // Both clocks are named: the gateway's by the gateway.
    let spec = LeafSpec::system(URI, now(), 47).with(Fault::Expired);
    put(&site, &authority.issue(&spec).unwrap());
    with_pair(&site)
        .says("certificate", "failed", "this machine's clock says")
        .says("gateway: certificate", "failed", "the gateway's clock says");
    // Several faults, all at once.
    let spec = LeafSpec::system(URI, now(), 47)
        .with(Fault::Expired)
        .with(Fault::NoPurpose)
        .with(Fault::NoDigitalSignature);
    put(&site, &authority.issue(&spec).unwrap());
    let found = with_pair(&site);
    let named = found
        .checks()
        .iter()
        .filter(|c| c["name"] == "gateway: certificate");
    assert_eq!(named.count(), 3, "{:#}", found.1);
}

#[test]
fn who_vouches_and_what_was_revoked_only_the_gateway_knows() {
    let site = Site::started(DIAGNOSIS);
    // An issuer that is not the nation's.
    put(
        &site,
        &stranger().issue(&LeafSpec::system(URI, now(), 47)).unwrap(),
    );
    let unknown = "nobody who is enrolled here vouches for spiffe://gbr.entente.example/uav-cell-4";
    with_pair(&site)
        .fails()
        .says("gateway: vouching", "failed", unknown)
        .says("gateway: vouching", "failed", "CN=Stranger")
        .says(
            "the real door",
            "failed",
            "not issued by an authority that is enrolled",
        );
    assert!(
        site.log().contains("was not issued by an authority of GBR"),
        "the operator knows which"
    );
    // A nation that is not enrolled.
    let spec = LeafSpec::system("spiffe://xyz.example/a", now(), 47);
    put(&site, &gbr(&site).issue(&spec).unwrap());
    with_pair(&site)
        .fails()
        .says(
            "identity",
            "warning",
            "but the certificate names spiffe://xyz.example/a",
        )
        .says(
            "gateway: vouching",
            "failed",
            "no nation is enrolled with its trust domain",
        )
        .says(
            "the real door",
            "failed",
            "the gateway refused this certificate",
        );
    assert!(
        site.log()
            .contains("no nation is enrolled with the trust domain `xyz.example`")
    );
    // An intermediate authority that is not sent along, and then is.
    let between = gbr(&site)
        .subordinate(&AuthoritySpec::new("GBR north", now(), 90))
        .unwrap();
    let issued = between.issue(&LeafSpec::system(URI, now(), 47)).unwrap();
    put(&site, &issued);
    let whole = std::fs::read_to_string(site.path("x.pem")).unwrap();
    let leaf_end = whole.find("-----END").unwrap() + "-----END CERTIFICATE-----\n".len();
    std::fs::write(site.path("x.pem"), &whole[..leaf_end]).unwrap();
    let found = with_pair(&site);
    found
        .fails()
        .says("chain", "ok", "up to the issuer `O=Entente development")
        .says("gateway: vouching", "failed", "GBR north");
    std::fs::write(site.path("x.pem"), &whole).unwrap();
    with_pair(&site).fails().says(
        "gateway: revocation",
        "failed",
        "holds no valid revocation list of GBR",
    );
    std::fs::write(
        site.path("x.pem"),
        whole[leaf_end..].to_owned() + &whole[..leaf_end],
    )
    .unwrap();
    with_pair(&site)
        .fails()
        .says("chain", "failed", "what follows it in the file is");
}

#[test]
fn a_revoked_system_is_told_the_number_of_the_list() {
    let mut site = Site::new(DIAGNOSIS);
    let certs = |arguments: &[&str]| Ran::of(&site.run(&[&["certs"], arguments].concat())).well();
    certs(&[
        "revoke",
        "--authority",
        "certs-dev/GBR",
        "--as",
        "GBR/uav-cell-4",
    ]);
    site.start(&[]);
    doctor(&site, &[])
        .fails()
        .says("certificate", "ok", "sound")
        .says("gateway: vouching", "ok", "vouches")
        .says("gateway: revocation", "failed", "revoked by GBR")
        .says("gateway: revocation", "failed", "list number 2")
        .says("the real door", "failed", "has been revoked");
    // The door shuts before its log line is written.
    while !site.log().contains("connection refused") {
        std::thread::yield_now();
    }
    let log = site.log();
    let mut lines = log.lines();
    let line = lines.find(|line| line.contains("connection refused"));
    let line = line.unwrap();
    for words in ["127.0.0.1", URI, "list number 2", "\"serial\""] {
        assert!(line.contains(words), "no {words} in {line}");
    }
}

#[test]
fn an_overdue_list_is_the_authoritys_fault_and_said_so() {
    let mut site = Site::new(DIAGNOSIS);
    let mut office = Office::open(&site.path("certs-dev/GBR")).unwrap();
    office
        .make_list(1, now() - SignedDuration::from_hours(48))
        .unwrap();
    drop(office);
    site.start(&[]);
    doctor(&site, &[])
        .fails()
        .says("gateway: revocation", "failed", "was to be renewed by");
}

#[test]
fn local_causes_are_found_without_the_gateways_help() {
    let site = Site::started(DIAGNOSIS);
    let certs = site.path("certs-dev");
    // The key of another certificate.
    doctor(&site, &["--key", "certs-dev/GBR/feed-desk.key"])
        .fails()
        .says("key", "failed", "is not the key of")
        .says("way to the gateway", "ok", "takes connections")
        .says("the real door", "skipped", "files have to be mended");
    // A key that others can read.
    std::fs::copy(certs.join("GBR/uav-cell-4.key"), site.path("open.key")).unwrap();
    set_mode(&site.path("open.key"), 0o644);
    doctor(&site, &["--key", "open.key"])
        .fails()
        .says("key", "failed", "mode is 0644");
    // Files that are not there, or not what they should be.
    doctor(&site, &["--cert", "none.pem"])
        .fails()
        .says("certificate file", "failed", "none.pem");
    doctor(&site, &["--ca", "certs-dev/GBR/uav-cell-4.pem"])
        .fails()
        .says("CA file", "failed", "holds no authority's certificate");
    // The authority of somebody else.
    doctor(&site, &["--ca", "certs-dev/FRA/authority.pem"])
        .fails()
        .says("CA file", "ok", "FRA authority")
        .says(
            "gateway's TLS",
            "failed",
            "was not issued by the authority in the CA file",
        )
        .says("the real door", "skipped", "TLS has to be mended");
    doctor(&site, &["--server-name", "gateway.example"])
        .fails()
        .says(
            "gateway's TLS",
            "failed",
            "is not for `gateway.example`; it is for",
        )
        .says("gateway's TLS", "failed", "localhost");
    doctor(&site, &["--gateway", "127.0.0.1:1"])
        .fails()
        .says("way to the gateway", "failed", "the port is closed")
        .says("the real door", "skipped", "no way there");
    doctor(&site, &["--gateway", "no-such-host.invalid:7443"])
        .fails()
        .says("way to the gateway", "failed", "no-such-host.invalid");
}

#[test]
fn without_a_diagnosis_listener_the_rest_is_still_said() {
    let site = Site::started("");
    assert!(site.diagnosis.is_empty(), "off unless it is turned on");
    doctor(&site, &["--diagnosis", "127.0.0.1:1"])
        .fails()
        .says("gateway's diagnosis", "failed", "127.0.0.1:1")
        .says("the real door", "ok", "open");
    put(
        &site,
        &stranger().issue(&LeafSpec::system(URI, now(), 47)).unwrap(),
    );
    with_pair(&site)
        .fails()
        .says("gateway's diagnosis", "skipped", "--diagnosis")
        .says(
            "the real door",
            "failed",
            "not issued by an authority that is enrolled",
        );
}

#[test]
fn a_proxy_that_ends_tls_is_found() {
    let site = Site::new("");
    // openssl without ALPN, with the gateway's own certificate: as a proxy would be.
    let mut proxy = std::process::Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-cert"])
        .arg(site.path("certs-dev/gateway/server.pem"))
        .arg("-key")
        .arg(site.path("certs-dev/gateway/server.key"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(proxy.stdout.take().unwrap()));
    let line = lines.find(|line| line.as_ref().unwrap().starts_with("ACCEPT"));
    let line = line.unwrap().unwrap();
    let address = line.trim_start_matches("ACCEPT ").to_owned();
    let found = doctor(&site, &["--gateway", &address]);
    proxy.kill().unwrap();
    proxy.wait().unwrap();
    found
        .fails()
        .says("gateway's TLS", "failed", "did not agree on HTTP/2 (ALPN");
}
