//! Decompression of one batch's records, for the few places that must look inside, and compression
//! for topics that store batches with a codec of their own.
//!
//! Inside look timestamp lookups, and produces that `validate` cannot judge by their headers.
//! Everything else passes batches on as they came.

use bytes::Bytes;
use std::io::{Read, Write};
use thiserror::Error;
use tidegate_model::{BATCH_HEADER_LEN, BatchHeader, Compression};

/// Bytes of records that a batch may grow to before it is refused: twenty times the default
/// `message.max.bytes`, against small batches that unpack to gigabytes.
pub const DECOMPRESSED_BYTES_MAX: usize = 128 << 20;

/// Why the records of a batch cannot be had.
#[derive(Debug, Error)]
pub enum DecompressError {
    /// The attributes name no codec.
    #[error("unknown compression codec")]
    UnknownCodec,
    /// The codec refuses the bytes.
    #[error("malformed compressed records: {0}")]
    Malformed(String),
    /// The records would exceed [`DECOMPRESSED_BYTES_MAX`].
    #[error("records grow beyond {DECOMPRESSED_BYTES_MAX} bytes")]
    TooLarge,
}

/// The record bytes of `batch`, which is exactly the batch that `header` describes.
pub fn record_bytes(header: &BatchHeader, batch: &Bytes) -> Result<Bytes, DecompressError> {
    let body = batch.slice(BATCH_HEADER_LEN..header.len);
    let codec = header.attributes.compression().ok_or(DecompressError::UnknownCodec)?;
    let malformed = |error: &dyn std::fmt::Display| DecompressError::Malformed(error.to_string());
    match codec {
        Compression::None => Ok(body),
        Compression::Gzip => read_bounded(flate2::read::MultiGzDecoder::new(&body[..])),
        Compression::Lz4 => read_bounded(lz4_flex::frame::FrameDecoder::new(&body[..])),
        Compression::Zstd => {
            let decoder = zstd::stream::read::Decoder::new(&body[..]).map_err(|e| malformed(&e))?;
            read_bounded(decoder)
        }
        Compression::Snappy => snappy(&body),
    }
}

/// How hard to compress, by codec.
///
/// LZ4 has no level here: at Kafka's default its library chooses the fast compressor that this is,
/// and at others a slow one whose output any reader takes for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// 1 to 9, or -1 for gzip's own choice.
    pub gzip: i32,
    /// Zstandard's.
    pub zstd: i32,
}

/// Why records cannot be compressed.
#[derive(Debug, Error)]
#[error("records cannot be compressed: {0}")]
pub struct CompressError(String);

/// Appends `plain`, compressed with `codec`, to `out`.
pub fn compress_to(
    out: Vec<u8>,
    codec: Compression,
    levels: Levels,
    plain: &[u8],
) -> Result<Vec<u8>, CompressError> {
    let failed = |error: &dyn std::fmt::Display| CompressError(error.to_string());
    match codec {
        Compression::None => Ok([&out[..], plain].concat()),
        Compression::Gzip => {
            let level = u32::try_from(levels.gzip)
                .map_or_else(|_| Default::default(), flate2::Compression::new);
            let mut gzip = flate2::write::GzEncoder::new(out, level);
            gzip.write_all(plain).and_then(|()| gzip.finish()).map_err(|e| failed(&e))
        }
        Compression::Snappy => xerial(out, plain),
        Compression::Lz4 => {
            use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
            // What Kafka writes, and all that the oldest of its readers understand.
            let info =
                FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
            let mut lz4 = FrameEncoder::with_frame_info(info, out);
            lz4.write_all(plain).map_err(|e| failed(&e))?;
            lz4.finish().map_err(|e| failed(&e))
        }
        Compression::Zstd => {
            let mut zstd =
                zstd::stream::write::Encoder::new(out, levels.zstd).map_err(|e| failed(&e))?;
            zstd.write_all(plain).and_then(|()| zstd.finish()).map_err(|e| failed(&e))
        }
    }
}

fn read_bounded(reader: impl Read) -> Result<Bytes, DecompressError> {
    let mut out = Vec::new();
    reader
        .take(DECOMPRESSED_BYTES_MAX as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|error| DecompressError::Malformed(error.to_string()))?;
    if out.len() > DECOMPRESSED_BYTES_MAX {
        return Err(DecompressError::TooLarge);
    }
    Ok(out.into())
}

const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\x00";

/// The magic, then the version and the oldest compatible one.
const XERIAL_HEADER: &[u8] = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01";

/// Bytes that the Java library puts into one block.
const XERIAL_BLOCK_LEN: usize = 32 << 10;

