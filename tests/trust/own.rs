//! Our own files: the development set, and every way in which a key or certificate is unusable.

use super::support::*;
use entente::clock::{Clock, FixedClock};
use entente::identity::Identity;
use entente::pki::{InitSpec, PkiError, init};
use entente::trust::{
    ClientFiles, NationSources, Own, OwnCertificate, TlsError, TrustState, client_config,
};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn clock() -> FixedClock {
    FixedClock::at(now())
}

#[test]
fn the_development_set_is_complete_private_and_usable() {
    let folder = tempfile::tempdir().unwrap();
    let certs = folder.path().join("certs-dev");
    let summary = init(&InitSpec::development(&certs), &clock()).unwrap();
    assert_eq!(summary.revocation_lists.len(), 12);
    for made in &summary.certificates {
        assert_eq!(mode(&made.key), 0o600, "{}", made.key.display());
        assert_eq!(mode(made.key.parent().unwrap()), 0o700);
    }
    let nation = |name: &str, allow: bool| NationSources {
        code: code(name),
        domain: domain(name),
        anchors: vec![certs.join(name).join("authority.pem")],
        revocation_lists: vec![certs.join(name).join("authority.crl.pem")],
        allow_development_anchors: allow,
        terms: entente::trust::Terms::default(),
    };
    let own = Own {
        certificate: certs.join("gateway/server.pem"),
        key: certs.join("gateway/server.key"),
    };
    let shared: Arc<dyn Clock> = Arc::new(clock());
    let nations = [
        "CZE", "DEU", "ESP", "EST", "FRA", "GBR", "ITA", "NLD", "POL", "ROU", "UKR", "USA",
    ];
    let trust = TrustState::load(
        nations.map(|n| nation(n, true)).to_vec(),
        own.clone(),
        Arc::clone(&shared),
    )
    .unwrap();
    assert_eq!(trust.snapshot().warnings(), []);
    let refused =
        TrustState::load(vec![nation("GBR", false)], own, Arc::clone(&shared)).unwrap_err();
    assert!(
        refused.to_string().contains("development authority"),
        "{refused}"
    );
    let files = ClientFiles {
        certificate: certs.join("GBR/uav-cell-4.pem"),
        key: certs.join("GBR/uav-cell-4.key"),
        authority: certs.join("gateway/authority.pem"),
    };
    client_config(&files, shared).unwrap();
}

#[test]
fn nothing_is_ever_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let spec = InitSpec::development(folder.path());
    init(&spec, &clock()).unwrap();
    let before = std::fs::read(folder.path().join("GBR/authority.key")).unwrap();
    let error = init(&spec, &clock()).unwrap_err();
    assert!(matches!(error, PkiError::Exists { .. }), "{error}");
    assert!(error.to_string().contains("nothing was written"), "{error}");
    assert_eq!(
        std::fs::read(folder.path().join("GBR/authority.key")).unwrap(),
        before
    );
    // One file of the set is enough to refuse, and then none of the others appears.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("USA")).unwrap();
    std::fs::write(folder.path().join("USA/authority.key"), "mine").unwrap();
    init(&InitSpec::development(folder.path()), &clock()).unwrap_err();
    assert!(!folder.path().join("gateway").exists());
}

#[test]
fn a_name_that_would_take_another_ones_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = InitSpec::development(folder.path());
    spec.systems.push(Identity::parse("GBR/authority").unwrap());
    let error = init(&spec, &clock()).unwrap_err();
    assert!(matches!(error, PkiError::Twice(_)), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    spec.systems.pop();
    spec.systems
        .push(Identity::parse("GBR/north/cell-1").unwrap());
    init(&spec, &clock()).unwrap();
    assert!(folder.path().join("GBR/north/cell-1.pem").exists());
}

#[test]
fn impossible_days_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for days in [0, 398] {
        let mut spec = InitSpec::development(folder.path());
        spec.days = days;
        assert!(matches!(init(&spec, &clock()).unwrap_err(), PkiError::Days(d) if d == days));
    }
}

#[test]
fn every_fault_of_own_files_is_named_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let authority = root("gateway");
    let issued = authority.issue(&sound("GBR")).unwrap();
    let other = authority.issue(&sound("GBR")).unwrap();
    write_pair(path, "a", &issued);
    write_pair(path, "b", &other);
    let load = |certificate: &str, key: &str| {
        OwnCertificate::load(&path.join(certificate), &path.join(key)).unwrap_err()
    };
    assert!(OwnCertificate::load(&path.join("a.pem"), &path.join("a.key")).is_ok());
    let missing = load("none.pem", "a.key").to_string();
    assert!(
        missing.contains("none.pem") && missing.contains("cannot be opened"),
        "{missing}"
    );
    let missing = load("a.pem", "none.key").to_string();
    assert!(
        missing.contains("private key") && missing.contains("none.key"),
        "{missing}"
    );
    assert!(matches!(load("a.pem", "b.key"), TlsError::Mismatch { .. }));
    let swapped = load("a.key", "a.key").to_string();
    assert!(swapped.contains("holds no certificate"), "{swapped}");
    std::fs::write(path.join("empty.key"), "").unwrap();
    set_mode(&path.join("empty.key"), 0o600);
    assert!(
        load("a.pem", "empty.key")
            .to_string()
            .contains("holds no private key")
    );
    for open in [0o640, 0o604, 0o660, 0o644] {
        set_mode(&path.join("a.key"), open);
        let error = load("a.pem", "a.key");
        assert!(
            matches!(error, TlsError::KeyMode { mode, .. } if mode == open),
            "{error}"
        );
        assert!(error.to_string().contains("set it to 0600"), "{error}");
    }
}
