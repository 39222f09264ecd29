//! Cases 14 to 21 and 25: revocation, and what a reload may and may not change.

use super::support::*;
use entente::pki::AuthoritySpec;
use entente::trust::{TrustError, TrustSnapshot};
use jiff::SignedDuration;

#[test]
fn case_14_a_revoked_leaf_is_refused_and_its_neighbour_is_not() {
    let nations = TwoNations::new();
    let gbr = &nations.gbr;
    let (bad, good) = (
        gbr.issue(&sound("GBR")).unwrap(),
        gbr.issue(&sound("GBR")).unwrap(),
    );
    let revoking = list(gbr, 2, &[bad.serial()]);
    let snapshot = snapshot(&[material("GBR", &[gbr.certificate_pem()], &[&revoking])]);
    assert_eq!(
        verify(&snapshot, &bad).unwrap_err(),
        TrustError::Revoked {
            nation: code("GBR"),
            list_number: "2".to_owned(),
        }
    );
    assert!(verify(&snapshot, &good).is_ok());
}

#[test]
fn case_14_a_revoked_intermediate_takes_everybody_below_with_it() {
    let gbr = root("GBR");
    let middle = gbr
        .subordinate(&AuthoritySpec::new("middle", now(), 730))
        .unwrap();
    let lists = [list(&gbr, 2, &[middle.serial()]), list(&middle, 1, &[])];
    let snapshot = snapshot(&[material(
        "GBR",
        &[gbr.certificate_pem()],
        &[&lists[0], &lists[1]],
    )]);
    let below = middle.issue(&sound("GBR")).unwrap();
    let error = verify(&snapshot, &below).unwrap_err();
    assert!(matches!(error, TrustError::Revoked { .. }), "{error}");
    assert!(verify(&snapshot, &gbr.issue(&sound("GBR")).unwrap()).is_ok());
}

#[test]
fn case_15_the_highest_number_counts_in_whatever_order_lists_come() {
    let gbr = root("GBR");
    let bad = gbr.issue(&sound("GBR")).unwrap();
    let (stale, fresh) = (list(&gbr, 1, &[]), list(&gbr, 9, &[bad.serial()]));
    // 255 and 256 as well: numbers are compared as numbers, not as text or octets.
    let (longer, longest) = (list(&gbr, 255, &[]), list(&gbr, 256, &[bad.serial()]));
    for lists in [
        [&stale, &fresh],
        [&fresh, &stale],
        [&longer, &longest],
        [&longest, &longer],
    ] {
        let lists = lists.map(String::as_str);
        let snapshot = snapshot(&[material("GBR", &[gbr.certificate_pem()], &lists)]);
        let error = verify(&snapshot, &bad).unwrap_err();
        assert!(matches!(error, TrustError::Revoked { .. }), "{error}");
    }
}

#[test]
fn case_16_a_list_never_goes_back() {
    let gbr = root("GBR");
    let bad = gbr.issue(&sound("GBR")).unwrap();
    let with = |text: &str| material("GBR", &[gbr.certificate_pem()], &[text]);
    let before = snapshot(&[with(&list(&gbr, 9, &[bad.serial()]))]);
    let after = |text: &str| TrustSnapshot::from_material(2, &[with(text)], now(), Some(&before));
    let found = after(&list(&gbr, 8, &[])).unwrap_err();
    assert!(
        found[0]
            .reason
            .contains("has number 8, but number 9 is in force"),
        "{found:?}"
    );
    let found = after(&list(&gbr, 9, &[])).unwrap_err();
    assert!(found[0].reason.contains("same number 9"), "{found:?}");
    assert_eq!(after(&list(&gbr, 10, &[])).unwrap().epoch(), 2);
}

