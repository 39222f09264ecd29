//! The life of an authority and its certificates: init, csr, sign, renew, revoke, crl, export.

use super::support::Bench;
use serde_json::Value;

#[test]
fn an_authority_signs_what_the_gateway_takes_and_writes_it_down() {
    let bench = Bench::gbr();
    assert_eq!(bench.mode("gbr/authority.key"), 0o600);
    for key_type in ["p256", "p384", "ed25519"] {
        let request = [
            "csr",
            "--as",
            "GBR/uav-cell-4",
            "--trust-domain",
            "gbr.example",
        ];
        let out = ["--out", key_type, "--key-type", key_type];
        bench.certs(&[&request[..], &out].concat()).well();
        assert_eq!(bench.mode(&format!("{key_type}.key")), 0o600);
        let csr = format!("{key_type}.csr");
        let signed = bench
            .certs(&["sign", "--authority", "gbr", &csr, "--output", "json"])
            .object();
        assert_eq!(signed["name"], "spiffe://gbr.example/uav-cell-4");
        bench.certs(&["inspect", &format!("{key_type}.pem")]).well();
        // openssl agrees that the chain and the key belong together.
        let pem = format!("{key_type}.pem");
        bench
            .openssl(&[
                "verify",
                "-x509_strict",
                "-CAfile",
                "gbr/authority.pem",
                "-purpose",
                "sslclient",
                &pem,
            ])
            .well();
    }
    let register: Value = serde_json::from_str(&bench.read("gbr/authority.register.json")).unwrap();
    assert_eq!(register["trustDomain"], "gbr.example");
    assert_eq!(register["issued"].as_array().unwrap().len(), 3);
}

#[test]
fn keys_of_ml_dsa_are_certified_and_certify() {
    let bench = Bench::gbr();
    for key_type in ["ml-dsa-44", "ml-dsa-65", "ml-dsa-87"] {
        let request = ["csr", "--as", "GBR/x", "--trust-domain", "gbr.example"];
        let kind = ["--out", key_type, "--key-type", key_type];
        bench.certs(&[&request[..], &kind].concat()).well();
        let (csr, pem) = (format!("{key_type}.csr"), format!("{key_type}.pem"));
        bench.certs(&["sign", "--authority", "gbr", &csr]).well();
        let said = bench.certs(&["inspect", &pem]).well();
        assert!(said.contains(&key_type.to_uppercase()), "{said}");
    }
    // And an authority of such a key works through its file.
    let init = [
        "init",
        "--dir",
        "pq",
        "--nation",
        "GBR",
        "--trust-domain",
        "gbr.example",
    ];
    bench
        .certs(&[&init[..], &["--key-type", "ml-dsa-65"]].concat())
        .well();
    let sign = [
        "sign",
        "--authority",
        "pq",
        "ml-dsa-87.csr",
        "--out",
        "y.pem",
    ];
    bench.certs(&sign).well();
    bench.certs(&["crl", "--authority", "pq"]).well();
}

#[test]
fn a_request_that_no_gateway_would_take_is_not_signed() {
    let bench = Bench::gbr();
    let sign = |file: &str| bench.certs(&["sign", "--authority", "gbr", file]);
    let other = [
        "csr",
        "--as",
        "FRA/poste",
        "--trust-domain",
        "fra.example",
        "--out",
        "fra",
    ];
    bench.certs(&other).well();
    sign("fra.csr").refused(
        1,
        &[
            "fra.example",
            "this authority is for the trust domain `gbr.example`",
        ],
    );
    let ask = |out: &str, san: &str, key: &[&str]| {
        let subject = ["-subj", "/CN=x", "-keyout", "t.key", "-nodes", "-out", out];
        let san = format!("subjectAltName={san}");
        let san = if san.ends_with('=') {
            vec![]
        } else {
            vec!["-addext", &san]
        };
        bench
            .openssl(&[&["req", "-new"], key, &subject, &san].concat())
            .well();
    };
    let p256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    ask(
        "two.csr",
        "URI:spiffe://gbr.example/a,URI:spiffe://gbr.example/b",
        &p256,
    );
    sign("two.csr").refused(1, &["2 URIs", "exactly one"]);
    ask("none.csr", "", &p256);
    sign("none.csr").refused(1, &["0 URIs"]);
    ask("dns.csr", "URI:spiffe://gbr.example/a,DNS:a.example", &p256);
    sign("dns.csr").refused(1, &["DNS names"]);
    ask("odd.csr", "URI:spiffe://GBR.example/a", &p256);
    sign("odd.csr").refused(1, &["GBR.example", "lower-case"]);
    ask(
        "weak.csr",
        "URI:spiffe://gbr.example/a",
        &["-newkey", "rsa:1024"],
    );
    sign("weak.csr").refused(1, &["weak.csr"]);
    ask(
        "curve.csr",
        "URI:spiffe://gbr.example/a",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    );
    sign("curve.csr").refused(1, &["curve.csr"]);
    // A request whose key did not sign it: one bit of the name is another.
    ask("good.csr", "URI:spiffe://gbr.example/abcdef", &p256);
    bench
        .openssl(&[
            "req", "-in", "good.csr", "-outform", "DER", "-out", "good.der",
        ])
        .well();
    let mut der = std::fs::read(bench.path("good.der")).unwrap();
    let at = der.windows(6).position(|w| w == b"abcdef").unwrap();
    der[at] ^= 1;
    std::fs::write(bench.path("forged.der"), der).unwrap();
    sign("forged.der").refused(1, &["was not signed by the key that it names"]);
    sign("good.der").well();
    let register: Value = serde_json::from_str(&bench.read("gbr/authority.register.json")).unwrap();
    assert_eq!(register["issued"].as_array().unwrap().len(), 1);
}

