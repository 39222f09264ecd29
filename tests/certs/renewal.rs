//! Renewal over the wire: off by default, the same identity only, counted, written down, by an
//! authority's folder or by the operator's command.

use super::site::Site;
use super::support::Ran;
use entente::client::ClientError;
use entente::clock::{Clock as _, SystemClock};
use entente::pki::{Authority, AuthoritySpec, Key, KeyType, request_spec, write_request_der};
use serde_json::Value;
use tonic::Code;

const URI: &str = "spiffe://gbr.entente.example/uav-cell-4";

/// A site whose nation GBR has this in its file.
fn site(renewal: &str) -> Site {
    let mut site = Site::new("");
    site.edit("config/nations/GBR.toml", |text| {
        let (head, tail) = text.split_once("[trust]").unwrap();
        format!("{head}[renewal]\n{renewal}\n[trust]{tail}")
    });
    site.start(&[]);
    site
}

fn by_command(site_script: &str, more: &str) -> Site {
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), site_script).unwrap();
    let path = script.into_temp_path().keep().unwrap();
    site(&format!(
        "command = [\"/bin/sh\", \"{}\"]\n{more}",
        path.display()
    ))
}

fn request(uri: Option<&str>, key: &Key) -> Vec<u8> {
    write_request_der(&request_spec(uri, &[]), key).unwrap()
}

fn fresh() -> Key {
    Key::make(KeyType::P256).unwrap()
}

fn ask(
    site: &Site,
    request: Vec<u8>,
) -> Result<entente::wire::proto::RenewResponse, (Code, String)> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let endpoint = site.endpoint("GBR/uav-cell-4");
    runtime
        .block_on(endpoint.renew(request))
        .map_err(|error| match error {
            ClientError::Refused { code, message } => (code, message),
            other => panic!("{other}"),
        })
}

#[track_caller]
fn refused(site: &Site, request: Vec<u8>, code: Code, words: &str) {
    let (seen, message) = ask(site, request).unwrap_err();
    assert_eq!(seen, code, "{message}");
    assert!(message.contains(words), "{message}");
}

#[test]
fn it_is_off_unless_the_operator_turns_it_on() {
    let site = Site::started("");
    refused(
        &site,
        request(Some(URI), &fresh()),
        Code::FailedPrecondition,
        "renewal over the wire is off for GBR",
    );
}

/// The log, and the audit log, say who renewed what.
fn is_audited(site: &Site, serial: &str) {
    // One line for the audit: who, what, both serial numbers.
    let log = site.log();
    let line = log
        .lines()
        .find(|line| line.contains("audit: a certificate was renewed"))
        .unwrap();
    for words in [
        "\"nation\":\"GBR\"",
        "\"system\":\"uav-cell-4\"",
        "old_serial",
        serial,
        "\"action\":\"renew\"",
    ] {
        assert!(line.contains(words), "no {words} in {line}");
    }
    // And one in the audit log, written before the certificate was given away.
    let audit = std::fs::read_to_string(site.path("data/trust/audit.jsonl")).unwrap();
    let line = audit
        .lines()
        .find(|line| line.contains("\"renewed\""))
        .unwrap();
    assert!(
        line.contains("GBR/uav-cell-4") && line.contains(serial),
        "{line}"
    );
    // A warning at the start: the gateway holds the nation's key.
    assert!(log.contains("renewal.danger_issuing_folder"), "{log}");
}

#[test]
fn a_system_renews_itself_with_one_command_and_the_new_pair_opens_the_door() {
    let site = site("danger_issuing_folder = \"../../certs-dev/GBR\"\ndays = 30");
    let renew = [
        "certs",
        "renew",
        "--as",
        "GBR/uav-cell-4",
        "--over-the-wire",
        "--gateway",
        &site.address,
        "--output",
        "json",
    ];
    let renewed = Ran::of(&site.run(&renew)).object();
    assert_eq!(renewed["name"], URI);
    let next = [
        "--cert",
        "certs-dev/GBR/uav-cell-4.next.pem",
        "--key",
        "certs-dev/GBR/uav-cell-4.next.key",
    ];
    let doctor = [
        "doctor",
        "--as",
        "GBR/uav-cell-4",
        "--gateway",
        &site.address,
    ];
    Ran::of(&site.run(&[&doctor[..], &next].concat())).well();
    // The old one still does.
    Ran::of(&site.run(&doctor)).well();
    // The authority's register knows the new one, so that it can be revoked by name.
    let register =
        std::fs::read_to_string(site.path("certs-dev/GBR/authority.register.json")).unwrap();
    let register: Value = serde_json::from_str(&register).unwrap();
    let serial = renewed["serial"].as_str().unwrap().trim_start_matches("00");
    let entry = register["issued"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&entry["name"], &entry["serial"]),
        (&Value::from(URI), &Value::from(serial))
    );
    let listed = [
        "certs",
        "list",
        "certs-dev/GBR/uav-cell-4.next.pem",
        "--output",
        "json",
    ];
    assert_eq!(
        Ran::of(&site.run(&listed)).object()["entries"][0]["daysLeft"],
        29
    );
    is_audited(&site, serial);
}

