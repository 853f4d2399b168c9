//! Generates the gRPC code. `protox` compiles the definitions, so no system `protoc` is needed.

use prost::Message as _;
use std::{error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=framewright");
    let definitions = protox::compile(["framewright/render/v1/render.proto"], ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // For gRPC reflection.
    fs::write(out.join("descriptors.bin"), definitions.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(definitions)?;
    Ok(())
}
