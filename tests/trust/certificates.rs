//! Cases 1 to 13: what a certificate must be. The verifier alone, on certificates that were
//! really issued.

use super::support::*;
use entente::identity::spiffe::SpiffeError;
use entente::pki::{Authority, AuthoritySpec, Fault};
use entente::trust::{PeerChain, TrustError, Which};
use jiff::SignedDuration;

/// Issues with a fault by GBR's own authority and returns why it is refused.
fn refusal(fault: Fault) -> TrustError {
    let nations = TwoNations::new();
    let issued = nations.gbr.issue(&faulty("GBR", fault)).unwrap();
    verify(&nations.snapshot(), &issued).unwrap_err()
}

#[test]
fn case_1_the_authority_of_one_nation_cannot_mint_an_identity_of_another() {
    let nations = TwoNations::new();
    let forged = nations.fra.issue(&sound("GBR")).unwrap();
    let error = verify(&nations.snapshot(), &forged).unwrap_err();
    assert!(matches!(error, TrustError::UnknownIssuer { nation, .. } if nation == code("GBR")));
    assert!(
        error
            .to_string()
            .contains("not issued by an authority of GBR"),
        "{error}"
    );
}

#[test]
fn case_1_nor_can_it_under_the_same_name_as_the_other_authority() {
    let gbr = root("The authority");
    let fra = root("The authority");
    let snapshot = snapshot(&[
        material("GBR", &[gbr.certificate_pem()], &[&list(&gbr, 1, &[])]),
        material("FRA", &[fra.certificate_pem()], &[&list(&fra, 1, &[])]),
    ]);
    let forged = fra.issue(&sound("GBR")).unwrap();
    let error = verify(&snapshot, &forged).unwrap_err();
    assert!(matches!(error, TrustError::UnknownIssuer { .. }), "{error}");
    assert!(verify(&snapshot, &fra.issue(&sound("FRA")).unwrap()).is_ok());
}

#[test]
fn case_2_two_uris_or_none_are_refused() {
    assert_eq!(refusal(Fault::NoUri), TrustError::NoUri);
    let second = Fault::SecondUri(uri("FRA", "unit-1"));
    assert_eq!(refusal(second), TrustError::SeveralUris(2));
    let same = Fault::SecondUri(uri("GBR", "unit-1"));
    assert_eq!(refusal(same), TrustError::SeveralUris(2));
}

#[test]
fn case_3_odd_uris_are_refused() {
    for odd in [
        "spiffe://user@gbr.entente.example/unit-1",
        "spiffe://gbr.entente.example:443/unit-1",
        "spiffe://gbr.entente.example/unit%2d1",
        "spiffe://GBR.entente.example/unit-1",
        "spiffe://gbr.entente.example/unit-1?x",
        "spiffe://gbr.entente.example/",
        "https://gbr.entente.example/unit-1",
    ] {
        let error = refusal(Fault::OddUri(odd.to_owned()));
        assert!(matches!(error, TrustError::OddUri { .. }), "{odd}: {error}");
    }
    let error = refusal(Fault::OddUri("https://gbr.entente.example/x".to_owned()));
    assert!(matches!(
        error,
        TrustError::OddUri {
            reason: SpiffeError::Scheme,
            ..
        }
    ));
}

#[test]
fn case_4_an_unknown_domain_is_refused() {
    let error = refusal(Fault::OddUri(
        "spiffe://xyz.entente.example/unit-1".to_owned(),
    ));
    assert_eq!(error, TrustError::UnknownDomain(domain("XYZ")));
}

#[test]
fn case_5_a_bridge_between_two_nations_carries_nobody_over() {
    let nations = TwoNations::new();
    let snapshot = nations.snapshot();
    // FRA's authority issues a GBR identity and sends GBR's certificate for FRA's key along,
    // as if GBR had cross-signed; it has not.
    let forged = nations.fra.issue(&sound("GBR")).unwrap();
    let spec = AuthoritySpec::new("GBR authority", now(), 730);
    let self_made = nations.fra.cross_sign(&nations.gbr, &spec).unwrap();
    for extra in [
        nations.gbr.certificate().clone(),
        nations.fra.certificate().clone(),
        self_made,
    ] {
        let chain = PeerChain::from_der(&[forged.chain()[0].as_ref(), extra.as_ref()]);
        let error = snapshot.verify(&chain, now()).unwrap_err();
        assert!(matches!(error, TrustError::UnknownIssuer { .. }), "{error}");
    }
}

