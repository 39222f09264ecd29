//! `entente certs inspect` and `list`: plain words about whatever file there is.

use super::support::Bench;

#[test]
fn whatever_the_file_is_it_is_explained() {
    let bench = Bench::gbr();
    bench.request("uav-cell-4", "a");
    bench.certs(&["sign", "--authority", "gbr", "a.csr"]).well();
    let said = bench
        .certs(&[
            "inspect",
            "a.pem",
            "a.csr",
            "a.key",
            "gbr/authority.pem",
            "gbr/authority.crl.pem",
        ])
        .well();
    for words in [
        "a.pem: the certificate of a system",
        "spiffe://gbr.example/uav-cell-4",
        "client authentication",
        "89 days left",
        "a.csr: a request for a certificate",
        "a.key: a private key",
        "gbr/authority.pem: the certificate of an authority",
        "itself (a root)",
        "a revocation list",
        "nothing in it that the gateway would refuse",
    ] {
        assert!(said.contains(words), "no `{words}` in\n{said}");
    }
    let key = bench.read("a.key");
    let secret = key.lines().nth(1).unwrap();
    assert!(!said.contains(secret), "no part of a key is printed");
    for (file, kind) in [
        ("a.pem", "x509"),
        ("a.csr", "req"),
        ("gbr/authority.crl.pem", "crl"),
    ] {
        bench
            .openssl(&[kind, "-in", file, "-outform", "DER", "-out", "x.der"])
            .well();
        bench.certs(&["inspect", "x.der"]).well();
    }
}

#[test]
fn everything_that_the_gateway_would_refuse_is_said_at_once_with_the_mend() {
    let bench = Bench::new();
    let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-521 -nodes -days 4000 -subj /CN=x \
                -keyout t.key -out t.pem -addext extendedKeyUsage=emailProtection \
                -addext basicConstraints=critical,CA:FALSE -addext keyUsage=keyAgreement";
    bench.openssl_line(&format!("{make} -addext subjectAltName=DNS:a.example"));
    let ran = bench.certs_line("inspect t.pem --output json");
    assert_eq!(ran.code, 1);
    let shown: serde_json::Value = serde_json::from_str(&ran.said).unwrap();
    let refusals = shown[0]["objects"][0]["refusals"].as_array().unwrap();
    assert!(
        refusals
            .iter()
            .any(|r| r["reason"].as_str().unwrap().contains("has no URI")),
        "{shown}"
    );
    bench.openssl_line(&format!(
        "{make} -addext subjectAltName=URI:https://a.example/x"
    ));
    let ran = bench.certs_line("inspect t.pem");
    assert_eq!(ran.code, 1);
    for words in [
        "does not begin with `spiffe://`",
        "key usage lacks digital signature",
        "does not name client authentication",
        "has a P-521 key",
        "is valid for 4000 days",
        "mend: ask for key usage digital signature",
    ] {
        assert!(ran.said.contains(words), "no `{words}` in\n{}", ran.said);
    }
    for curve in ["P-192", "secp256k1", "brainpoolP256r1"] {
        let option = format!("ec_paramgen_curve:{curve}");
        bench.openssl_line(&format!(
            "{} -addext subjectAltName=URI:spiffe://gbr.example/a",
            make.replace("ec_paramgen_curve:P-521", &option)
        ));
        let ran = bench.certs_line("inspect t.pem");
        let words = format!("has a {curve} key");
        assert!(ran.said.contains(&words), "no `{words}` in\n{}", ran.said);
        assert!(ran.said.contains("P-256, P-384"), "{}", ran.said);
    }
    std::fs::write(bench.path("noise"), "nothing of the kind").unwrap();
    let ran = bench.certs_line("inspect noise missing");
    assert_eq!(ran.code, 1);
    for words in [
        "expected a certificate, a request or a revocation list",
        "missing: cannot be read",
    ] {
        assert!(ran.said.contains(words), "no `{words}` in\n{}", ran.said);
    }
}

#[test]
fn the_list_has_what_ends_first_on_top() {
    let bench = Bench::gbr();
    for (name, lived, left) in [("long", 0, 200), ("short", 85, 5), ("middle", 70, 20)] {
        bench.aged(name, lived, left);
    }
    let listed = bench.certs(&["list", ".", "--output", "json"]).object();
    let shown: Vec<_> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["kind"].as_str().unwrap(),
                entry["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("system", "ends within a week"),
            ("system", "ends soon"),
            // It was made for a month, just now.
            ("revocation list", "valid"),
            ("system", "valid"),
            ("authority", "valid"),
        ]
    );
    let said = bench.certs(&["list", "."]).well();
    assert!(
        said.lines()
            .nth(1)
            .unwrap()
            .contains("spiffe://gbr.example/short"),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'), "no colours where nobody looks");
    let said = bench.certs(&["list", ".", "--within", "6"]).well();
    assert_eq!(said.lines().count(), 2, "{said}");
    bench.certs(&["list", "nowhere"]).refused(1, &["nowhere"]);
}
