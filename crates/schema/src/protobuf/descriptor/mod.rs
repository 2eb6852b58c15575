//! Files as descriptors (`google.protobuf.FileDescriptorProto`), in base64.
//!
//! Groups are not described, nor are custom options other than Confluent's own, which are written
//! and, as they are extensions, not read: so has it Confluent's registry.

mod base64;
mod decode;
mod encode;
mod options;
mod wire;

#[cfg(test)]
pub(super) use base64::{decode as decode_bytes, encode as encode_bytes};
pub(super) use decode::decode;
pub(super) use encode::encode;
