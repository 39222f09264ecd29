//! TLS profiles: each takes what it says, refuses the rest, and what it cannot do does not start.
//! Certificates with these keys are made with rcgen here: our own development set is P-256.

use super::support::*;
use entente::clock::{Clock, FixedClock};
use entente::identity::registry::Registry;
use entente::listener::{Connections, EndKind, Listener, Settings};
use entente::trust::{
    ClientFiles, ConnectError, Own, Profile, TlsError, TrustState, TrustStateError, client_config,
    connect,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, SanType,
    SerialNumber, SignatureAlgorithm,
};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

type Algorithm = &'static SignatureAlgorithm;

fn at(days: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(
        (now() + DAY * i32::try_from(days).unwrap()).as_second(),
    )
    .unwrap()
}

/// An authority, a server, a system and a list, all with keys of one kind, in a folder.
fn lay(folder: &Path, stem: &str, algorithm: Algorithm) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, stem);
    params.distinguished_name.push(
        DnType::OrganizationName,
        entente::trust::DEVELOPMENT_ORGANISATION,
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (at(-1), at(300));
    params.use_authority_key_identifier_extension = true;
    let root = params.self_signed(&key).unwrap();
    write(&folder.join(format!("{stem}.pem")), &root.pem());
    let issuer = Issuer::new(params, key);
    let crl = CertificateRevocationListParams {
        this_update: at(0),
        next_update: at(30),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let crl = crl.signed_by(&issuer).unwrap().pem().unwrap();
    write(&folder.join(format!("{stem}.crl")), &crl);
    let leaf = |name: &str, san: SanType, purpose: ExtendedKeyUsagePurpose| {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![san];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.is_ca = IsCa::ExplicitNoCa;
        (params.not_before, params.not_after) = (at(-1), at(90));
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &issuer).unwrap();
        write(&folder.join(format!("{name}.pem")), &certificate.pem());
        let file = folder.join(format!("{name}.key"));
        write(&file, &key.serialize_pem());
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    let localhost = SanType::DnsName("localhost".try_into().unwrap());
    leaf(
        &format!("{stem}-server"),
        localhost,
        ExtendedKeyUsagePurpose::ServerAuth,
    );
    let system = SanType::URI(uri(stem, "unit-1").as_str().try_into().unwrap());
    leaf(
        &format!("{stem}-system"),
        system,
        ExtendedKeyUsagePurpose::ClientAuth,
    );
}

/// Nations by the kind of their keys, so that one listener can meet them all.
const KINDS: [(&str, Algorithm); 4] = [
    ("GBR", &rcgen::PKCS_ECDSA_P256_SHA256),
    ("FRA", &rcgen::PKCS_ECDSA_P384_SHA384),
    ("DEU", &rcgen::PKCS_ED25519),
    ("USA", &rcgen::PKCS_ML_DSA_87),
];

struct Door {
    folder: tempfile::TempDir,
    address: SocketAddr,
    own: &'static str,
    _draining: watch::Sender<bool>,
    _accepted: mpsc::Receiver<entente::listener::GatewayIo>,
}

fn trust(folder: &Path, profile: Profile, own: &str) -> Result<TrustState, TrustStateError> {
    let own = Own {
        certificate: folder.join(format!("{own}-server.pem")),
        key: folder.join(format!("{own}-server.key")),
    };
    let nations = KINDS
        .iter()
        .map(|(nation, _)| sources(folder, nation))
        .collect();
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(now()));
    TrustState::load_kept(nations, own, profile, None, clock)
}

impl Door {
    async fn open(profile: Profile, own: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (nation, algorithm) in KINDS {
            lay(folder.path(), nation, algorithm);
        }
        let trust = Arc::new(trust(folder.path(), profile, own).unwrap());
        let settings = Settings {
            tls_profile: profile,
            ..settings()
        };
        let listener = Listener::bind(&settings).await.unwrap();
        let address = listener.local_addr();
        let (draining, drained) = watch::channel(false);
        let registry = Registry::new(KINDS.map(|(nation_code, _)| nation(nation_code, 100)));
        let accepted = listener.run(
            Arc::clone(&trust),
            Arc::new(Connections::new()),
            Arc::new(arc_swap::ArcSwap::from_pointee(registry)),
            Arc::clone(trust.clock()),
            drained,
        );
        Self {
            folder,
            address,
            own,
            _draining: draining,
            _accepted: accepted,
        }
    }