#[test]
fn nothing_is_overwritten_and_open_keys_are_not_used() {
    let bench = Bench::gbr();
    bench.request("a", "a");
    let before = bench.read("a.key");
    let again = [
        "csr",
        "--as",
        "GBR/a",
        "--trust-domain",
        "gbr.example",
        "--out",
        "a",
    ];
    bench
        .certs(&again)
        .refused(1, &["a.key exists already", "nothing was written"]);
    assert_eq!(bench.read("a.key"), before);
    bench.certs(&["sign", "--authority", "gbr", "a.csr"]).well();
    bench
        .certs(&["sign", "--authority", "gbr", "a.csr"])
        .refused(1, &["a.pem exists already"]);
    bench
        .certs(&[
            "init",
            "--dir",
            "gbr",
            "--nation",
            "GBR",
            "--trust-domain",
            "gbr.example",
        ])
        .refused(1, &["exists already"]);
    bench.set_mode("gbr/authority.key", 0o640);
    let words = ["gbr/authority.key", "0640", "chmod 600"];
    bench
        .certs(&["crl", "--authority", "gbr"])
        .refused(1, &words);
    let sign = ["sign", "--authority", "gbr", "a.csr", "--out", "b.pem"];
    bench.certs(&sign).refused(1, &words);
    bench.set_mode("a.key", 0o644);
    let export = [
        "export",
        "--cert",
        "a.pem",
        "--key",
        "a.key",
        "--out",
        "a.p12",
        "--password-env",
        "X",
    ];
    bench.certs(&export).refused(1, &["a.key", "0644"]);
}

#[test]
fn renewal_keeps_the_identity_and_changes_the_key() {
    let bench = Bench::gbr();
    bench.request("north/cell-1", "cell");
    bench
        .certs(&["sign", "--authority", "gbr", "cell.csr", "--days", "47"])
        .well();
    let renew = [
        "renew",
        "--cert",
        "cell.pem",
        "--authority",
        "gbr",
        "--output",
        "json",
    ];
    let renewed = bench.certs(&renew).object();
    assert_eq!(renewed["name"], "spiffe://gbr.example/north/cell-1");
    let facts = |file: &str| {
        let shown = bench.certs(&["inspect", file, "--output", "json"]).object();
        shown[0]["objects"][0]["facts"].clone()
    };
    let (old, new) = (facts("cell.pem"), facts("cell.next.pem"));
    assert_eq!(old["identity"], new["identity"]);
    assert_ne!(old["public key"], new["public key"]);
    assert_eq!(bench.mode("cell.next.key"), 0o600);
    let days = bench
        .certs(&["list", "cell.pem", "cell.next.pem", "--output", "json"])
        .object();
    assert_eq!(
        days["entries"][0]["daysLeft"],
        days["entries"][1]["daysLeft"]
    );
    // A second time something is in the way, and nothing is issued.
    let before = bench.read("gbr/authority.register.json");
    bench
        .certs(&renew)
        .refused(1, &["cell.next.pem exists already", "nothing was issued"]);
    assert_eq!(bench.read("gbr/authority.register.json"), before);
    // The ugly flag replaces, and keeps what was there.
    let old_key = bench.read("cell.key");
    bench
        .certs(&[
            "renew",
            "--cert",
            "cell.pem",
            "--authority",
            "gbr",
            "--danger-replace",
        ])
        .well();
    assert_eq!(bench.read("cell.previous.key"), old_key);
    assert_eq!(bench.mode("cell.previous.key"), 0o600);
    assert_ne!(bench.read("cell.key"), old_key);
    // Another nation's authority does not renew it.
    bench
        .certs(&[
            "init",
            "--dir",
            "fra",
            "--nation",
            "FRA",
            "--trust-domain",
            "fra.example",
        ])
        .well();
    bench
        .certs(&[
            "renew",
            "--cert",
            "cell.pem",
            "--authority",
            "fra",
            "--out",
            "x",
        ])
        .refused(
            1,
            &["was issued by `CN=GBR", "the authority in fra is `CN=FRA"],
        );
}

