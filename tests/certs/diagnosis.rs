//! The diagnosis listener from outside: it grants nothing, tells nothing of others, and holds
//! its limits.

use super::site::Site;
use entente::client::{ClientError, Endpoint};
use entente::clock::{Clock as _, SystemClock};
use entente::pki::{Authority, AuthoritySpec, LeafSpec};
use entente::trust::ClientConfig;
use entente::wire::proto::diagnosis_service_client::DiagnosisServiceClient;
use entente::wire::proto::feed_service_client::FeedServiceClient;
use entente::wire::proto::operations_service_client::OperationsServiceClient;
use entente::wire::proto::submission_service_client::SubmissionServiceClient;
use entente::wire::proto::{
    CheckOutcome, DiagnoseRequest, DiagnoseResponse, GetRecordRequest, ListNationsRequest,
    WhoAmIRequest,
};
use jiff::{SignedDuration, Timestamp};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::io::Read as _;
use std::sync::Arc;
use tonic::Code;

const ON: &str = "[diagnosis]\naddress = \"127.0.0.1:0\"\nper_minute_max = 1000\n";

/// The diagnosis listener as a system sees it.
fn at(site: &Site, system: &str) -> Endpoint {
    Endpoint {
        address: site.diagnosis.clone(),
        ..site.endpoint(system)
    }
}

