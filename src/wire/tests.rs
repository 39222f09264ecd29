//! Nothing is forgotten between the contract and our own types. In these tests every field is
//! filled with what tells it from all others: texts with the field's own name, numbers with
//! the field's own number. So a field that is missing, or that took its neighbour's value,
//! shows.

mod agreement;
mod codes;
mod record;
mod report;
mod stored;
mod substance;

use super::CONTRACT;
use prost_reflect::{DescriptorPool, MessageDescriptor};

fn contract() -> DescriptorPool {
    DescriptorPool::decode(CONTRACT).unwrap()
}

fn message(name: &str) -> MessageDescriptor {
    contract()
        .get_message_by_name(&format!("entente.v1.{name}"))
        .unwrap()
}
