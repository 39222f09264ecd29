//! `entente certs`: certificates for people who hold no PKI degree. Makes, signs, renews,
//! revokes, lists, explains and exports; overwrites nothing unless an ugly option says so.

mod export;
mod init;
mod inspect;
mod issue;
mod list;
pub(super) mod profile;
mod renew;
mod revoke;
mod said;

use super::Failure;
use crate::clock::Clock;
use crate::pki::KeyType;
use clap::{Args, Subcommand, ValueEnum};
use std::io::Write;

/// Arguments of `entente certs`.
#[derive(Debug, Args)]
pub(super) struct CertsArguments {
    #[command(subcommand)]
    command: CertsCommand,
}

#[derive(Debug, Subcommand)]
enum CertsCommand {
    Init(init::Init),
    Csr(issue::Csr),
    Sign(issue::Sign),
    Renew(Box<renew::Renew>),
    Revoke(revoke::Revoke),
    Crl(revoke::Crl),
    List(list::List),
    Inspect(inspect::Inspect),
    Export(Box<export::Export>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table for people.
    #[value(alias = "readable")]
    Text,
    /// One object for machines.
    Json,
}

/// Types of key, as the command line has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KeyTypeArgument {
    /// ECDSA on P-256: taken everywhere.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519.
    Ed25519,
    /// ML-DSA-44 (FIPS 204); not for gateways of the profiles fmn5, cnsa1 and cnsa2.
    #[value(name = "ml-dsa-44")]
    MlDsa44,
    /// ML-DSA-65 (FIPS 204); not for gateways of the profiles fmn5, cnsa1 and cnsa2.
    #[value(name = "ml-dsa-65")]
    MlDsa65,
    /// ML-DSA-87 (FIPS 204); the one that profile cnsa2 takes.
    #[value(name = "ml-dsa-87")]
    MlDsa87,
}

impl From<KeyTypeArgument> for KeyType {
    fn from(argument: KeyTypeArgument) -> Self {
        match argument {
            KeyTypeArgument::P256 => Self::P256,
            KeyTypeArgument::P384 => Self::P384,
            KeyTypeArgument::Ed25519 => Self::Ed25519,
            KeyTypeArgument::MlDsa44 => Self::MlDsa44,
            KeyTypeArgument::MlDsa65 => Self::MlDsa65,
            KeyTypeArgument::MlDsa87 => Self::MlDsa87,
        }
    }
}

/// Runs `entente certs`.
pub(super) fn run(
    arguments: &CertsArguments,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    match &arguments.command {
        CertsCommand::Init(init) => init::run(init, clock, out),
        CertsCommand::Csr(csr) => issue::csr(csr, out),
        CertsCommand::Sign(sign) => issue::sign(sign, clock, out),
        CertsCommand::Renew(renew) => renew::run(renew, clock, out),
        CertsCommand::Revoke(revoke) => revoke::revoke(revoke, clock, out),
        CertsCommand::Crl(crl) => revoke::crl(crl, clock, out),
        CertsCommand::List(list) => list::run(list, clock, out),
        CertsCommand::Inspect(inspect) => inspect::run(inspect, clock, out),
        CertsCommand::Export(export) => export::run(export, out),
    }
}
