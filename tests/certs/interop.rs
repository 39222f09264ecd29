//! openssl and curl against the real gateway, with certificates that openssl made on both sides.

use super::site::Site;
use super::support::{Ran, openssl, words};
use std::os::unix::fs::PermissionsExt as _;
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
fn site(key: &str) -> Site {
    let mut site = Site::new("[diagnosis]\naddress = \"127.0.0.1:0\"\n");
    let folder = site.path("own");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let run = |line: &str| openssl(&folder, &words(line)).well();
    write("leaf.ext", LEAF);
    write("server.ext", SERVER);
    write("ca.cnf", CA);
    write("index.txt", "");
    write("crlnumber", "1000\n");
    for root in ["nation", "gateway"] {
        run(&format!(
            "req -x509 {key} -nodes -days 900 -subj /C=GB/O=Ministry/CN={root} -keyout {root}.key \
             -out {root}.pem -addext keyUsage=critical,keyCertSign,cRLSign"
        ));
    }
    for (name, root) in [("leaf", "nation"), ("server", "gateway")] {
        run(&format!(
            "req -new {key} -nodes -subj /CN=x -keyout {name}.key -out {name}.csr"
        ));
        run(&format!(
            "x509 -req -in {name}.csr -CA {root}.pem -CAkey {root}.key -CAcreateserial -days 90 \
             -extfile {name}.ext -out {name}.pem"
        ));
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.join(format!("{name}.key")), mode).unwrap();
    }
    run(&format!("{GENCRL} -out nation.crl"));
    site.edit("config/gateway.toml", |text| {
        text.replace("../certs-dev/gateway/server", "../own/server")
    });
    site.edit("config/nations/GBR.toml", |text| {
        text.replace("certs-dev/GBR/authority.crl.pem", "own/nation.crl")
            .replace("certs-dev/GBR/authority.pem", "own/nation.pem")
    });
    let nation = std::fs::read_to_string(site.path("config/nations/GBR.toml")).unwrap();
    assert!(nation.contains("own/nation.crl") && nation.contains("own/nation.pem"));
    site.start(&[]);
    site
}

const KEYS: [&str; 3] = [
    "-newkey ec -pkeyopt ec_paramgen_curve:P-256",
    "-newkey rsa:3072",
    "-newkey ed25519",
];
const GENCRL: &str = "ca -config ca.cnf -gencrl -keyfile nation.key -cert nation.pem";

/// The doctor of the system whose files openssl made.
fn doctor(site: &Site) -> Ran {
    let line = format!(
        "doctor --output json --cert own/leaf.pem --key own/leaf.key --ca own/gateway.pem \
         --server-name localhost --gateway {} --diagnosis {}",
        site.address, site.diagnosis
    );
    Ran::of(&site.run(&words(&line)))
}

#[test]
fn certificates_of_openssl_are_taken_and_curl_and_openssl_speak_with_the_gateway() {
    for key in KEYS {
        let site = site(key);
        let folder = site.path("own");
        // TLS 1.3 with h2, and the gateway's chain is good to openssl.
        let line = format!(
            "s_client -connect {} -servername localhost -verify_hostname localhost -cert leaf.pem \
             -key leaf.key -CAfile gateway.pem -verify_return_error -alpn h2 -tls1_3",
            site.address
        );
        let shaken = Command::new("openssl")
            .current_dir(&folder)
            .args(words(&line))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = Ran::of(&shaken).well();
        assert!(said.contains("ALPN protocol: h2"), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        // A call, as gRPC is on the wire: five octets of an empty message.
        std::fs::write(folder.join("empty"), [0; 5]).unwrap();
        let (_, port) = site.address.rsplit_once(':').unwrap();
        let line = format!(
            "--silent --show-error --max-time 20 --http2 --resolve localhost:{port}:127.0.0.1 \
             --cert leaf.pem --key leaf.key --cacert gateway.pem --data-binary @empty \
             https://localhost:{port}/entente.v1.SubmissionService/WhoAmI"
        );
        let called = Command::new("curl")
            .current_dir(&folder)
            .args(words(&line))
            .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
            .output()
            .expect("curl is installed");
        let told = String::from_utf8_lossy(&called.stderr);
        assert!(called.status.success(), "{told}");
        let body = String::from_utf8_lossy(&called.stdout);
        let knows = body.contains("GBR") && body.contains("uav-cell-4");
        assert!(knows, "{body:?}");
        // And our own doctor has nothing to say against them.
        doctor(&site).well();
    }
}

#[test]
fn a_revocation_by_openssl_is_obeyed() {
    let site = site(KEYS[0]);
    let folder = site.path("own");
    let run = |line: &str| openssl(&folder, &words(line)).well();
    run("ca -config ca.cnf -revoke leaf.pem -keyfile nation.key -cert nation.pem");
    run(&format!("{GENCRL} -out next.crl"));
    std::fs::rename(folder.join("next.crl"), folder.join("nation.crl")).unwrap();
    site.signal(rustix::process::Signal::HUP);
    // The new list is taken up within seconds; each try is a whole run of the command. A run that
    // the change overtakes is let in by the one listener and refused by the other: not yet the end.
    let obeyed = |said: &str| said.contains("revoked by GBR") && said.contains("list number 4097");
    let told = (0..100)
        .map(|_| doctor(&site))
        .find(|ran| obeyed(&ran.said));
    assert_eq!(told.expect("the list is never obeyed").code, 1);
}
