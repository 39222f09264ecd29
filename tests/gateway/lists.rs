//! Revocation lists as partners hand them in, good and bad, one after the other, on the real
//! process. What the verifier makes of each in detail stands in `tests/trust.rs`.

use crate::handshake::{authority, endpoint, logged, now, replace, system};
use crate::support::Site;
use crate::trust::started;
use entente::pki::{Authority, AuthoritySpec, Issued};
use entente::wire::proto::WhoAmIRequest;
use jiff::SignedDuration;
use std::time::Duration;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const LIST: &str = "certs-dev/GBR/authority.crl.pem";

/// A list of an authority that begins now and lasts a month.
fn list(authority: &Authority, number: u64, serials: &[&[u8]]) -> String {
    let list = authority.revocation_list(number, now(), now() + DAY * 30, serials);
    list.unwrap()
}

/// Whether a system gets in.
async fn gets_in(site: &Site, issued: &Issued) -> bool {
    match endpoint(site, issued).submission().await {
        Ok(mut client) => client.who_am_i(WhoAmIRequest {}).await.is_ok(),
        Err(_) => false,
    }
}

/// Waits until a system gets in, or does not any more.
async fn settles(site: &Site, issued: &Issued, wanted: bool) {
    // What was put in place is taken up within seconds; each look is a whole connection.
    let mut look = tokio::time::interval(Duration::from_millis(100));
    while gets_in(site, issued).await != wanted {
        look.tick().await;
    }
}

/// This certificate is refused at the door, and the log says why. (What stayed out before may
/// have been cut a moment after it had come in.)
async fn refused_for(site: &Site, issued: &Issued, code: &str, words: &str) {
    assert!(!gets_in(site, issued).await);
    let serial: String = issued.serial().iter().map(|b| format!("{b:02x}")).collect();
    logged(site, &[&serial, &format!("\"code\":\"{code}\""), words]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_14_to_19_good_and_stale_lists_are_obeyed_by_the_real_process() {
    let site = started(Site::new(""));
    let gbr = authority(&site, "GBR");
    let middle = gbr
        .subordinate(&AuthoritySpec::new("middle", now(), 30))
        .unwrap();
    let issue = |by: &Authority| by.issue(&system("GBR")).unwrap();
    let (good, bad, late, below) = (issue(&gbr), issue(&gbr), issue(&gbr), issue(&middle));
    assert!(gets_in(&site, &good).await && gets_in(&site, &bad).await);
    // 14: a revoked leaf.
    replace(&site, LIST, &list(&gbr, 2, &[bad.serial()]));
    settles(&site, &bad, false).await;
    refused_for(&site, &bad, "revoked", "list number 2").await;
    assert!(gets_in(&site, &good).await);
    // 19: nobody below an authority whose own list is missing; 14: its revocation takes all.
    assert!(!gets_in(&site, &below).await);
    refused_for(&site, &below, "revocation_unknown", "status unknown").await;
    let of_middle = list(&middle, 1, &[]);
    replace(&site, LIST, &(list(&gbr, 3, &[bad.serial()]) + &of_middle));
    settles(&site, &below, true).await;
    let both = [bad.serial(), middle.serial()];
    replace(&site, LIST, &(list(&gbr, 4, &both) + &of_middle));
    settles(&site, &below, false).await;
    refused_for(&site, &below, "revoked", "list number 4").await;
    // 15: a stale list before the fresh one hides nothing.
    let fresh = list(&gbr, 5, &[bad.serial(), late.serial()]);
    replace(&site, LIST, &(list(&gbr, 1, &[]) + &fresh + &of_middle));
    settles(&site, &late, false).await;
    assert!(!gets_in(&site, &bad).await && gets_in(&site, &good).await);
    // 17: a list that begins tomorrow does not displace the one of today; one that ran out
    // proves nothing.
    let tomorrow = gbr.revocation_list(7, now() + DAY, now() + DAY * 30, &[good.serial()]);
    let today = list(&gbr, 6, &[bad.serial()]);
    let two = today.clone() + &tomorrow.unwrap() + &of_middle;
    replace(&site, LIST, &two);
    settles(&site, &late, true).await;
    assert!(gets_in(&site, &good).await && !gets_in(&site, &bad).await);
    let over = gbr.revocation_list(8, now() - DAY * 2, now() - DAY, &[]);
    replace(&site, LIST, &(over.unwrap() + &of_middle));
    settles(&site, &good, false).await;
    refused_for(
        &site,
        &good,
        "revocation_list_expired",
        "was to be renewed by",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_16_to_20_bad_lists_change_nothing_in_the_real_process() {
    let site = started(Site::new(""));
    let (gbr, fra) = (authority(&site, "GBR"), authority(&site, "FRA"));
    let issue = |by: &Authority, nation: &str| by.issue(&system(nation)).unwrap();
    let (good, bad) = (issue(&gbr, "GBR"), issue(&gbr, "GBR"));
    let french = issue(&fra, "FRA");
    replace(&site, LIST, &list(&gbr, 5, &[bad.serial()]));
    settles(&site, &bad, false).await;
    // Of the same name as GBR's own authority, and of another key.
    let name = AuthoritySpec::new("GBR authority (development)", now(), 30);
    let impostor = Authority::root(&name).unwrap();
    let half = list(&gbr, 9, &[]);
    let half = half.split_at(half.len() / 2).0.to_owned();
    let huge = "\0".repeat(50 * 1024 * 1024);
    for (content, words) in [
        // 16: the number goes back, or stays with other content.
        (list(&gbr, 4, &[]), "a list never goes back"),
        (list(&gbr, 5, &[]), "under the same number"),
        // 18: signed by somebody else in GBR's name.
        (list(&impostor, 6, &[]), "was not signed by"),
        // 20: garbage, half a list, 50 MB.
        ("no list".to_owned(), "holds no revocation list"),
        (half, "is not valid PEM"),
        (huge, "has more than"),
    ] {
        replace(&site, LIST, &content);
        logged(
            &site,
            &["not reloaded for nations with faulty files", words],
        )
        .await;
        assert!(!gets_in(&site, &bad).await, "{words}");
        assert!(gets_in(&site, &good).await, "{words}");
        assert!(gets_in(&site, &french).await, "{words}");
    }
    // And the next good one is taken up.
    replace(&site, LIST, &list(&gbr, 10, &[good.serial()]));
    settles(&site, &good, false).await;
    assert!(gets_in(&site, &bad).await);
}