#[test]
fn a_gateways_certificate_is_requested_signed_and_renewed_too() {
    let bench = Bench::new();
    bench
        .certs(&["init", "--dir", "ca", "--for-gateway"])
        .well();
    let names = [
        "--server-name",
        "gateway.example",
        "--server-name",
        "192.0.2.7",
    ];
    bench.certs(&[&["csr"], &names[..]].concat()).well();
    bench
        .certs(&["sign", "--authority", "ca", "server.csr"])
        .refused(1, &["--server"]);
    bench
        .certs(&["sign", "--authority", "ca", "server.csr", "--server"])
        .well();
    bench
        .certs(&["renew", "--cert", "server.pem", "--authority", "ca"])
        .well();
    for file in ["server.pem", "server.next.pem"] {
        let verify = [
            "verify",
            "-x509_strict",
            "-CAfile",
            "ca/authority.pem",
            "-purpose",
            "sslserver",
        ];
        let name = ["-verify_hostname", "gateway.example", file];
        bench.openssl(&[&verify[..], &name].concat()).well();
    }
}

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

#[test]
fn an_authority_that_openssl_made_works_like_ours() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("own")).unwrap();
    for (kind, more) in [
        ("ec", vec!["-pkeyopt", "ec_paramgen_curve:P-384"]),
        ("rsa:3072", vec![]),
    ] {
        let folder = format!("own/{}", &kind[..2]);
        std::fs::create_dir(bench.path(&folder)).unwrap();
        let (key, certificate) = (
            format!("{folder}/authority.key"),
            format!("{folder}/authority.pem"),
        );
        let extensions = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        let make = [
            "req",
            "-x509",
            "-newkey",
            kind,
            "-nodes",
            "-days",
            "900",
            "-subj",
            "/C=GB/O=Ministry/CN=Own root",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ];
        bench
            .openssl(&[&make[..], &more, &extensions].concat())
            .well();
        bench.set_mode(&key, 0o600);
        if kind == "ec" {
            bench.request("a", "a");
        }
        let out = format!("{folder}/a.pem");
        let sign = ["sign", "--authority", &folder, "a.csr", "--out", &out];
        bench
            .certs(&sign)
            .refused(1, &["say it once: --trust-domain gbr.example"]);
        bench
            .certs(&[&sign[..], &["--trust-domain", "gbr.example"]].concat())
            .well();
        bench.certs(&["crl", "--authority", &folder]).well();
        let list = format!("{folder}/authority.crl.pem");
        let verify = [
            "verify",
            "-x509_strict",
            "-crl_check",
            "-CAfile",
            &certificate,
            "-CRLfile",
            &list,
            &out,
        ];
        bench.openssl(&verify).well();
        bench
            .certs(&["revoke", "--authority", &folder, "--cert", &out])
            .well();
        bench.openssl(&verify).refused(2, &["certificate revoked"]);
    }
}