#[test]
fn case_17_an_expired_list_proves_nothing() {
    let gbr = root("GBR");
    let old = gbr
        .revocation_list(
            1,
            now() - DAY * 2,
            now() - SignedDuration::from_secs(1),
            &[],
        )
        .unwrap();
    let snapshot = snapshot(&[material("GBR", &[gbr.certificate_pem()], &[&old])]);
    let warned: Vec<_> = snapshot
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        warned.iter().any(|w| w.contains("was to be renewed by")),
        "{warned:?}"
    );
    let error = verify(&snapshot, &gbr.issue(&sound("GBR")).unwrap()).unwrap_err();
    assert!(
        matches!(error, TrustError::RevocationListExpired { .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("2026-06-01T11:59:59Z"),
        "{error}"
    );
}

#[test]
fn case_17_a_list_of_tomorrow_does_not_displace_the_one_of_today() {
    let gbr = root("GBR");
    let leaf = gbr.issue(&sound("GBR")).unwrap();
    let today = list(&gbr, 1, &[]);
    let tomorrow = gbr
        .revocation_list(2, now() + DAY, now() + DAY * 90, &[leaf.serial()])
        .unwrap();
    let both = snapshot(&[material(
        "GBR",
        &[gbr.certificate_pem()],
        &[&today, &tomorrow],
    )]);
    assert!(verify(&both, &leaf).is_ok());
    let error = both.verify(&chain_of(&leaf), now() + DAY * 2).unwrap_err();
    assert!(matches!(error, TrustError::Revoked { .. }), "{error}");
    let alone = snapshot(&[material("GBR", &[gbr.certificate_pem()], &[&tomorrow])]);
    assert!(
        alone.warnings()[0].reason.contains("begins only at"),
        "{:?}",
        alone.warnings()
    );
    let error = verify(&alone, &leaf).unwrap_err();
    assert!(
        matches!(error, TrustError::RevocationUnknown { .. }),
        "{error}"
    );
}

#[test]
fn case_18_a_list_that_another_nation_signed_is_refused() {
    let (gbr, impostor) = (root("The authority"), root("The authority"));
    let forged = list(&impostor, 99, &[]);
    let found = problems(&[material("GBR", &[gbr.certificate_pem()], &[&forged])]);
    assert!(found[0].reason.contains("was not signed by"), "{found:?}");
}

#[test]
fn case_19_without_a_list_nobody_comes_in() {
    let gbr = root("GBR");
    let snapshot = snapshot(&[material("GBR", &[gbr.certificate_pem()], &[])]);
    assert!(snapshot.warnings()[0].reason.contains("no revocation list"));
    let error = verify(&snapshot, &gbr.issue(&sound("GBR")).unwrap()).unwrap_err();
    assert_eq!(
        error,
        TrustError::RevocationUnknown {
            nation: code("GBR")
        }
    );
}

#[test]
fn case_19_without_the_list_of_an_intermediate_nobody_below_it_comes_in() {
    let gbr = root("GBR");
    let middle = gbr
        .subordinate(&AuthoritySpec::new("middle", now(), 730))
        .unwrap();
    let snapshot = snapshot(&[material(
        "GBR",
        &[gbr.certificate_pem()],
        &[&list(&gbr, 1, &[])],
    )]);
    let error = verify(&snapshot, &middle.issue(&sound("GBR")).unwrap()).unwrap_err();
    assert!(
        matches!(error, TrustError::RevocationUnknown { .. }),
        "{error}"
    );
}

#[test]
fn case_20_garbage_and_truncated_lists_are_refused_without_harm() {
    let gbr = root("GBR");
    let good = list(&gbr, 1, &[&[7; 16]]);
    let mut nation = material("GBR", &[gbr.certificate_pem()], &[&good]);
    let der = {
        use rustls_pki_types::pem::PemObject;
        let list = rustls_pki_types::CertificateRevocationListDer::from_pem_slice(good.as_bytes());
        list.unwrap().as_ref().to_vec()
    };
    for cut in 0..der.len() {
        nation.revocation_lists[0].bytes = der[..cut].to_vec();
        assert!(TrustSnapshot::from_material(1, &[nation.clone()], now(), None).is_err());
    }
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 0x55;
        nation.revocation_lists[0].bytes = changed;
        // A changed issuer makes it a list of nobody, which counts for nobody.
        if let Ok(loaded) = TrustSnapshot::from_material(1, &[nation.clone()], now(), None) {
            assert!(!loaded.warnings().is_empty(), "changed at {at}");
            let leaf = gbr.issue(&sound("GBR")).unwrap();
            assert!(verify(&loaded, &leaf).is_err(), "changed at {at}");
        }
    }
    nation.revocation_lists[0].bytes = der;
    assert!(TrustSnapshot::from_material(1, &[nation], now(), None).is_ok());
}

#[test]
fn case_20_a_list_of_50_megabytes_is_refused_unread() {
    let gbr = root("GBR");
    let mut nation = material("GBR", &[gbr.certificate_pem()], &[""]);
    nation.revocation_lists[0].bytes = vec![0x30; 50 * 1024 * 1024];
    let found = problems(&[nation]);
    assert!(found[0].reason.contains("has more than"), "{found:?}");
}

/// No bytes are known on which the parser panics; the failpoint stands for those.
#[cfg(feature = "failpoints")]
#[test]
fn case_20_a_list_on_which_the_parser_panics_is_refused_alone() {
    let _scenario = fail::FailScenario::setup();
    let (gbr, fra) = (root("GBR"), root("FRA"));
    let nations = [
        material("GBR", &[gbr.certificate_pem()], &[&list(&gbr, 1, &[])]),
        material("FRA", &[fra.certificate_pem()], &[&list(&fra, 1, &[])]),
    ];
    fail::cfg("trust::parse_list", "1*panic->off").unwrap();
    let found = problems(&nations);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].reason.contains("could not cope with this list"),
        "{found:?}"
    );
    assert_eq!(found[0].nation.as_str(), "GBR");
    // The same list is taken when the parser copes.
    let loaded = snapshot(&nations);
    assert!(verify(&loaded, &gbr.issue(&sound("GBR")).unwrap()).is_ok());
}

