//! Entente: a federation gateway. National systems connect over mutually authenticated gRPC
//! and hand in reports; each is normalised, stored durably, and relayed into one shared feed.
//!
//! # The map, in the order of the data
//!
//! A system opens a TLS connection: [`listener`] accepts it, [`trust`] says who it is. [`rpc`]
//! takes its calls; [`admission`] gives permits; [`wire`] turns protobuf into a [`report`], or
//! [`formats`] reads a native payload; [`normalise`] makes it a [`record`] or lists every
//! reason why not; [`intake`] tells that story and hands records to the [`journal`], whose
//! sync is the commit point. Only then are there receipts. [`feed`] gives records to readers,
//! as far as release allows; [`retention`] decides how long they are kept, [`transfer`] moves them to
//! another engine; a [`relay`] is such a reader and hands them on. [`gateway`] puts it all together and alone spawns long-lived tasks.
//!
//! The types chain, so that the wrong order does not compile:
//! `Identity -> Permit -> Report -> Record -> (append) -> Receipt -> acknowledgement`.

pub mod clock;
pub mod config;
pub mod identity;
pub mod report;
pub mod socket;

pub mod record;

pub mod admission;
pub mod trust;

pub mod listener;

pub mod formats;
pub mod normalise;

pub mod journal;
pub mod wire;

pub mod pki;

pub mod intake;

pub mod feed;

pub mod retention;

pub mod transfer;

pub mod rpc;

pub mod client;

pub mod mock;

pub mod relay;

pub mod telemetry;

pub mod gateway;

pub mod cli;
