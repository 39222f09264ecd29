//! Nations with faulty files, in the running process: they keep what they had, or are kept out,
//! and nobody else notices.

use crate::cut::metrics;
use crate::handshake::{authority, endpoint, logged, now, refusal, replace, system};
use crate::support::Site;
use crate::trust::{
    Alive as _, PATIENCE, audit, ended, enrol_operator, gbr_list, operate, started, stream,
};
use entente::wire::proto::WhoAmIRequest;
use jiff::SignedDuration;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_file_of_one_nation_stops_no_revocation_of_another() {
    let site = started(Site::new(""));
    let (gbr, fra) = (authority(&site, "GBR"), authority(&site, "FRA"));
    let (bad, french) = (
        gbr.issue(&system("GBR")).unwrap(),
        fra.issue(&system("FRA")).unwrap(),
    );
    let mut cut = stream(&site, &bad, "r-1").await;
    let mut kept = endpoint(&site, &french).submission().await.unwrap();
    kept.who_am_i(WhoAmIRequest {}).await.unwrap();
    replace(&site, "certs-dev/FRA/authority.crl.pem", "no list");
    let told = ["not reloaded for nations with faulty files", "file watch"];
    let line = logged(&site, &told).await;
    assert!(line.contains("ERROR") && line.contains("FRA"), "{line}");
    let list = gbr_list(&site, 2, &[bad.serial()]);
    replace(&site, "certs-dev/GBR/authority.crl.pem", &list);
    let status = tokio::time::timeout(PATIENCE, ended(&mut cut)).await;
    let status = status.expect("GBR's list is taken up");
    assert!(status.message().contains("revoked by GBR"), "{status:?}");
    kept.who_am_i(WhoAmIRequest {}).await.unwrap();
    let mut again = endpoint(&site, &french).submission().await.unwrap();
    again.who_am_i(WhoAmIRequest {}).await.unwrap();
    // Mended: taken up, too. The fault was told and audited once.
    let until = now() + SignedDuration::from_hours(24 * 30);
    let list = fra.revocation_list(2, now(), until, &[french.serial()]);
    replace(&site, "certs-dev/FRA/authority.crl.pem", &list.unwrap());
    logged(&site, &["faulty files of nations are mended"]).await;
    let refused = refusal(&site, &french).await;
    assert!(refused.contains("CertificateRevoked"), "{refused}");
    let all = audit(&site);
    let refusals = all.iter().filter(|line| line["outcome"] == "refused");
    assert_eq!(refusals.count(), 1, "{all:#?}");
}