#[test]
fn case_5_another_nations_authority_in_the_sent_chain_changes_nothing() {
    let nations = TwoNations::new();
    let issued = nations.gbr.issue(&sound("GBR")).unwrap();
    let fra = nations.fra.certificate();
    let chain = PeerChain::from_der(&[issued.chain()[0].as_ref(), fra.as_ref()]);
    let peer = nations.snapshot().verify(&chain, now()).unwrap();
    assert_eq!(peer.identity.to_string(), "GBR/unit-1");
}

#[test]
fn case_6_an_authority_as_leaf_and_a_leaf_that_may_sign_are_refused() {
    assert_eq!(refusal(Fault::Authority), TrustError::AuthorityAsLeaf);
    assert_eq!(refusal(Fault::MaySign), TrustError::LeafMaySign);
    assert_eq!(
        refusal(Fault::NoDigitalSignature),
        TrustError::NoDigitalSignature
    );
}

#[test]
fn case_7_a_missing_any_or_server_only_purpose_is_refused() {
    assert_eq!(refusal(Fault::NoPurpose), TrustError::NotForClients);
    assert_eq!(refusal(Fault::ServerOnly), TrustError::NotForClients);
    assert_eq!(refusal(Fault::AnyPurpose), TrustError::AnyUsage);
}

#[test]
fn case_8_an_expired_or_future_leaf_names_both_clocks() {
    let expired = refusal(Fault::Expired);
    assert!(
        matches!(
            expired,
            TrustError::Expired {
                which: Which::Leaf,
                ..
            }
        ),
        "{expired}"
    );
    assert!(
        expired
            .to_string()
            .contains("the gateway's clock says 2026-06-01T12:00:00Z")
    );
    assert!(
        expired.to_string().contains("2026-06-01T10:55:00Z"),
        "{expired}"
    );
    let future = refusal(Fault::NotYetValid);
    assert!(
        matches!(
            future,
            TrustError::NotYetValid {
                which: Which::Leaf,
                ..
            }
        ),
        "{future}"
    );
    assert!(
        future.to_string().contains("2026-06-02T11:55:00Z"),
        "{future}"
    );
}

/// Root and intermediate of GBR, each as specified, with lists for both.
fn below(root_spec: &AuthoritySpec, middle_spec: &AuthoritySpec) -> TrustError {
    let root = Authority::root(root_spec).unwrap();
    let middle = root.subordinate(middle_spec).unwrap();
    let lists = [list(&root, 1, &[]), list(&middle, 1, &[])];
    let snapshot = snapshot(&[material(
        "GBR",
        &[root.certificate_pem()],
        &[&lists[0], &lists[1]],
    )]);
    verify(&snapshot, &middle.issue(&sound("GBR")).unwrap()).unwrap_err()
}

