//! Typed settings from defaults, `gateway.toml`, the nations' files beside it, the environment
//! (`ENTENTE__SECTION__KEY`) and flags (`--set section.key=value`), in this order. Every
//! problem is found at once, with its file, line and key; an unknown key is a problem.
//!
//! Holds no secret and reads none: certificates and keys are files that settings only name.

mod certificates;
mod door;
mod files;
mod journal;
mod nation;
mod origin;
mod places;
mod problem;
mod reader;
mod retention;
mod sections;
mod units;

pub use files::examine_trust;
pub use nation::NationFile;
pub use origin::{Origin, OriginMarks};
pub use problem::{Fact, Problem};
pub use sections::{GatewaySettings, TrustSettings};

use crate::identity::NationCode;
use crate::identity::registry::Limits;
use crate::normalise::Rules;
use config::{Config, ConfigError, Environment, File, FileFormat, Map, Source, Value};
use problem::Reading;
use reader::{COMMAND_LINE, Table};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Most nations of one gateway.
const NATIONS_MAX: usize = 250;
/// Largest file of a configuration, bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The nations' files as shipped, by code.
pub const SHIPPED_NATIONS: [(&str, &str); 12] = [
    ("CZE", include_str!("../config/nations/CZE.toml")),
    ("DEU", include_str!("../config/nations/DEU.toml")),
    ("ESP", include_str!("../config/nations/ESP.toml")),
    ("EST", include_str!("../config/nations/EST.toml")),
    ("FRA", include_str!("../config/nations/FRA.toml")),
    ("GBR", include_str!("../config/nations/GBR.toml")),
    ("ITA", include_str!("../config/nations/ITA.toml")),
    ("NLD", include_str!("../config/nations/NLD.toml")),
    ("POL", include_str!("../config/nations/POL.toml")),
    ("ROU", include_str!("../config/nations/ROU.toml")),
    ("UKR", include_str!("../config/nations/UKR.toml")),
    ("USA", include_str!("../config/nations/USA.toml")),
];

/// Everything that the gateway is told.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Settings of the gateway.
    pub gateway: GatewaySettings,
    /// The nations, by code.
    pub nations: Vec<NationFile>,
    /// Nations whose files cannot be used; only of [`Examined::into_sound`].
    pub faulty: Vec<FaultyNation>,
    /// What works, but a person should know of.
    pub warnings: Vec<Problem>,
    /// Where it was read from, to read it again; `None`: it is not read again.
    pub origin: Option<Origin>,
}

/// A nation whose file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyNation {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl FaultyNation {
    /// The nation as its file is named; what stands inside may be unreadable.
    #[must_use]
    pub fn name(&self) -> String {
        stem(&self.file)
    }
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, Error)]
pub struct Refused {
    /// The problems, by file and key.
    pub problems: Vec<Problem>,
    /// What would have been warned of.
    pub warnings: Vec<Problem>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the configuration has {} problem(s):",
            self.problems.len()
        )?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

/// A configuration looked at from all sides, whether it can be used or not.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The settings, if there is no problem.
    pub loaded: Option<Loaded>,
    /// The settings without the nations whose files have problems, if those are all there are.
    sound: Option<Loaded>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What works, but a person should know of.
    pub warnings: Vec<Problem>,
    /// Every key that was asked for, in the order of reading.
    pub facts: Vec<Fact>,
}

/// The environment of this process, as far as it concerns the configuration.
pub fn environment() -> Environment {
    Environment::with_prefix("ENTENTE")
        .prefix_separator("__")
        .separator("__")
}

/// Loads a configuration: `gateway.toml`, the nations' files, and the environment.
///
/// # Errors
/// Every problem.
pub fn load(gateway_toml: &Path) -> Result<Loaded, Refused> {
    load_with(gateway_toml, environment())
}

/// Loads a configuration with an environment that is given.
///
/// # Errors
/// Every problem.
pub fn load_with(gateway_toml: &Path, environment: Environment) -> Result<Loaded, Refused> {
    examine(gateway_toml, environment, &[]).into_loaded()
}

impl Examined {
    /// The settings, or what is wrong with them.
    ///
    /// # Errors
    /// Every problem.
    pub fn into_loaded(self) -> Result<Loaded, Refused> {
        self.loaded.ok_or(Refused {
            problems: self.problems,
            warnings: self.warnings,
        })
    }

    /// The settings, as far as they can be used: nations with faulty files are named and left
    /// out, so that they keep nobody else from being served.
    ///
    /// # Errors
    /// Every problem, if the gateway's own file has one, or no nation is left.
    pub fn into_sound(self) -> Result<Loaded, Refused> {
        let sound = self.sound.filter(|sound| !sound.nations.is_empty());
        self.loaded.or(sound).ok_or(Refused {
            problems: self.problems,
            warnings: self.warnings,
        })
    }

