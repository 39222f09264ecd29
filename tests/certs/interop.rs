//! openssl and curl against the real gateway, with certificates that openssl made on both sides.

use super::site::Site;
use super::support::{Ran, openssl};
use std::process::{Command, Stdio};

const LEAF: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
    extendedKeyUsage=clientAuth\nsubjectAltName=URI:spiffe://gbr.entente.example/uav-cell-4\n\
    authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n";
const SERVER: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
    extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n";
const CA: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\ncrlnumber = crlnumber\n\
    default_md = sha384\ndefault_crl_days = 30\ncrl_extensions = list\n[list]\n\
    authorityKeyIdentifier = keyid\n";

/// A nation and a gateway whose every certificate was made by openssl.
fn site(key: &[&str]) -> Site {
    let mut site = Site::new("[diagnosis]\naddress = \"127.0.0.1:0\"\n");
    let folder = site.path("own");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let run = |arguments: &[&str]| openssl(&folder, arguments).well();
    write("leaf.ext", LEAF);
    write("server.ext", SERVER);
    write("ca.cnf", CA);
    write("index.txt", "");
    write("crlnumber", "1000\n");
    let usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    for root in ["nation", "gateway"] {
        let subject = format!("/C=GB/O=Ministry/CN={root} root");
        let (k, c) = (format!("{root}.key"), format!("{root}.pem"));
        let make = [
            "req", "-x509", "-nodes", "-days", "900", "-subj", &subject, "-keyout", &k, "-out", &c,
        ];
        run(&[&make[..], key, &usage].concat());
    }
    for (name, root) in [("leaf", "nation"), ("server", "gateway")] {
        let (k, r, c, e) = (
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("{name}.pem"),
            format!("{name}.ext"),
        );
        run(&[
            &[
                "req", "-new", "-nodes", "-subj", "/CN=x", "-keyout", &k, "-out", &r,
            ][..],
            key,
        ]
        .concat());
        let (ca, ca_key) = (format!("{root}.pem"), format!("{root}.key"));
        run(&[
            "x509",
            "-req",
            "-in",
            &r,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            "90",
            "-extfile",
            &e,
            "-out",
            &c,
        ]);
    }
    run(&[
        "ca",
        "-config",
        "ca.cnf",
        "-gencrl",
        "-keyfile",
        "nation.key",
        "-cert",
        "nation.pem",
        "-out",
        "nation.crl",
    ]);
    site.edit("config/gateway.toml", |text| {
        text.replace("../certs-dev/gateway/server", "../own/server")
    });
    site.edit("config/nations/GBR.toml", |text| {
        text.replace(
            "../../certs-dev/GBR/authority.crl.pem",
            "../../own/nation.crl",
        )
        .replace("../../certs-dev/GBR/authority.pem", "../../own/nation.pem")
    });
    assert!(
        std::fs::read_to_string(site.path("config/nations/GBR.toml"))
            .unwrap()
            .contains("own/nation.crl")
    );
    for name in ["server.key", "leaf.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o600))
            .unwrap();
    }
    site.start(&[]);
    site
}

const KEYS: [&[&str]; 3] = [
    &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    &["-newkey", "rsa:3072"],
    &["-newkey", "ed25519"],
];

#[test]
fn certificates_of_openssl_are_taken_and_curl_and_openssl_speak_with_the_gateway() {
    for key in KEYS {
        let site = site(key);
        let folder = site.path("own");
        // TLS 1.3 with h2, and the gateway's chain is good to openssl.
        let shaken = Command::new("openssl")
            .current_dir(&folder)
            .args([
                "s_client",
                "-connect",
                &site.address,
                "-servername",
                "localhost",
                "-verify_hostname",
                "localhost",
            ])
            .args([
                "-cert",
                "leaf.pem",
                "-key",
                "leaf.key",
                "-CAfile",
                "gateway.pem",
                "-verify_return_error",
                "-alpn",
                "h2",
                "-tls1_3",
            ])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = Ran::of(&shaken).well();
        assert!(said.contains("ALPN protocol: h2"), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        // A call, as gRPC is on the wire: five octets of an empty message.
        std::fs::write(folder.join("empty"), [0; 5]).unwrap();
        let (_, port) = site.address.rsplit_once(':').unwrap();
        let url = format!("https://localhost:{port}/entente.v1.SubmissionService/WhoAmI");
        let called = Command::new("curl")
            .current_dir(&folder)
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "20",
                "--http2",
                "--resolve",
                &format!("localhost:{port}:127.0.0.1"),
            ])
            .args([
                "--cert",
                "leaf.pem",
                "--key",
                "leaf.key",
                "--cacert",
                "gateway.pem",
            ])
            .args([
                "-H",
                "content-type: application/grpc",
                "-H",
                "te: trailers",
                "--data-binary",
                "@empty",
                &url,
            ])
            .output()
            .expect("curl is installed");
        assert!(
            called.status.success(),
            "{}",
            String::from_utf8_lossy(&called.stderr)
        );
        let body = String::from_utf8_lossy(&called.stdout);
        assert!(
            body.contains("GBR") && body.contains("uav-cell-4"),
            "{body:?}"
        );
        // And our own doctor has nothing to say against them.
        let doctor = [
            "doctor",
            "--cert",
            "own/leaf.pem",
            "--key",
            "own/leaf.key",
            "--ca",
            "own/gateway.pem",
            "--server-name",
            "localhost",
            "--gateway",
            &site.address,
            "--diagnosis",
            &site.diagnosis,
        ];
        Ran::of(&site.run(&doctor)).well();
    }
}

#[test]
fn a_revocation_by_openssl_is_obeyed() {
    let site = site(KEYS[0]);
    let folder = site.path("own");
    let run = |arguments: &[&str]| openssl(&folder, arguments).well();
    let keys = ["-keyfile", "nation.key", "-cert", "nation.pem"];
    run(&[
        &["ca", "-config", "ca.cnf", "-revoke", "leaf.pem"][..],
        &keys,
    ]
    .concat());
    run(&[
        &["ca", "-config", "ca.cnf", "-gencrl", "-out", "next.crl"][..],
        &keys,
    ]
    .concat());
    std::fs::rename(folder.join("next.crl"), folder.join("nation.crl")).unwrap();
    site.signal(rustix::process::Signal::HUP);
    let doctor = [
        "doctor",
        "--output",
        "json",
        "--cert",
        "own/leaf.pem",
        "--key",
        "own/leaf.key",
        "--ca",
        "own/gateway.pem",
        "--server-name",
        "localhost",
        "--gateway",
        &site.address,
        "--diagnosis",
        &site.diagnosis,
    ];
    // The new list is taken up within seconds; each try is a whole run of the command.
    let told = (0..100)
        .map(|_| Ran::of(&site.run(&doctor)))
        .find(|ran| ran.code == 1);
    let said = told.expect("the list is never obeyed").said;
    assert!(
        said.contains("revoked by GBR") && said.contains("list number 4097"),
        "{said}"
    );
}