#[test]
fn case_8_an_expired_or_future_issuer_is_refused() {
    let good = AuthoritySpec::new("root", now(), 730);
    let mut expired = AuthoritySpec::new("middle", now(), 730);
    expired.not_after = now() - SignedDuration::from_mins(1);
    let error = below(&good, &expired);
    assert!(
        matches!(
            error,
            TrustError::Expired {
                which: Which::Issuer,
                ..
            }
        ),
        "{error}"
    );
    let mut future = AuthoritySpec::new("middle", now(), 730);
    future.not_before = now() + DAY;
    let error = below(&good, &future);
    assert!(
        matches!(
            error,
            TrustError::NotYetValid {
                which: Which::Issuer,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn case_8_an_expired_or_future_anchor_vouches_for_nobody() {
    let middle = AuthoritySpec::new("middle", now(), 730);
    let mut expired = AuthoritySpec::new("root", now(), 730);
    expired.not_after = now() - SignedDuration::from_mins(1);
    let error = below(&expired, &middle);
    assert!(matches!(error, TrustError::NoLiveAnchor { .. }), "{error}");
    let mut future = AuthoritySpec::new("root", now(), 730);
    future.not_before = now() + DAY;
    assert!(matches!(
        below(&future, &middle),
        TrustError::NoLiveAnchor { .. }
    ));
}

#[test]
fn case_9_a_key_outside_of_the_profile_is_refused() {
    let error = refusal(Fault::ForeignCurve);
    assert!(
        matches!(
            error,
            TrustError::WeakKey {
                which: Which::Leaf,
                ..
            }
        ),
        "{error}"
    );
    let error = refusal(Fault::WeakRsa);
    assert!(error.to_string().contains("1024 bit RSA"), "{error}");
}

#[test]
fn case_10_serial_zero_and_21_octets_are_refused() {
    assert_eq!(refusal(Fault::SerialZero), TrustError::OddSerial);
    assert_eq!(refusal(Fault::SerialLong), TrustError::OddSerial);
}

#[test]
fn a_certificate_for_ten_years_is_refused() {
    let error = refusal(Fault::LongLived);
    assert!(matches!(error, TrustError::LongLived { .. }), "{error}");
}

#[test]
fn case_11_seven_intermediates_are_refused_unread() {
    let nations = TwoNations::new();
    let issued = nations.gbr.issue(&sound("GBR")).unwrap();
    let mut ders = vec![issued.chain()[0].as_ref()];
    ders.extend([nations.gbr.certificate().as_ref(); 7]);
    let error = nations
        .snapshot()
        .verify(&PeerChain::from_der(&ders), now())
        .unwrap_err();
    assert!(
        matches!(error, TrustError::TooManyCertificates { sent: 7, .. }),
        "{error}"
    );
}

#[test]
fn case_12_malformed_truncated_and_huge_certificates_are_refused() {
    let nations = TwoNations::new();
    let snapshot = nations.snapshot();
    let issued = nations.gbr.issue(&sound("GBR")).unwrap();
    let der = issued.chain()[0].as_ref();
    let verify = |bytes: &[u8]| snapshot.verify(&PeerChain::from_der(&[bytes]), now());
    assert_eq!(
        snapshot
            .verify(&PeerChain::from_der(&[]), now())
            .unwrap_err(),
        TrustError::NoCertificate
    );
    // Cut at every byte, and with every byte changed: refused or, where the byte is in the
    // signature's padding-free tail, still never another identity.
    for cut in 0..der.len() {
        assert!(verify(&der[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..der.len() {
        let mut changed = der.to_vec();
        changed[at] ^= 0x55;
        assert!(verify(&changed).is_err(), "changed at {at}");
    }
    let mut trailing = der.to_vec();
    trailing.push(0);
    assert!(matches!(
        verify(&trailing).unwrap_err(),
        TrustError::Malformed { .. }
    ));
    let error = verify(&vec![0x30; 1024 * 1024]).unwrap_err();
    assert!(
        matches!(
            error,
            TrustError::TooLarge {
                bytes: 1_048_576,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn case_13_an_intermediate_without_cert_sign_is_refused() {
    let good = AuthoritySpec::new("root", now(), 730);
    let mut silent = AuthoritySpec::new("middle", now(), 730);
    silent.may_sign_certificates = false;
    assert_eq!(below(&good, &silent), TrustError::IssuerMayNotSign);
}

#[test]
fn a_system_below_an_intermediate_is_accepted_and_lives_as_long_as_the_chain() {
    let nations = TwoNations::new();
    let middle_spec = AuthoritySpec::new("middle", now(), 30);
    let middle = nations.gbr.subordinate(&middle_spec).unwrap();
    let lists = [list(&nations.gbr, 1, &[]), list(&middle, 1, &[])];
    let gbr = nations.gbr.certificate_pem();
    let snapshot = snapshot(&[material("GBR", &[gbr], &[&lists[0], &lists[1]])]);
    let peer = verify(&snapshot, &middle.issue(&sound("GBR")).unwrap()).unwrap();
    assert_eq!(peer.not_after, now() + DAY * 90);
    assert_eq!(peer.valid_until, now() + DAY * 30);
    assert_eq!(peer.identity.nation, code("GBR"));
}

#[test]
fn a_sound_certificate_says_who_it_is() {
    let nations = TwoNations::new();
    let issued = nations.gbr.issue(&sound("GBR")).unwrap();
    let peer = verify(&nations.snapshot(), &issued).unwrap();
    assert_eq!(peer.identity.to_string(), "GBR/unit-1");
    assert_eq!(
        peer.spiffe_id.to_string(),
        "spiffe://gbr.entente.example/unit-1"
    );
    assert_eq!(peer.epoch, 1);
    assert!(
        peer.anchor_subject.contains("GBR authority"),
        "{}",
        peer.anchor_subject
    );
    assert!(!peer.serial_hex.is_empty());
}

#[test]
fn an_anchor_of_two_nations_is_refused() {
    let shared = root("shared");
    let lists = list(&shared, 1, &[]);
    let found = problems(&[
        material("GBR", &[shared.certificate_pem()], &[&lists]),
        material("FRA", &[shared.certificate_pem()], &[&lists]),
    ]);
    assert!(
        found
            .iter()
            .any(|p| p.reason.contains("also vouches for GBR")),
        "{found:?}"
    );
}

#[test]
fn development_anchors_are_refused_unless_allowed() {
    let gbr = root("GBR");
    let mut gbr_material = material("GBR", &[gbr.certificate_pem()], &[&list(&gbr, 1, &[])]);
    gbr_material.allow_development_anchors = false;
    let found = problems(&[gbr_material.clone()]);
    assert!(
        found[0].reason.contains("development authority"),
        "{found:?}"
    );
    let mut real = AuthoritySpec::new("GBR", now(), 730);
    real.is_development = false;
    let real = Authority::root(&real).unwrap();
    gbr_material.anchors[0].bytes = real.certificate_pem().as_bytes().to_vec();
    gbr_material.revocation_lists[0].bytes = list(&real, 1, &[]).into_bytes();
    assert!(
        verify(
            &snapshot(&[gbr_material]),
            &real.issue(&sound("GBR")).unwrap()
        )
        .is_ok()
    );
}

#[test]
fn faulty_anchors_are_each_reported() {
    let gbr = root("GBR");
    let leaf = gbr.issue(&sound("GBR")).unwrap();
    let found = problems(&[material(
        "GBR",
        &[
            leaf.chain_pem(),
            "no PEM at all",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END",
        ],
        &["neither"],
    )]);
    let reasons: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert!(
        reasons
            .iter()
            .any(|r| r.contains("GBR anchor 0: is not an authority's")),
        "{reasons:?}"
    );
    assert!(
        reasons
            .iter()
            .any(|r| r.contains("GBR anchor 1: holds no certificate"))
    );
    assert!(reasons.iter().any(|r| r.contains("GBR anchor 2")));
    assert!(
        reasons
            .iter()
            .any(|r| r.contains("GBR list 0: holds no revocation list"))
    );
}

#[test]
fn case_11_a_path_building_bomb_is_given_up_in_bounded_time() {
    // Six authorities of one name, each signed by each other's name: a maze without an exit.
    let spec = AuthoritySpec::new("one of many", now(), 300);
    let anchor = root("one of many");
    let maze: Vec<_> = (0..6).map(|_| root("one of many")).collect();
    let mut chain = vec![maze[0].issue(&sound("GBR")).unwrap().chain()[0].clone()];
    for (at, authority) in maze.iter().enumerate() {
        let next = &maze[(at + 1) % maze.len()];
        chain.push(next.cross_sign(authority, &spec).unwrap());
    }
    let trust = snapshot(&[material(
        "GBR",
        &[anchor.certificate_pem()],
        &[&list(&anchor, 1, &[])],
    )]);
    let chain: Vec<_> = chain.iter().map(AsRef::as_ref).collect();
    let clock = entente::clock::SystemClock::default();
    let began = entente::clock::Clock::monotonic(&clock);
    let error = trust
        .verify(&PeerChain::from_der(&chain), now())
        .unwrap_err();
    let took = entente::clock::Clock::monotonic(&clock) - began;
    assert!(
        matches!(
            error,
            TrustError::UnknownIssuer { .. } | TrustError::Path(_)
        ),
        "{error}"
    );
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
}
