//! A nation with a faulty file keeps what it had, and stops nobody else's revocations.

use super::support::*;
use entente::trust::{Looked, Scope, TrustError, TrustStateError};

#[tokio::test]
async fn a_nation_with_a_faulty_file_keeps_what_it_had_and_stops_nobodys_revocations() {
    let gateway = Gateway::start(settings()).await;
    let bad = gateway.gbr.issue(&sound("GBR")).unwrap();
    let (gone, french) = (
        gateway.fra.issue(&sound("FRA")).unwrap(),
        gateway.fra.issue(&sound("FRA")).unwrap(),
    );
    gateway.write("FRA.crl", &list(&gateway.fra, 2, &[gone.serial()]));
    gateway.trust.reload_if_changed().unwrap();
    let mut cut = gateway.connect(&bad).await.unwrap();
    let mut kept = gateway.connect(&french).await.unwrap();
    let number = |nation: &str| {
        let status = gateway.trust.status();
        let of = status.iter().find(|s| s.nation == code(nation)).unwrap();
        of.crl_number.clone().unwrap()
    };
    // Garbage, a rollback, a list of another's hand, an anchor file of nothing, and an anchor
    // file that claims GBR's authority: each is FRA's fault, and GBR's list comes in.
    let both = format!(
        "{}{}",
        gateway.fra.certificate_pem(),
        gateway.gbr.certificate_pem()
    );
    let faults = [
        ("FRA.crl", "no list".to_owned(), "FRA.crl"),
        ("FRA.crl", list(&gateway.fra, 1, &[]), "never goes back"),
        ("FRA.crl", list(&root("FRA"), 3, &[]), "FRA.crl"),
        ("FRA.pem", "no anchor".to_owned(), "holds no certificate"),
        ("FRA.pem", both, "also vouches for"),
    ];
    for (at, (file, text, words)) in faults.iter().enumerate() {
        gateway.write("FRA.pem", gateway.fra.certificate_pem());
        gateway.write("FRA.crl", &list(&gateway.fra, 2, &[gone.serial()]));
        gateway.write(file, text);
        let next = 2 + u64::try_from(at).unwrap();
        gateway.write("GBR.crl", &list(&gateway.gbr, next, &[bad.serial()]));
        // An operator's change is whole or not at all.
        let whole = gateway.trust.prepare(None, &[], Scope::Everything);
        assert!(matches!(whole, Err(TrustStateError::Trust(_))), "{whole:?}");
        let prepared = gateway
            .trust
            .prepare_sound(None, Scope::Everything)
            .unwrap();
        let told: Vec<_> = prepared.faults().iter().map(ToString::to_string).collect();
        assert!(prepared.faults().iter().all(|f| f.nation == code("FRA")));
        assert!(told.iter().any(|t| t.contains(words)), "{words}: {told:?}");
        gateway.trust.commit(prepared).unwrap();
        gateway.connections.recheck(&gateway.trust);
        assert_eq!(number("GBR"), next.to_string());
        assert_eq!(number("FRA"), "2");
        kept.echo().await.unwrap();
        gateway.connect(&french).await.unwrap();
        assert!(gateway.connect(&gone).await.is_err(), "FRA's list stands");
    }
    cut.ended().await;
    // Mended: taken up.
    gateway.write("FRA.pem", gateway.fra.certificate_pem());
    gateway.write("FRA.crl", &list(&gateway.fra, 3, &[french.serial()]));
    let prepared = gateway
        .trust
        .prepare_sound(None, Scope::Everything)
        .unwrap();
    assert!(prepared.faults().is_empty());
    gateway.trust.commit(prepared).unwrap();
    assert_eq!(gateway.connections.recheck(&gateway.trust), 1);
    kept.ended().await;
}

#[tokio::test]
async fn a_file_that_comes_while_a_fault_is_found_is_not_taken_as_seen() {
    let gateway = Gateway::start(settings()).await;
    gateway.write("FRA.crl", "no list");
    let marks = gateway.trust.marks();
    let faulty = gateway.trust.prepare(None, &[], Scope::Everything);
    assert!(matches!(faulty, Err(TrustStateError::Trust(_))));
    gateway.write("GBR.crl", &list(&gateway.gbr, 2, &[]));
    gateway.trust.mark_seen(marks, Scope::Everything);
    assert_eq!(gateway.trust.look(Scope::Everything), Looked::Settling);
    assert_eq!(gateway.trust.look(Scope::Everything), Looked::Changed);
    // Seen as they were read: nothing is left to look at.
    let marks = gateway.trust.marks();
    gateway.trust.mark_seen(marks, Scope::Everything);
    assert_eq!(gateway.trust.look(Scope::Everything), Looked::Unchanged);
}

#[tokio::test]
async fn a_new_nation_with_a_faulty_file_is_left_out_until_it_is_mended() {
    let gateway = Gateway::start(settings()).await;
    let ita = root("ITA");
    gateway.write("ITA.pem", ita.certificate_pem());
    gateway.write("ITA.crl", "no list");
    gateway.write("GBR.crl", &list(&gateway.gbr, 2, &[]));
    let folder = gateway.folder.path();
    let three = ["FRA", "GBR", "ITA"].map(|n| sources(folder, n)).to_vec();
    let prepare = || {
        let prepared = gateway
            .trust
            .prepare_sound(Some(three.clone()), Scope::Everything);
        prepared.unwrap()
    };
    let prepared = prepare();
    assert_eq!(prepared.faults().len(), 1, "{:?}", prepared.faults());
    gateway.trust.commit(prepared).unwrap();
    let issued = ita.issue(&sound("ITA")).unwrap();
    let unknown = verify(&gateway.trust.snapshot(), &issued);
    assert!(matches!(unknown, Err(TrustError::UnknownDomain(_))));
    gateway.write("ITA.crl", &list(&ita, 1, &[]));
    gateway.trust.commit(prepare()).unwrap();
    assert!(verify(&gateway.trust.snapshot(), &issued).is_ok());
}
