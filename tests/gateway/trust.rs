//! Changes of trust in the running process: planned, applied, refused, audited, announced.

use crate::handshake::{authority, endpoint, logged, now, refusal, replace, system};
use crate::support::{Site, sighting, streamed, unary};
use entente::pki::{Authority, AuthoritySpec, LeafSpec};
use entente::wire::proto::{self, AnchorState, ListNationsRequest, WhoAmIRequest};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::time::Duration;
use tokio_stream::StreamExt as _;

/// Longer than a watch needs to take a change up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Changes wait until they are applied, so that plans can be looked at in peace.
pub(crate) fn patient_site() -> Site {
    let site = Site::new("");
    site.edit("config/gateway.toml", |text| {
        text.replace("[trust]\n", "[trust]\nchanges = \"when applied\"\n")
    });
    site
}

/// `entente trust …` as the operator of the site; its exit code and what it says.
pub(crate) fn operate(site: &Site, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let operator = [
        "--as",
        "USA/ops-desk",
        "--gateway",
        &site.address,
        "--output",
        "json",
    ];
    let mut all = vec!["trust"];
    all.extend(arguments);
    all.extend(operator);
    all.extend(["--server-name", "localhost"]);
    let output = site.run(&all);
    let said = String::from_utf8(output.stdout).unwrap();
    let value = serde_json::from_str(said.lines().next().unwrap_or("null")).unwrap_or_default();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), value, format!("{said}{error}"))
}

/// An operator's certificate; the development set has none.
pub(crate) fn enrol_operator(site: &Site) {
    let usa = authority(site, "USA");
    let spec = LeafSpec::system("spiffe://usa.entente.example/ops-desk", now(), 30);
    let issued = usa.issue(&spec).unwrap();
    replace(site, "certs-dev/USA/ops-desk.pem", issued.chain_pem());
    replace(site, "certs-dev/USA/ops-desk.key", &issued.key_pem());
}

pub(crate) fn started(mut site: Site) -> Site {
    enrol_operator(&site);
    site.start(&[]);
    site
}

pub(crate) fn gbr_list(site: &Site, number: u64, serials: &[&[u8]]) -> String {
    let until = now() + SignedDuration::from_hours(24 * 30);
    authority(site, "GBR")
        .revocation_list(number, now(), until, serials)
        .unwrap()
}

