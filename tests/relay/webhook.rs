//! The webhook: signed, released, in order, and nothing lost over kills of either side.

use crate::servers::Papers;
use crate::site::{Relay, command, configure, log_of, marked, sightings, submit, until_status};
use crate::support::Site;
use crate::targets::{Told, acceptor, free_address, next, webhook};
use aws_lc_rs::hmac;
use data_encoding::BASE64;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;

const SECRET: &[u8; 32] = b"a secret that is of thirty-two b";

fn secret(site: &Site) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = site.path("secret");
    std::fs::write(&path, format!("whsec_{}\n", BASE64.encode(SECRET))).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn plain(site: &Site, address: SocketAddr) {
    secret(site);
    let target = format!(
        "[webhook]\nurl = \"http://{address}/feed\"\nsecret = \"secret\"\ndanger_plain_http = true"
    );
    configure(site, &target);
}

/// Checks the signature as the receiver of Standard Webhooks does.
fn is_signed(told: &Told) -> bool {
    let (id, time) = (told.header("webhook-id"), told.header("webhook-timestamp"));
    let signed = format!("{id}.{time}.{}", told.body);
    let given = told.header("webhook-signature").strip_prefix("v1,");
    let given = BASE64.decode(given.unwrap().as_bytes()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    hmac::verify(&key, signed.as_bytes(), &given).is_ok()
}

/// Positions in the order in which they come, until one is there.
async fn until(heard: &mut mpsc::Receiver<Told>, position: u64) -> Vec<u64> {
    let mut positions = Vec::new();
    while !positions.contains(&position) {
        let told = next(heard).await;
        assert!(is_signed(&told));
        positions.extend(told.positions());
    }
    positions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_released_comes_signed_in_order_and_once_over_stops() {
    let mut site = Site::started("");
    let papers = Papers::new(&site.path("papers"));
    let (tell, mut heard) = mpsc::channel(64);
    let server = webhook(free_address(), Some(acceptor(&papers)), |_| 204, tell).await;
    secret(&site);
    configure(
        &site,
        &format!(
            "[webhook]\nurl = \"https://localhost:{}/feed\"\nsecret = \"secret\"\n\
             authority = \"papers/ca.pem\"\ncertificate = \"papers/gateway.pem\"\n\
             key = \"papers/gateway.key\"\nrecords_max = 2",
            server.address.port()
        ),
    );
    submit(&site, &sightings(&["r-1", "r-2", "r-3"])).await;
    let own = marked("own", "OFFICIAL-SENSITIVE", &["GBR"]);
    let controlled = marked("orcon", "OFFICIAL-SENSITIVE//ORCON", &["USA"]);
    submit(&site, &[own, controlled]).await;
    submit(&site, &sightings(&["r-6"])).await;
    let relay = Relay::start(&site);
    assert_eq!(
        until(&mut heard, 6).await,
        [1, 2, 3, 6],
        "{}",
        log_of(&site)
    );
    let status = until_status(&site, |status| status.position == 6 && status.handed == 4);
    assert_eq!((status.withheld, status.positions_behind), (2, 0));
    relay.stop();

    // A restart of either side doubles nothing that was acknowledged.
    site.stop();
    site.start(&[]);
    site.edit("relay.toml", |text| {
        let line =
            |line: &str| line.starts_with("address = \"127.0.0.1:") && !line.contains(":0\"");
        let mut lines = Vec::new();
        for old in text.lines() {
            match line(old) {
                true => lines.push(format!("address = {:?}", site.address)),
                false => lines.push(old.to_owned()),
            }
        }
        lines.join("\n")
    });
    submit(&site, &sightings(&["r-7"])).await;
    let relay = Relay::start(&site);
    assert_eq!(until(&mut heard, 7).await, [7]);
    relay.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_relay_loses_nothing() {
    let site = Site::started("");
    let (tell, mut heard) = mpsc::channel(64);
    let server = webhook(free_address(), None, |_| 200, tell).await;
    plain(&site, server.address);
    let mut seen = Vec::new();
    for round in 0..3_u64 {
        let relay = Relay::start(&site);
        let ids: Vec<_> = (0..5).map(|n| format!("r-{round}-{n}")).collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        submit(&site, &sightings(&ids)).await;
        seen.extend(until(&mut heard, round * 5 + 3).await);
        relay.kill();
    }
    let relay = Relay::start(&site);
    if !seen.contains(&15) {
        seen.extend(until(&mut heard, 15).await);
    }
    relay.stop();
    // A receiver that keeps the highest position has each once.
    let mut kept = Vec::new();
    for position in seen {
        if kept.last().is_none_or(|last| *last < position) {
            kept.push(position);
        }
    }
    assert_eq!(kept, (1..=15).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_record_becomes_a_dead_letter_and_is_replayed() {
    let site = Site::started("");
    let (tell, mut heard) = mpsc::channel(64);
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let judge = move |body: &str| match body.contains("\"r-3\"") {
        true if !is_mended.load(Ordering::SeqCst) => 422,
        _ => 200,
    };
    let server = webhook(free_address(), None, judge, tell).await;
    plain(&site, server.address);
    submit(&site, &sightings(&["r-1", "r-2", "r-3", "r-4", "r-5"])).await;
    let relay = Relay::start(&site);
    assert_eq!(until(&mut heard, 5).await, [1, 2, 4, 5]);
    let status = until_status(&site, |status| {
        status.dead_letters == 1 && status.position == 5
    });
    assert_eq!(status.failing, "", "one record does not make it fail");
    let (code, said) = command(&site, &["replay"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("stop it first"), "{said}");
    relay.stop();

    let (_, said) = command(&site, &["dead-letters"]);
    assert!(said.contains("      3  "), "{said}");
    assert!(
        said.contains("it answered 422 Unprocessable Entity: as judged"),
        "{said}"
    );
    let (code, said) = command(&site, &["replay"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("3  stays: "), "{said}");
    mended.store(true, Ordering::SeqCst);
    let (code, said) = command(&site, &["replay"]);
    assert_eq!((code, said.trim()), (Some(0), "3  taken"));
    assert_eq!(until(&mut heard, 3).await, [3]);
    assert_eq!(command(&site, &["dead-letters"]), (Some(0), String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_away_is_waited_for_and_the_lag_is_shown() {
    let site = Site::started("");
    let address = free_address();
    plain(&site, address);
    submit(&site, &sightings(&["r-1", "r-2"])).await;
    let relay = Relay::start(&site);
    until_status(&site, |status| status.failing.contains("cannot connect to"));
    submit(&site, &sightings(&["r-3"])).await;
    let status = until_status(&site, |status| status.positions_behind == 3);
    assert_eq!((status.position, status.durable_position), (0, 3));
    let metrics = scraped(&relay.metrics).await;
    for line in [
        "entente_relay_failing{relay=\"desk\"} 1",
        "entente_relay_lag_records{relay=\"desk\"} 3",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    // A door that is closed to us is no fault of the record.
    let (tell, mut heard) = mpsc::channel(64);
    let server = webhook(address, None, |_| 403, tell.clone()).await;
    until_status(&site, |status| status.failing.contains("403 Forbidden"));
    server.end().await;
    let _server = webhook(address, None, |_| 200, tell).await;
    assert_eq!(until(&mut heard, 3).await, [1, 2, 3]);
    let status = until_status(&site, |status| status.positions_behind == 0);
    assert_eq!((status.failing.as_str(), status.dead_letters), ("", 0));
    assert_eq!(status.seconds_behind, 0);
    relay.stop();
}

/// The metrics of a relay.
async fn scraped(address: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[test]
fn a_relay_that_cannot_work_says_why_and_does_not_start() {
    let site = Site::new("");
    secret(&site);
    configure(
        &site,
        "[webhook]\nurl = \"http://desk.example/\"\nsecret = \"secret\"",
    );
    let (code, said) = command(&site, &["run"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("danger_plain_http"), "{said}");
    assert!(
        said.contains("gateway.address") || !said.contains("missing"),
        "{said}"
    );
    plain(&site, free_address());
    std::fs::write(site.path("secret"), "not a secret").unwrap();
    let (code, said) = command(&site, &["run"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("expected whsec_ and 24 to 64 bytes"),
        "{said}"
    );
    use std::os::unix::fs::PermissionsExt as _;
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(site.path("secret"), open).unwrap();
    let (_, said) = command(&site, &["run"]);
    assert!(said.contains("set it to 0600"), "{said}");
}
