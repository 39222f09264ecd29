//! A hundred among a thousand live streams are cut, within a second, and nobody else notices.

use crate::handshake::{authority, now, replace};
use crate::support::{Site, raise_descriptors, sighting, streamed};
use entente::client::Endpoint;
use entente::clock::SystemClock;
use entente::pki::{Issued, LeafSpec};
use entente::trust::{ClientFiles, client_config};
use entente::wire::proto;
use jiff::SignedDuration;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const STREAMS: usize = 1000;
const CUT: usize = 100;
/// From the change in force to the last closed socket.
const CUT_WITHIN: Duration = Duration::from_secs(1);

/// The metrics page of a site.
pub(crate) async fn metrics(site: &Site) -> String {
    let mut socket = tokio::net::TcpStream::connect(&site.metrics).await.unwrap();
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        site.metrics
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    socket.read_to_string(&mut page).await.unwrap();
    page
}

/// A number of the metrics page.
pub(crate) fn figure(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

fn endpoint(site: &Site, number: usize, issued: &Issued) -> Endpoint {
    let file = |ending: &str| site.path(&format!("systems-{number}.{ending}"));
    std::fs::write(file("pem"), issued.chain_pem()).unwrap();
    std::fs::write(file("key"), issued.key_pem()).unwrap();
    std::fs::set_permissions(file("key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let files = ClientFiles {
        certificate: file("pem"),
        key: file("key"),
        authority: site.path("certs-dev/gateway/authority.pem"),
    };
    Endpoint {
        address: site.address.clone(),
        server_name: "localhost".to_owned(),
        tls: client_config(&files, Arc::new(SystemClock::default())).unwrap(),
    }
}

/// One live stream: its reports go in, its answers come out.
struct Live {
    number: usize,
    reports: mpsc::Sender<proto::SubmitStreamRequest>,
    answers: tonic::Streaming<proto::SubmitStreamResponse>,
}

async fn open(number: usize, endpoint: Endpoint) -> Live {
    let mut client = endpoint.submission().await.unwrap();
    let (reports, waiting) = mpsc::channel(4);
    let messages = tokio_stream::wrappers::ReceiverStream::new(waiting);
    let answers = client.submit_stream(messages).await.unwrap().into_inner();
    Live {
        number,
        reports,
        answers,
    }
}

/// A site with a thousand live streams of as many systems, and their certificates.
async fn thousand() -> (Site, Vec<Live>, Vec<Issued>) {
    let mut site = Site::new(&format!("[limits]\nconnections_max = {}\n", STREAMS + 100));
    site.start(&[]);
    let gbr = authority(&site, "GBR");
    let certificates: Vec<_> = (0..STREAMS)
        .map(|number| {
            let uri = format!("spiffe://gbr.entente.example/unit-{number}");
            gbr.issue(&LeafSpec::system(&uri, now(), 30)).unwrap()
        })
        .collect();
    let mut opening = JoinSet::new();
    let mut lives = Vec::with_capacity(STREAMS);
    for (number, issued) in certificates.iter().enumerate() {
        // A few at a time, so that no handshake waits for its deadline.
        if opening.len() >= 32 {
            lives.push(opening.join_next().await.unwrap().unwrap());
        }
        opening.spawn(open(number, endpoint(&site, number, issued)));
    }
    lives.extend(opening.join_all().await);
    assert_eq!(lives.len(), STREAMS);
    (site, lives, certificates)
}

/// S7: the bound is a second.
#[tokio::test(flavor = "multi_thread")]
async fn case_23_a_hundred_of_a_thousand_live_streams_are_cut_within_a_second() {
    raise_descriptors();
    let (site, lives, certificates) = thousand().await;
    let is_bad = |number: usize| number.is_multiple_of(STREAMS / CUT);
    let (bad, good): (Vec<_>, Vec<_>) = lives.into_iter().partition(|l| is_bad(l.number));
    assert_eq!(bad.len(), CUT);
    let serials: Vec<_> = certificates
        .iter()
        .enumerate()
        .filter(|(number, _)| is_bad(*number))
        .map(|(_, issued)| issued.serial())
        .collect();
    let mut waiting = JoinSet::new();
    for live in bad {
        waiting.spawn(async move {
            // Its reports could go on: the sender is held until the end.
            let Live {
                mut answers,
                reports: _reports,
                ..
            } = live;
            let status = answers.message().await.unwrap_err();
            (tokio::time::Instant::now(), status)
        });
    }
    let until = now() + SignedDuration::from_hours(24);
    let list = authority(&site, "GBR")
        .revocation_list(2, now(), until, &serials)
        .unwrap();
    replace(&site, "certs-dev/GBR/authority.crl.pem", &list);
    let ended = waiting.join_all().await;
    for (_, status) in &ended {
        assert_eq!(status.code(), tonic::Code::Unauthenticated, "{status:?}");
        assert!(status.message().contains("revoked by GBR"), "{status:?}");
    }
    let times = ended.iter().map(|(at, _)| *at);
    let spread = times.clone().max().unwrap() - times.min().unwrap();
    assert!(
        spread < CUT_WITHIN,
        "from the first to the last: {spread:?}"
    );

    // The others: each hands in a report on the stream that it has, and gets its receipt.
    let mut alive = JoinSet::new();
    for mut live in good {
        alive.spawn(async move {
            let report = streamed(&sighting(&format!("r-{}", live.number)));
            live.reports.send(report).await.unwrap();
            let answer = live.answers.message().await.unwrap().unwrap();
            assert_eq!(answer.outcomes.len(), 1);
            live
        });
    }
    let alive = alive.join_all().await;
    assert_eq!(alive.len(), STREAMS - CUT);
    let page = every_socket_closed(&site).await;
    // Measured by the gateway: from the change in force to the closed socket.
    let within = figure(&page, "entente_trust_cut_seconds_bucket{le=\"1\"}");
    let total = figure(&page, "entente_trust_cut_seconds_count");
    let sum = figure(&page, "entente_trust_cut_seconds_sum");
    eprintln!(
        "cut: spread {spread:?}, mean to the closed socket {:.3} s",
        sum / total
    );
    assert_eq!((within, total), (CUT as f64, CUT as f64), "{page}");
}

/// The metrics once all the sockets of those that were cut are closed.
async fn every_socket_closed(site: &Site) -> String {
    let mut look = tokio::time::interval(Duration::from_millis(50));
    loop {
        look.tick().await;
        let page = metrics(site).await;
        if figure(&page, "entente_trust_cut_seconds_count") >= CUT as f64 {
            return page;
        }
    }
}