#[test]
fn only_the_own_identity_and_only_with_a_new_key() {
    let site = site("danger_issuing_folder = \"../../certs-dev/GBR\"\nper_day_max = 100");
    let key = fresh();
    for other in [
        "spiffe://gbr.entente.example/feed-desk",
        "spiffe://fra.entente.example/uav-cell-4",
    ] {
        refused(
            &site,
            request(Some(other), &key),
            Code::InvalidArgument,
            "its own identity",
        );
    }
    let hosts = write_request_der(&request_spec(None, &["localhost".to_owned()]), &key).unwrap();
    refused(&site, hosts, Code::InvalidArgument, "its own identity");
    let old = Key::read(&site.path("certs-dev/GBR/uav-cell-4.key")).unwrap();
    refused(
        &site,
        request(Some(URI), &old),
        Code::InvalidArgument,
        "the key of the current certificate",
    );
    refused(
        &site,
        b"nonsense".to_vec(),
        Code::InvalidArgument,
        "no certificate request",
    );
    refused(
        &site,
        vec![0x30; 20_000],
        Code::InvalidArgument,
        "at most 16384",
    );
    let mut forged = request(Some(URI), &key);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    refused(
        &site,
        forged,
        Code::InvalidArgument,
        "not signed by the key",
    );
    // What the request asks for besides is ignored: no name at all is the own name.
    let answer = ask(
        &site,
        write_request_der(&request_spec(None, &[]), &key).unwrap(),
    )
    .unwrap();
    assert_eq!(answer.certificates.len(), 1);
}

#[test]
fn attempts_are_counted() {
    let site = site("danger_issuing_folder = \"../../certs-dev/GBR\"\nper_day_max = 2");
    ask(&site, request(Some(URI), &fresh())).unwrap();
    refused(
        &site,
        b"nonsense".to_vec(),
        Code::InvalidArgument,
        "request",
    );
    refused(
        &site,
        request(Some(URI), &fresh()),
        Code::ResourceExhausted,
        "tried 2 times within 24 hours",
    );
}

