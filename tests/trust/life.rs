//! Anchors through their life, blocks, and the grace of overdue lists.

use super::support::*;
use entente::listener::EndKind;
use entente::pki::{Authority, AuthoritySpec, Issued};
use entente::trust::{
    Blocked, Hold, Material, NationMaterial, NationSources, Standing, TrustError, TrustSnapshot,
};
use jiff::{SignedDuration, Timestamp};
use std::path::Path;

/// GBR with an active and another authority in some standing, both with lists.
fn with_other(active: &str, other: &str, standing: Standing, lists: &[&str]) -> NationMaterial {
    let mut nation = material("GBR", &[active], lists);
    let material = Material {
        name: "other".to_owned(),
        bytes: other.as_bytes().to_vec(),
    };
    nation.terms.anchors.push((material, standing));
    nation
}

#[test]
fn an_anchor_vouches_only_while_it_is_active_or_retiring() {
    let (old, new) = (root("GBR authority"), root("GBR authority"));
    let lists = [list(&old, 1, &[]), list(&new, 1, &[])];
    let lists = [lists[0].as_str(), lists[1].as_str()];
    let (of_old, of_new) = (
        old.issue(&sound("GBR")).unwrap(),
        new.issue(&sound("GBR")).unwrap(),
    );
    let until = now() + DAY;
    for (standing, admits, says) in [
        (
            Standing::Published,
            false,
            "is published for later use only",
        ),
        (Standing::Retiring { until }, true, ""),
        (
            Standing::Retiring { until: now() },
            false,
            "was retired at 2026-06-01T12:00:00Z",
        ),
        (Standing::Withdrawn, false, "was withdrawn"),
    ] {
        let nation = with_other(
            new.certificate_pem(),
            old.certificate_pem(),
            standing,
            &lists,
        );
        let trust = snapshot(&[nation]);
        assert!(verify(&trust, &of_new).is_ok(), "{standing:?}");
        match verify(&trust, &of_old) {
            Ok(peer) => {
                assert!(admits, "{standing:?}");
                assert_eq!(peer.valid_until, until);
                assert!(peer.is_retiring);
                // The same identity, whichever authority issued the certificate.
                assert_eq!(peer.identity, verify(&trust, &of_new).unwrap().identity);
            }
            Err(error) => {
                assert!(!admits, "{standing:?}");
                assert!(
                    matches!(error, TrustError::AnchorNotInForce { .. }),
                    "{error}"
                );
                assert!(error.to_string().contains(says), "{error}");
            }
        }
    }
}

#[test]
fn a_withdrawn_authority_comes_back_neither_in_a_bundle_nor_below_another() {
    let (gbr, gone) = (root("GBR"), root("GBR of old"));
    let lists = [list(&gbr, 1, &[]), list(&gone, 1, &[])];
    let lists = [lists[0].as_str(), lists[1].as_str()];
    let bundle = format!("{}{}", gbr.certificate_pem(), gone.certificate_pem());
    let nation = with_other(&bundle, gone.certificate_pem(), Standing::Withdrawn, &lists);
    let trust = snapshot(&[nation]);
    let below = gone.issue(&sound("GBR")).unwrap();
    assert!(matches!(
        verify(&trust, &below),
        Err(TrustError::AnchorNotInForce { .. })
    ));
    // The active authority signs the withdrawn one's key anew, under another name, with a list
    // of its own: everything is sound, but the key is what was withdrawn.
    let spec = AuthoritySpec::new("GBR reborn", now(), 300);
    let bridge = gbr.cross_sign(&gone, &spec).unwrap();
    let reborn = Authority::from_pem(&to_pem(&bridge), &gone.key_pem()).unwrap();
    let below = reborn.issue(&sound("GBR")).unwrap();
    let chain = [below.chain()[0].as_ref(), bridge.as_ref()];
    let chain = entente::trust::PeerChain::from_der(&chain);
    let lists = [lists[0], &list(&reborn, 1, &[])];
    let before = snapshot(&[material("GBR", &[gbr.certificate_pem()], &lists)]);
    assert!(
        before.verify(&chain, now()).is_ok(),
        "sound, until the key is withdrawn"
    );
    let standing = Standing::Withdrawn;
    let nation = with_other(
        gbr.certificate_pem(),
        gone.certificate_pem(),
        standing,
        &lists,
    );
    let error = snapshot(&[nation]).verify(&chain, now()).unwrap_err();
    assert!(
        matches!(error, TrustError::AnchorNotInForce { .. }),
        "{error}"
    );
}

