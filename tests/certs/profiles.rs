//! `--profile`: what a gateway of each TLS profile would refuse is not made, and is found in files
//! that others made.

use super::site::Site;
use super::support::{Bench, Ran, openssl, words};
use serde_json::Value;

/// Each profile, with the type of key that is made for it, as `inspect` names it.
const PROFILES: [(&str, &str); 4] = [
    ("default", "P-256"),
    ("fmn5", "P-256"),
    ("cnsa1", "P-384"),
    ("cnsa2", "ML-DSA-87"),
];

/// The reasons why things of a file would be refused.
fn refusals(bench: &Bench, profile: &str, file: &str) -> Vec<String> {
    let ran = bench.certs_line(&format!("inspect --profile {profile} --output json {file}"));
    let shown: Value = serde_json::from_str(&ran.said).unwrap_or_else(|_| panic!("{}", ran.told));
    let objects = shown[0]["objects"].as_array().unwrap().iter();
    let all = objects.flat_map(|o| o["refusals"].as_array().unwrap());
    let reasons: Vec<_> = all
        .map(|refusal| {
            assert!(!refusal["mend"].as_str().unwrap().is_empty(), "{refusal}");
            refusal["reason"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ran.code, i32::from(!reasons.is_empty()), "{reasons:?}");
    reasons
}

#[test]
fn what_is_made_for_a_profile_fits_it_and_others_say_what_they_refuse() {
    let bench = Bench::new();
    for (profile, key) in PROFILES {
        let init = format!(
            "init --dir {profile} --nation GBR --trust-domain gbr.example --profile {profile}"
        );
        bench.certs_line(&init).well();
        let csr = format!(
            "csr --as GBR/a --trust-domain gbr.example --out {profile}/a --profile {profile}"
        );
        bench.certs_line(&csr).well();
        let sign = format!("sign --authority {profile} {profile}/a.csr --profile {profile}");
        bench.certs_line(&sign).well();
        let renew =
            format!("renew --cert {profile}/a.pem --authority {profile} --profile {profile}");
        bench.certs_line(&renew).well();
        let files = [
            "authority.pem",
            "authority.crl.pem",
            "a.csr",
            "a.pem",
            "a.next.pem",
        ];
        for file in files.map(|file| format!("{profile}/{file}")) {
            assert_eq!(refusals(&bench, profile, &file), [""; 0], "{file}");
        }
        let shown = bench.certs_line(&format!("inspect --profile {profile} {profile}/a.pem"));
        assert!(shown.well().contains(key));
        // CNSA 2.0 takes nothing that the others do, and CNSA 1.0 no P-256.
        for (other, takes) in [("cnsa1", "P-384"), ("cnsa2", "ML-DSA-87")] {
            if key == takes {
                continue;
            }
            for file in files.map(|file| format!("{profile}/{file}")) {
                let found = refusals(&bench, other, &file);
                let is_named = found
                    .iter()
                    .any(|r| r.contains(&format!("profile {other}")));
                assert!(is_named, "{other} took {file}: {found:?}");
            }
        }
    }
}

#[test]
fn inspect_lists_everything_that_a_profile_would_refuse_of_a_foreign_certificate() {
    let bench = Bench::new();
    bench.openssl_line(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 90 -subj /CN=Foreign \
         -addext keyUsage=critical,keyCertSign,cRLSign",
    );
    bench.openssl_line("req -new -newkey rsa:2048 -nodes -keyout a.key -out a.csr -subj /CN=a");
    std::fs::write(
        bench.path("a.ext"),
        "subjectAltName=URI:spiffe://gbr.example/a\nkeyUsage=keyAgreement\n",
    )
    .unwrap();
    bench.openssl_line(
        "x509 -req -in a.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out a.pem -days 90 \
         -sha256 -extfile a.ext",
    );
    let found = refusals(&bench, "cnsa1", "a.pem").join("\n");
    for words in [
        "digital signature",
        "client authentication",
        "RSA 2048 bit key; allowed are P-384 and RSA of 3072 to 4096 bits (profile cnsa1)",
        "signed with RSA and SHA-256; allowed are ECDSA and RSA with SHA-384 (profile cnsa1)",
    ] {
        assert!(found.contains(words), "no `{words}` in: {found}");
    }
    let found = refusals(&bench, "default", "a.pem");
    assert_eq!(found.len(), 2, "{found:?}");
    // The authority's own key is smaller than FMN wants of an authority; a subscriber's is not.
    let found = refusals(&bench, "fmn5", "ca.pem");
    assert!(found[0].contains("of authorities 3072"), "{found:?}");
    assert_eq!(found.len(), 1, "{found:?}");
    let mends = bench.certs_line("inspect --profile fmn5 ca.pem").said;
    assert!(
        mends.contains("entente certs init --nation NATION --profile"),
        "{mends}"
    );
    bench.openssl_line(
        "req -new -newkey rsa:2048 -nodes -keyout b.key -out b.csr -subj /CN=b \
         -addext subjectAltName=URI:spiffe://gbr.example/b",
    );
    assert_eq!(refusals(&bench, "fmn5", "b.csr"), [""; 0]);
    assert_eq!(refusals(&bench, "cnsa1", "b.csr").len(), 1);
}

#[test]
fn nothing_is_made_that_the_profile_would_refuse() {
    let bench = Bench::new();
    let nation = "init --dir x --nation GBR --trust-domain gbr.example";
    for (profile, key) in [
        ("fmn5", "ed25519"),
        ("cnsa1", "p256"),
        ("cnsa2", "ml-dsa-65"),
    ] {
        let words = ["--key-type", "allowed are", profile];
        let asked = format!("--profile {profile} --key-type {key}");
        bench
            .certs_line(&format!("{nation} {asked}"))
            .refused(2, &words);
        bench
            .certs_line(&format!("init --dir x {asked}"))
            .refused(2, &words);
        let csr = format!("csr --as GBR/a --trust-domain gbr.example --out x {asked}");
        bench.certs_line(&csr).refused(2, &words);
    }
    assert!(!bench.path("x").exists());
    assert!(!bench.path("x.key").exists());
    let init = |dir: &str, profile: &str| {
        bench
            .certs_line(&format!(
                "init --dir {dir} --nation GBR --trust-domain gbr.example --profile {profile}"
            ))
            .well();
    };
    init("p256", "default");
    init("p384", "cnsa1");
    bench.request("a", "a");
    bench
        .certs_line("csr --as GBR/b --trust-domain gbr.example --out b --profile cnsa1")
        .well();
    let sign = |authority: &str, csr: &str, profile: &str| -> Ran {
        bench.certs_line(&format!(
            "sign --authority {authority} {csr} --profile {profile}"
        ))
    };
    // The system's key, the authority's signature, and, under FMN, nothing of both.
    let words = ["nothing was issued", "has a P-256 key", "--profile"];
    sign("p384", "a.csr", "cnsa1").refused(1, &words);
    let words = [
        "nothing was issued",
        "signed with ECDSA and SHA-256",
        "profile cnsa1",
    ];
    sign("p256", "b.csr", "cnsa1").refused(1, &words);
    let register: Value =
        serde_json::from_str(&bench.read("p384/authority.register.json")).unwrap();
    assert_eq!(register["issued"].as_array().unwrap().len(), 0);
    assert!(!bench.path("a.pem").exists());
    sign("p256", "a.csr", "fmn5").well();
    sign("p384", "b.csr", "cnsa1").well();
    // A gateway's certificate too.
    bench
        .certs_line("init --dir ca --for-gateway --profile cnsa1")
        .well();
    bench
        .certs_line("csr --server-name g.example --out g")
        .well();
    sign("ca", "g.csr --server", "cnsa1").refused(1, &["nothing was issued", "P-256"]);
}

#[test]
fn what_is_signed_ends_with_its_authority_at_the_latest() {
    let bench = Bench::new();
    bench
        .certs_line("init --dir ca --nation GBR --trust-domain gbr.example --authority-days 20")
        .well();
    bench.request("a", "a");
    let said = bench
        .certs_line("sign --authority ca a.csr --days 90")
        .well();
    assert!(said.contains("It ends with its authority"), "{said}");
    let listed = bench
        .certs_line("list ca/authority.pem a.pem --output json")
        .object();
    let until = |at: usize| listed["entries"][at]["validUntil"].clone();
    assert_eq!(until(0), until(1));
    let said = bench
        .certs_line("sign --authority ca a.csr --days 10 --out b.pem")
        .well();
    assert!(!said.contains("It ends with"), "{said}");
}

#[test]
fn check_and_the_start_name_authorities_and_lists_that_the_profile_does_not_take() {
    let mut site = Site::new("");
    std::fs::remove_dir_all(site.path("certs-dev")).unwrap();
    let certs = |line: &str| {
        let words: Vec<_> = ["certs"].into_iter().chain(line.split(' ')).collect();
        Ran::of(&site.run(&words)).well();
    };
    certs("init --profile cnsa1");
    // France still has a P-256 root; Germany an RSA root whose list is signed with SHA-256.
    for nation in ["FRA", "DEU"] {
        std::fs::remove_dir_all(site.path(&format!("certs-dev/{nation}"))).unwrap();
    }
    certs("init --dir certs-dev/FRA --nation FRA --trust-domain fra.entente.example");
    std::fs::create_dir(site.path("certs-dev/DEU")).unwrap();
    let line = "req -x509 -newkey rsa:3072 -sha384 -nodes -keyout authority.key -out authority.pem \
                -days 90 -subj /CN=DEU -addext keyUsage=critical,keyCertSign,cRLSign";
    openssl(&site.path("certs-dev/DEU"), &words(line)).well();
    certs("crl --authority certs-dev/DEU");
    let check = |profile: &str| {
        site.edit("config/gateway.toml", |text| {
            let rest = text.lines().filter(|line| !line.starts_with("tls_profile"));
            let text = rest.collect::<Vec<_>>().join("\n");
            let with = format!("[listener]\ntls_profile = \"{profile}\"");
            text.replacen("[listener]", &with, 1)
        });
        let ran = Ran::of(&site.run(&["check", "--config", "config/gateway.toml"]));
        let lines = ran
            .said
            .lines()
            .filter(|l| l.contains("nobody for whom it stands"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(check("default"), [""; 0]);
    let found = check("cnsa1");
    let has = |words: &[&str]| found.iter().any(|l| words.iter().all(|w| l.contains(w)));
    assert!(
        has(&["FRA", "authority.pem", "a P-256 key", "cnsa1"]),
        "{found:#?}"
    );
    assert!(
        has(&["DEU", "crl.pem", "RSA and SHA-256", "cnsa1"]),
        "{found:#?}"
    );
    assert_eq!(found.len(), 2, "{found:#?}");
    site.start(&[]);
    for words in [
        "has a P-256 key; allowed",
        "is signed with RSA and SHA-256; allowed",
    ] {
        assert!(site.log().contains(words), "{}", site.log());
    }
}

#[test]
fn a_set_made_for_a_profile_serves_a_gateway_of_it() {
    for (profile, _) in PROFILES {
        let mut site = Site::new("[diagnosis]\naddress = \"127.0.0.1:0\"\n");
        std::fs::remove_dir_all(site.path("certs-dev")).unwrap();
        Ran::of(&site.run(&["certs", "init", "--profile", profile])).well();
        site.edit("config/gateway.toml", |text| {
            text.replacen(
                "[listener]",
                &format!("[listener]\ntls_profile = \"{profile}\""),
                1,
            )
        });
        site.start(&[]);
        let (gateway, diagnosis) = (site.address.clone(), site.diagnosis.clone());
        let doctor = ["doctor", "--as", "GBR/uav-cell-4", "--gateway", &gateway];
        let ran = site.run(&[&doctor[..], &["--diagnosis", &diagnosis]].concat());
        Ran::of(&ran).well();
    }
}
