//! The life of certificates: init, csr, sign, renew.

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
        .certs_line("sign --authority gbr cell.csr --days 47")
        .well();
    let renew = "renew --cert cell.pem --authority gbr --output json";
    let renewed = bench.certs_line(renew).object();
    assert_eq!(renewed["name"], "spiffe://gbr.example/north/cell-1");
    let facts = |file: &str| {
        let shown = bench.certs(&["inspect", file, "--output", "json"]).object();
        shown[0]["objects"][0]["facts"].clone()
    };
    let (old, new) = (facts("cell.pem"), facts("cell.next.pem"));
    assert_eq!(old["identity"], new["identity"]);
    assert_ne!(old["public key"], new["public key"]);
    assert_eq!(bench.mode("cell.next.key"), 0o600);
    let listed = bench.certs_line("list cell.pem cell.next.pem --output json");
    let days = listed.object();
    assert_eq!(
        days["entries"][0]["daysLeft"],
        days["entries"][1]["daysLeft"]
    );
    // A second time something is in the way, and nothing is issued.
    let before = bench.read("gbr/authority.register.json");
    let words = ["cell.next.pem exists already", "nothing was issued"];
    bench.certs_line(renew).refused(1, &words);
    assert_eq!(bench.read("gbr/authority.register.json"), before);
    // The ugly flag replaces, and keeps what was there.
    let old_key = bench.read("cell.key");
    bench
        .certs_line("renew --cert cell.pem --authority gbr --danger-replace")
        .well();
    assert_eq!(bench.read("cell.previous.key"), old_key);
    assert_eq!(bench.mode("cell.previous.key"), 0o600);
    assert_ne!(bench.read("cell.key"), old_key);
    // Another nation's authority does not renew it.
    bench
        .certs_line("init --dir fra --nation FRA --trust-domain fra.example")
        .well();
    let words = ["was issued by `CN=GBR", "the authority in fra is `CN=FRA"];
    bench
        .certs_line("renew --cert cell.pem --authority fra --out x")
        .refused(1, &words);
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