/// A certificate in PEM, by openssl.
fn to_pem(der: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.der");
    std::fs::write(&file, der).unwrap();
    let output = std::process::Command::new("openssl")
        .args(["x509", "-inform", "der", "-in"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_anchor_that_is_named_in_two_states_is_refused_with_both() {
    let gbr = root("GBR");
    let nation = with_other(
        gbr.certificate_pem(),
        gbr.certificate_pem(),
        Standing::Published,
        &[&list(&gbr, 1, &[])],
    );
    let found = problems(&[nation]);
    assert!(
        found[0]
            .reason
            .contains("as published here, and as active in"),
        "{found:?}"
    );
}

#[test]
fn case_26_a_blocked_key_serial_or_system_is_refused_and_nobody_else() {
    let gbr = root("GBR");
    let issue = |system: &str| {
        let spec = entente::pki::LeafSpec::system(&uri("GBR", system), now(), 90);
        gbr.issue(&spec).unwrap()
    };
    let (one, two) = (issue("unit-1"), issue("unit-2"));
    let nation = || material("GBR", &[gbr.certificate_pem()], &[&list(&gbr, 1, &[])]);
    let plain = snapshot(&[nation()]);
    let peer = verify(&plain, &one).unwrap();
    let key = |digest: [u8; 32]| Blocked::Key(digest);
    let serial: Blocked = format!("serial:{}", peer.serial_hex).parse().unwrap();
    let system: Blocked = "system:unit-1".parse().unwrap();
    for block in [key(peer.spki_sha256), serial, system] {
        let mut nation = nation();
        nation.terms.blocked.push(block.clone());
        let trust = snapshot(&[nation]);
        let error = verify(&trust, &one).unwrap_err();
        assert!(matches!(error, TrustError::Blocked { .. }), "{error}");
        assert!(error.to_string().contains(&block.to_string()), "{error}");
        assert!(verify(&trust, &two).is_ok(), "{block}");
    }
    // An authority's key takes everybody below it; the nation's suspension everybody.
    for (block, says) in [
        (key(peer.anchor_spki_sha256), "has blocked key:"),
        (Blocked::Nation, "GBR is suspended"),
    ] {
        let mut nation = nation();
        nation.terms.blocked.push(block);
        let trust = snapshot(&[nation]);
        for system in [&one, &two] {
            let error = verify(&trust, system).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}

#[test]
fn an_overdue_list_admits_only_within_the_grace_that_the_operator_set() {
    let gbr = root("GBR");
    let (good, bad) = (
        gbr.issue(&sound("GBR")).unwrap(),
        gbr.issue(&sound("GBR")).unwrap(),
    );
    let due = now() - SignedDuration::from_hours(2);
    let overdue = gbr
        .revocation_list(7, now() - DAY, due, &[bad.serial()])
        .unwrap();
    let trust = |hours: i64| {
        let mut nation = material("GBR", &[gbr.certificate_pem()], &[&overdue]);
        nation.terms.overdue_grace = SignedDuration::from_hours(hours);
        snapshot(&[nation])
    };
    for hours in [0, 1, 2] {
        let error = verify(&trust(hours), &good).unwrap_err();
        assert!(
            matches!(error, TrustError::RevocationListExpired { .. }),
            "{hours}: {error}"
        );
    }
    let graceful = trust(3);
    let loud = graceful
        .warnings()
        .iter()
        .any(|w| w.reason.contains("who was revoked meanwhile comes in"));
    assert!(loud, "{:?}", graceful.warnings());
    assert_eq!(
        verify(&graceful, &good).unwrap().list_overdue_since,
        Some(due)
    );
    let error = verify(&graceful, &bad).unwrap_err();
    assert!(matches!(error, TrustError::Revoked { .. }), "{error}");
}

#[test]
fn an_import_is_checked_for_every_fault_of_an_authority() {
    let weak = entente::pki::Fault::WeakRsa;
    let gbr = root("GBR");
    // A leaf is no authority; it stands for a missing basic constraint.
    let leaf = gbr.issue(&faulty("GBR", weak)).unwrap();
    let found = problems(&[material("GBR", &[leaf.chain_pem()], &[&list(&gbr, 1, &[])])]);
    assert!(found[0].reason.contains("basic constraints"), "{found:?}");
    let unable = AuthoritySpec {
        may_sign_certificates: false,
        ..AuthoritySpec::new("GBR", now(), 30)
    };
    let unable = Authority::root(&unable).unwrap();
    let found = problems(&[material("GBR", &[unable.certificate_pem()], &[])]);
    assert!(
        found[0].reason.contains("key usage must allow signing"),
        "{found:?}"
    );
    let weak = root_with_1024_bit_rsa();
    let found = problems(&[material("GBR", &[&weak], &[])]);
    assert!(found[0].reason.contains("1024 bit RSA"), "{found:?}");
}

/// An authority whose own key nobody should trust, made by openssl.
fn root_with_1024_bit_rsa() -> String {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("openssl")
        .current_dir(folder.path())
        .args([
            "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "k", "-out", "c",
        ])
        .args([
            "-subj",
            "/CN=weak",
            "-days",
            "30",
            "-addext",
            "keyUsage=keyCertSign,cRLSign",
        ])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    std::fs::read_to_string(folder.path().join("c")).unwrap()
}

#[test]
fn a_list_that_is_to_begin_later_is_looked_at_again_when_it_does() {
    let gbr = root("GBR");
    let later: Timestamp = now() + DAY;
    let lists = [
        list(&gbr, 1, &[]),
        gbr.revocation_list(2, later, later + DAY * 90, &[])
            .unwrap(),
    ];
    let lists = [lists[0].as_str(), lists[1].as_str()];
    let trust = snapshot(&[material("GBR", &[gbr.certificate_pem()], &lists)]);
    assert!(!trust.turned_between(now(), now() + DAY / 2));
    assert!(trust.turned_between(now(), later));
    assert!(!trust.turned_between(later, later + DAY));
}

#[tokio::test]
async fn a_live_connection_ends_when_its_authority_retires_and_says_so() {
    let mut gateway = Gateway::start(settings()).await;
    let issued: Issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let mut client = gateway.connect(&issued).await.unwrap();
    let peer = gateway.peers.recv().await.unwrap();
    let retiring = |until: Timestamp| retire(gateway.folder.path(), until);
    // Announced for tomorrow: nobody is cut, but the connection's end moves.
    gateway
        .trust
        .reload(vec![
            retiring(now() + DAY),
            sources(gateway.folder.path(), "FRA"),
        ])
        .unwrap();
    assert_eq!(gateway.connections.recheck(&gateway.trust), 0);
    client.echo().await.unwrap();
    assert_eq!(peer.until(), now() + DAY);
    gateway
        .clock
        .advance(std::time::Duration::from_secs(86_401));
    // Any change of the term wakes the connection, which looks at the clock.
    gateway
        .trust
        .reload(vec![
            retiring(now() + DAY * 3),
            sources(gateway.folder.path(), "FRA"),
        ])
        .unwrap();
    gateway.connections.recheck(&gateway.trust);
    assert_eq!(peer.until(), now() + DAY * 3);
    gateway
        .clock
        .advance(std::time::Duration::from_secs(2 * 86_400));
    gateway
        .trust
        .reload(vec![
            retiring(now() + DAY * 2),
            sources(gateway.folder.path(), "FRA"),
        ])
        .unwrap();
    assert_eq!(gateway.connections.recheck(&gateway.trust), 1);
    let ending = tokio::time::timeout(PATIENCE, peer.cut()).await.unwrap();
    assert_eq!(ending.kind, EndKind::Distrust);
    let reason = ending.reason;
    assert!(
        reason.contains("was retired at 2026-06-03T12:00:00Z"),
        "{reason}"
    );
    client.ended().await;
}

fn retire(folder: &Path, until: Timestamp) -> NationSources {
    let mut nation = sources(folder, "GBR");
    let files = std::mem::take(&mut nation.anchors);
    nation.terms.anchors = files
        .into_iter()
        .map(|file| (file, Standing::Retiring { until }))
        .collect();
    nation
}

#[tokio::test]
async fn case_22_a_nation_suspended_while_a_connection_registers_is_refused() {
    let gateway = Gateway::start(settings()).await;
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    // Suspending and connecting at once, many times: whoever gets in is cut by the recheck,
    // whoever comes later is refused; nobody of GBR is left.
    let hold = Hold {
        nation: code("GBR"),
        what: Blocked::Nation,
        reason: String::new(),
    };
    for _ in 0..20 {
        let connecting = async {
            let mut clients = Vec::new();
            for _ in 0..4 {
                clients.push(gateway.connect(&issued).await);
            }
            clients
        };
        let suspending = async {
            tokio::task::yield_now().await;
            let prepared = gateway.trust.prepare_hold(hold.clone()).unwrap();
            gateway.trust.commit(prepared).unwrap();
            gateway.connections.recheck(&gateway.trust);
        };
        let (clients, ()) = tokio::join!(connecting, suspending);
        for mut client in clients.into_iter().flatten() {
            client.ended().await;
        }
        assert!(gateway.connect(&issued).await.is_err());
        let prepared = gateway
            .trust
            .prepare_release(code("GBR"), &Blocked::Nation)
            .unwrap();
        gateway.trust.commit(prepared).unwrap();
    }
    gateway.connect(&issued).await.unwrap();
}

#[test]
fn what_did_not_change_for_a_nation_is_not_verified_again() {
    let nations = TwoNations::new();
    let before = nations.snapshot();
    let gbr = |number| {
        material(
            "GBR",
            &[nations.gbr.certificate_pem()],
            &[&list(&nations.gbr, number, &[])],
        )
    };
    let fra_list = list(&nations.fra, 1, &[]);
    let fra = material("FRA", &[nations.fra.certificate_pem()], &[&fra_list]);
    let first = TrustSnapshot::from_material(2, &[gbr(2), fra.clone()], now(), None).unwrap();
    let second = TrustSnapshot::from_material(3, &[gbr(3), fra], now(), Some(&first)).unwrap();
    assert!(second.is_same_for(&first, &domain("FRA")));
    assert!(!second.is_same_for(&first, &domain("GBR")));
    assert!(!first.is_same_for(&before, &domain("FRA")), "loaded apart");
}
