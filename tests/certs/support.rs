//! A folder of its own for each test, and the commands run in it.

use entente::clock::{Clock as _, SystemClock};
use entente::pki::{Authority, LeafSpec};
use jiff::SignedDuration;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) const ENTENTE: &str = env!("CARGO_BIN_EXE_entente");

/// A folder to work in.
pub(crate) struct Bench(TempDir);

/// What a command did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) said: String,
    pub(crate) told: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            said: String::from_utf8_lossy(&output.stdout).into_owned(),
            told: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It went well; what it printed.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.said, self.told);
        self.said
    }

    /// It went well; the object that it printed.
    #[track_caller]
    pub(crate) fn object(self) -> serde_json::Value {
        serde_json::from_str(&self.well()).unwrap()
    }

    /// It failed, and said all of this.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}\n{}", self.said, self.told);
        for word in words {
            assert!(self.told.contains(word), "no `{word}` in: {}", self.told);
        }
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(ENTENTE)
            .current_dir(self.0.path())
            .args(arguments)
            .output()
            .unwrap();
        Ran::of(&output)
    }

    pub(crate) fn certs(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["certs"], arguments].concat())
    }

    /// Runs openssl in the folder.
    pub(crate) fn openssl(&self, arguments: &[&str]) -> Ran {
        openssl(self.0.path(), arguments)
    }

    /// Runs openssl with the words of a line, and it goes well.
    #[track_caller]
    pub(crate) fn openssl_line(&self, line: &str) -> String {
        self.openssl(&words(line)).well()
    }

    /// Runs `entente certs` with the words of a line.
    pub(crate) fn certs_line(&self, line: &str) -> Ran {
        self.certs(&words(line))
    }

    /// An authority of GBR in the folder `gbr`.
    pub(crate) fn gbr() -> Self {
        let bench = Self::new();
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
            .well();
        bench
    }

    /// A key and a request of GBR's system in the files `NAME.key` and `NAME.csr`.
    pub(crate) fn request(&self, system: &str, out: &str) {
        let identity = format!("GBR/{system}");
        let asked = [
            "csr",
            "--as",
            &identity,
            "--trust-domain",
            "gbr.example",
            "--out",
            out,
        ];
        self.certs(&asked).well();
    }

    /// A certificate of GBR's system in the file `NAME.pem` that has lived so many days, and has
    /// so many left.
    pub(crate) fn aged(&self, name: &str, lived: u32, left: u32) {
        let (certificate, key) = (
            self.read("gbr/authority.pem"),
            self.read("gbr/authority.key"),
        );
        let authority = Authority::from_pem(&certificate, &key).unwrap();
        // A minute more, so that the test may take its time.
        let past = SignedDuration::from_hours(24 * i64::from(lived)) - SignedDuration::from_mins(1);
        let start = SystemClock::default().now() - past;
        let spec = LeafSpec::system(&format!("spiffe://gbr.example/{name}"), start, lived + left);
        let issued = authority.issue(&spec).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), issued.chain_pem()).unwrap();
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Runs openssl in a folder; it must be there (`tests/run` installs it).
pub(crate) fn openssl(folder: &Path, arguments: &[&str]) -> Ran {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("openssl is installed");
    Ran::of(&output)
}

/// The words of a line.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
