//! Mock partners: nations that speak their own notation, for the demonstration, the
//! measurements and the tests. They know the contract and how to write, never how the gateway
//! reads: the known answers are a second opinion on it.
//!
//! * [`partner`]: reports in five nations' notations, each with its known answer; made from
//!   [`scene`] (what happened), [`tongue`] (how a nation writes) and [`fault`] (mistakes).
//! * [`connection`]: strangers at the door, readers that stop reading.
//! * [`typed`] and [`load`]: typed sightings of one size, sent as fast as they are receipted.

pub mod answer;
pub mod connection;
pub mod contribution;
pub mod fault;
pub mod grid;
pub mod load;
pub mod partner;
pub mod scene;
pub mod seed;
pub mod tongue;
pub mod typed;

pub use answer::{Answer, Expected};
pub use fault::Fault;
pub use partner::{Mocked, Partner, Plan};
pub use tongue::Tongue;
