//! Compiles the contract with protox (no protoc needed) and keeps its descriptor set for
//! reflection and for protobuf's JSON mapping. Collects the normaliser's rules, wherever they
//! stand, into one catalogue, so that none can be forgotten.

use prost::Message as _;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;
use std::path::{Path, PathBuf};
use std::{env, error::Error, fs};

const PROTOS: [&str; 8] = [
    "proto/entente/v1/record.proto",
    "proto/entente/v1/report.proto",
    "proto/entente/v1/submission.proto",
    "proto/entente/v1/feed.proto",
    "proto/entente/v1/operations.proto",
    "proto/entente/v1/certificate.proto",
    "proto/entente/v1/diagnosis.proto",
    "proto/entente/v1/cascade.proto",
];

/// Messages that services carry as bytes: what was signed for is what is stored and served.
/// A message field and a bytes field are the same on the wire, so the contract shows the
/// message and our code holds the bytes.
const OPAQUE: [&str; 2] = [".entente.v1.Record", ".entente.v1.Report"];

/// Where the normaliser's rules stand.
const RULES: &str = "src/normalise";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed={RULES}");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join("rules.rs"), catalogue()?)?;
    let contract = protox::compile(PROTOS, ["proto"])?;
    fs::write(out.join("contract.bin"), contract.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".entente.v1")
        .compile_well_known_types(false)
        .compile_fds(with_opaque_messages(contract))?;
    Ok(())
}

fn with_opaque_messages(mut contract: FileDescriptorSet) -> FileDescriptorSet {
    for message in contract
        .file
        .iter_mut()
        .flat_map(|file| file.message_type.iter_mut())
    {
        for field in &mut message.field {
            if OPAQUE.contains(&field.type_name()) {
                field.set_type(Type::Bytes);
                field.type_name = None;
            }
        }
    }
    contract
}

/// A rule as it stands in the code.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    id: String,
    version: u32,
    summary: String,
    source: String,
}

/// All rules as a list of `Rule`, sorted by id; two rules of one id are a fault.
fn catalogue() -> Result<String, Box<dyn Error>> {
    let mut rules = Vec::new();
    collect(Path::new(RULES), &mut rules)?;
    rules.sort();
    let mut pairs = rules.iter().zip(rules.iter().skip(1));
    if let Some((twice, _)) = pairs.find(|(one, next)| one.id == next.id) {
        return Err(format!("two rules are called {}", twice.id).into());
    }
    let rows = rules.iter().map(|rule| {
        let Rule { id, version, summary, source } = rule;
        format!("    Rule {{ id: {id:?}, version: {version}, summary: {summary:?}, source: {source:?} }},\n")
    });
    Ok(format!("&[\n{}]\n", rows.collect::<String>()))
}

fn collect(folder: &Path, rules: &mut Vec<Rule>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, rules)?;
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path)?;
            let code = text
                .split("#[cfg(test)]\nmod tests")
                .next()
                .unwrap_or_default();
            // `static NAME: Rule = Rule::new(id, summary, source);`, or, from its second version
            // on, `static NAME: Rule = Rule { version: 2, ..Rule::new(id, summary, source) };`
            for statement in code.split("Rule = ").skip(1) {
                let rule = rule(statement);
                rules.push(
                    rule.ok_or_else(|| format!("{}: a rule is not readable", path.display()))?,
                );
            }
        }
    }
    Ok(())
}

fn rule(statement: &str) -> Option<Rule> {
    let (before, mut rest) = statement.split_once("Rule::new(")?;
    let version = match before.split_once("version: ") {
        Some((_, number)) => number.split(',').next()?.trim().parse().ok()?,
        None => 1,
    };
    Some(Rule {
        version,
        id: literal(&mut rest)?,
        summary: literal(&mut rest)?,
        source: literal(&mut rest)?,
    })
}

/// The next string literal.
fn literal(rest: &mut &str) -> Option<String> {
    let text = rest
        .trim_start_matches([',', ' ', '\n'])
        .strip_prefix('"')?;
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => {
                *rest = text.get(at + 1..)?;
                return Some(out);
            }
            '\\' => match characters.next()?.1 {
                // A line that goes on: its indentation is not part of it.
                '\n' => {
                    let indented = characters.as_str();
                    let skipped = indented.len() - indented.trim_start().len();
                    for _ in 0..skipped {
                        characters.next();
                    }
                }
                escaped => out.push(escaped),
            },
            c => out.push(c),
        }
    }
    None
}
