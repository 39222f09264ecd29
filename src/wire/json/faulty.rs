//! A line that is no report as it stands: what is wrong with it as JSON, and what is left of it,
//! so that whoever judges the rest can say everything at once. Judges nothing itself.

use crate::normalise::Violations;
use bytes::Bytes;

/// What is wrong with a line, and the report that is left when all that is taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faulty {
    /// Everything that is wrong with the line as JSON of a report.
    pub violations: Violations,
    /// The rest as a serialised `Report`, to be judged, never to be stored; `None`: nothing
    /// can be told of it.
    pub rest: Option<Bytes>,
    /// Where a verdict on the rest would only repeat what is known already.
    pub(super) doubts: Vec<Doubt>,
}

/// A path of which the rest of a line no longer says what its author wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt(String);

impl Doubt {
    pub(super) fn at(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// Whether what is said of `field` may come from what was taken out: it lies at the path,
    /// below, or is what the path lies in.
    fn touches(&self, field: &str) -> bool {
        lies_in(field, &self.0) || lies_in(&self.0, field)
    }
}

/// Whether `inner` is `outer` or below it.
fn lies_in(inner: &str, outer: &str) -> bool {
    let below = inner.strip_prefix(outer);
    outer.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl Faulty {
    /// Whether a verdict on `field` of the rest is one on what the author wrote there.
    #[must_use]
    pub fn leaves_intact(&self, field: &str) -> bool {
        !self.doubts.iter().any(|doubt| doubt.touches(field))
    }

    /// All that is wrong with the line, when `of_the_rest` is what is wrong with the rest.
    #[must_use]
    pub fn with(self, of_the_rest: Violations) -> Violations {
        let mut all = self.violations.clone();
        for violation in of_the_rest.list {
            if self.leaves_intact(&violation.field) {
                all.push(violation);
            }
        }
        all.omitted = all.omitted.saturating_add(of_the_rest.omitted);
        all
    }
}

impl From<Violations> for Faulty {
    fn from(violations: Violations) -> Self {
        Self {
            violations,
            ..Self::default()
        }
    }
}
