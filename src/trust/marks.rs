//! What the files of trust looked like when they were read: enough to tell that one was
//! replaced or written since.

use super::source::NationSources;
use super::state::Own;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How much of trust a change takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Everything,
    /// Revocation lists and the gateway's own certificate; anchors stay as they are in force.
    ListsOnly,
}

/// What a look at the files found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// As they were read.
    Unchanged,
    /// Something changed since the last look, and may still be written to: look again.
    Settling,
    /// Something changed, and has rested since the last look.
    Changed,
}

/// What the files of trust looked like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    // And of the gateway's own certificate.
    pub(super) lists: Vec<FileMark>,
    pub(super) anchors: Vec<FileMark>,
}

impl Marks {
    /// The marks of every file that trust is made of.
    pub(super) fn of(own: &Own, nations: &[NationSources]) -> Self {
        let mut lists: Vec<_> = [&own.certificate, &own.key].map(|p| FileMark::of(p)).into();
        let mut anchors = Vec::new();
        for nation in nations {
            anchors.extend(nation.anchor_files().map(|path| FileMark::of(path)));
            lists.extend(nation.list_files().iter().map(|path| FileMark::of(path)));
        }
        Self { lists, anchors }
    }

    pub(super) fn differ(&self, other: &Self, scope: Scope) -> bool {
        self.lists != other.lists || (scope == Scope::Everything && self.anchors != other.anchors)
    }
}

/// Enough of a file to tell that it was replaced or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMark(Option<(u64, u64, i64, i64)>);

impl FileMark {
    /// Looks at a file; one that is not there has a mark, too.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self(
            std::fs::metadata(path)
                .ok()
                .map(|m| (m.ino(), m.len(), m.mtime(), m.mtime_nsec())),
        )
    }
}
