//! openssl as the other side: authorities that it made, and files that it reads.

use super::support::{Bench, words};

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
    let usage = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
                 subjectKeyIdentifier=hash\n";
    std::fs::write(bench.path("ca.ext"), usage).unwrap();
    let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    bench.openssl_line(&format!(
        "req -x509 {ec} -subj /CN=Root -days 900 -keyout root.key -out root.pem \
         -addext keyUsage=critical,keyCertSign,cRLSign"
    ));
    bench.openssl_line(&format!(
        "req -new {ec} -subj /CN=Sub -keyout sub/authority.key -out sub.csr"
    ));
    bench.openssl_line(
        "x509 -req -in sub.csr -CA root.pem -CAkey root.key -days 800 -extfile ca.ext -out sub.pem",
    );
    let both = bench.read("sub.pem") + &bench.read("root.pem");
    std::fs::write(bench.path("sub/authority.pem"), both).unwrap();
    bench.set_mode("sub/authority.key", 0o600);
    bench.request("a", "a");
    bench
        .certs_line("sign --authority sub a.csr --trust-domain gbr.example")
        .well();
    let chain = bench.read("a.pem");
    assert_eq!(
        chain.matches("BEGIN CERTIFICATE").count(),
        2,
        "leaf and intermediate, no root"
    );
    bench.openssl_line("verify -x509_strict -CAfile root.pem -untrusted a.pem a.pem");
    bench.certs_line("inspect a.pem").well();
}

#[test]
fn an_exported_pair_is_read_by_openssl_with_its_password_alone() {
    let bench = Bench::gbr();
    bench.request("uav-cell-4", "a");
    bench.certs_line("sign --authority gbr a.csr").well();
    std::fs::write(bench.path("secret"), "correct-horse\nsecond line\n").unwrap();
    let export = "export --cert a.pem --key a.key";
    bench
        .certs_line(&format!("{export} --out a.p12 --password-file secret"))
        .well();
    assert_eq!(bench.mode("a.p12"), 0o600);
    let open = "pkcs12 -in a.p12 -nodes -out back.pem -passin";
    bench
        .openssl(&words(&format!("{open} pass:wrong")))
        .refused(1, &["invalid password"]);
    bench.openssl_line(&format!("{open} pass:correct-horse"));
    let back = bench.read("back.pem");
    assert!(back.contains("friendlyName: a"), "{back}");
    let key = |file: &str| bench.openssl(&["pkey", "-in", file, "-pubout"]).well();
    assert_eq!(key("back.pem"), key("a.key"));
    bench.openssl_line("verify -CAfile gbr/authority.pem back.pem");
    // A key in the older form (SEC 1) becomes PKCS #8 on the way.
    bench.openssl_line("ec -in a.key -out old.key");
    assert!(bench.read("old.key").contains("BEGIN EC PRIVATE KEY"));
    bench.set_mode("old.key", 0o600);
    bench
        .certs_line("export --cert a.pem --key old.key --out old.p12 --password-file secret")
        .well();
    bench.openssl_line("pkcs12 -in old.p12 -noout -passin pass:correct-horse");
    // PEM, and what must not work.
    bench
        .certs_line(&format!("{export} --format pem --out both.pem"))
        .well();
    assert_eq!(bench.mode("both.pem"), 0o600);
    assert_eq!(key("both.pem"), key("a.key"));
    bench
        .certs_line(&format!("{export} --out b.p12"))
        .refused(2, &["--password-file"]);
    std::fs::write(bench.path("short"), "1234567").unwrap();
    bench
        .certs_line(&format!("{export} --out b.p12 --password-file short"))
        .refused(1, &["fewer than 8"]);
    bench.request("other", "o");
    bench
        .certs_line("export --cert a.pem --key o.key --out b.p12 --password-file secret")
        .refused(1, &["o.key is not the key of a.pem"]);
}
