//! From one Entente to another and back: every record stands once in each, with its origin and the
//! way that it came, whatever is killed; and nobody hands in what it may not vouch for.

use crate::site::{PATIENCE, Relay, command, configure, marked, sightings, submit, until_status};
use crate::support::{Site, sighting, unary};
use entente::client::{Endpoint, Patience, subscriber::Subscriber};
use entente::wire::proto::{self, FeedEntry, HandOnDisposition, RelayedRecord, SubscribeRequest};

const RELAY: &str = "USA/feed-desk";

/// A gateway with a name, which lets the USA's relay vouch for the United Kingdom.
fn named(name: &str) -> Site {
    let mut site = Site::named(name);
    site.start(&[]);
    site
}

/// A relay from one gateway to another.
fn between(from: &Site, to: &Site) {
    let file = |name: &str| to.path(&format!("certs-dev/{name}"));
    configure(
        from,
        &format!(
            "[entente]\naddress = {:?}\nserver_name = \"localhost\"\ncertificate = {:?}\n\
             key = {:?}\nauthority = {:?}\n",
            to.address,
            file("USA/feed-desk.pem"),
            file("USA/feed-desk.key"),
            file("gateway/authority.pem"),
        ),
    );
}

/// The whole feed, once it has so many records.
async fn feed(site: &Site, count: usize) -> Vec<FeedEntry> {
    let request = SubscribeRequest {
        include_original: true,
        ..Default::default()
    };
    let endpoint = site.endpoint(RELAY);
    let mut subscriber = Subscriber::new(endpoint, request, Patience::default());
    let mut entries = Vec::new();
    let reading = async {
        while entries.len() < count {
            entries.extend(subscriber.next().await.unwrap().unwrap().entries);
        }
    };
    let read = tokio::time::timeout(PATIENCE, reading).await;
    assert!(read.is_ok(), "{} of {count} records", entries.len());
    entries
}

