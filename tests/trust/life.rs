//! Anchors through their life, blocks, and lists that no restart, half write or removal brings
//! back.

use super::support::*;
use entente::clock::{Clock, FixedClock};
use entente::pki::{AuthoritySpec, Issued};
use entente::trust::{
    Blocked, Hold, Looked, Material, NationMaterial, NationSources, Own, Profile, Reloaded, Scope,
    Standing, TrustError, TrustSnapshot, TrustState, TrustStateError,
};
use jiff::{SignedDuration, Timestamp};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

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
    // The active authority signs the withdrawn one's key anew: the key is what was withdrawn.
    let spec = AuthoritySpec::new("GBR of old", now(), 30);
    let bridge = gbr.cross_sign(&gone, &spec).unwrap();
    let chain = [below.chain()[0].as_ref(), bridge.as_ref()];
    let chain = entente::trust::PeerChain::from_der(&chain);
    let error = trust.verify(&chain, now()).unwrap_err();
    assert!(
        matches!(error, TrustError::AnchorNotInForce { .. }),
        "{error}"
    );
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
    let unable = entente::pki::Authority::root(&unable).unwrap();
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

/// GBR's trust over files, remembered in a folder.
struct Kept {
    folder: tempfile::TempDir,
    gbr: entente::pki::Authority,
    clock: Arc<dyn Clock>,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (gateway, gbr) = (root("gateway"), root("GBR"));
        let names = ["localhost".to_owned()];
        let spec = entente::pki::LeafSpec::server(&names, now(), 90);
        write_pair(folder.path(), "server", &gateway.issue(&spec).unwrap());
        write(&folder.path().join("GBR.pem"), gbr.certificate_pem());
        std::fs::create_dir(folder.path().join("lists")).unwrap();
        Self {
            folder,
            gbr,
            clock: Arc::new(FixedClock::at(now())),
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Result<TrustState, TrustStateError> {
        let own = Own {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
        };
        let sources = NationSources {
            revocation_lists: vec![self.path("lists")],
            ..sources(self.folder.path(), "GBR")
        };
        let memory = self.path("trust");
        let clock = Arc::clone(&self.clock);
        TrustState::load_kept(vec![sources], own, Profile::Default, Some(&memory), clock)
    }

    fn put(&self, name: &str, number: u64, revoked: &[&[u8]]) {
        write(
            &self.path("lists").join(name),
            &list(&self.gbr, number, revoked),
        );
    }
}

#[test]
fn case_16_not_even_a_restart_brings_an_older_list_back() {
    let kept = Kept::new();
    let bad = kept.gbr.issue(&sound("GBR")).unwrap();
    kept.put("a.crl", 9, &[bad.serial()]);
    drop(kept.open().unwrap());
    kept.put("a.crl", 8, &[]);
    let error = kept.open().unwrap_err().to_string();
    assert!(
        error.contains("has number 8, but number 9 was in force"),
        "{error}"
    );
    // Nor another one under the same number.
    kept.put("a.crl", 9, &[]);
    let error = kept.open().unwrap_err().to_string();
    assert!(error.contains("under the same number 9"), "{error}");
    kept.put("a.crl", 10, &[bad.serial()]);
    kept.open().unwrap();
    std::fs::write(kept.path("trust/list-numbers.json"), "{ torn").unwrap();
    let error = kept.open().unwrap_err().to_string();
    assert!(
        error.contains("list-numbers.json") && error.contains("then remove the file"),
        "{error}"
    );
}

#[test]
fn in_a_folder_the_highest_number_counts_and_no_list_is_ever_taken_away() {
    let kept = Kept::new();
    let bad = kept.gbr.issue(&sound("GBR")).unwrap();
    kept.put("1.crl", 1, &[]);
    let trust = kept.open().unwrap();
    assert!(verify(&trust.snapshot(), &bad).is_ok());
    // A new file in the folder is a change; what has another ending is not looked at.
    std::fs::write(kept.path("lists/half-written.tmp"), "not yet").unwrap();
    assert_eq!(trust.reload_if_changed(), Ok(Reloaded::Unchanged));
    kept.put("2.crl", 2, &[bad.serial()]);
    assert_eq!(
        trust.reload_if_changed(),
        Ok(Reloaded::Changed { epoch: 2 })
    );
    assert!(matches!(
        verify(&trust.snapshot(), &bad),
        Err(TrustError::Revoked { .. })
    ));
    // The older one may go, the newer one not.
    std::fs::remove_file(kept.path("lists/1.crl")).unwrap();
    assert_eq!(
        trust.reload_if_changed(),
        Ok(Reloaded::Changed { epoch: 3 })
    );
    std::fs::remove_file(kept.path("lists/2.crl")).unwrap();
    let error = trust.reload_if_changed().unwrap_err().to_string();
    assert!(
        error.contains("number 2 was in force and is gone"),
        "{error}"
    );
    assert!(matches!(
        verify(&trust.snapshot(), &bad),
        Err(TrustError::Revoked { .. })
    ));
}

#[test]
fn case_20_no_list_is_ever_half_read() {
    let kept = Kept::new();
    let bad = kept.gbr.issue(&sound("GBR")).unwrap();
    kept.put("a.crl", 1, &[]);
    let trust = kept.open().unwrap();
    assert_eq!(trust.look(Scope::Everything), Looked::Unchanged);
    // Written in place, piece by piece: each look finds it changed since the last.
    let whole = list(&kept.gbr, 2, &[bad.serial()]);
    let mut file = std::fs::File::create(kept.path("lists/a.crl")).unwrap();
    for piece in whole.as_bytes().chunks(100) {
        file.write_all(piece).unwrap();
        assert_eq!(trust.look(Scope::Everything), Looked::Settling);
    }
    drop(file);
    assert_eq!(trust.look(Scope::Everything), Looked::Changed);
    trust.reload_if_changed().unwrap();
    assert!(matches!(
        verify(&trust.snapshot(), &bad),
        Err(TrustError::Revoked { .. })
    ));
    assert_eq!(trust.look(Scope::Everything), Looked::Unchanged);
    // Should half of it rest, it is refused whole.
    let next = list(&kept.gbr, 3, &[]);
    for length in 0..next.len() - 1 {
        std::fs::write(kept.path("lists/a.crl"), &next[..length]).unwrap();
        assert!(
            trust.reload_if_changed().is_err(),
            "{length} bytes of {}",
            next.len()
        );
    }
    assert_eq!(trust.snapshot().epoch(), 2);
    write(&kept.path("lists/a.crl"), &next);
    assert_eq!(
        trust.reload_if_changed(),
        Ok(Reloaded::Changed { epoch: 3 })
    );
}

#[test]
fn what_an_operator_blocked_outlives_a_restart_and_faulty_files() {
    let kept = Kept::new();
    kept.put("a.crl", 1, &[]);
    let system = kept.gbr.issue(&sound("GBR")).unwrap();
    let trust = kept.open().unwrap();
    // Files that lie half done do not keep an operator from blocking.
    std::fs::write(kept.path("lists/a.crl"), "half of").unwrap();
    let hold = Hold {
        nation: code("GBR"),
        what: Blocked::Nation,
        reason: "keys were stolen".to_owned(),
    };
    let prepared = trust.prepare_hold(hold.clone()).unwrap();
    trust.commit(prepared).unwrap();
    let suspended = TrustError::Suspended {
        nation: code("GBR"),
    };
    assert_eq!(verify(&trust.snapshot(), &system).unwrap_err(), suspended);
    drop(trust);
    kept.put("a.crl", 2, &[]);
    let trust = kept.open().unwrap();
    assert_eq!(trust.holds(), [hold]);
    assert_eq!(verify(&trust.snapshot(), &system).unwrap_err(), suspended);
    let prepared = trust
        .prepare_release(code("GBR"), &Blocked::Nation)
        .unwrap();
    trust.commit(prepared).unwrap();
    assert!(verify(&trust.snapshot(), &system).is_ok());
    assert!(
        trust
            .prepare_release(code("GBR"), &Blocked::Nation)
            .is_none()
    );
    drop(trust);
    assert!(verify(&kept.open().unwrap().snapshot(), &system).is_ok());
}

#[test]
fn what_was_prepared_is_committed_once_or_not_at_all() {
    let kept = Kept::new();
    kept.put("a.crl", 1, &[]);
    let trust = kept.open().unwrap();
    let bad = kept.gbr.issue(&sound("GBR")).unwrap();
    kept.put("a.crl", 2, &[bad.serial()]);
    let (first, second) = (
        trust.prepare(None, &[], Scope::Everything).unwrap(),
        trust.prepare(None, &[], Scope::Everything).unwrap(),
    );
    let told = changes(&trust, &first.snapshot().changes_since(&trust.snapshot()));
    assert!(
        told.contains("number 1 becomes 2, 0 revoked certificates become 1"),
        "{told}"
    );
    assert!(
        verify(&trust.snapshot(), &bad).is_ok(),
        "preparing changes nothing"
    );
    trust.commit(first).unwrap();
    assert_eq!(
        trust.commit(second),
        Err(TrustStateError::Moved { was: 1, now: 2 })
    );
    // Anchors as they are in force: a list goes through, another anchor waits.
    let other = root("GBR");
    write(&kept.path("GBR.pem"), other.certificate_pem());
    kept.put("a.crl", 3, &[]);
    let lists = trust.prepare(None, &[], Scope::ListsOnly).unwrap();
    trust.commit(lists).unwrap();
    assert!(verify(&trust.snapshot(), &bad).is_ok());
    assert_eq!(trust.look(Scope::ListsOnly), Looked::Unchanged);
    assert_eq!(
        trust.look(Scope::Everything),
        Looked::Settling,
        "the anchor still waits"
    );
}

fn changes(_trust: &TrustState, all: &[entente::trust::TrustChange]) -> String {
    all.iter()
        .map(|c| format!("{}: {}\n", c.nation, c.what))
        .collect()
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
    let reason = tokio::time::timeout(PATIENCE, peer.cut()).await.unwrap();
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
