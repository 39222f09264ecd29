//! What no restart, half write or removal brings back: older lists, and lifted blocks.

use super::support::*;
use entente::clock::{Clock, FixedClock};
use entente::pki::AuthoritySpec;
use entente::trust::{
    Blocked, Hold, Looked, Material, NationSources, Own, Profile, Reloaded, Scope, TrustError,
    TrustSnapshot, TrustState, TrustStateError,
};
use std::io::Write as _;
use std::sync::Arc;

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
fn lists_of_a_named_intermediate_are_proven_at_loading_and_never_go_back() {
    let gbr = root("GBR");
    let spec = |name: &str| AuthoritySpec::new(name, now(), 300);
    let (middle, low) = {
        let middle = gbr.subordinate(&spec("middle")).unwrap();
        let low = middle.subordinate(&spec("low")).unwrap();
        (middle, low)
    };
    let nation = |below: &[&str], lists: &[&str]| {
        let mut nation = material("GBR", &[gbr.certificate_pem()], lists);
        nation.terms.intermediates = below
            .iter()
            .map(|pem| Material {
                name: "below".to_owned(),
                bytes: pem.as_bytes().to_vec(),
            })
            .collect();
        nation
    };
    let system = low.issue(&sound("GBR")).unwrap();
    let of_root = list(&gbr, 1, &[]);
    let below = [low.certificate_pem(), middle.certificate_pem()];
    let with = |number, revoked: &[&[u8]]| {
        let lists = [list(&middle, 1, &[]), list(&low, number, revoked)];
        nation(&below, &[&of_root, &lists[0], &lists[1]])
    };
    let first = snapshot(&[with(5, &[])]);
    assert_eq!(first.warnings(), []);
    assert!(verify(&first, &system).is_ok());
    let revoking = [with(6, &[system.serial()])];
    let second = TrustSnapshot::from_material(2, &revoking, now(), Some(&first)).unwrap();
    assert!(matches!(
        verify(&second, &system),
        Err(TrustError::Revoked { .. })
    ));
    // Told as a change, or nothing would be put in force.
    let told = second.changes_since(&first);
    assert!(
        told.iter().any(|c| c.what.contains("list 6 of")),
        "{told:?}"
    );
    let back = TrustSnapshot::from_material(3, &[with(5, &[])], now(), Some(&second));
    assert!(back.unwrap_err()[0].reason.contains("never goes back"));
    let gone = nation(&below, &[&of_root, &list(&middle, 2, &[])]);
    let gone = TrustSnapshot::from_material(3, &[gone], now(), Some(&second));
    assert!(
        gone.unwrap_err()[0]
            .reason
            .contains("was in force and is gone")
    );
    // A list in the name of one of them that another key signed; an authority from nowhere.
    let impostor = root("low");
    let renamed = AuthoritySpec::new("low", now(), 300);
    let namesake = middle.subordinate(&renamed).unwrap();
    let forged = nation(&below, &[&of_root, &list(&namesake, 9, &[])]);
    assert!(problems(&[forged])[0].reason.contains("was not signed by"));
    let orphan = nation(&[impostor.certificate_pem()], &[&of_root]);
    assert!(
        problems(&[orphan])[0]
            .reason
            .contains("was not issued by an anchor")
    );
}

#[test]
fn the_end_of_a_named_intermediate_and_of_its_list_is_warned_of_and_shown() {
    let gbr = root("GBR");
    let over = AuthoritySpec {
        not_after: now() - DAY,
        ..AuthoritySpec::new("middle", now() - DAY * 90, 30)
    };
    let (middle, bare) = (
        gbr.subordinate(&over).unwrap(),
        gbr.subordinate(&AuthoritySpec::new("bare", now(), 300))
            .unwrap(),
    );
    let mut nation = material(
        "GBR",
        &[gbr.certificate_pem()],
        &[&list(&gbr, 1, &[]), &list(&middle, 7, &[])],
    );
    nation.terms.intermediates = [&middle, &bare]
        .map(|below| Material {
            name: "below".to_owned(),
            bytes: below.certificate_pem().as_bytes().to_vec(),
        })
        .to_vec();
    let trust = snapshot(&[nation]);
    let warned: Vec<_> = trust.warnings().iter().map(|w| w.reason.as_str()).collect();
    assert!(warned[0].starts_with("expired at"), "{warned:?}");
    assert!(warned[1].starts_with("no revocation list"), "{warned:?}");
    assert_eq!(warned.len(), 2, "{warned:?}");
    let below = trust.status_below(now());
    assert_eq!(below.len(), 2);
    assert_eq!(below[0].not_after, now() - DAY);
    assert_eq!(below[0].crl_number.as_deref(), Some("7"));
}