    /// As [`Self::into_sound`], but there may be nobody left: whoever was known stays so.
    pub(super) fn into_usable(self) -> Result<Loaded, Refused> {
        self.loaded.or(self.sound).ok_or(Refused {
            problems: self.problems,
            warnings: self.warnings,
        })
    }
}

/// Reads a configuration and keeps everything that was found. `flags` are pairs of key and
/// value, as `--set` takes them; they win over everything else.
#[must_use]
pub fn examine(
    gateway_toml: &Path,
    environment: Environment,
    flags: &[(String, String)],
) -> Examined {
    examine_on_trial(gateway_toml, environment, flags, &Trial::new())
}

/// Nations' files that are not in place: where they would stand, and their text.
type Trial = BTreeMap<PathBuf, String>;

fn examine_on_trial(
    gateway_toml: &Path,
    environment: Environment,
    flags: &[(String, String)],
    trial: &Trial,
) -> Examined {
    let reading = Reading::default();
    let over: [Box<dyn Source + Send + Sync>; 2] =
        [Box::new(environment), Box::new(Flags(flags.to_vec()))];
    let values = read(gateway_toml, Vec::from(over), &reading);
    let mut table = Table::new(gateway_toml, values, &reading);
    let (gateway, rules, folder) = sections::read(&mut table);
    table.finish();
    let (nations, files) = nations(&folder, trial, &gateway, &rules, &reading);
    files::check(&gateway, gateway_toml, &reading);
    let found = reading.collected();
    let faulty = faulty(&found.problems, &files);
    let blamed: usize = faulty.iter().map(|nation| nation.problems.len()).sum();
    let is_sound = |nation: &NationFile| faulty.iter().all(|f| f.file != nation.file);
    let sound = Loaded {
        gateway,
        nations: nations.into_iter().filter(is_sound).collect(),
        faulty: faulty.clone(),
        warnings: found.warnings.clone(),
        origin: Some(Origin::new(gateway_toml, &folder, flags)),
    };
    let is_whole = found.problems.is_empty();
    let is_usable = blamed == found.problems.len();
    Examined {
        loaded: is_whole.then(|| sound.clone()),
        sound: is_usable.then_some(sound),
        problems: found.problems,
        warnings: found.warnings,
        facts: found.facts,
    }
}

/// Loads one nation's file against the default rules; for the normaliser without a gateway.
///
/// # Errors
/// Every problem.
pub fn load_nation(file: &Path) -> Result<NationFile, Refused> {
    let reading = Reading::default();
    let values = read(file, Vec::new(), &reading);
    nation_alone(file, values, &sections::LIMITS, &Rules::default(), reading)
}

/// Loads one nation's file against a gateway's rules, in whatever state its certificates are.
///
/// # Errors
/// Every problem of the two files.
pub fn load_nation_of(gateway_toml: &Path, code: NationCode) -> Result<NationFile, Refused> {
    let reading = Reading::default();
    let over: [Box<dyn Source + Send + Sync>; 1] = [Box::new(environment())];
    let values = read(gateway_toml, Vec::from(over), &reading);
    let mut table = Table::new(gateway_toml, values, &reading);
    let (gateway, rules, folder) = sections::read(&mut table);
    table.finish();
    let file = folder.join(format!("{code}.toml"));
    let values = read(&file, Vec::new(), &reading);
    nation_alone(&file, values, &gateway.limits, &rules, reading)
}

/// Loads one nation as this program was shipped with it, against the default rules.
///
/// # Errors
/// No such nation was shipped.
pub fn load_shipped(code: NationCode) -> Result<NationFile, Refused> {
    let reading = Reading::default();
    let file = PathBuf::from(format!("{code}.toml as shipped"));
    let shipped = SHIPPED_NATIONS
        .iter()
        .find(|(name, _)| *name == code.as_str());
    let values = match shipped {
        Some((_, text)) => parse(&file, (*text).to_owned(), Vec::new(), &reading),
        None => {
            let known: Vec<_> = SHIPPED_NATIONS.iter().map(|(name, _)| *name).collect();
            let known = known.join(", ");
            let message = format!("there is none; this program knows {known}");
            reading.problem_at(&file, None, message);
            None
        }
    };
    nation_alone(&file, values, &sections::LIMITS, &Rules::default(), reading)
}

fn nation_alone(
    file: &Path,
    values: Option<Map<String, Value>>,
    limits: &Limits,
    rules: &Rules,
    reading: Reading,
) -> Result<NationFile, Refused> {
    let nation = nation::read(Table::new(file, values, &reading), limits, None, rules);
    let found = reading.collected();
    match nation {
        Some(nation) if found.problems.is_empty() => Ok(nation),
        _ => Err(Refused {
            problems: found.problems,
            warnings: found.warnings,
        }),
    }
}

/// Values of flags, by key.
#[derive(Clone, Debug)]
struct Flags(Vec<(String, String)>);

