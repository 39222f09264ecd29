//! TLS profiles on the command line: which one the gateway's listener has, the type of key that
//! fits it, and the refusal to make what does not.

use super::KeyTypeArgument;
use crate::cli::{Failure, fail};
use crate::pki::{Key, KeyType};
use crate::trust::{self, Profile, TrustError};
use clap::{Args, ValueEnum};

/// TLS profiles, as the configuration has them (`listener.tls_profile`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ProfileArgument {
    /// What a gateway demands that says nothing else.
    #[default]
    Default,
    /// FMN Spiral 5: P-256, P-384 and RSA.
    Fmn5,
    /// CNSA 1.0 (RFC 9151): P-384 and RSA from 3072 bits on, with SHA-384.
    Cnsa1,
    /// CNSA 2.0: ML-DSA-87 alone.
    Cnsa2,
}

/// The profile that certificates are for.
#[derive(Clone, Copy, Debug, Args)]
pub(in crate::cli) struct ForProfile {
    /// TLS profile of the gateway's listener that they are for.
    #[arg(long, value_enum, default_value_t)]
    profile: ProfileArgument,
}

impl ForProfile {
    pub(in crate::cli) fn profile(self) -> Profile {
        match self.profile {
            ProfileArgument::Default => Profile::Default,
            ProfileArgument::Fmn5 => Profile::Fmn5,
            ProfileArgument::Cnsa1 => Profile::Cnsa1,
            ProfileArgument::Cnsa2 => Profile::Cnsa2,
        }
    }

    /// The type of key that is made where none is asked for.
    pub(super) fn usual_key(self) -> KeyType {
        match self.profile {
            ProfileArgument::Default | ProfileArgument::Fmn5 => KeyType::P256,
            ProfileArgument::Cnsa1 => KeyType::P384,
            ProfileArgument::Cnsa2 => KeyType::MlDsa87,
        }
    }

    /// The type of key that is asked for, if the profile takes it, or else the usual one.
    pub(super) fn key_type(self, asked: Option<KeyTypeArgument>) -> Result<KeyType, Failure> {
        let Some(asked) = asked else {
            return Ok(self.usual_key());
        };
        // One is made and held against the rule itself, which knows nothing of our types.
        let key = Key::make(asked.into()).map_err(fail)?;
        match trust::system_key_fault(&key.public_key(), self.profile()) {
            None => Ok(asked.into()),
            Some(TrustError::WeakKey { key, allowed, .. }) => Err(Failure::Usage(format!(
                "--key-type: a {key} key; allowed are {allowed}"
            ))),
            Some(other) => Err(fail(other)),
        }
    }
}

/// The first of several faults, as the reason why nothing is made.
pub(super) fn refuse(faults: &[TrustError]) -> Result<(), Failure> {
    match faults.first() {
        None => Ok(()),
        Some(fault) => Err(fail(format!(
            "nothing was issued, because the gateway would refuse it: {fault}; {}",
            fault.mend()
        ))),
    }
}