#[test]
fn the_operators_command_signs() {
    let site = by_command("", "");
    let folder = site.path("certs-dev/GBR");
    // The command is read at each renewal; now that the site is there it can name its folder.
    let script = |text: &str| {
        let file = std::fs::read_to_string(site.path("config/nations/GBR.toml")).unwrap();
        let path = file
            .split("\"/bin/sh\", \"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        std::fs::write(path, text.replace("FOLDER", &folder.display().to_string())).unwrap();
    };
    let sign = "set -e\ncat > FOLDER/in.csr\n\
        printf 'keyUsage=critical,digitalSignature\\nextendedKeyUsage=clientAuth\\nsubjectAltName=URI:%s\\n' \
        \"$ENTENTE_SPIFFE_ID\" > FOLDER/in.ext\n\
        openssl x509 -req -in FOLDER/in.csr -CA FOLDER/authority.pem -CAkey FOLDER/authority.key \
        -CAcreateserial -days \"$ENTENTE_DAYS\" -extfile FOLDER/in.ext 2>/dev/null\n";
    script(sign);
    let answer = ask(&site, request(Some(URI), &fresh())).unwrap();
    assert!(!answer.serial_number.is_empty());
    // It signs for somebody else, or another key, or fails, or says too much.
    for (text, reason) in [
        (
            sign.replace(
                "$ENTENTE_SPIFFE_ID",
                "spiffe://gbr.entente.example/feed-desk",
            ),
            "a certificate of GBR/feed-desk",
        ),
        (
            sign.replace("extendedKeyUsage=clientAuth\\n", ""),
            "a certificate that this gateway refuses",
        ),
        (
            "cat FOLDER/uav-cell-4.pem".to_owned(),
            "no certificate for the key of the request",
        ),
        ("echo no more paper >&2; exit 3".to_owned(), "no more paper"),
        ("yes".to_owned(), "more than 65536 bytes"),
        ("echo hello".to_owned(), "no certificate for the key"),
    ] {
        script(&text);
        refused(
            &site,
            request(Some(URI), &fresh()),
            Code::Internal,
            "the gateway's log has the reason",
        );
        assert!(
            site.log().contains(reason),
            "no `{reason}` in {}",
            site.log()
        );
    }
}

#[test]
fn a_command_that_hangs_is_ended_with_all_that_it_started() {
    let mark = tempfile::tempdir().unwrap();
    let pid = mark.path().join("pid");
    let script = format!("sleep 600 &\necho $! > {}\nwait\n", pid.display());
    let site = by_command(&script, "deadline = \"500ms\"");
    refused(
        &site,
        request(Some(URI), &fresh()),
        Code::Internal,
        "log has the reason",
    );
    assert!(
        site.log().contains("did not answer within 500ms"),
        "{}",
        site.log()
    );
    let pid: i32 = std::fs::read_to_string(pid)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    // Killed with its group; it is gone once whoever inherited it has taken up its end.
    let clock = SystemClock::default();
    let ends = clock.monotonic() + std::time::Duration::from_secs(10);
    let is_running = || {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state
            .rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    };
    while is_running() {
        assert!(clock.monotonic() < ends, "the grandchild lives on");
        std::thread::yield_now();
    }
}

/// Serial numbers and ends in the register of GBR's authority.
fn registered(site: &Site) -> Vec<Value> {
    let path = site.path("certs-dev/GBR/authority.register.json");
    let register: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    register["issued"].as_array().unwrap().clone()
}

/// Another authority of GBR lies in the folder that signs.
fn put_authority(site: &Site, authority: &Authority) {
    let folder = site.path("certs-dev/GBR");
    std::fs::write(folder.join("authority.pem"), authority.certificate_pem()).unwrap();
    std::fs::write(folder.join("authority.key"), authority.key_pem()).unwrap();
}

#[test]
fn what_the_gateway_refuses_is_not_registered_and_nothing_outlives_its_authority() {
    let mut site = site("danger_issuing_folder = \"../../certs-dev/GBR\"\ndays = 90");
    let before = registered(&site);
    let now = SystemClock::default().now();
    let short = Authority::root(&AuthoritySpec::new("GBR for ten days", now, 10)).unwrap();
    let list = short
        .revocation_list(1, now, short.not_after(), &[])
        .unwrap();
    // The folder has an authority that the gateway does not trust.
    let kept = site.path("certs-dev/GBR/kept");
    std::fs::create_dir(&kept).unwrap();
    for file in ["authority.pem", "authority.crl.pem"] {
        std::fs::copy(site.path("certs-dev/GBR").join(file), kept.join(file)).unwrap();
    }
    site.edit("config/nations/GBR.toml", |text| {
        text.replace("GBR/authority.pem", "GBR/kept/authority.pem")
            .replace("GBR/authority.crl.pem", "GBR/kept/authority.crl.pem")
    });
    assert!(site.stop().success());
    site.start(&[]);
    std::fs::remove_file(site.path("certs-dev/GBR/authority.crl.pem")).unwrap();
    put_authority(&site, &short);
    let request_of = || request(Some(URI), &fresh());
    refused(&site, request_of(), Code::Internal, "log has the reason");
    assert!(
        site.log().contains("that this gateway refuses"),
        "{}",
        site.log()
    );
    assert_eq!(registered(&site), before);
    // Once it is trusted, too, what it issues ends when it does.
    std::fs::write(kept.join("short.pem"), short.certificate_pem()).unwrap();
    std::fs::write(kept.join("short.crl.pem"), list).unwrap();
    site.edit("config/nations/GBR.toml", |text| {
        text.replace(
            "/kept/authority.pem\"",
            "/kept/authority.pem\", \"../../certs-dev/GBR/kept/short.pem\"",
        )
        .replace(
            "/kept/authority.crl.pem\"",
            "/kept/authority.crl.pem\", \"../../certs-dev/GBR/kept/short.crl.pem\"",
        )
    });
    assert!(site.stop().success());
    site.start(&[]);
    let answer = ask(&site, request_of()).unwrap();
    assert_eq!(
        answer.not_after.unwrap().seconds,
        short.not_after().as_second()
    );
    let after = registered(&site);
    assert_eq!(after.len(), before.len() + 1);
    assert!(
        site.log().contains("ends with its authority"),
        "{}",
        site.log()
    );
}
