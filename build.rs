//! Compiles the contract with protox (no protoc needed) and keeps its descriptor set for
//! reflection and for protobuf's JSON mapping.

use prost::Message as _;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;
use std::{env, error::Error, fs, path::PathBuf};

const PROTOS: [&str; 7] = [
    "proto/entente/v1/record.proto",
    "proto/entente/v1/report.proto",
    "proto/entente/v1/submission.proto",
    "proto/entente/v1/feed.proto",
    "proto/entente/v1/operations.proto",
    "proto/entente/v1/certificate.proto",
    "proto/entente/v1/diagnosis.proto",
];

/// Messages that services carry as bytes: what was signed for is what is stored and served.
/// A message field and a bytes field are the same on the wire, so the contract shows the
/// message and our code holds the bytes.
const OPAQUE: [&str; 2] = [".entente.v1.Record", ".entente.v1.Report"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let contract = protox::compile(PROTOS, ["proto"])?;
    fs::write(out.join("contract.bin"), contract.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".entente.v1")
        .compile_well_known_types(false)
        .compile_fds(with_opaque_messages(contract))?;
    Ok(())
}

fn with_opaque_messages(mut contract: FileDescriptorSet) -> FileDescriptorSet {
    for message in contract
        .file
        .iter_mut()
        .flat_map(|file| file.message_type.iter_mut())
    {
        for field in &mut message.field {
            if OPAQUE.contains(&field.type_name()) {
                field.set_type(Type::Bytes);
                field.type_name = None;
            }
        }
    }
    contract
}
