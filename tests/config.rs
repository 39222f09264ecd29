//! The configuration from outside: every problem at once, with its place; layers; what is
//! shipped; and that the documentation and the code know the same keys.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use config::Environment;
use entente::clock::SystemClock;
use entente::config::{Examined, Problem, examine, examine_trust};
use entente::pki::{InitSpec, init};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The shipped configuration with fresh development certificates, in a folder of its own.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(TempDir::new().unwrap());
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        std::fs::create_dir_all(site.at("config/nations")).unwrap();
        for file in walk(&shipped) {
            let name = file.strip_prefix(&shipped).unwrap();
            std::fs::copy(&file, site.at("config").join(name)).unwrap();
        }
        let spec = InitSpec::development(&site.at("certs-dev"));
        init(&spec, &SystemClock::default()).unwrap();
        site
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn gateway(&self) -> PathBuf {
        self.at("config/gateway.toml")
    }

    fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(self.at(name)).unwrap();
        std::fs::write(self.at(name), change(text)).unwrap();
    }

    fn examined(&self) -> Examined {
        self.examined_with(&[], &[])
    }

    fn examined_with(&self, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Examined {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let environment: HashMap<_, _> = environment.iter().map(owned).collect();
        let environment = Environment::with_prefix("ENTENTE")
            .prefix_separator("__")
            .separator("__")
            .source(Some(environment.into_iter().collect()));
        let flags: Vec<_> = flags.iter().map(owned).collect();
        examine(&self.gateway(), environment, &flags)
    }

    /// Runs `entente check` on the site.
    fn check(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_entente"))
            .current_dir(self.0.path())
            .arg("check")
            .args(arguments)
            .output()
            .unwrap()
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// The one problem of a key; panics with all problems if there is none.
fn of<'a>(problems: &'a [Problem], file: &str, key: &str) -> &'a Problem {
    problems
        .iter()
        .find(|problem| problem.file.ends_with(file) && problem.key == key)
        .unwrap_or_else(|| panic!("nothing about {file}: {key} in {problems:#?}"))
}

#[test]
fn what_is_shipped_can_be_used_and_warns_of_what_is_loose() {
    let site = Site::new();
    let examined = site.examined();
    assert_eq!(examined.problems, []);
    let loaded = examined.loaded.unwrap();
    let codes: Vec<_> = loaded
        .nations
        .iter()
        .map(|file| file.nation.code.to_string())
        .collect();
    assert_eq!(
        codes,
        [
            "CZE", "DEU", "ESP", "EST", "FRA", "GBR", "ITA", "NLD", "POL", "ROU", "UKR", "USA"
        ]
    );
    let loose = of(
        &loaded.warnings,
        "gateway.toml",
        "trust.allow_development_anchors",
    );
    assert!(loose.message.contains("never so in production"), "{loose}");
    let unverified = of(&loaded.warnings, "GBR.toml", "notation.markings");
    let said = "6 marking(s) not verified at their source: `O-S`, `OFFICIAL`, ";
    assert!(unverified.message.starts_with(said), "{unverified}");
    for code in codes {
        let file = format!("{code}.toml");
        let of_it = loaded
            .warnings
            .iter()
            .filter(|warning| warning.key == "notation.markings" && warning.file.ends_with(&file));
        assert_eq!(of_it.count(), 1, "one line for {code}, however many");
    }
    let (problems, warnings) = examine_trust(&loaded, &site.gateway(), &SystemClock::default());
    assert_eq!(problems, []);
    assert!(
        warnings.iter().all(|w| w.key.starts_with("trust")),
        "{warnings:#?}"
    );
}

