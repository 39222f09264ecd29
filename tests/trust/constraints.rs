//! Constraints of authorities: linted when they are handed in, held in every path, and told
//! in plain words.

use super::support::*;
use entente::trust::{PeerChain, TrustError, TrustSnapshot};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints,
};

/// Name constraints that permit URIs of one domain; rcgen cannot write such.
fn on_uris() -> CustomExtension {
    // NameConstraints { permittedSubtrees [0] { GeneralSubtree { uniformResourceIdentifier } } }
    let host = b"gbr.entente.example";
    let wrap = |tag: u8, inner: &[u8]| {
        let mut out = vec![tag, u8::try_from(inner.len()).unwrap()];
        out.extend_from_slice(inner);
        out
    };
    let base = wrap(0x86, host);
    let der = wrap(0x30, &wrap(0xa0, &wrap(0x30, &base)));
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], der);
    extension.set_criticality(true);
    extension
}

fn authority(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::CrlSign, KeyUsagePurpose::KeyCertSign];
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    change(&mut params);
    params
}

/// What is said of a root, as an error or as warnings.
fn said(change: impl FnOnce(&mut CertificateParams)) -> Result<String, String> {
    let key = KeyPair::generate().unwrap();
    let root = authority("GBR root", change).self_signed(&key).unwrap();
    let nations = [material("GBR", &[&root.pem()], &[])];
    let lines = |all: &[entente::trust::TrustProblem]| {
        let all: Vec<_> = all.iter().map(ToString::to_string).collect();
        all.join("\n")
    };
    TrustSnapshot::from_material(1, &nations, now(), None)
        .map(|snapshot| lines(snapshot.warnings()))
        .map_err(|problems| lines(&problems))
}

#[test]
fn an_authority_without_limit_is_warned_of_and_one_that_can_never_work_is_refused() {
    let sound = said(|_| {}).unwrap();
    assert!(
        !sound.contains("path length") && !sound.contains("constraints"),
        "{sound}"
    );
    let endless = said(|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)).unwrap();
    assert!(endless.contains("states no path length"), "{endless}");
    let dns = said(|p| {
        p.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("gbr.example".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let dns = dns.unwrap();
    assert!(dns.contains("say nothing of identities"), "{dns}");
    let uris = said(|p| p.custom_extensions.push(on_uris())).unwrap_err();
    assert!(
        uris.contains("nobody below it could ever connect"),
        "{uris}"
    );
    assert!(uris.contains("have it issued anew without them"), "{uris}");
}

/// A system below an authority below a root.
fn two_below(
    of_root: impl FnOnce(&mut CertificateParams),
    of_middle: impl FnOnce(&mut CertificateParams),
) -> Result<String, TrustError> {
    let keys: Vec<_> = (0..3).map(|_| KeyPair::generate().unwrap()).collect();
    let root = authority("GBR root", of_root);
    let anchor = root.self_signed(&keys[0]).unwrap();
    let root = Issuer::from_params(&root, &keys[0]);
    let middle = authority("GBR middle", of_middle);
    let between = middle.signed_by(&keys[1], &root).unwrap();
    let middle = Issuer::from_params(&middle, &keys[1]);
    let mut leaf = CertificateParams::default();
    let uri = uri("GBR", "unit-1");
    leaf.subject_alt_names = vec![rcgen::SanType::URI(uri.as_str().try_into().unwrap())];
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    leaf.not_before = rcgen::date_time_ymd(2026, 5, 1);
    leaf.not_after = rcgen::date_time_ymd(2026, 7, 1);
    let leaf = leaf.signed_by(&keys[2], &middle).unwrap();
    let list = |issuer: &Issuer<'_, &KeyPair>| {
        let params = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 5, 1),
            next_update: rcgen::date_time_ymd(2026, 7, 1),
            crl_number: 1_u64.into(),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        params.signed_by(issuer).unwrap().pem().unwrap()
    };
    let lists = [list(&root), list(&middle)];
    let lists: Vec<_> = lists.iter().map(String::as_str).collect();
    let snapshot = snapshot(&[material("GBR", &[&anchor.pem()], &lists)]);
    let chain = PeerChain::from_der(&[leaf.der().as_ref(), between.der().as_ref()]);
    let peer = snapshot.verify(&chain, now())?;
    Ok(peer.identity.to_string())
}

fn of_length(length: u8) -> impl FnOnce(&mut CertificateParams) {
    move |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(length))
}

#[test]
fn the_path_length_of_an_anchor_is_held_and_told_in_words() {
    assert_eq!(two_below(of_length(1), |_| {}).unwrap(), "GBR/unit-1");
    let error = two_below(of_length(0), |_| {}).unwrap_err();
    assert_eq!(error.code(), "path");
    let words = error.to_string();
    assert!(
        words.contains("may not have another authority below it"),
        "{words}"
    );
    assert!(!words.contains("PathLen"), "{words}");
}

#[test]
fn constraints_on_uris_below_an_anchor_are_told_in_words() {
    let constrained = |p: &mut CertificateParams| p.custom_extensions.push(on_uris());
    let error = two_below(of_length(1), constrained).unwrap_err();
    let words = error.to_string();
    assert!(words.contains("name constraints"), "{words}");
    assert!(!words.contains("NameConstraint"), "{words}");
}
