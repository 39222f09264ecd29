//! What is odd about the constraints of an authority that a nation hands in. What can never
//! work is refused; what works and is unwise is warned of.

use x509_parser::extensions::{GeneralName, GeneralSubtree, NameConstraints};
use x509_parser::prelude::X509Certificate;

/// What was found of an authority's constraints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Constraints {
    /// Most authorities below it in a chain; none: no limit is stated.
    pub(super) path_length: Option<u32>,
    /// What works, but is unwise.
    pub(super) advice: Vec<&'static str>,
}

impl Constraints {
    /// Reads and judges them.
    ///
    /// # Errors
    /// Below such an authority nobody could ever connect.
    pub(super) fn read(authority: &X509Certificate<'_>) -> Result<Self, String> {
        let mut found = Self::default();
        let basic = authority
            .basic_constraints()
            .map_err(|e| format!("has unreadable basic constraints: {e}"))?;
        if let Some(basic) = basic {
            found.path_length = basic.value.path_len_constraint;
            if !basic.critical {
                found.advice.push(
                    "its basic constraints are not critical, as RFC 5280 demands; some software \
                     will refuse it: have it issued anew",
                );
            }
        }
        if found.path_length.is_none() {
            found.advice.push(
                "states no path length, so authorities may stand below it without end; have it \
                 issued anew with path length 0 if it issues to systems itself (`entente certs \
                 init --nation` does so), or with the number of authorities below it",
            );
        }
        let names = authority
            .name_constraints()
            .map_err(|e| format!("has unreadable name constraints: {e}"))?;
        let Some(names) = names else {
            return Ok(found);
        };
        if subtrees(names.value).any(|subtree| matches!(subtree.base, GeneralName::URI(_))) {
            return Err(
                "has name constraints on URIs, under which no identity (spiffe://…) is taken: \
                 nobody below it could ever connect; have it issued anew without them, for its \
                 nation is held to its trust domain in any case"
                    .to_owned(),
            );
        }
        found.advice.push(
            "has name constraints, but not on URIs, so they say nothing of identities \
             (spiffe://…); the nation is held to its trust domain in any case",
        );
        Ok(found)
    }
}

fn subtrees<'a>(names: &'a NameConstraints<'a>) -> impl Iterator<Item = &'a GeneralSubtree<'a>> {
    let permitted = names.permitted_subtrees.iter();
    permitted.chain(&names.excluded_subtrees).flatten()
}
