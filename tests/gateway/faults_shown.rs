//! A nation's faulty file is visible wherever somebody looks: health, `trust show`, `doctor` and
//! the metric; and to nobody whom it does not concern.

use crate::cut::metrics;
use crate::handshake::{logged, replace};
use crate::support::Site;
use crate::trust::{operate, started};
use serde_json::Value;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const SERVING: Result<ServingStatus, Code> = Ok(ServingStatus::Serving);
const NOT_SERVING: Result<ServingStatus, Code> = Ok(ServingStatus::NotServing);
const NOT_FOUND: Result<ServingStatus, Code> = Err(Code::NotFound);

/// What health says of a name to a system.
async fn health(site: &Site, system: &str, service: &str) -> Result<ServingStatus, Code> {
    let channel = site.endpoint(system).connect().await.unwrap();
    let service = service.to_owned();
    let answer = HealthClient::new(channel)
        .check(HealthCheckRequest { service })
        .await;
    answer
        .map(|answer| answer.into_inner().status())
        .map_err(|status| status.code())
}

/// Waits until health says this of a name to an operator.
async fn becomes(site: &Site, service: &str, wanted: Result<ServingStatus, Code>) {
    // It follows the log by a moment.
    while health(site, "USA/ops-desk", service).await != wanted {
        tokio::task::yield_now().await;
    }
}

/// What `entente doctor` finds of nations' files: its exit code, outcomes and words.
fn doctor(site: &Site, system: &str) -> (Option<i32>, Vec<(String, String)>) {
    let gateway = ["doctor", "--output", "json", "--gateway", &site.address];
    let output = site.run(&[&gateway[..], &["--as", system]].concat());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = said["checks"].as_array().unwrap().iter();
    let found = checks.filter(|check| check["name"] == "nation's files");
    let words = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let found = found.map(|check| {
        assert!(check["outcome"] == "ok" || !words(check, "mend").is_empty());
        (words(check, "outcome"), words(check, "message"))
    });
    (output.status.code(), found.collect())
}