/// Report ids with their bytes and their ways.
fn told(entries: &[FeedEntry]) -> Vec<(String, Vec<u8>, Vec<String>)> {
    use prost::Message as _;
    let mut told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let record = proto::Record::decode(entry.record.clone()).unwrap();
            assert_eq!(
                (record.nation.as_str(), record.system.as_str()),
                ("GBR", "uav-cell-4")
            );
            (record.report_id, entry.record.to_vec(), entry.path.clone())
        })
        .collect();
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_hand_on_to_each_other_and_each_has_every_record_once() {
    let (a, b) = (named("a"), named("b"));
    between(&a, &b);
    between(&b, &a);
    let ids: Vec<_> = (1..=60).map(|n| format!("r-{n:02}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    submit(&a, &sightings(&ids[..40])).await;
    // Handed in at both, before either knows of it.
    submit(&b, &sightings(&["r-07", "b-1"])).await;
    let relay = Relay::start(&a);
    let _back = Relay::start(&b);
    feed(&b, 10).await;
    relay.kill();
    submit(&a, &sightings(&ids[40..])).await;
    let relay = Relay::start(&a);
    let (in_b, in_a) = (feed(&b, 61).await, feed(&a, 61).await);
    // The relays have been through everything, and nothing came behind it.
    until_status(&a, |status| {
        status.position == 61 && status.positions_behind == 0
    });
    until_status(&b, |status| {
        status.position == 61 && status.positions_behind == 0
    });
    let (ways_b, ways_a) = (told(&in_b), told(&in_a));
    for (in_a, in_b) in ways_a.iter().zip(&ways_b) {
        assert_eq!((&in_a.0, in_a.1 == in_b.1), (&in_b.0, in_a.0 != "r-07"));
        let expected: (&[&str], &[&str]) = match in_a.0.as_str() {
            "r-07" => (&[], &[]),
            "b-1" => (&["b"], &[]),
            _ => (&[], &["a"]),
        };
        assert_eq!(
            (&in_a.2[..], &in_b.2[..]),
            (&strings(expected.0)[..], &strings(expected.1)[..])
        );
    }
    assert!(in_b.iter().all(|entry| entry.original.is_some()));
    // Its originator tries again, at the other gateway: it gets the place that it has there.
    let mut client = b.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let again = client
        .submit(unary(&sighting("r-50")))
        .await
        .unwrap()
        .into_inner();
    let again = again.outcome.unwrap();
    assert_eq!(
        again.disposition(),
        proto::Disposition::Duplicate,
        "{again:?}"
    );
    relay.stop();
    for site in [&a, &b] {
        let verified = site.run(&[
            "feed",
            "verify",
            site.path("data/journal").to_str().unwrap(),
        ]);
        assert!(verified.status.success(), "{verified:?}");
    }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_hands_in_only_whom_it_may_vouch_for() {
    let (a, b) = (named("a"), named("b"));
    between(&a, &b);
    let mut client = a.endpoint("FRA/poste-12").submission().await.unwrap();
    let french = marked("f-1", "DIFFUSION RESTREINTE", &["FRA", "USA"]);
    let answer = client.submit(unary(&french)).await.unwrap().into_inner();
    assert!(answer.outcome.unwrap().receipt.is_some());
    submit(&a, &sightings(&["r-1"])).await;
    let relay = Relay::start(&a);
    let there = feed(&b, 1).await;
    assert_eq!(told(&there)[0].0, "r-1");
    let status = until_status(&a, |status| {
        status.dead_letters == 1 && status.positions_behind == 0
    });
    assert_eq!(status.position, 2);
    relay.stop();
    let (_, dead) = command(&a, &["dead-letters"]);
    assert!(dead.contains("may not hand in records of FRA"), "{dead}");
    // Once it may, the dead letter goes, with its original.
    b.edit("config/nations/USA.toml", |text| {
        text.replace(
            "vouches_for = [\"GBR\"]",
            "vouches_for = [\"GBR\", \"FRA\"]",
        )
    });
    b.signal(rustix::process::Signal::HUP);
    let replayed = || command(&a, &["replay"]).0;
    let until = async { while replayed() != Some(0) {} };
    tokio::time::timeout(PATIENCE, until).await.unwrap();
    let stands = feed(&b, 2).await;
    assert!(stands[1].original.is_some());
}

/// What is no record, made of one that is, with the fields that are at fault.
fn unsound(sound: &RelayedRecord) -> Vec<(RelayedRecord, &'static [&'static str])> {
    use prost::Message as _;
    let of = |change: fn(&mut RelayedRecord)| {
        let mut relayed = sound.clone();
        change(&mut relayed);
        relayed
    };
    let changed = |change: fn(&mut proto::Record)| {
        let mut record = proto::Record::decode(sound.record.clone()).unwrap();
        change(&mut record);
        RelayedRecord {
            record: record.encode_to_vec().into(),
            ..sound.clone()
        }
    };
    vec![
        (of(|relayed| relayed.record = "no".into()), &["record"]),
        (of(|relayed| relayed.original = None), &["original"]),
        (of(|relayed| relayed.path.clear()), &["path"]),
        (of(|relayed| relayed.path = strings(&["A b"])), &["path"]),
        (of(|relayed| relayed.path = strings(&["x"; 9])), &["path"]),
        (
            changed(|record| record.nation = "XX".to_owned()),
            &["record.nation"],
        ),
        (
            changed(|record| record.nation = "FRA".to_owned()),
            &["record.nation"],
        ),
        (
            changed(|record| {
                record.revision = 0;
                record.action = 99;
                record.body = None;
            }),
            &["record.revision", "record.body", "record.action"],
        ),
        (
            changed(|record| record.marking.as_mut().unwrap().level = 0),
            &["record.marking.level"],
        ),
        (
            changed(|record| record.received_at.as_mut().unwrap().seconds += 3600),
            &["record.received_at"],
        ),
    ]
}

/// What a relay makes up is held to what every record holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_record_is_refused_with_every_reason() {
    let (a, b) = (named("a"), named("b"));
    submit(&a, &sightings(&["r-1"])).await;
    let served = feed(&a, 1).await.remove(0);
    let sound = RelayedRecord {
        record: served.record.clone(),
        original: served.original.clone(),
        path: strings(&["a"]),
    };
    let (records, expected): (Vec<_>, Vec<_>) = unsound(&sound).into_iter().unzip();
    let mut handing = b.endpoint(RELAY).handing().await.unwrap();
    let outcomes = handing.hand_on(records).await.unwrap();
    assert_eq!(outcomes.len(), expected.len());
    for (outcome, expected) in outcomes.iter().zip(expected) {
        let violations = outcome.violations.iter();
        let fields: Vec<_> = violations.map(|v| v.field.as_str()).collect();
        assert_eq!(outcome.disposition(), HandOnDisposition::Refused);
        assert_eq!(fields, expected);
    }
    let own = RelayedRecord {
        path: strings(&["b", "x"]),
        ..sound.clone()
    };
    let three = vec![own, sound.clone(), sound.clone()];
    let outcomes = handing.hand_on(three).await.unwrap();
    let became = outcomes.iter().map(|o| (o.disposition(), o.position));
    let expected = [
        (HandOnDisposition::Looped, 0),
        (HandOnDisposition::Stored, 1),
        (HandOnDisposition::Present, 1),
    ];
    assert_eq!(became.collect::<Vec<_>>(), expected);
    // A relay that leads from a gateway to itself, or to one of the same name, loses nothing.
    let own = RelayedRecord {
        path: strings(&["x", "b"]),
        ..sound.clone()
    };
    let error = handing.hand_on(vec![own]).await.unwrap_err();
    assert!(error.to_string().contains("a name of its own"), "{error}");
    refused(&b.endpoint("GBR/uav-cell-4"), "does not have the right").await;
    let unnamed = Site::started("");
    refused(&unnamed.endpoint("USA/ops-desk"), "does not have the right").await;
}

async fn refused(endpoint: &Endpoint, reason: &str) {
    let mut handing = endpoint.handing().await.unwrap();
    let error = handing.hand_on(Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains(reason), "{error}");
}