/// Lines of the audit log.
pub(crate) fn audit(site: &Site) -> Vec<Value> {
    let text = std::fs::read_to_string(site.path("data/trust/audit.jsonl")).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// An open stream of a system, after its first answer.
pub(crate) async fn stream(
    site: &Site,
    issued: &entente::pki::Issued,
    id: &str,
) -> tonic::Streaming<proto::SubmitStreamResponse> {
    let mut client = endpoint(site, issued).submission().await.unwrap();
    let messages = tokio_stream::iter(vec![streamed(&sighting(id))])
        .chain(tokio_stream::pending::<proto::SubmitStreamRequest>());
    let mut answers = client.submit_stream(messages).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_what_a_list_would_do_that_is_not_in_place() {
    let site = started(patient_site());
    let issued = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    let mut live = stream(&site, &issued, "r-1").await;
    std::fs::write(
        site.path("trial.crl.pem"),
        gbr_list(&site, 2, &[issued.serial()]),
    )
    .unwrap();
    let (code, plan, said) = operate(&site, &["plan", "--list", "GBR=trial.crl.pem"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(plan["cut"], 1, "{said}");
    let reason = plan["cuts"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("revoked by GBR"), "{said}");
    assert_eq!(plan["cuts"][0]["system"], "unit-1");
    assert_eq!(audit(&site).len(), 1, "only the start so far");
    // Nothing was changed: not even that plan can be applied, for it stands in no file.
    let (code, _, said) = operate(&site, &["apply", "--plan", plan["plan"].as_str().unwrap()]);
    assert_eq!(code, Some(1), "{said}");
    let quiet = tokio::time::timeout(Duration::from_millis(500), live.message()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

/// GBR's authority goes, its successor comes, and a system of it gets another right.
fn replace_authority(site: &Site) -> Authority {
    let successor = Authority::root(&AuthoritySpec::new("GBR successor", now(), 90)).unwrap();
    let certificates = site.path("certs-dev/GBR");
    std::fs::write(
        certificates.join("successor.pem"),
        successor.certificate_pem(),
    )
    .unwrap();
    let until = now() + SignedDuration::from_hours(24 * 30);
    let list = successor.revocation_list(1, now(), until, &[]).unwrap();
    std::fs::write(certificates.join("successor.crl.pem"), list).unwrap();
    site.edit("config/nations/GBR.toml", |text| {
        text.replace("authority.pem", "successor.pem")
            .replace("authority.crl.pem", "successor.crl.pem")
            .replace(
                "\"feed-desk\" = [\"read\"]",
                "\"feed-desk\" = [\"read\", \"submit\"]",
            )
    });
    successor
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_whom_it_would_cut_and_apply_cuts_exactly_them() {
    let site = started(patient_site());
    let old = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    let mut cut = stream(&site, &old, "r-1").await;
    let mut neighbour = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let successor = replace_authority(&site);
    let (code, plan, said) = operate(&site, &["plan"]);
    assert_eq!(code, Some(0), "{said}");
    for words in [
        "GBR successor",
        "added as active, with revocation list 1",
        "removed",
        "rights of feed-desk: read becomes submit, read",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(plan["cut"], 1, "{said}");
    // A wrong plan is refused and changes nothing.
    let (code, _, said) = operate(&site, &["apply", "--plan", "0123456789abcdef"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("nothing was changed") && said.contains("plan again"),
        "{said}"
    );
    let id = plan["plan"].as_str().unwrap();
    let (code, applied, said) = operate(&site, &["apply", "--plan", id]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(applied["cut"], 1, "{said}");
    let status = cut.message().await.unwrap_err();
    assert!(
        status
            .message()
            .contains("was not issued by an authority of GBR"),
        "{status:?}"
    );
    assert!(refusal(&site, &old).await.contains("UnknownCA"));
    // The identity is the same under the new authority; others noticed nothing.
    let new = successor.issue(&system("GBR")).unwrap();
    let mut client = endpoint(&site, &new).submission().await.unwrap();
    let me = client
        .who_am_i(WhoAmIRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!((me.nation.as_str(), me.system.as_str()), ("GBR", "unit-1"));
    neighbour.is_alive().await;
    let applied = audit(&site).pop().unwrap();
    assert_eq!(applied["outcome"], "applied");
    assert!(
        applied["who"]
            .as_str()
            .unwrap()
            .starts_with("USA/ops-desk (serial "),
        "{applied}"
    );
    assert_eq!(applied["effect"]["ended"], 1);
    assert_eq!(applied["effect"]["cuts"][0]["who"], "GBR/unit-1");
    assert!(applied["at"].as_str().unwrap().parse::<Timestamp>().is_ok());
}

/// A call that any reader may make, to see that its connection lives.
pub(crate) trait Alive {
    async fn is_alive(&mut self);
}

impl Alive for proto::feed_service_client::FeedServiceClient<tonic::transport::Channel> {
    async fn is_alive(&mut self) {
        let request = proto::ListContributionsRequest::default();
        self.list_contributions(request).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_change_changes_nothing_says_everything_and_is_audited() {
    let site = started(patient_site());
    let certificates = site.path("certs-dev");
    std::fs::write(certificates.join("FRA/authority.pem"), "no anchor").unwrap();
    site.edit("config/nations/GBR.toml", |text| {
        text.replace("clearance", "clearence")
    });
    let (code, plan, said) = operate(&site, &["plan"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        plan["faults"][0]
            .as_str()
            .unwrap()
            .contains("clearence: unknown key"),
        "{said}"
    );
    let (code, _, said) = operate(&site, &["apply", "--yes"]);
    assert_eq!(code, Some(1), "{said}");
    site.edit("config/nations/GBR.toml", |text| {
        text.replace("clearence", "clearance")
    });
    site.signal(rustix::process::Signal::HUP);
    let line = logged(&site, &["trust was not reloaded", "SIGHUP"]).await;
    assert!(line.contains("holds no certificate"), "{line}");
    let is_refusal = |line: &Value| line["outcome"] == "refused" && line["who"] == "SIGHUP";
    assert!(audit(&site).iter().any(is_refusal), "{:#?}", audit(&site));
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    client.submit(unary(&sighting("r-1"))).await.unwrap();
    // Only an operator may even look.
    let mut stranger = site.endpoint("GBR/uav-cell-4").operations().await.unwrap();
    let status = stranger
        .plan_trust(proto::PlanTrustRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
}

/// S7: a nation that is disabled.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_nation_is_cut_whole_with_the_reason_and_stays_out_over_a_restart() {
    let mut site = started(Site::new(""));
    let gbr = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    let fra = authority(&site, "FRA").issue(&system("FRA")).unwrap();
    let mut cut = stream(&site, &gbr, "r-1").await;
    let mut kept = endpoint(&site, &fra).submission().await.unwrap();
    kept.who_am_i(WhoAmIRequest {}).await.unwrap();
    let (code, done, said) = operate(&site, &["suspend", "GBR", "--reason", "stolen keys"]);
    assert_eq!((code, &done["cut"]), (Some(0), &Value::from(1)), "{said}");
    let status = cut.message().await.unwrap_err();
    assert!(
        status
            .message()
            .contains("GBR is suspended by the operator"),
        "{status:?}"
    );
    kept.who_am_i(WhoAmIRequest {}).await.unwrap();
    // Operators cannot lock themselves out.
    let (code, _, said) = operate(&site, &["suspend", "USA", "--reason", "oops"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("lock this operator out"), "{said}");
    assert!(site.stop().success());
    site.start(&[]);
    let told = refusal(&site, &gbr).await;
    assert!(told.contains("AccessDenied"), "{told}");
    let (_, shown, said) = operate(&site, &["show"]);
    assert!(said.contains("\"suspended\":true"), "{shown} {said}");
    let (code, _, said) = operate(&site, &["resume", "GBR"]);
    assert_eq!(code, Some(0), "{said}");
    let mut client = endpoint(&site, &gbr).submission().await.unwrap();
    client.who_am_i(WhoAmIRequest {}).await.unwrap();
    let lines: Vec<_> = audit(&site).iter().map(Value::to_string).collect();
    assert!(
        lines
            .iter()
            .any(|l| l.contains("blocked: nation (stolen keys)")),
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .any(|l| l.contains("no longer blocked: nation")),
        "{lines:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_26_a_stolen_key_is_blocked_at_once_and_a_new_one_of_the_same_system_comes_in() {
    let site = started(Site::new(""));
    let gbr = authority(&site, "GBR");
    let stolen = gbr.issue(&system("GBR")).unwrap();
    let mut cut = stream(&site, &stolen, "r-1").await;
    let serial = stolen
        .serial()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect::<String>();
    let what = format!("serial:{serial}");
    let (code, done, said) = operate(&site, &["block", "GBR", &what, "--reason", "stolen"]);
    assert_eq!((code, &done["cut"]), (Some(0), &Value::from(1)), "{said}");
    let status = cut.message().await.unwrap_err();
    assert!(
        status.message().contains("has blocked serial:"),
        "{status:?}"
    );
    assert!(refusal(&site, &stolen).await.contains("CertificateRevoked"));
    let fresh = gbr.issue(&system("GBR")).unwrap();
    let mut client = endpoint(&site, &fresh).submission().await.unwrap();
    client.who_am_i(WhoAmIRequest {}).await.unwrap();
    let (code, _, said) = operate(&site, &["unblock", "GBR", &what]);
    assert_eq!(code, Some(0), "{said}");
    let (code, _, said) = operate(&site, &["unblock", "GBR", &what]);
    assert_eq!(code, Some(1), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nations_come_and_go_while_the_gateway_runs() {
    let site = Site::new("");
    let aside = site.path("GBR.toml");
    std::fs::rename(site.path("config/nations/GBR.toml"), &aside).unwrap();
    let site = started(site);
    let gbr = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    assert!(refusal(&site, &gbr).await.contains("AccessDenied"));
    std::fs::rename(&aside, site.path("config/nations/GBR.toml")).unwrap();
    logged(&site, &["trust was reloaded", "file watch"]).await;
    let mut live = stream(&site, &gbr, "r-1").await;
    std::fs::rename(site.path("config/nations/GBR.toml"), &aside).unwrap();
    let status = live.message().await.unwrap_err();
    assert!(
        status.message().contains("no nation is enrolled"),
        "{status:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_a_right_is_cut_with_the_reason() {
    let site = started(Site::new(""));
    let mut reader = site.endpoint("GBR/feed-desk").feed().await.unwrap();
    let mut feed = reader
        .subscribe(proto::SubscribeRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut other = site.endpoint("USA/feed-desk").feed().await.unwrap();
    site.edit("config/nations/GBR.toml", |text| {
        text.replace("\"feed-desk\" = [\"read\"]", "\"feed-desk\" = []")
    });
    let ended = async {
        loop {
            if let Err(status) = feed.message().await {
                return status;
            }
        }
    };
    let status = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    assert!(
        status.message().contains("took away its right to read"),
        "{status:?}"
    );
    other.is_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_taken_up_within_five_seconds_of_its_arrival() {
    let site = started(Site::new(""));
    let gbr = authority(&site, "GBR").issue(&system("GBR")).unwrap();
    let mut live = stream(&site, &gbr, "r-1").await;
    replace(
        &site,
        "certs-dev/GBR/authority.crl.pem",
        &gbr_list(&site, 2, &[gbr.serial()]),
    );
    let cut = tokio::time::timeout(Duration::from_secs(5), live.message()).await;
    let status = cut.expect("within five seconds").unwrap_err();
    assert!(status.message().contains("revoked by GBR"), "{status:?}");
    // Freshness is visible.
    let mut operator = site.endpoint("USA/ops-desk").operations().await.unwrap();
    let nations = operator
        .list_nations(ListNationsRequest {})
        .await
        .unwrap()
        .into_inner();
    let gbr = nations.nations.iter().find(|n| n.nation == "GBR").unwrap();
    let anchor = &gbr.anchors[0];
    assert_eq!(anchor.revocation_list_number, "2");
    assert_eq!(anchor.state(), AnchorState::Active);
    let made = anchor.revocation_list_this_update.unwrap().seconds;
    assert!((now().as_second() - made).abs() < 60, "{made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_time_alone_changes_is_obeyed_too() {
    let site = started(Site::new(""));
    let (gbr, fra) = (authority(&site, "GBR"), authority(&site, "FRA"));
    let (revoked, retired) = (
        gbr.issue(&system("GBR")).unwrap(),
        fra.issue(&system("FRA")).unwrap(),
    );
    let mut of_gbr = stream(&site, &revoked, "r-1").await;
    let mut of_fra = stream(&site, &retired, "r-2").await;
    let mut other = site.endpoint("USA/feed-desk").feed().await.unwrap();
    // A list that begins in some seconds (a start may lie five minutes ahead), beside the one
    // of today; and an authority that retires in some seconds.
    let begins = now() + SignedDuration::from_secs(5 * 60 + 6);
    let until = now() + SignedDuration::from_hours(24);
    let next = gbr
        .revocation_list(2, begins, until, &[revoked.serial()])
        .unwrap();
    let before = std::fs::read_to_string(site.path("certs-dev/GBR/authority.crl.pem")).unwrap();
    replace(
        &site,
        "certs-dev/GBR/authority.crl.pem",
        &format!("{before}{next}"),
    );
    let end = now() + SignedDuration::from_secs(6);
    site.edit("config/nations/FRA.toml", |text| {
        let anchors = "anchors = [\"../../certs-dev/FRA/authority.pem\"]";
        assert!(text.contains(anchors), "{text}");
        let retiring =
            format!("retiring = {{ \"../../certs-dev/FRA/authority.pem\" = \"{end}\" }}");
        text.replace(anchors, &retiring)
    });
    logged(&site, &["trust was reloaded"]).await;
    let cut = |answers| tokio::time::timeout(PATIENCE, ended(answers));
    let status = cut(&mut of_gbr).await.unwrap();
    assert!(status.message().contains("revoked by GBR"), "{status:?}");
    let status = cut(&mut of_fra).await.unwrap();
    assert!(status.message().contains("retired at"), "{status:?}");
    other.is_alive().await;
    let by_time = audit(&site).into_iter().find(|line| line["who"] == "time");
    assert!(by_time.is_some(), "{:#?}", audit(&site));
}

/// The status with which a stream ends.
pub(crate) async fn ended(
    answers: &mut tonic::Streaming<proto::SubmitStreamResponse>,
) -> tonic::Status {
    loop {
        match answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended without a reason"),
            Err(status) => return status,
        }
    }
}
