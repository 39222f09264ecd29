//! What systems and operators are told: ends ahead of time, clocks that differ, and the reason of
//! every refusal of a certificate.

use crate::handshake::{authority, endpoint, logged, now, refusal, system};
use crate::support::Site;
use crate::trust::started;
use entente::pki::{AuthoritySpec, Fault, LeafSpec};
use entente::wire::proto::WhoAmIRequest;
use jiff::{SignedDuration, Timestamp};

#[tokio::test(flavor = "multi_thread")]
async fn a_system_is_told_when_its_certificate_ends() {
    let site = started(Site::new(""));
    let gbr = authority(&site, "GBR");
    let soon = now() + SignedDuration::from_hours(24 * 6 + 1);
    let spec = LeafSpec::system(
        "spiffe://gbr.entente.example/unit-1",
        now() - SignedDuration::from_hours(24 * 60),
        90,
    );
    let ending = gbr.issue(&spec.until(soon)).unwrap();
    let mut client = endpoint(&site, &ending).submission().await.unwrap();
    let answer = client.who_am_i(WhoAmIRequest {}).await.unwrap();
    let metadata = answer.metadata();
    let told = metadata
        .get("entente-certificate-expires-at")
        .unwrap()
        .to_str()
        .unwrap();
    let told: Timestamp = told.parse().unwrap();
    assert_eq!(told.as_second(), soon.as_second());
    let warning = metadata
        .get("entente-certificate-warning")
        .unwrap()
        .to_str()
        .unwrap();
    assert!(warning.contains("ends in 6 days"), "{warning}");
    let me = answer.into_inner();
    assert_eq!(me.connection_until.unwrap().seconds, soon.as_second());
    assert!(
        me.warnings[0].contains("ends in 6 days"),
        "{:?}",
        me.warnings
    );
    // And to the operator: in the log, and as a metric with the moment itself.
    logged(
        &site,
        &[
            "ends soon",
            "system certificate",
            "unit-1",
            "\"days_ahead\":7",
        ],
    )
    .await;
    let metric = format!(
        "entente_valid_until_seconds{{kind=\"system certificate\",nation=\"GBR\",name=\"unit-1\"}} {}",
        soon.as_second()
    );
    let metrics = crate::cut::metrics(&site).await;
    assert!(metrics.contains(&metric), "{metrics}");
    // A certificate that has long to go carries the moment, and no warning.
    let mut fresh = site.endpoint("USA/feed-desk").submission().await.unwrap();
    let answer = fresh.who_am_i(WhoAmIRequest {}).await.unwrap();
    assert!(
        answer
            .metadata()
            .contains_key("entente-certificate-expires-at")
    );
    assert!(
        !answer
            .metadata()
            .contains_key("entente-certificate-warning")
    );
}

#[tokio::test]
async fn case_36_a_skewed_clock_is_named_with_both_times() {
    let site = Site::started("");
    let future = authority(&site, "GBR")
        .issue(&system("GBR").with(Fault::NotYetValid))
        .unwrap();
    let told = refusal(&site, &future).await;
    assert!(told.contains("CertificateExpired"), "{told}");
    let line = logged(&site, &["not_yet_valid"]).await;
    assert!(
        line.contains("is not valid before") && line.contains("the gateway's clock says"),
        "{line}"
    );
    // The client's own words name the clocks, too.
    let error = endpoint(&site, &future)
        .who_am_i()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("compare its dates with both clocks"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_1_to_13_are_refused_by_the_real_process_and_logged_with_their_codes() {
    let site = Site::started("");
    let (gbr, fra) = (authority(&site, "GBR"), authority(&site, "FRA"));
    let other = |uri: &str| system("GBR").with(Fault::OddUri(uri.to_owned()));
    let unable = AuthoritySpec {
        may_sign_certificates: false,
        ..AuthoritySpec::new("may not sign", now(), 30)
    };
    let mut deep = gbr
        .subordinate(&AuthoritySpec::new("depth 1", now(), 30))
        .unwrap();
    for depth in 2..=7 {
        let spec = AuthoritySpec::new(&format!("depth {depth}"), now(), 30);
        deep = deep.subordinate(&spec).unwrap();
    }
    let faulty = |fault| gbr.issue(&system("GBR").with(fault)).unwrap();
    let cases = [
        (fra.issue(&system("GBR")).unwrap(), "unknown_issuer"),
        (
            faulty(Fault::SecondUri(
                "spiffe://gbr.entente.example/b".to_owned(),
            )),
            "several_uris",
        ),
        (faulty(Fault::NoUri), "no_uri"),
        (
            gbr.issue(&other("spiffe://user@gbr.entente.example/a"))
                .unwrap(),
            "odd_uri",
        ),
        (
            gbr.issue(&other("spiffe://nobody.example/a")).unwrap(),
            "unknown_domain",
        ),
        (faulty(Fault::Authority), "authority_as_leaf"),
        (faulty(Fault::MaySign), "leaf_may_sign"),
        (faulty(Fault::AnyPurpose), "any_usage"),
        (faulty(Fault::ServerOnly), "not_for_clients"),
        (faulty(Fault::Expired), "expired"),
        (faulty(Fault::ForeignCurve), "weak_key"),
        (faulty(Fault::SerialLong), "odd_serial"),
        (deep.issue(&system("GBR")).unwrap(), "too_many_certificates"),
        (
            gbr.subordinate(&unable)
                .unwrap()
                .issue(&system("GBR"))
                .unwrap(),
            "issuer_may_not_sign",
        ),
    ];
    for (issued, code) in cases {
        let told = refusal(&site, &issued).await;
        assert!(told.contains("received fatal alert"), "{code}: {told}");
        let serial: String = issued.serial().iter().map(|b| format!("{b:02x}")).collect();
        logged(&site, &[&serial, &format!("\"code\":\"{code}\"")]).await;
    }
    let sound = gbr.issue(&system("GBR")).unwrap();
    let mut client = endpoint(&site, &sound).submission().await.unwrap();
    client.who_am_i(WhoAmIRequest {}).await.unwrap();
}