/// A client of the site's gateway with any certificate and any key, or none.
fn with(
    site: &Site,
    pair: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> Endpoint {
    let provider = Arc::new(default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let authority = site.path("certs-dev/gateway/authority.pem");
    roots
        .add(CertificateDer::from_pem_file(authority).unwrap())
        .unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match pair {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let key = provider.key_provider.load_private_key(key).unwrap();
            let certified = CertifiedKey::new(chain, key);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Endpoint {
        tls: Arc::new(config),
        ..at(site, "GBR/uav-cell-4")
    }
}

fn stranger(site: &Site, uri: &str) -> Endpoint {
    let now = now();
    let authority = Authority::root(&AuthoritySpec::new("Stranger", now, 90)).unwrap();
    let issued = authority.issue(&LeafSpec::system(uri, now, 47)).unwrap();
    let key = PrivateKeyDer::try_from(issued.key_der()).unwrap();
    with(site, Some((issued.chain().to_vec(), key)))
}

fn now() -> Timestamp {
    SystemClock::default().now()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

fn ask(endpoint: &Endpoint) -> DiagnoseResponse {
    run(endpoint.diagnose(now())).unwrap()
}

#[test]
fn it_grants_nothing_even_to_whom_the_gateway_knows() {
    let site = Site::started(ON);
    let endpoint = at(&site, "USA/ops-desk");
    assert!(ask(&endpoint).is_accepted);
    run(async {
        let channel = endpoint.connect().await.unwrap();
        let submission = SubmissionServiceClient::new(channel.clone())
            .who_am_i(WhoAmIRequest {})
            .await
            .unwrap_err();
        let feed = FeedServiceClient::new(channel.clone())
            .get_record(GetRecordRequest::default())
            .await
            .unwrap_err();
        let operations = OperationsServiceClient::new(channel.clone())
            .list_nations(ListNationsRequest {})
            .await
            .unwrap_err();
        let health = tonic_health::pb::health_client::HealthClient::new(channel)
            .check(tonic_health::pb::HealthCheckRequest::default())
            .await
            .unwrap_err();
        for status in [submission, feed, operations, health] {
            assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
        }
    });
    // And the real door has no diagnosis.
    let error = run(site.endpoint("USA/ops-desk").diagnose(now())).unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::Refused {
                code: Code::Unimplemented,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_stranger_does_not_learn_who_is_enrolled() {
    let site = Site::started(ON);
    let told = |domain: &str| {
        let answer = ask(&stranger(&site, &format!("spiffe://{domain}/a")));
        assert!(!answer.is_accepted);
        let checks = answer
            .checks
            .into_iter()
            .filter(|check| check.name != "clock");
        let text: Vec<_> = checks
            .map(|check| format!("{check:?}").replace(domain, "DOMAIN"))
            .collect();
        text
    };
    assert_eq!(told("gbr.entente.example"), told("xyz.entente.example"));
    // Not by way of a faulty certificate either, nor by a forged intermediate.
    let now = now();
    let authority = Authority::root(&AuthoritySpec::new("Stranger", now, 90)).unwrap();
    let between = AuthoritySpec {
        not_after: now - SignedDuration::from_hours(1),
        ..AuthoritySpec::new("Between", now - SignedDuration::from_hours(24 * 30), 1)
    };
    let between = authority.subordinate(&between).unwrap();
    let told = |domain: &str| {
        let issued = between
            .issue(&LeafSpec::system(&format!("spiffe://{domain}/a"), now, 47))
            .unwrap();
        let key = PrivateKeyDer::try_from(issued.key_der()).unwrap();
        let answer = ask(&with(&site, Some((issued.chain().to_vec(), key))));
        let checks = answer
            .checks
            .into_iter()
            .filter(|check| check.name != "clock");
        let text: Vec<_> = checks
            .map(|c| (c.code, c.message.split("; the").next().unwrap().to_owned()))
            .collect();
        text
    };
    assert_eq!(told("gbr.entente.example"), told("xyz.entente.example"));
}

#[test]
fn without_a_certificate_one_is_told_to_bring_one() {
    let site = Site::started(ON);
    let answer = ask(&with(&site, None));
    assert!(!answer.is_accepted && answer.chain.is_empty());
    assert_eq!(answer.checks[0].code, "no_certificate");
    assert!(answer.checks[0].mend.contains("certificate and its key"));
}

#[test]
fn a_certificate_without_its_key_is_not_diagnosed() {
    let site = Site::started(ON);
    let chain = CertificateDer::from_pem_file(site.path("certs-dev/GBR/uav-cell-4.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(site.path("certs-dev/FRA/poste-12.key")).unwrap();
    let thief = with(&site, Some((vec![chain], key)));
    let error = run(thief.diagnose(now())).unwrap_err().to_string();
    assert!(
        error.contains("the key does not belong to the certificate"),
        "{error}"
    );
}

#[test]
fn clocks_are_compared() {
    let site = Site::started(ON);
    let endpoint = at(&site, "GBR/uav-cell-4");
    for (hours, words) in [(2, "ahead of"), (-2, "behind")] {
        let theirs = now() + SignedDuration::from_hours(hours);
        let answer = run(endpoint.diagnose(theirs)).unwrap();
        assert!(
            answer.is_accepted,
            "certificates are judged by the gateway's clock"
        );
        let clock = answer
            .checks
            .iter()
            .find(|check| check.name == "clock")
            .unwrap();
        assert_eq!(clock.outcome(), CheckOutcome::Warning);
        assert!(clock.message.contains(words), "{}", clock.message);
        let ahead = answer.client_clock_ahead.unwrap().seconds;
        assert!((ahead.abs() - 7200).abs() < 60, "{ahead}");
    }
}

#[test]
fn one_connection_may_ask_so_often() {
    let site = Site::started(ON);
    run(async {
        let channel = at(&site, "GBR/uav-cell-4").connect().await.unwrap();
        let mut client = DiagnosisServiceClient::new(channel);
        for _ in 0..8 {
            client.diagnose(DiagnoseRequest::default()).await.unwrap();
        }
        let status = client.diagnose(DiagnoseRequest::default()).await;
        assert_eq!(status.unwrap_err().code(), Code::ResourceExhausted);
    });
}

#[test]
fn one_source_may_come_so_often_and_stay_so_long() {
    let site = Site::started(
        "[diagnosis]\naddress = \"127.0.0.1:0\"\nper_minute_max = 2\nlifetime = \"1s\"\n",
    );
    // Silent from the first octet: gone at the end of its life.
    let mut silent = std::net::TcpStream::connect(&site.diagnosis).unwrap();
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
    // A second connection serves, and ends in time although its client would stay.
    run(async {
        let endpoint = at(&site, "GBR/uav-cell-4");
        let tcp = tokio::net::TcpStream::connect(&site.diagnosis)
            .await
            .unwrap();
        let mut tls = entente::trust::connect(endpoint.tls.clone(), "localhost", tcp)
            .await
            .unwrap();
        let mut rest = Vec::new();
        let _reset_or_end = tokio::io::AsyncReadExt::read_to_end(&mut tls, &mut rest).await;
    });
    // The third of this minute is not served at all; the real door does not mind.
    let error = run(at(&site, "GBR/uav-cell-4").diagnose(now()));
    assert!(error.is_err());
    run(site.endpoint("GBR/uav-cell-4").who_am_i()).unwrap();
}