    /// Whether a system gets in, and with which group and suite.
    async fn meets(&mut self, nation: &str) -> Result<(String, String), String> {
        let file = |name: String| self.folder.path().join(name);
        let files = ClientFiles {
            certificate: file(format!("{nation}-system.pem")),
            key: file(format!("{nation}-system.key")),
            authority: file(format!("{}.pem", self.own)),
        };
        let config = client_config(&files, Arc::new(FixedClock::at(now()))).unwrap();
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let connecting = connect(config, "localhost", tcp);
        // Accepted once the listener hands it over; refused once the client is told.
        tokio::select! {
            refused = connecting => match refused {
                Err(ConnectError::Refused { cause, .. }) => Err(cause.to_string()),
                other => Err(format!("{other:?}")),
            },
            accepted = self._accepted.recv() => {
                let (group, suite) = accepted.unwrap().negotiated();
                Ok((group, suite))
            }
        }
    }
}

#[tokio::test]
async fn every_profile_takes_exactly_its_keys_groups_and_suites() {
    let hybrid = "X25519MLKEM768";
    for (profile, own, takes, group) in [
        (
            Profile::Default,
            "GBR",
            &["GBR", "FRA", "DEU", "USA"][..],
            hybrid,
        ),
        (Profile::Fmn5, "GBR", &["GBR", "FRA"], hybrid),
        (Profile::Cnsa1, "FRA", &["FRA"], "secp384r1"),
        (Profile::Cnsa2, "USA", &["USA"], "MLKEM1024"),
    ] {
        let mut door = Door::open(profile, own).await;
        for (nation, _) in KINDS {
            let met = door.meets(nation).await;
            if takes.contains(&nation) {
                let (negotiated, suite) = met.unwrap_or_else(|e| panic!("{profile} {nation}: {e}"));
                assert_eq!(
                    negotiated.to_lowercase(),
                    group.to_lowercase(),
                    "{profile} {nation}"
                );
                assert_eq!(suite, "TLS13_AES_256_GCM_SHA384", "{profile} {nation}");
            } else {
                assert!(met.is_err(), "{profile} took a key of {nation}");
            }
        }
    }
}

#[tokio::test]
async fn case_31_a_client_outside_of_a_profile_finds_no_common_ground() {
    use rustls::crypto::aws_lc_rs::{cipher_suite as suite, kx_group as group};
    let door = Door::open(Profile::Cnsa1, "FRA").await;
    for is_group in [true, false] {
        let mut foreign = rustls::crypto::aws_lc_rs::default_provider();
        if is_group {
            foreign.kx_groups = vec![group::X25519MLKEM768, group::X25519, group::SECP256R1];
        } else {
            foreign.cipher_suites = vec![suite::TLS13_AES_128_GCM_SHA256];
        }
        let mut config =
            rustls::ClientConfig::builder_with_details(Arc::new(foreign), Arc::new(TestTime))
                .with_protocol_versions(&[&rustls::version::TLS13])
                .unwrap()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tcp = TcpStream::connect(door.address).await.unwrap();
        let told = connect_over(tcp, Arc::new(config)).await.unwrap_err();
        assert!(told.contains("HandshakeFailure"), "{told}");
    }
}

#[test]
fn a_certificate_of_our_own_that_does_not_fit_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (nation, algorithm) in KINDS {
        lay(folder.path(), nation, algorithm);
    }
    for (profile, own, fits) in [
        (Profile::Default, "USA", true),
        (Profile::Fmn5, "DEU", false),
        (Profile::Cnsa1, "GBR", false),
        (Profile::Cnsa1, "FRA", true),
        (Profile::Cnsa2, "FRA", false),
        (Profile::Cnsa2, "USA", true),
    ] {
        match trust(folder.path(), profile, own) {
            Ok(_) => assert!(fits, "{profile} {own}"),
            Err(error) => {
                assert!(!fits, "{profile} {own}: {error}");
                assert!(matches!(
                    error,
                    TrustStateError::Own(TlsError::Profile { .. })
                ));
                let word = format!("profile is {profile}");
                assert!(error.to_string().contains(&word), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_connection_under_fmn5_ends_after_48_hours_and_the_next_is_welcome() {
    let door = Settings {
        // The connection looks at the clock when this is over.
        first_request_deadline: Duration::from_secs(3),
        ..settings()
    };
    let mut gateway = Gateway::start(Settings {
        tls_profile: Profile::Fmn5,
        ..door
    })
    .await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let mut client = gateway.connect(&issued).await.unwrap();
    let peer = gateway.peers.recv().await.unwrap();
    assert_eq!(peer.until(), now() + DAY * 2);
    client.echo().await.unwrap();
    gateway.clock.advance(Duration::from_secs(48 * 3600));
    let ending = tokio::time::timeout(PATIENCE, peer.cut()).await.unwrap();
    assert_eq!(ending.kind, EndKind::SessionLimit, "{}", ending.reason);
    assert!(ending.reason.contains("48 hours"), "{}", ending.reason);
    client.ended().await;
    gateway
        .connect(&issued)
        .await
        .unwrap()
        .echo()
        .await
        .unwrap();
}