#[test]
fn an_intermediate_authority_sends_itself_along() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("sub")).unwrap();
    let usage = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
    std::fs::write(bench.path("ca.ext"), usage).unwrap();
    let ec = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let root = [
        "-subj",
        "/CN=Root",
        "-days",
        "900",
        "-keyout",
        "root.key",
        "-out",
        "root.pem",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    ];
    bench
        .openssl(&[&["req", "-x509"], &ec[..], &root].concat())
        .well();
    let sub = [
        "-subj",
        "/CN=Sub",
        "-keyout",
        "sub/authority.key",
        "-out",
        "sub.csr",
    ];
    bench
        .openssl(&[&["req", "-new"], &ec[..], &sub].concat())
        .well();
    bench
        .openssl(&[
            "x509", "-req", "-in", "sub.csr", "-CA", "root.pem", "-CAkey", "root.key", "-days",
            "800", "-extfile", "ca.ext", "-out", "sub.pem",
        ])
        .well();
    std::fs::write(
        bench.path("sub/authority.pem"),
        bench.read("sub.pem") + &bench.read("root.pem"),
    )
    .unwrap();
    bench.set_mode("sub/authority.key", 0o600);
    bench.request("a", "a");
    bench
        .certs(&[
            "sign",
            "--authority",
            "sub",
            "a.csr",
            "--trust-domain",
            "gbr.example",
        ])
        .well();
    let chain = bench.read("a.pem");
    assert_eq!(
        chain.matches("BEGIN CERTIFICATE").count(),
        2,
        "leaf and intermediate, no root"
    );
    let verify = [
        "verify",
        "-x509_strict",
        "-CAfile",
        "root.pem",
        "-untrusted",
        "a.pem",
        "a.pem",
    ];
    bench.openssl(&verify).well();
    bench.certs(&["inspect", "a.pem"]).well();
}

#[test]
fn an_exported_pair_is_read_by_openssl_with_its_password_alone() {
    let bench = Bench::gbr();
    bench.request("uav-cell-4", "a");
    bench.certs(&["sign", "--authority", "gbr", "a.csr"]).well();
    std::fs::write(bench.path("secret"), "correct horse\nsecond line\n").unwrap();
    let export = ["export", "--cert", "a.pem", "--key", "a.key"];
    let sealed = ["--out", "a.p12", "--password-file", "secret"];
    bench.certs(&[&export[..], &sealed].concat()).well();
    assert_eq!(bench.mode("a.p12"), 0o600);
    let open = [
        "pkcs12", "-in", "a.p12", "-nodes", "-out", "back.pem", "-passin",
    ];
    bench
        .openssl(&[&open[..], &["pass:wrong"]].concat())
        .refused(1, &["invalid password"]);
    bench
        .openssl(&[&open[..], &["pass:correct horse"]].concat())
        .well();
    let back = bench.read("back.pem");
    assert!(back.contains("friendlyName: a"), "{back}");
    let key = |file: &str| bench.openssl(&["pkey", "-in", file, "-pubout"]).well();
    assert_eq!(key("back.pem"), key("a.key"));
    bench
        .openssl(&["verify", "-CAfile", "gbr/authority.pem", "back.pem"])
        .well();
    // A key in the older form (SEC 1) becomes PKCS #8 on the way.
    bench
        .openssl(&["ec", "-in", "a.key", "-out", "old.key"])
        .well();
    assert!(bench.read("old.key").contains("BEGIN EC PRIVATE KEY"));
    bench.set_mode("old.key", 0o600);
    let older = [
        "export",
        "--cert",
        "a.pem",
        "--key",
        "old.key",
        "--out",
        "old.p12",
        "--password-file",
        "secret",
    ];
    bench.certs(&older).well();
    bench
        .openssl(&[
            "pkcs12",
            "-in",
            "old.p12",
            "-noout",
            "-passin",
            "pass:correct horse",
        ])
        .well();
    // PEM, and what must not work.
    bench
        .certs(&[&export[..], &["--format", "pem", "--out", "both.pem"]].concat())
        .well();
    assert_eq!(bench.mode("both.pem"), 0o600);
    assert_eq!(key("both.pem"), key("a.key"));
    bench
        .certs(&[&export[..], &["--out", "b.p12"]].concat())
        .refused(2, &["--password-file"]);
    std::fs::write(bench.path("short"), "1234567").unwrap();
    let short = ["--out", "b.p12", "--password-file", "short"];
    bench
        .certs(&[&export[..], &short].concat())
        .refused(1, &["fewer than 8"]);
    bench.request("other", "o");
    let foreign = [
        "export",
        "--cert",
        "a.pem",
        "--key",
        "o.key",
        "--out",
        "b.p12",
        "--password-file",
        "secret",
    ];
    bench
        .certs(&foreign)
        .refused(1, &["o.key is not the key of a.pem"]);
}
