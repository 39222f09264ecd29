//! Cases 37 to 47: what a hostile partner with a valid certificate can do in HTTP/2. Each
//! attack ends with its own connection, or is answered within bounds; a neighbour that was
//! connected before goes on unharmed.

use crate::raw::*;
use crate::support::{Site, sighting, streamed, unary};
use entente::wire::proto::{SubscribeRequest, WhoAmIRequest};
use prost::Message as _;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Code;

const ATTACKER: &str = "GBR/uav-cell-4";
/// More memory than any one connection may cost the gateway, KiB.
const MEMORY_KIB_MAX: u64 = 64 * 1024;

/// Rounds of an attack that the buffers of two sockets cannot hold: whoever was not cut off
/// could send them all only if the gateway read them.
const ROUNDS: usize = 200_000;

fn odd(round: u32) -> u32 {
    round * 2 + 1
}

#[tokio::test]
async fn case_37_silence_after_tls_is_ended_and_told_apart_from_a_slow_start() {
    let mut site = Site::new("");
    site.edit("config/gateway.toml", |text| {
        text.replace(
            "[listener]\n",
            "[listener]\nfirst_request_deadline = \"300ms\"\n",
        )
    });
    site.start(&[]);
    let mut neighbour = Neighbour::connect(&site).await;
    for said in [&b""[..], PREFACE] {
        let mut silent = tls(&site, ATTACKER).await;
        silent.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "still open");
    }
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_38_rapid_reset_ends_its_own_connection() {
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
    let taken = attacker
        .flood(ROUNDS, |round| {
            let mut burst = Vec::new();
            for at in 0..50 {
                let stream = odd(round * 50 + at);
                burst.extend(frame(HEADERS, END_HEADERS, stream, &call(WHO_AM_I)));
                burst.extend(frame(RST_STREAM, 0, stream, &network(8)));
            }
            burst
        })
        .await;
    let seen = attacker.closed().await;
    assert!(taken < ROUNDS, "ten million resets were taken");
    assert_eq!(seen.goaway, Some(ENHANCE_YOUR_CALM), "{seen:?}");
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_39_made_you_reset_ends_its_own_connection() {
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
    // A window update of zero makes the gateway reset the stream, although its call goes on.
    let taken = attacker
        .flood(ROUNDS, |round| {
            let stream = odd(round);
            let mut pair = frame(HEADERS, END_HEADERS, stream, &call(SUBMIT_STREAM));
            pair.extend(frame(WINDOW_UPDATE, 0, stream, &network(0)));
            pair
        })
        .await;
    let seen = attacker.closed().await;
    assert!(taken < ROUNDS, "{seen:?}");
    assert!(seen.goaway.is_some(), "{seen:?}");
    let resets: usize = seen.resets.values().sum();
    assert!(resets <= 300, "{resets} resets were provoked");
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_40_endless_continuations_end_their_connection() {
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let before = memory_kib(&site);
    let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
    attacker.send(&frame(HEADERS, 0, 1, &call(WHO_AM_I))).await;
    let piece = literal("x-filler", &"f".repeat(100)).repeat(100);
    let taken = attacker
        .flood(20_000, |_| frame(CONTINUATION, 0, 1, &piece))
        .await;
    attacker.closed().await;
    assert!(taken < 20_000);
    let after = memory_kib(&site);
    assert!(
        after < before + MEMORY_KIB_MAX,
        "{before} KiB became {after} KiB"
    );
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_40_a_header_list_over_the_limit_is_refused_alone() {
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
    // Plain size: some 20 KiB in two frames.
    let mut block = call(WHO_AM_I);
    block.extend(literal("x-filler", &"f".repeat(100)).repeat(180));
    let (first, second) = block.split_at(16_000);
    attacker.send(&frame(HEADERS, 0, 1, first)).await;
    attacker
        .send(&frame(CONTINUATION, END_HEADERS, 1, second))
        .await;
    // HPACK bomb: one entry of 4 KB is put into the table, then named a thousand times.
    let mut bomb = call(WHO_AM_I);
    let name = "x".repeat(100);
    let value = "y".repeat(126);
    bomb.extend([0x40, 100]);
    bomb.extend(name.as_bytes());
    bomb.push(126);
    bomb.extend(value.as_bytes());
    bomb.extend([0xbe].repeat(10_000));
    let sent = attacker
        .send(&frame(HEADERS, END_HEADERS | END_STREAM, 3, &bomb))
        .await;
    // Both are refused: by a status without the call being made, a reset, or the end of the
    // connection. No call was answered with success.
    let seen = attacker
        .until(|seen| {
            let refused: usize = seen.resets.values().sum();
            seen.is_closed || refused + seen.count(HEADERS) >= 2
        })
        .await;
    assert!(sent && seen.count(DATA) == 0, "{seen:?}");
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_41_floods_of_settings_and_pings_are_answered_or_ended_within_bounds() {
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let before = memory_kib(&site);
    let settings = frame(SETTINGS, 0, 0, &setting(3, 100)).repeat(100);
    let pings = frame(PING, 0, 0, &[7; 8]).repeat(100);
    for burst in [settings, pings] {
        let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
        attacker.flood(300, |_| burst.clone()).await;
        neighbour.is_well().await;
        let after = memory_kib(&site);
        assert!(
            after < before + MEMORY_KIB_MAX,
            "{before} KiB became {after} KiB"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_41_a_flood_of_pings_whose_answers_are_never_read_is_bounded() {
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let before = memory_kib(&site);
    let mut silent = tls(&site, ATTACKER).await;
    silent.write_all(PREFACE).await.unwrap();
    silent.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let burst = frame(PING, 0, 0, &[7; 8]).repeat(1000);
    let flooding = async {
        for _ in 0..2000 {
            if silent.write_all(&burst).await.is_err() {
                break;
            }
        }
    };
    // It is stopped by the gateway's end, or by flow control: then the gateway reads no more.
    let _stopped_either_way = tokio::time::timeout(Duration::from_secs(3), flooding).await;
    let after = memory_kib(&site);
    assert!(
        after < before + MEMORY_KIB_MAX,
        "{before} KiB became {after} KiB"
    );
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_41_a_flood_of_tiny_data_ends_its_own_connection_or_is_read_within_bounds() {
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let before = memory_kib(&site);
    let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
    attacker
        .send(&frame(HEADERS, END_HEADERS, 1, &call(SUBMIT_STREAM)))
        .await;
    let empty = frame(DATA, 0, 1, &[]).repeat(1000);
    let taken = attacker.flood(100, |_| empty.clone()).await;
    let seen = attacker.until(|seen| seen.is_closed || taken == 100).await;
    let after = memory_kib(&site);
    assert!(
        after < before + MEMORY_KIB_MAX,
        "{before} KiB became {after} KiB: {seen:?}"
    );
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_42_a_reader_with_a_window_of_zero_is_disconnected_and_told_where_to_go_on() {
    let site = Site::started("[feed]\nstall_deadline = \"500ms\"\nheartbeat = \"100ms\"\n");
    let mut neighbour = Neighbour::connect(&site).await;
    // INITIAL_WINDOW_SIZE 0: nothing may be sent to us on any stream.
    let mut stalled = Raw::connect(&site, "GBR/feed-desk", &setting(4, 0)).await;
    let request = SubscribeRequest::default().encode_to_vec();
    stalled
        .send(&frame(HEADERS, END_HEADERS, 1, &call(SUBSCRIBE)))
        .await;
    stalled
        .send(&frame(DATA, END_STREAM, 1, &message(&request)))
        .await;
    neighbour.is_well().await;
    // The answer's own headers, and later its end: trailers, or a reset.
    let seen = stalled
        .until(|seen| seen.count(HEADERS) >= 2 || seen.count(RST_STREAM) > 0 || seen.is_closed)
        .await;
    assert_eq!(seen.count(DATA), 0, "{seen:?}");
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_streams_beyond_the_limit_are_refused_and_the_others_go_on() {
    let site = Site::started("[services]\nconcurrent_streams_max = 8\n");
    let mut neighbour = Neighbour::connect(&site).await;
    let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
    attacker
        .flood(40, |round| {
            frame(HEADERS, END_HEADERS, odd(round), &call(SUBMIT_STREAM))
        })
        .await;
    let seen = attacker
        .until(|seen| {
            let refused = seen.resets.get(&REFUSED_STREAM).copied().unwrap_or(0);
            seen.is_closed || refused >= 32
        })
        .await;
    let refused = seen.resets.get(&REFUSED_STREAM).copied();
    assert_eq!(refused, Some(32), "{seen:?}");
    assert!(!seen.is_closed);
    neighbour.is_well().await;
    // One of the streams ends: there is room for another.
    attacker.send(&frame(DATA, END_STREAM, 1, &[])).await;
    attacker.until(|seen| seen.count(HEADERS) > 8).await;
    let known = attacker.until(|_| true).await.count(HEADERS);
    let late = frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        odd(50),
        &call(SUBMIT_STREAM),
    );
    attacker.send(&late).await;
    attacker.until(|seen| seen.count(HEADERS) > known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_44_an_oversize_message_ends_its_stream_with_the_limit() {
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let mut client = site.endpoint(ATTACKER).submission().await.unwrap();
    let mut large = sighting("r-1");
    large.marking.as_mut().unwrap().text = "X".repeat(2 * 1024 * 1024);
    let messages = tokio_stream::iter(vec![streamed(&sighting("r-0")), streamed(&large)]);
    let mut answers = client.submit_stream(messages).await.unwrap().into_inner();
    let status = loop {
        match answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it was taken"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(status.message().contains("1048576 bytes"), "{status:?}");
    let status = client.submit(unary(&large)).await.unwrap_err();
    assert!(
        matches!(status.code(), Code::ResourceExhausted | Code::OutOfRange),
        "{status:?}"
    );
    client.who_am_i(WhoAmIRequest {}).await.unwrap();
    // A length that is only claimed takes no memory.
    let before = memory_kib(&site);
    let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
    attacker
        .send(&frame(HEADERS, END_HEADERS, 1, &call(SUBMIT_STREAM)))
        .await;
    attacker
        .send(&frame(DATA, 0, 1, &[0, 0xff, 0xff, 0xff, 0xff]))
        .await;
    let seen = attacker
        .until(|seen| seen.count(HEADERS) >= 2 || seen.count(RST_STREAM) > 0)
        .await;
    let after = memory_kib(&site);
    assert!(
        after < before + MEMORY_KIB_MAX,
        "{before} KiB became {after} KiB: {seen:?}"
    );
    neighbour.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_44_a_compressed_message_is_refused_unopened() {
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let before = memory_kib(&site);
    let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
    let mut block = call(SUBMIT_STREAM);
    block.extend(literal("grpc-encoding", "gzip"));
    attacker.send(&frame(HEADERS, END_HEADERS, 1, &block)).await;
    // The flag says compressed; what follows would become large.
    let mut bomb = vec![1];
    bomb.extend(network(1000));
    bomb.extend([0x1f, 0x8b, 8, 0].repeat(250));
    attacker.send(&frame(DATA, 0, 1, &bomb)).await;
    let seen = attacker.until(|seen| seen.count(HEADERS) >= 1).await;
    // grpc-status 12, UNIMPLEMENTED, as a header with a literal value of two octets; or the
    // stream is reset. Nothing is unpacked either way.
    let is_refused = seen.bytes.windows(2).any(|pair| pair == b"12") || !seen.resets.is_empty();
    let huffman_12 = seen
        .bytes
        .windows(2)
        .any(|pair| pair == [0x08, 0xbf] || pair == [0x82, 0x08]);
    assert!(is_refused || huffman_12, "{seen:?}");
    let after = memory_kib(&site);
    assert!(
        after < before + MEMORY_KIB_MAX,
        "{before} KiB became {after} KiB"
    );
    neighbour.is_well().await;
}

/// Processor time of the gateway so far, in ticks of 10 ms.
fn cpu_ticks(site: &Site) -> u64 {
    let pid = site.pid().as_raw_nonzero();
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_without_descriptors_those_who_are_in_go_on_and_the_door_opens_again() {
    use rustix::process::{Resource, Rlimit, prlimit};
    let site = Site::started("");
    let mut neighbour = Neighbour::connect(&site).await;
    let pid = site.pid();
    let open = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))
        .unwrap()
        .count();
    // As many as there are: the next connection finds none.
    let none_left = Rlimit {
        current: Some(open as u64),
        maximum: Some(4096),
    };
    let before = prlimit(Some(pid), Resource::Nofile, none_left).unwrap();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(tokio::net::TcpStream::connect(&site.address).await.unwrap());
    }
    let line = crate::handshake::logged(&site, &["cannot accept connections for now"]).await;
    assert!(line.contains("Too many open files"), "{line}");
    let ticks = cpu_ticks(&site);
    let mut clock = tokio::time::interval(Duration::from_secs(1));
    clock.tick().await;
    neighbour.is_well().await;
    clock.tick().await;
    let burnt = cpu_ticks(&site) - ticks;
    assert!(burnt < 40, "{burnt} ticks of 10 ms in one second");
    let again = Rlimit {
        maximum: Some(4096),
        current: before.current.map(|current| current.min(4096)),
    };
    prlimit(Some(pid), Resource::Nofile, again).unwrap();
    let mut client = site.endpoint(ATTACKER).submission().await.unwrap();
    client.who_am_i(WhoAmIRequest {}).await.unwrap();
    neighbour.is_well().await;
}

/// A site that drains for one second at most.
fn briefly_draining() -> Site {
    let mut site = Site::new("");
    site.edit("config/gateway.toml", |text| {
        text.replace("[listener]\n", "[listener]\ndrain_deadline = \"1s\"\n")
    });
    site.start(&[]);
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn case_46_who_ignores_goaway_is_cut_at_the_drain_deadline() {
    let mut site = briefly_draining();
    let mut attacker = Raw::connect(&site, ATTACKER, &[]).await;
    attacker
        .send(&frame(HEADERS, END_HEADERS, 1, &call(SUBMIT_STREAM)))
        .await;
    attacker.until(|seen| seen.count(HEADERS) > 0).await;
    site.signal(rustix::process::Signal::TERM);
    attacker.until(|seen| seen.goaway.is_some()).await;
    // New streams after GOAWAY, again and again; the stream that is open is never ended, and
    // the ping that would finish the farewell is never answered.
    let ending = tokio::task::spawn_blocking(move || (site.wait(), site));
    let began = tokio::time::Instant::now();
    for round in 10.. {
        let headers = frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            odd(round),
            &call(WHO_AM_I),
        );
        let known = attacker.until(|_| true).await.count(HEADERS);
        if !attacker.send(&headers).await {
            break;
        }
        let seen = attacker
            .until(|seen| seen.is_closed || seen.count(HEADERS) > known || !seen.resets.is_empty())
            .await;
        if seen.is_closed {
            break;
        }
    }
    let (status, site) = ending.await.unwrap();
    assert!(status.success(), "{}", site.log());
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(5),
        "the drain deadline is one second: {took:?}"
    );
    attacker.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_47_a_hung_stream_does_not_keep_the_gateway_and_nothing_is_lost() {
    let mut site = briefly_draining();
    let mut neighbour = Neighbour::connect(&site).await;
    // Takes nothing, says nothing, ends nothing: a window of zero, a call left open.
    let mut hung = Raw::connect(&site, ATTACKER, &setting(4, 0)).await;
    hung.send(&frame(HEADERS, END_HEADERS, 1, &call(SUBMIT_STREAM)))
        .await;
    hung.send(&frame(
        DATA,
        0,
        1,
        &message(&streamed(&sighting("r-1")).encode_to_vec()),
    ))
    .await;
    hung.until(|seen| seen.count(HEADERS) > 0).await;
    neighbour.is_well().await;
    site.signal(rustix::process::Signal::TERM);
    let (status, mut site) = tokio::task::spawn_blocking(move || (site.wait(), site))
        .await
        .unwrap();
    assert!(status.success(), "{}", site.log());
    hung.closed().await;
    site.start(&[]);
    let mut reader = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let request = SubscribeRequest {
        until_now: true,
        ..SubscribeRequest::default()
    };
    let mut feed = reader.subscribe(request).await.unwrap().into_inner();
    let mut ids = Vec::new();
    while let Some(answer) = feed.message().await.unwrap() {
        ids.extend(answer.entries.into_iter().map(|entry| entry.position));
    }
    assert_eq!(
        ids.len(),
        3,
        "two of the neighbour, one of the hung stream: {ids:?}"
    );
}