#[test]
fn every_problem_is_named_at_once_with_its_place() {
    let site = Site::new();
    site.edit("config/gateway.toml", |text| {
        text.replace("127.0.0.1:7443", "everywhere")
            .replace("free_bytes_floor = \"1GiB\"", "free_bytes_floor = 1024")
            + "\n[feed]\nheartbeat = \"5 parsecs\"\nheartbeets = \"5s\"\n\
               [services]\nreflection = \"yes\"\nmessage_bytes_max = \"9MiB\"\n\
               [limits]\nconnections_max = -1\n[norms]\nx = 1\n"
    });
    site.edit("config/nations/GBR.toml", |text| {
        text.replace(
            "\"uav-cell-4\" = [\"submit\"]",
            "\"uav-cell-4\" = [\"shout\"]",
        )
        .replace("clearance = \"SECRET\"", "clearance = \"COSMIC\"")
        .replace("[notation]", "[notation]\ncolour = 1")
    });
    let problems = site.examined().problems;
    for (file, key, part) in [
        (
            "gateway.toml",
            "listener.address",
            "`everywhere` is not an address",
        ),
        (
            "gateway.toml",
            "journal.free_bytes_floor",
            "\"0B\" to \"1024GiB\"",
        ),
        ("gateway.toml", "feed.heartbeat", "\"100ms\" to \"5m\""),
        ("gateway.toml", "feed.heartbeets", "unknown key"),
        ("gateway.toml", "services.reflection", "true or false"),
        (
            "gateway.toml",
            "services.message_bytes_max",
            "\"1KiB\" to \"3MiB\"",
        ),
        ("gateway.toml", "limits.connections_max", "1 to 1000000000"),
        ("gateway.toml", "norms", "unknown key"),
        ("GBR.toml", "systems.uav-cell-4", "`shout` is no right"),
        (
            "GBR.toml",
            "clearance",
            "`COSMIC` is none of \"UNCLASSIFIED\"",
        ),
        ("GBR.toml", "notation", "colour"),
    ] {
        let problem = of(&problems, file, key);
        assert!(problem.message.contains(part), "{problem}");
        assert!(problem.line.is_some(), "{problem}");
    }
    assert_eq!(problems.len(), 11, "{problems:#?}");
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_files() {
    let site = Site::new();
    let environment = [
        ("ENTENTE__LISTENER__ADDRESS", "127.0.0.1:1"),
        ("ENTENTE__LISTENER__HANDSHAKES_MAX", "7"),
        ("ENTENTE__SERVICES__REFLECTION", "false"),
        ("ENTENTE__FEED__HEARTBEAT", "250ms"),
        ("UNRELATED__KEY", "1"),
    ];
    let examined = site.examined_with(&environment, &[("listener.address", "127.0.0.1:2")]);
    assert_eq!(examined.problems, []);
    let gateway = examined.loaded.unwrap().gateway;
    assert_eq!(gateway.listener.address.port(), 2);
    assert_eq!(gateway.listener.handshakes_max, 7);
    assert!(!gateway.rpc.reflection);
    assert_eq!(gateway.feed.heartbeat.as_millis(), 250);
    let origin = |key: &str| {
        let fact = examined.facts.iter().find(|fact| fact.key == key);
        fact.map(|fact| fact.origin)
    };
    assert_eq!(origin("listener.address"), Some("command line"));
    assert_eq!(origin("feed.heartbeat"), Some("environment"));
    assert_eq!(origin("tls.key"), Some("file"));
    assert_eq!(origin("feed.stall_deadline"), Some("default"));
}

#[test]
fn a_mistake_in_the_environment_is_named_by_its_variable() {
    let site = Site::new();
    let environment = [
        ("ENTENTE__LISTENER__HANDSHAKES_MAX", "many"),
        ("ENTENTE__LISTENR__ADDRESS", "127.0.0.1:1"),
    ];
    let problems = site.examined_with(&environment, &[("feed", "1")]).problems;
    of(
        &problems,
        "ENTENTE__LISTENER__HANDSHAKES_MAX",
        "listener.handshakes_max",
    );
    of(&problems, "gateway.toml", "listenr");
    of(&problems, "--set", "feed");
    assert_eq!(problems.len(), 3, "{problems:#?}");
}

#[test]
fn missing_files_and_open_keys_are_problems() {
    let site = Site::new();
    std::fs::remove_file(site.at("certs-dev/gateway/server.pem")).unwrap();
    std::fs::remove_file(site.at("certs-dev/UKR/authority.crl.pem")).unwrap();
    let key = site.at("certs-dev/gateway/server.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let problems = site.examined().problems;
    let missing = of(&problems, "gateway.toml", "tls.certificate");
    assert!(missing.message.contains("No such file"), "{missing}");
    let open = of(&problems, "gateway.toml", "tls.key");
    assert!(open.message.contains("mode 0640"), "{open}");
    of(&problems, "UKR.toml", "trust.revocation_lists");
    assert_eq!(problems.len(), 3, "{problems:#?}");
}

#[test]
fn one_nation_has_one_file_and_one_trust_domain() {
    let site = Site::new();
    site.edit("config/nations/POL.toml", |text| {
        text.replace("\"POL\"", "\"DEU\"")
    });
    site.edit("config/nations/USA.toml", |text| {
        text.replace("usa.entente.example", "ukr.entente.example")
    });
    let problems = site.examined().problems;
    let code = of(&problems, "POL.toml", "code");
    assert!(code.message.contains("DEU.toml has this nation"), "{code}");
    let domain = of(&problems, "USA.toml", "trust_domain");
    assert!(
        domain.message.contains("UKR.toml has this trust domain"),
        "{domain}"
    );
}

#[test]
fn every_conflict_of_a_nations_words_is_told_with_file_key_and_line() {
    let site = Site::new();
    let words = r#"
[[notation.models]]
name = "XK-1"
class = "GUN"

[[notation.models]]
name = "XK-2"
class = "MORTAR"
calibre_mm = 0.5

[[notation.models]]
name = "XK-3"
also = ["xk 2"]
class = "TANK"

[notation.terms.observation]
"bang" = "EXPLOSION"
"BANG" = "SHOT"
"boom" = "NOISE"
"#;
    site.edit("config/nations/GBR.toml", |text| text + words);
    site.edit("config/gateway.toml", |text| {
        text + "\n[normalise.groups.ODD]\nas_of = \"2026-01-01\"\nnations = [\"XYZ\"]\n"
    });
    let problems = site.examined().problems;
    for (file, key, message) in [
        (
            "GBR.toml",
            "notation.terms.observation.bang",
            "`BANG`, which means something else",
        ),
        (
            "GBR.toml",
            "notation.terms.observation.boom",
            "`NOISE` is no code",
        ),
        ("GBR.toml", "notation.models[0].class", "`GUN` is no class"),
        (
            "GBR.toml",
            "notation.models[1].calibre_mm",
            "0.5 mm is no calibre",
        ),
        (
            "GBR.toml",
            "notation.models[2]",
            "xk2 is another model already",
        ),
        (
            "gateway.toml",
            "normalise.groups.ODD.nations",
            "`XYZ` is no ISO 3166-1",
        ),
    ] {
        let problem = of(&problems, file, key);
        assert!(problem.message.contains(message), "{problem}");
        assert!(problem.line.is_some(), "{problem}");
    }
    assert_eq!(problems.len(), 6, "{problems:#?}");
}

#[test]
fn a_nations_own_words_and_models_work() {
    let site = Site::new();
    site.edit("config/nations/GBR.toml", |text| {
        text + "\n[[notation.models]]\nname = \"XK-1\"\nclass = \"MORTAR\"\ncalibre_mm = 120\n\
                \n[notation.terms.observation]\nbang = \"EXPLOSION\"\n"
    });
    assert_eq!(site.examined().problems, []);
}

#[test]
fn development_anchors_are_refused_unless_they_are_allowed() {
    let site = Site::new();
    site.edit("config/gateway.toml", |text| {
        text.replace(
            "allow_development_anchors = true",
            "allow_development_anchors = false",
        )
    });
    let loaded = site.examined().loaded.unwrap();
    let (problems, _) = examine_trust(&loaded, &site.gateway(), &SystemClock::default());
    let nations: BTreeSet<_> = problems.iter().map(|p| p.file.clone()).collect();
    assert_eq!(nations.len(), 12, "{problems:#?}");
    let problem = of(&problems, "GBR.toml", "trust.anchors");
    assert!(problem.message.contains("development"), "{problem}");
}

#[test]
fn a_file_that_is_no_toml_is_one_problem_with_its_line() {
    let site = Site::new();
    site.edit("config/nations/FRA.toml", |_| {
        "code = \"FRA\"\nname = = 1\n".to_owned()
    });
    let problems = site.examined().problems;
    let problem = of(&problems, "FRA.toml", "");
    assert_eq!(problem.line, Some(2), "{problem}");
    assert_eq!(problems.len(), 1, "{problems:#?}");
}

#[test]
fn metrics_for_everyone_need_an_ugly_word() {
    let site = Site::new();
    let address = ("metrics.address", "0.0.0.0:9464");
    let problems = site.examined_with(&[], &[address]).problems;
    of(&problems, "--set", "metrics.address");
    let flags = [address, ("metrics.danger_serve_to_everyone", "true")];
    let examined = site.examined_with(&[], &flags);
    assert_eq!(examined.problems, []);
    of(
        &examined.warnings,
        "gateway.toml",
        "metrics.danger_serve_to_everyone",
    );
}

#[test]
fn check_says_all_of_it_and_ends_with_one_or_zero() {
    let site = Site::new();
    let good = site.check(&["--effective"]);
    let said = String::from_utf8(good.stdout).unwrap();
    assert_eq!(good.status.code(), Some(0), "{said}");
    assert!(said.contains("can be used; 12 nations"), "{said}");
    assert!(
        said.contains("feed.heartbeat = \"5s\"  # default"),
        "{said}"
    );
    let bad = site.check(&["--output", "json", "--set", "feed.heartbeat=0s"]);
    assert_eq!(bad.status.code(), Some(1));
    let said: serde_json::Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!(said["usable"], false);
    assert_eq!(said["problems"][0]["key"], "feed.heartbeat");
    assert_eq!(site.check(&["--set", "nonsense"]).status.code(), Some(2));
}

/// Rows of the tables under a heading: key to default and allowed values.
fn documented(heading: &str) -> BTreeMap<String, (String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIGURATION.md");
    let text = std::fs::read_to_string(file).unwrap();
    let (_, part) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let part = part.split("\n## ").next().unwrap();
    part.lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let key = cells.next()?.trim_end_matches('`').to_owned();
            let default = cells.next()?.trim_matches('`').to_owned();
            Some((key, (default, cells.next()?.to_owned())))
        })
        .collect()
}

