//! Reads nations' files anew while the gateway runs. A nation whose file is faulty keeps what
//! it had; one that had nothing is left out. So one faulty file holds up nobody else's change.

use super::known::Known;
use crate::config::{FaultyNation, Loaded, NationFile, Origin, Problem, Refused};
use crate::rpc::changes::Fault;
use crate::trust::TrustProblem;

/// What was read.
pub(super) struct Reading {
    pub(super) nations: Vec<NationFile>,
    pub(super) warnings: Vec<String>,
    pub(super) faults: Vec<Fault>,
}

impl Reading {
    /// Nothing is read: what is known stands, and so do its faults.
    pub(super) fn again(known: &[NationFile], faults: &[Fault]) -> Self {
        Self {
            nations: known.to_vec(),
            warnings: Vec::new(),
            faults: faults.to_vec(),
        }
    }

    /// Everything, with these nations' files on trial (name and text), or every problem.
    pub(super) fn whole(origin: &Origin, trial: &[(String, String)]) -> Result<Self, Vec<String>> {
        match origin.read_on_trial(trial) {
            Ok(loaded) => Ok(Self {
                warnings: warnings(&loaded),
                nations: loaded.nations,
                faults: Vec::new(),
            }),
            Err(refused) => Err(lines(&refused.problems)),
        }
    }

    /// What is sound of it, beside what was known.
    pub(super) fn sound(origin: &Origin, known: &Known) -> Self {
        let loaded = match origin.read_sound() {
            Ok(loaded) => loaded,
            Err(Refused { problems, .. }) => {
                // The gateway's own file: everybody keeps what they had, and their lists are
                // taken up.
                let of_nations = known.faulty.iter().filter(|fault| !fault.nation.is_empty());
                let mut faults: Vec<_> = problems.iter().map(of_gateway).collect();
                faults.extend(of_nations.cloned());
                return Self::again(&known.nations, &faults);
            }
        };
        let warnings = warnings(&loaded);
        let mut faults = Vec::new();
        let mut nations = loaded.nations;
        for faulty in &loaded.faulty {
            let was = known.nations.iter().find(|n| n.file == faulty.file);
            // By its code, where that is known: the file may be called anything.
            let code = was.map(|was| was.nation.code.to_string());
            faults.extend(of_nation(faulty).map(|fault| Fault {
                nation: code.clone().unwrap_or(fault.nation),
                ..fault
            }));
            keep(was, &mut nations, &mut faults);
        }
        nations.sort_by_key(|nation| nation.nation.code);
        Self {
            nations,
            warnings,
            faults,
        }
    }

    /// Nations whose anchors or lists are faulty keep their files as they were, too: the change
    /// of a nation comes whole or not at all.
    pub(super) fn keep_back(&mut self, faults: &[TrustProblem], known: &[NationFile]) {
        self.faults.extend(faults.iter().map(of_trust));
        for nation in &mut self.nations {
            let code = nation.nation.code;
            let is_faulty = faults.iter().any(|fault| fault.nation == code);
            let was = known.iter().find(|was| was.nation.code == code);
            if let Some(was) = was.filter(|_| is_faulty) {
                *nation = was.clone();
            }
        }
    }
}

/// Puts a nation back that was known, unless another file has its code by now. Whoever newly
/// claims its trust domain does not get it.
fn keep(was: Option<&NationFile>, nations: &mut Vec<NationFile>, faults: &mut Vec<Fault>) {
    let Some(was) = was else {
        return;
    };
    if nations.iter().any(|n| n.nation.code == was.nation.code) {
        return;
    }
    nations.retain(|nation| {
        let is_claimed = nation.nation.domain == was.nation.domain;
        if is_claimed {
            faults.push(Fault {
                nation: nation.nation.code.to_string(),
                what: format!(
                    "{}: trust_domain: {} has this trust domain already",
                    nation.file.display(),
                    was.nation.code
                ),
            });
        }
        !is_claimed
    });
    nations.push(was.clone());
}

/// Whether a nation keeps what it had.
pub(super) fn is_kept(nation: &NationFile, faults: &[Fault]) -> bool {
    let stem = nation.file.file_stem();
    faults.iter().any(|fault| {
        fault.nation == nation.nation.code.as_str()
            || stem.is_some_and(|stem| stem == fault.nation.as_str())
    })
}

/// What is worth an operator's look at every change.
fn warnings(loaded: &Loaded) -> Vec<String> {
    let of_markings = |warning: &&Problem| warning.key != "notation.markings";
    let others = loaded.warnings.iter().filter(of_markings);
    others.map(ToString::to_string).collect()
}

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// Every fault of a nation's file.
pub(super) fn of_nation(faulty: &FaultyNation) -> impl Iterator<Item = Fault> {
    faulty.problems.iter().map(|problem| Fault {
        nation: faulty.name(),
        what: problem.to_string(),
    })
}

/// A fault of anchors or lists.
pub(super) fn of_trust(problem: &TrustProblem) -> Fault {
    Fault {
        nation: problem.nation.to_string(),
        what: problem.to_string(),
    }
}

fn of_gateway(problem: &Problem) -> Fault {
    Fault {
        nation: String::new(),
        what: problem.to_string(),
    }
}