impl Source for Flags {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let origin = COMMAND_LINE.to_owned();
        let value = |text: &String| Value::new(Some(&origin), text.as_str());
        Ok(self
            .0
            .iter()
            .map(|(key, text)| (key.clone(), value(text)))
            .collect())
    }
}

/// The values of a file under what lies over it; `None`: it cannot be read, which is said.
fn read(
    file: &Path,
    over: Vec<Box<dyn Source + Send + Sync>>,
    reading: &Reading,
) -> Option<Map<String, Value>> {
    let text = match read_text(file) {
        Ok(text) => text,
        Err(reason) => {
            reading.problem_at(file, None, reason);
            return None;
        }
    };
    parse(file, text, over, reading)
}

/// The values of a file's text under what lies over it.
fn parse(
    file: &Path,
    text: String,
    over: Vec<Box<dyn Source + Send + Sync>>,
    reading: &Reading,
) -> Option<Map<String, Value>> {
    let mut builder = Config::builder().add_source(File::from_str(&text, FileFormat::Toml));
    for source in over {
        builder = builder.add_source(vec![source]);
    }
    let values = builder.build().and_then(|config| config.collect());
    reading.text(file, text);
    match values {
        Ok(values) => Some(values),
        Err(error) => {
            let (line, message) = toml_fault(&error.to_string());
            reading.problem_at(file, line, message);
            None
        }
    }
}

fn read_text(file: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    let mut text = String::new();
    opened
        .take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("has more than {FILE_BYTES_MAX} bytes"));
    }
    Ok(text)
}

/// The parser draws the line over several lines; one with a number is enough.
fn toml_fault(drawn: &str) -> (Option<u32>, String) {
    let mut lines = drawn.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let line = first.split_once("line ").and_then(|(_, rest)| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    let reason = lines.next_back().unwrap_or(first);
    (line, format!("is not TOML: {reason}"))
}

/// The files that problems are in, of these; a problem elsewhere is nobody's.
fn faulty(problems: &[Problem], files: &[PathBuf]) -> Vec<FaultyNation> {
    let of = |file: &PathBuf| {
        let own = problems.iter().filter(|problem| problem.file == *file);
        FaultyNation {
            file: file.clone(),
            problems: own.cloned().collect(),
        }
    };
    let all = files.iter().map(of);
    all.filter(|nation| !nation.problems.is_empty()).collect()
}

/// The nations in a folder, and their files.
fn nations(
    folder: &Path,
    trial: &Trial,
    gateway: &GatewaySettings,
    rules: &Rules,
    reading: &Reading,
) -> (Vec<NationFile>, Vec<PathBuf>) {
    let mut files = match nation_files(folder) {
        Ok(files) => files,
        Err(error) => {
            reading.problem_at(folder, None, format!("cannot be read: {error}"));
            return (Vec::new(), Vec::new());
        }
    };
    files.extend(trial.keys().cloned());
    files.sort();
    files.dedup();
    if files.is_empty() {
        let message = "holds no nation (*.toml): nobody could connect".to_owned();
        reading.problem_at(folder, None, message);
    }
    if files.len() > NATIONS_MAX {
        let count = files.len();
        let message = format!("holds {count} nations; at most {NATIONS_MAX} are allowed");
        reading.problem_at(folder, None, message);
    }
    files.truncate(NATIONS_MAX);
    let mut nations: Vec<NationFile> = Vec::new();
    for file in &files {
        let values = match trial.get(file) {
            Some(text) => parse(file, text.clone(), Vec::new(), reading),
            None => read(file, Vec::new(), reading),
        };
        let table = Table::new(file, values, reading);
        let development = Some(gateway.allow_development_anchors);
        let Some(nation) = nation::read(table, &gateway.limits, development, rules) else {
            continue;
        };
        for known in &nations {
            tell_of_doubles(known, &nation, reading);
        }
        nations.push(nation);
    }
    nations.sort_by_key(|nation| nation.nation.code);
    (nations, files)
}

/// Two files of one nation, or of one trust domain: the fault is of the one whose name is not
/// its nation's, or else of the later one.
fn tell_of_doubles(known: &NationFile, nation: &NationFile, reading: &Reading) {
    let is_named = |nation: &NationFile| stem(&nation.file) == nation.nation.code.as_str();
    let (right, wrong) = if is_named(nation) && !is_named(known) {
        (nation, known)
    } else {
        (known, nation)
    };
    if known.nation.code == nation.nation.code {
        let message = format!("{} has this nation already", right.file.display());
        reading.problem(&wrong.file, "code", message);
    }
    if known.nation.domain == nation.nation.domain {
        let message = format!("{} has this trust domain already", right.file.display());
        reading.problem(&wrong.file, "trust_domain", message);
    }
}

/// A file's name without its ending.
fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn nation_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
