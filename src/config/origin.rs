//! Where a configuration was read from, to read it again while the gateway runs.

use super::{Loaded, Refused, environment, examine, examine_on_trial, nation_files};
use crate::trust::FileMark;
use std::path::{Path, PathBuf};

/// The files and flags of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    gateway_toml: PathBuf,
    nations: PathBuf,
    flags: Vec<(String, String)>,
}

/// What the files of a configuration looked like.
pub type OriginMarks = Vec<(PathBuf, FileMark)>;

impl Origin {
    pub(super) fn new(gateway_toml: &Path, nations: &Path, flags: &[(String, String)]) -> Self {
        Self {
            gateway_toml: gateway_toml.to_owned(),
            nations: nations.to_owned(),
            flags: flags.to_owned(),
        }
    }

    /// Reads everything again, under the environment of this process.
    ///
    /// # Errors
    /// Every problem.
    pub fn read_again(&self) -> Result<Loaded, Refused> {
        examine(&self.gateway_toml, environment(), &self.flags).into_loaded()
    }

    /// As [`Self::read_again`], as if these nations' files (name and text) stood in their folder.
    ///
    /// # Errors
    /// Every problem.
    pub fn read_on_trial(&self, trial: &[(String, String)]) -> Result<Loaded, Refused> {
        let over = trial.iter();
        let over = over.map(|(name, text)| (self.nations.join(name), text.clone()));
        let over = over.collect();
        examine_on_trial(&self.gateway_toml, environment(), &self.flags, &over).into_loaded()
    }

    /// As [`Self::read_again`], but nations with faulty files are named and left out, be it all.
    ///
    /// # Errors
    /// Every problem, if the gateway's own file has one, or no nation has a file.
    pub fn read_sound(&self) -> Result<Loaded, Refused> {
        examine(&self.gateway_toml, environment(), &self.flags).into_usable()
    }

    /// What the files look like now; a folder that cannot be read looks empty.
    #[must_use]
    pub fn marks(&self) -> OriginMarks {
        let mut files = vec![self.gateway_toml.clone()];
        files.extend(nation_files(&self.nations).unwrap_or_default());
        files
            .into_iter()
            .map(|file| {
                let mark = FileMark::of(&file);
                (file, mark)
            })
            .collect()
    }
}