#[test]
fn case_21_two_authorities_of_one_name_and_two_keys_stand_side_by_side() {
    let (old, new) = (root("GBR authority"), root("GBR authority"));
    let bad = new.issue(&sound("GBR")).unwrap();
    let lists = [list(&old, 7, &[]), list(&new, 1, &[bad.serial()])];
    for order in [[0, 1], [1, 0]] {
        let texts = order.map(|i: usize| lists[i].as_str());
        let anchors = [old.certificate_pem(), new.certificate_pem()];
        let both = snapshot(&[material("GBR", &anchors, &texts)]);
        assert!(verify(&both, &old.issue(&sound("GBR")).unwrap()).is_ok());
        assert!(verify(&both, &new.issue(&sound("GBR")).unwrap()).is_ok());
        let error = verify(&both, &bad).unwrap_err();
        assert!(matches!(error, TrustError::Revoked { .. }), "{error}");
    }
    // The old one goes: exactly its systems are out.
    let texts = [lists[1].as_str()];
    let after = snapshot(&[material("GBR", &[new.certificate_pem()], &texts)]);
    assert!(verify(&after, &old.issue(&sound("GBR")).unwrap()).is_err());
    assert!(verify(&after, &new.issue(&sound("GBR")).unwrap()).is_ok());
}

#[test]
fn what_a_list_no_longer_names_is_told_as_an_opening() {
    let gbr = root("GBR authority");
    let bad = gbr.issue(&sound("GBR")).unwrap();
    let with = |number, serials: &[&[u8]]| {
        let lists = [list(&gbr, number, serials)];
        let lists = lists.each_ref().map(String::as_str);
        snapshot(&[material("GBR", &[gbr.certificate_pem()], &lists)])
    };
    let (before, after) = (with(1, &[bad.serial()]), with(2, &[]));
    let opened = after.openings_since(&before, now());
    let serial: String = bad.serial().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert!(opened[0].what.contains(&serial), "{opened:?}");
    assert!(!opened[0].for_all && opened[0].system.is_none());
    assert_eq!(before.openings_since(&after, now()), []);
}

#[test]
fn the_status_shows_anchors_and_lists_in_force() {
    let nations = TwoNations::new();
    let status = nations.snapshot().status(now());
    let codes: Vec<_> = status.iter().map(|s| s.nation.to_string()).collect();
    assert_eq!(codes, ["FRA", "GBR"]);
    assert_eq!(status[1].crl_number.as_deref(), Some("1"));
    assert_eq!(status[1].crl_next_update, Some(now() + DAY * 90));
    assert!(status[1].is_development);
    assert_eq!(status[1].spki_sha256_hex.len(), 64);
}

/// Revocation lists with these extensions, by an authority that openssl makes: its
/// certificate, and one list for each section.
fn lists_by_openssl(sections: &[(&str, &str)]) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new("openssl")
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {said}");
    };
    let mut config = "[ca]\ndefault_ca = a\n[a]\ndatabase = index\ncrlnumber = number\n\
                      default_md = sha256\ndefault_crl_days = 30\n"
        .to_owned();
    for (name, extensions) in sections {
        config.push_str(&format!("[{name}]\n{extensions}\n"));
    }
    config.push_str("[indirect_point]\nindirectCRL = TRUE\n");
    std::fs::write(folder.path().join("ca.cnf"), config).unwrap();
    std::fs::write(folder.path().join("index"), "").unwrap();
    run(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-subj",
        "/CN=GBR by openssl",
        "-days",
        "30",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    ]);
    let mut lists = Vec::new();
    for (name, _) in sections {
        std::fs::write(folder.path().join("number"), "05").unwrap();
        run(&[
            "ca", "-config", "ca.cnf", "-gencrl", "-keyfile", "ca.key", "-cert", "ca.pem",
            "-crlexts", name, "-out", "list.pem",
        ]);
        lists.push(std::fs::read_to_string(folder.path().join("list.pem")).unwrap());
    }
    (
        std::fs::read_to_string(folder.path().join("ca.pem")).unwrap(),
        lists,
    )
}

#[test]
fn case_19_a_delta_or_indirect_list_is_refused_and_a_plain_one_of_openssl_is_not() {
    let (anchor, lists) = lists_by_openssl(&[
        ("plain", "authorityKeyIdentifier = keyid"),
        ("delta", "2.5.29.27 = critical,DER:020101"),
        (
            "indirect",
            "issuingDistributionPoint = critical,@indirect_point",
        ),
    ]);
    let load = |list: &str| {
        let nation = material("GBR", &[&anchor], &[list]);
        let clock = entente::clock::SystemClock::default();
        let today = entente::clock::Clock::now(&clock);
        TrustSnapshot::from_material(1, &[nation], today, None)
    };
    let plain = load(&lists[0]).unwrap();
    // openssl states no path length by itself, which is warned of; there is nothing else.
    let others = plain.warnings().iter();
    let others = others.filter(|warning| !warning.reason.contains("path length"));
    assert_eq!(others.count(), 0, "{:?}", plain.warnings());
    for list in &lists[1..] {
        let found = load(list).unwrap_err();
        assert!(
            found[0]
                .reason
                .contains("no revocation list that can be used"),
            "{found:?}"
        );
    }
}
