//! The TAK server: mutual TLS, events for what may be shown, ends for what is no longer said, and
//! everything again that no pong stands behind.

use crate::servers::Papers;
use crate::site::{Relay, configure, log_of, marked, sightings, submit, until_status};
use crate::support::{Site, sighting};
use crate::targets::{acceptor, free_address, next, tak};
use entente::wire::proto;
use tokio::sync::mpsc;

fn configured(site: &Site, port: u16) {
    configure(
        site,
        &format!(
            "[release]\naudience = [\"USA\", \"GBR\", \"POL\"]\n\n[tak]\n\
             address = \"127.0.0.1:{port}\"\nserver_name = \"localhost\"\n\
             authority = \"papers/ca.pem\"\ncertificate = \"papers/gateway.pem\"\n\
             key = \"papers/gateway.key\""
        ),
    );
}

fn shared(id: &str) -> proto::Report {
    marked(id, "OFFICIAL-SENSITIVE", &["GBR", "USA", "POL"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tak_server_gets_what_everybody_behind_it_may_see() {
    let site = Site::started("");
    let papers = Papers::new(&site.path("papers"));
    let (tell, mut heard) = mpsc::channel(64);
    let server = tak(free_address(), acceptor(&papers), true, tell).await;
    configured(&site, server.address.port());
    let exercise = proto::Report {
        environment: proto::Environment::Exercise.into(),
        ..shared("exercise")
    };
    let mut nowhere = shared("nowhere");
    if let Some(proto::report::Body::Sighting(sighting)) = &mut nowhere.body {
        sighting.location = None;
        sighting.location_unknown_reason = "not seen".to_owned();
    }
    let update = proto::Report {
        revision: 2,
        action: proto::Action::Update.into(),
        ..shared("r-1")
    };
    let retraction = proto::Report {
        revision: 3,
        action: proto::Action::Retraction.into(),
        body: None,
        ..shared("r-1")
    };
    // Poland may not see what `sighting` makes.
    let reports = [
        shared("r-1"),
        exercise,
        nowhere,
        sighting("two"),
        update,
        retraction,
    ];
    submit(&site, &reports).await;
    let relay = Relay::start(&site);
    let first = next(&mut heard).await;
    for part in [
        "uid=\"entente/GBR/uav-cell-4/r-1\"",
        "access=\"RESTRICTED\"",
        "releasableTo=\"GBR,POL,USA\"",
        "lat=\"48.0159\" lon=\"37.8029\"",
        "hae=\"9999999.0\"",
        "le=\"9999999.0\"",
        "start=\"2026-01-06T18:30:00.000Z\"",
        "OFFICIAL-SENSITIVE (RESTRICTED) REL TO GBR, POL, USA",
        "3 explosion",
        "revision 1",
    ] {
        assert!(first.contains(part), "{part} is not in {first}");
    }
    let second = next(&mut heard).await;
    assert!(
        second.contains("uid=\"entente/GBR/uav-cell-4/r-1\""),
        "{second}"
    );
    assert!(second.contains("revision 2"), "{second}");
    let third = next(&mut heard).await;
    assert!(third.contains("type=\"t-x-d-d\""), "{third}");
    assert!(
        third.contains("<link uid=\"entente/GBR/uav-cell-4/r-1\""),
        "{third}"
    );
    let status = until_status(&site, |status| status.position == 6);
    assert_eq!((status.handed, status.skipped), (3, 2), "{}", log_of(&site));
    relay.stop();
    assert!(heard.try_recv().is_err(), "nothing else came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_pong_stands_behind_comes_again() {
    let site = Site::started("");
    let papers = Papers::new(&site.path("papers"));
    let (tell, mut heard) = mpsc::channel(64);
    let server = tak(free_address(), acceptor(&papers), false, tell.clone()).await;
    let address = server.address;
    configured(&site, address.port());
    submit(&site, &[shared("r-1"), shared("r-2")]).await;
    let relay = Relay::start(&site);
    assert!(next(&mut heard).await.contains("/r-1\""));
    until_status(&site, |status| {
        status.failing.contains("before it had read everything") && status.position == 0
    });
    server.end().await;
    let _server = tak(address, acceptor(&papers), true, tell).await;
    until_status(&site, |status| {
        status.position == 2 && status.failing.is_empty()
    });
    let mut last = next(&mut heard).await;
    let mut count = 1;
    while let Ok(event) = heard.try_recv() {
        last = event;
        count += 1;
    }
    assert!(last.contains("/r-2\""), "the order is kept: {last}");
    assert!(count >= 3, "both came again after the break");
    relay.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_another_authority_gets_nothing() {
    let site = Site::started("");
    let papers = Papers::new(&site.path("papers"));
    let others = Papers::new(&site.path("others"));
    let (tell, mut heard) = mpsc::channel(64);
    let server = tak(free_address(), acceptor(&others), true, tell).await;
    configured(&site, server.address.port());
    submit(&site, &sightings(&["two"])).await;
    submit(&site, &[shared("r-1")]).await;
    let relay = Relay::start(&site);
    let status = until_status(&site, |status| !status.failing.is_empty());
    assert_eq!(status.handed, 0, "{}", status.failing);
    relay.stop();
    assert!(heard.try_recv().is_err());
    drop(papers);
}