/// Appends `plain` in the framing that every client reads; librdkafka and Go read raw snappy too.
fn xerial(mut out: Vec<u8>, plain: &[u8]) -> Result<Vec<u8>, CompressError> {
    out.extend_from_slice(XERIAL_HEADER);
    let mut encoder = snap::raw::Encoder::new();
    for block in plain.chunks(XERIAL_BLOCK_LEN) {
        let at = out.len() + 4;
        out.resize(at + snap::raw::max_compress_len(block.len()), 0);
        let len = encoder
            .compress(block, &mut out[at..])
            .map_err(|error| CompressError(error.to_string()))?;
        out[at - 4..at].copy_from_slice(&(len as u32).to_be_bytes());
        out.truncate(at + len);
    }
    Ok(out)
}

/// Snappy comes raw (librdkafka, Go) or in the Xerial framing of the Java library: a 16-byte
/// header, then blocks with a big-endian length each.
fn snappy(body: &[u8]) -> Result<Bytes, DecompressError> {
    let mut out = Vec::new();
    if !body.starts_with(XERIAL_MAGIC) {
        snappy_block(body, &mut out)?;
        return Ok(out.into());
    }
    let mut rest = body.get(XERIAL_HEADER.len()..).ok_or_else(cut_off)?;
    while !rest.is_empty() {
        let (len, after) = rest.split_first_chunk::<4>().ok_or_else(cut_off)?;
        let (block, after) =
            after.split_at_checked(u32::from_be_bytes(*len) as usize).ok_or_else(cut_off)?;
        snappy_block(block, &mut out)?;
        rest = after;
    }
    Ok(out.into())
}

fn cut_off() -> DecompressError {
    DecompressError::Malformed("snappy block is cut off".into())
}

fn snappy_block(block: &[u8], out: &mut Vec<u8>) -> Result<(), DecompressError> {
    let malformed = |error: snap::Error| DecompressError::Malformed(error.to_string());
    let len = snap::raw::decompress_len(block).map_err(malformed)?;
    // The announced length is the block's own word: snappy cannot shrink below about 1 in 21.
    if out.len() + len > DECOMPRESSED_BYTES_MAX || len > block.len().saturating_mul(64) {
        return Err(DecompressError::TooLarge);
    }
    let at = out.len();
    out.resize(at + len, 0);
    snap::raw::Decoder::new().decompress(block, &mut out[at..]).map_err(malformed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tidegate_model::{BatchBuilder, Record};

    fn batch_with(codec: i16, body: &[u8]) -> (BatchHeader, Bytes) {
        let mut builder = BatchBuilder::new();
        builder.push(&Record::new(0, None, Some(b"x")));
        let mut batch = builder.finish().unwrap();
        batch.truncate(BATCH_HEADER_LEN);
        batch.extend_from_slice(body);
        let length = (batch.len() - 12) as i32;
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        batch[21..23].copy_from_slice(&codec.to_be_bytes());
        (BatchHeader::parse(&batch).unwrap(), batch.freeze())
    }

    fn encoded(codec: i16, plain: &[u8]) -> Vec<u8> {
        match codec {
            1 => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                gzip.write_all(plain).unwrap();
                gzip.finish().unwrap()
            }
            2 => snap::raw::Encoder::new().compress_vec(plain).unwrap(),
            3 => {
                let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
                lz4.write_all(plain).unwrap();
                lz4.finish().unwrap()
            }
            4 => zstd::encode_all(plain, 1).unwrap(),
            _ => plain.to_vec(),
        }
    }

    #[test]
    fn every_codec_gives_back_the_record_bytes() {
        let plain = b"tide ".repeat(1_000);
        for codec in 0..=4 {
            let (header, batch) = batch_with(codec, &encoded(codec, &plain));
            assert_eq!(record_bytes(&header, &batch).unwrap(), plain, "codec {codec}");
        }
    }

    #[test]
    fn xerial_framing_is_understood_over_several_blocks() {
        let mut framed = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01".to_vec();
        for part in [b"first ".repeat(50), b"second".repeat(50)] {
            let block = encoded(2, &part);
            framed.extend_from_slice(&(block.len() as u32).to_be_bytes());
            framed.extend_from_slice(&block);
        }
        let (header, batch) = batch_with(2, &framed);
        let plain = record_bytes(&header, &batch).unwrap();
        assert_eq!(plain, [b"first ".repeat(50), b"second".repeat(50)].concat());
    }

    #[test]
    fn a_snappy_block_that_announces_gigabytes_is_refused() {
        let (header, batch) = batch_with(2, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]);
        assert!(matches!(record_bytes(&header, &batch), Err(DecompressError::TooLarge)));
    }

    #[test]
    fn damaged_bodies_are_errors_in_every_codec() {
        for codec in 1..=4 {
            let (header, batch) = batch_with(codec, &[0xde, 0xad, 0xbe, 0xef, 1, 2, 3]);
            assert!(record_bytes(&header, &batch).is_err(), "codec {codec}");
        }
        let (header, batch) = batch_with(7, b"");
        assert!(matches!(record_bytes(&header, &batch), Err(DecompressError::UnknownCodec)));
    }
}