#[test]
fn documentation_and_code_know_the_same_keys_defaults_and_ranges() {
    let site = Site::new();
    site.edit("config/gateway.toml", |text| {
        text + "\n[normalise.groups.BALTIC]\nas_of = \"2026-01-01\"\nnations = [\"POL\"]\n\
                [retention.levels]\nSECRET = \"90d\"\n[retention.special]\nATOMAL = \"90d\"\n\
                [normalise.places.ua-hranitne]\nname = \"Hranitne\"\nat = \"47.43 37.88\"\n"
    });
    site.edit("config/nations/GBR.toml", |text| {
        let retiring =
            "retiring = { \"../../certs-dev/GBR/authority.pem\" = \"2027-01-31T00:00:00Z\" }";
        text.replace("[trust]\n", &format!("[trust]\n{retiring}\n"))
    });
    let facts = site.examined().facts;
    let (mut gateway, mut nation) = (BTreeMap::new(), BTreeMap::new());
    for fact in facts {
        let row = (fact.default, fact.allowed);
        if fact.file.ends_with("gateway.toml") {
            gateway.insert(fact.pattern, row);
        } else {
            nation.insert(fact.pattern, row);
        }
    }
    assert_eq!(documented("gateway.toml"), gateway);
    let mut described = documented("nations/*.toml");
    described.retain(|key, _| !key.starts_with("notation."));
    let keys = |rows: &BTreeMap<String, _>| rows.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&described), keys(&nation));
}

#[test]
fn documentation_and_code_know_the_same_keys_of_a_notation() {
    let site = Site::new();
    site.edit("config/nations/GBR.toml", |text| {
        text.replace("[notation]", "[notation]\nx = 1")
    });
    let problems = site.examined().problems;
    // serde names the keys that it knows when it meets one that it does not.
    let message = &of(&problems, "GBR.toml", "notation").message;
    let (_, known) = message.split_once("expected one of").unwrap();
    let known: BTreeSet<_> = known
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|key| format!("notation.{key}"))
        .collect();
    let described: BTreeSet<_> = documented("nations/*.toml")
        .into_keys()
        .filter(|key| key.starts_with("notation."))
        .collect();
    assert_eq!(described, known);
}
