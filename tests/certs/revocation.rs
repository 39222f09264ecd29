//! What an authority takes back: revoke and crl.

use super::support::Bench;
use serde_json::Value;

#[test]
fn revocation_raises_the_number_and_is_never_forgotten() {
    let bench = Bench::gbr();
    for name in ["a", "b", "c"] {
        bench.request(name, name);
        bench
            .certs(&["sign", "--authority", "gbr", &format!("{name}.csr")])
            .well();
    }
    let status = |file: &str| {
        bench.openssl(&[
            "verify",
            "-crl_check",
            "-CAfile",
            "gbr/authority.pem",
            "-CRLfile",
            "gbr/authority.crl.pem",
            file,
        ])
    };
    status("a.pem").well();
    let revoked = bench.certs(&[
        "revoke",
        "--authority",
        "gbr",
        "--cert",
        "a.pem",
        "--output",
        "json",
    ]);
    let revoked = revoked.object();
    assert_eq!(revoked["list"]["number"], 2);
    status("a.pem").refused(2, &["certificate revoked"]);
    status("b.pem").well();
    // Again: nothing new, no new number.
    let said = bench
        .certs(&["revoke", "--authority", "gbr", "--cert", "a.pem"])
        .well();
    assert!(said.contains("already"), "{said}");
    // By identity, and by serial number as people write it.
    bench
        .certs(&[
            "revoke",
            "--authority",
            "gbr",
            "--as",
            "GBR/b",
            "--reason",
            "superseded",
        ])
        .well();
    status("b.pem").refused(2, &["certificate revoked"]);
    let shown = bench
        .certs(&["inspect", "c.pem", "--output", "json"])
        .object();
    let serial = shown[0]["objects"][0]["facts"]["serial number"]
        .as_str()
        .unwrap()
        .to_uppercase();
    bench
        .certs(&["revoke", "--authority", "gbr", "--serial", &serial])
        .well();
    status("c.pem").refused(2, &["certificate revoked"]);
    bench
        .certs(&["revoke", "--authority", "gbr", "--serial", "0badcafe"])
        .refused(1, &["not in the register", "--danger-unknown-serial"]);
    // The register is lost: the list remembers.
    std::fs::remove_file(bench.path("gbr/authority.register.json")).unwrap();
    let made = bench
        .certs(&["crl", "--authority", "gbr", "--output", "json"])
        .object();
    assert_eq!(made["list"]["number"], 5);
    assert_eq!(made["list"]["revoked"], 3);
    status("a.pem").refused(2, &["certificate revoked"]);
    // The list is lost: the register remembers.
    std::fs::remove_file(bench.path("gbr/authority.crl.pem")).unwrap();
    let made = bench
        .certs(&["crl", "--authority", "gbr", "--output", "json"])
        .object();
    assert_eq!(made["list"]["number"], 6);
    assert_eq!(made["list"]["revoked"], 3);
    let listed = bench.certs(&["list", "--output", "json", "."]).object();
    let states: Vec<_> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
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