/// What the gateway's metrics say of a nation's files.
async fn is_faulty(site: &Site, nation: &str) -> Option<bool> {
    let page = metrics(site).await;
    let name = format!("entente_nation_faulty{{nation=\"{nation}\"}} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&name))?;
    Some(line.trim() == "1")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_nations_file_holds_up_nobody_elses_change_and_not_its_own_mending() {
    let site = started(Site::new(""));
    let (gbr, fra) = (authority(&site, "GBR"), authority(&site, "FRA"));
    let (bad, french) = (
        gbr.issue(&system("GBR")).unwrap(),
        fra.issue(&system("FRA")).unwrap(),
    );
    let mut cut = stream(&site, &bad, "r-1").await;
    let mut kept = endpoint(&site, &french).submission().await.unwrap();
    kept.who_am_i(WhoAmIRequest {}).await.unwrap();
    let sound = std::fs::read_to_string(site.path("config/nations/FRA.toml")).unwrap();
    replace(&site, "config/nations/FRA.toml", "this is = no = TOML");
    let told = ["not reloaded for nations with faulty files", "file watch"];
    let line = logged(&site, &told).await;
    assert!(
        line.contains("FRA.toml") && line.contains("ERROR"),
        "{line}"
    );
    assert_eq!(is_faulty(&site, "FRA").await, Some(true));
    // A change in the neighbour's own file and list comes in meanwhile.
    site.edit("config/nations/GBR.toml", |text| {
        text.replace("\"feed-desk\" = [\"read\"]", "\"feed-desk\" = []")
    });
    let list = gbr_list(&site, 2, &[bad.serial()]);
    replace(&site, "certs-dev/GBR/authority.crl.pem", &list);
    let status = tokio::time::timeout(PATIENCE, ended(&mut cut)).await;
    let status = status.expect("GBR's list is taken up");
    assert!(status.message().contains("revoked by GBR"), "{status:?}");
    logged(&site, &["trust was reloaded", "file watch"]).await;
    let applied = audit(&site);
    let of_gbr = |line: &Value| line.to_string().contains("rights of feed-desk");
    assert!(applied.iter().any(of_gbr), "{applied:#?}");
    let of_fra = |line: &Value| line["outcome"] == "applied" && line["who"] != "start";
    let mut changes = applied.iter().filter(|line| of_fra(line));
    assert!(changes.all(|line| !line["what"].to_string().contains("FRA")));
    // FRA keeps what it had; whoever operates is told the whole.
    kept.who_am_i(WhoAmIRequest {}).await.unwrap();
    let mut again = endpoint(&site, &french).submission().await.unwrap();
    again.who_am_i(WhoAmIRequest {}).await.unwrap();
    let (code, _, said) = operate(&site, &["apply", "--yes"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("FRA.toml"), "{said}");
    replace(&site, "config/nations/FRA.toml", &sound);
    logged(&site, &["faulty files of nations are mended"]).await;
    assert_eq!(is_faulty(&site, "FRA").await, Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_start_nations_with_faulty_files_are_kept_out_until_they_are_mended() {
    let mut site = Site::new("");
    enrol_operator(&site);
    let of = |nation| authority(&site, nation).issue(&system(nation)).unwrap();
    let (french, british) = (of("FRA"), of("GBR"));
    let list = std::fs::read_to_string(site.path("certs-dev/FRA/authority.crl.pem")).unwrap();
    // A list that cannot be read as one, and an anchor that is missing.
    replace(&site, "certs-dev/FRA/authority.crl.pem", "no list");
    let (anchor, aside) = (
        site.path("certs-dev/GBR/authority.pem"),
        site.path("aside.pem"),
    );
    std::fs::rename(&anchor, &aside).unwrap();
    let config = site.path("config/gateway.toml");
    let check = site.run(&["check", "--config", config.to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(1));
    site.start(&[]);
    let line = logged(&site, &["nations with faulty files are not admitted"]).await;
    for words in ["ERROR", "FRA", "GBR.toml"] {
        assert!(line.contains(words), "{words}: {line}");
    }
    assert_eq!(is_faulty(&site, "FRA").await, Some(true));
    assert_eq!(is_faulty(&site, "GBR").await, Some(true));
    assert!(refusal(&site, &french).await.contains("AccessDenied"));
    assert!(refusal(&site, &british).await.contains("AccessDenied"));
    let mut other = site.endpoint("USA/feed-desk").feed().await.unwrap();
    other.is_alive().await;
    let start = audit(&site).remove(0);
    assert!(start.to_string().contains("USA"), "{start}");
    assert!(!start.to_string().contains("FRA"), "{start}");
    // Each comes in by itself once its files are sound, although GBR.toml was never written.
    std::fs::rename(&aside, &anchor).unwrap();
    replace(&site, "certs-dev/FRA/authority.crl.pem", &list);
    logged(&site, &["faulty files of nations are mended"]).await;
    for issued in [&french, &british] {
        let mut client = endpoint(&site, issued).submission().await.unwrap();
        client.who_am_i(WhoAmIRequest {}).await.unwrap();
    }
    assert_eq!(is_faulty(&site, "GBR").await, Some(false));
    // With nobody left there is nothing to serve.
    assert!(site.stop().success());
    for file in std::fs::read_dir(site.path("config/nations")).unwrap() {
        std::fs::write(file.unwrap().path(), "this is = no = TOML").unwrap();
    }
    let serve = site.run(&["serve", "--config", config.to_str().unwrap()]);
    assert_eq!(serve.status.code(), Some(1));
}