/// `entente trust show`: the object of a nation, and what people see.
fn shown(site: &Site, nation: &str) -> (Value, String) {
    let (code, _, said) = operate(site, &["show"]);
    assert_eq!(code, Some(0), "{said}");
    let mut lines = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let found = lines.find(|o: &Value| o["nation"] == nation || o["file"] == nation);
    let operator = [
        "trust",
        "show",
        "--as",
        "USA/ops-desk",
        "--gateway",
        &site.address,
    ];
    let readable = site.run(&operator);
    let readable = String::from_utf8(readable.stdout).unwrap();
    (found.unwrap_or_default(), readable)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_list_shows_in_health_show_doctor_and_metrics_until_it_is_mended() {
    let site = started(Site::new(""));
    becomes(&site, "nation/FRA", SERVING).await;
    let (code, found) = doctor(&site, "FRA/poste-12");
    assert_eq!(code, Some(0));
    assert_eq!(found[0].0, "ok", "{found:?}");
    assert_eq!(shown(&site, "FRA").0["faults"], serde_json::json!([]));
    let list = std::fs::read_to_string(site.path("certs-dev/FRA/authority.crl.pem")).unwrap();
    replace(&site, "certs-dev/FRA/authority.crl.pem", "no list");
    logged(&site, &["not reloaded for nations with faulty files"]).await;
    becomes(&site, "nation/FRA", NOT_SERVING).await;
    // The whole goes on, and so does everybody else.
    for other in ["", "entente.v1.SubmissionService", "nation/GBR"] {
        assert_eq!(
            health(&site, "USA/ops-desk", other).await,
            SERVING,
            "{other}"
        );
    }
    // The nation itself is told, other nations are not even told that there is such a nation.
    assert_eq!(
        health(&site, "FRA/poste-12", "nation/FRA").await,
        NOT_SERVING
    );
    assert_eq!(
        health(&site, "GBR/uav-cell-4", "nation/FRA").await,
        NOT_FOUND
    );
    assert_eq!(
        health(&site, "GBR/uav-cell-4", "nation/XXX").await,
        NOT_FOUND
    );
    assert_eq!(health(&site, "GBR/uav-cell-4", "nation/GBR").await, SERVING);
    let (fra, readable) = shown(&site, "FRA");
    let fault = fra["faults"][0].as_str().unwrap();
    assert!(fault.contains("authority.crl.pem"), "{fra}");
    assert!(
        readable.contains("FAULTY FRA: its files are faulty; what it had"),
        "{readable}"
    );
    assert!(readable.contains(fault), "{readable}");
    // The doctor of a system lets it in and warns; the operator's has the fault itself.
    let (code, found) = doctor(&site, "FRA/poste-12");
    assert_eq!(code, Some(0), "{found:?}");
    assert_eq!(found[0].0, "warning", "{found:?}");
    assert!(
        found[0].1.contains("FRA") && !found[0].1.contains(".pem"),
        "{found:?}"
    );
    let (_, found) = doctor(&site, "USA/ops-desk");
    assert!(
        found[0].1.contains("FRA is faulty") && found[0].1.contains("crl.pem"),
        "{found:?}"
    );
    assert_eq!(doctor(&site, "GBR/uav-cell-4").1[0].0, "ok");
    assert!(
        metrics(&site)
            .await
            .contains("entente_nation_faulty{nation=\"FRA\"} 1")
    );
    replace(&site, "certs-dev/FRA/authority.crl.pem", &list);
    becomes(&site, "nation/FRA", SERVING).await;
    assert_eq!(shown(&site, "FRA").0["faults"], serde_json::json!([]));
    assert_eq!(doctor(&site, "USA/ops-desk").1[0].0, "ok");
    assert!(
        metrics(&site)
            .await
            .contains("entente_nation_faulty{nation=\"FRA\"} 0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_file_of_a_nation_that_is_not_known_shows_too() {
    let site = started(Site::new(""));
    replace(&site, "config/nations/NOR.toml", "this is = no = TOML");
    becomes(&site, "nation/NOR", NOT_SERVING).await;
    let (nor, readable) = shown(&site, "NOR");
    assert!(
        nor["faults"][0].as_str().unwrap().contains("NOR.toml"),
        "{nor}"
    );
    assert!(readable.contains("FAULTY NOR: its file is faulty, and it is not admitted"));
    // Gone, and nothing is said of it any more; nor of a nation that is withdrawn.
    std::fs::remove_file(site.path("config/nations/NOR.toml")).unwrap();
    becomes(&site, "nation/NOR", NOT_FOUND).await;
    std::fs::remove_file(site.path("config/nations/FRA.toml")).unwrap();
    becomes(&site, "nation/FRA", NOT_FOUND).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_no_sound_list_at_all_serves_nobody_and_mends_itself() {
    let mut site = Site::new("");
    for file in std::fs::read_dir(site.path("config/nations")).unwrap() {
        let path = file.unwrap().path();
        if path.file_stem().unwrap() != "FRA" {
            std::fs::remove_file(path).unwrap();
        }
    }
    let sound = std::fs::read_to_string(site.path("certs-dev/FRA/authority.crl.pem")).unwrap();
    replace(&site, "certs-dev/FRA/authority.crl.pem", "no list");
    site.start(&[]);
    let line = logged(&site, &["nations with faulty files are not admitted"]).await;
    assert!(line.contains("ERROR") && line.contains("FRA"), "{line}");
    let (code, _) = doctor(&site, "FRA/poste-12");
    assert_eq!(code, Some(1));
    assert!(
        metrics(&site)
            .await
            .contains("entente_nation_faulty{nation=\"FRA\"} 1")
    );
    replace(&site, "certs-dev/FRA/authority.crl.pem", &sound);
    logged(&site, &["faulty files of nations are mended"]).await;
    assert_eq!(doctor(&site, "FRA/poste-12").0, Some(0));
    assert_eq!(health(&site, "FRA/poste-12", "nation/FRA").await, SERVING);
}
