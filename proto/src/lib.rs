//! The wire: `framewright.render.v1`, as generated from `proto/framewright/render/v1/*.proto`.
//!
//! The definitions are the reference; what each field means is said there. This crate holds the
//! generated code and nothing of ours, so that clients can depend on it alone.

/// `framewright.render.v1`.
// The documentation is in the definitions; the generator does not carry all of it over.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
pub mod v1 {
    tonic::include_proto!("framewright.render.v1");
}

/// The definitions with all they import, encoded as a `FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
