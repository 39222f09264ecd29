//! What an authority takes back: revoke and crl.

use super::support::{Bench, words};
use serde_json::Value;

#[test]
fn revocation_raises_the_number_and_is_never_forgotten() {
    let bench = Bench::gbr();
    for name in ["a", "b", "c"] {
        bench.request(name, name);
        let sign = format!("sign --authority gbr {name}.csr");
        bench.certs_line(&sign).well();
    }
    let status = |file: &str| {
        let verify = "verify -crl_check -CAfile gbr/authority.pem -CRLfile gbr/authority.crl.pem";
        bench.openssl(&words(&format!("{verify} {file}")))
    };
    let is_revoked = |file: &str| status(file).refused(2, &["certificate revoked"]);
    status("a.pem").well();
    let revoke = |rest: &str| bench.certs_line(&format!("revoke --authority gbr {rest}"));
    let revoked = revoke("--cert a.pem --output json").object();
    assert_eq!(revoked["list"]["number"], 2);
    is_revoked("a.pem");
    status("b.pem").well();
    // Again: nothing new, no new number.
    let said = revoke("--cert a.pem").well();
    assert!(said.contains("already"), "{said}");
    // By identity, and by serial number as people write it.
    revoke("--as GBR/b --reason superseded").well();
    is_revoked("b.pem");
    let shown = bench.certs_line("inspect c.pem --output json").object();
    let serial = shown[0]["objects"][0]["facts"]["serial number"].clone();
    let serial = serial.as_str().unwrap().to_uppercase();
    revoke(&format!("--serial {serial}")).well();
    is_revoked("c.pem");
    let words = ["not in the register", "--danger-unknown-serial"];
    revoke("--serial 0badcafe").refused(1, &words);
    // The register is lost: the list remembers. The list is lost: the register remembers.
    let files = [
        ("gbr/authority.register.json", 5),
        ("gbr/authority.crl.pem", 6),
    ];
    for (lost, number) in files {
        std::fs::remove_file(bench.path(lost)).unwrap();
        let made = bench
            .certs_line("crl --authority gbr --output json")
            .object();
        assert_eq!(made["list"]["number"], number);
        assert_eq!(made["list"]["revoked"], 3);
        is_revoked("a.pem");
    }
    let listed = bench.certs_line("list --output json .").object();
    let entries = listed["entries"].as_array().unwrap().iter();
    let states: Vec<_> = entries
        .filter(|entry| entry["kind"] == "system")
        .map(|entry| entry["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["revoked"; 3]);
}

#[test]
fn two_revocations_at_once_lose_neither() {
    let bench = Bench::gbr();
    let names: Vec<String> = (0..8).map(|n| format!("s{n}")).collect();
    for name in &names {
        bench.request(name, name);
        bench
            .certs(&["sign", "--authority", "gbr", &format!("{name}.csr")])
            .well();
    }
    std::thread::scope(|scope| {
        for name in &names {
            let bench = &bench;
            scope.spawn(move || {
                bench
                    .certs(&[
                        "revoke",
                        "--authority",
                        "gbr",
                        "--as",
                        &format!("GBR/{name}"),
                    ])
                    .well();
            });
        }
    });
    let shown = bench
        .certs(&["inspect", "gbr/authority.crl.pem", "--output", "json"])
        .object();
    let facts = &shown[0]["objects"][0]["facts"];
    assert_eq!(facts["number"], "9");
    assert_eq!(facts["revoked"], "8 certificates");
}

#[cfg(feature = "failpoints")]
#[test]
fn a_crash_between_register_and_list_loses_no_revocation() {
    let bench = Bench::gbr();
    bench.request("a", "a");
    bench.certs(&["sign", "--authority", "gbr", "a.csr"]).well();
    let list = bench.read("gbr/authority.crl.pem");
    let crashed = std::process::Command::new(super::support::ENTENTE)
        .current_dir(bench.path(""))
        .env("FAILPOINTS", "pki.between_register_and_list=panic")
        .args(["certs", "revoke", "--authority", "gbr", "--cert", "a.pem"])
        .output()
        .unwrap();
    assert!(!crashed.status.success());
    assert_eq!(
        bench.read("gbr/authority.crl.pem"),
        list,
        "the old list is whole"
    );
    let made = bench
        .certs(&["crl", "--authority", "gbr", "--output", "json"])
        .object();
    assert_eq!(made["list"]["revoked"], 1);
    assert_eq!(made["list"]["number"], 3);
}

#[test]
fn a_list_is_renewed_only_when_it_is_due() {
    let bench = Bench::gbr();
    let crl = |more: &[&str]| {
        bench.certs(&[&["crl", "--authority", "gbr", "--output", "json"], more].concat())
    };
    let made = crl(&["--if-within", "7"]).object();
    assert_eq!(made["list"], Value::Null);
    assert_eq!(crl(&["--if-within", "40"]).object()["list"]["number"], 2);
    assert_eq!(crl(&["--days", "3"]).object()["list"]["number"], 3);
    assert_eq!(crl(&["--if-within", "7"]).object()["list"]["number"], 4);
    assert_eq!(crl(&["--days", "0"]).code, 2);
}
