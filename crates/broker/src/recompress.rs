//! Batches written anew with the topic's codec (`compression.type`), as Kafka does it.
//!
//! Offsets, times, keys, values, headers, producer and transaction stay; deltas count from the first
//! record's time. Attributes that mean nothing are dropped, of the batch and of its records.

use crate::compression::{CompressError, Levels, compress_to};
use crate::config::TopicSettings;
use crate::validate::timestamp_of;
use bytes::BufMut;
use tidegate_model::{
    BATCH_HEADER_LEN, BatchHeader, Compression, RecordWalk, TimestampMs, put_varint, varint_len,
    write_batch_header,
};

/// The batch of `header` with its `records`, unpacked and checked, stored with `codec`.
///
/// `max_timestamp` is the largest of the records' timestamps.
pub(crate) fn recompressed(
    settings: &TopicSettings,
    codec: Compression,
    header: &BatchHeader,
    records: &[u8],
    max_timestamp: TimestampMs,
) -> Result<Vec<u8>, CompressError> {
    let walk = || RecordWalk::new(header.record_count, records).map_while(Result::ok);
    let base_timestamp = walk().next().map_or(0, |record| timestamp_of(header, &record));
    let mut plain = Vec::with_capacity(records.len() + records.len() / 8);
    for (index, record) in walk().enumerate() {
        let timestamp_delta = timestamp_of(header, &record).wrapping_sub(base_timestamp);
        let offset_delta = index as i64;
        let deltas_len = varint_len(timestamp_delta) + varint_len(offset_delta);
        put_varint(&mut plain, (1 + deltas_len + record.contents.len()) as i64);
        plain.put_u8(0);
        put_varint(&mut plain, timestamp_delta);
        put_varint(&mut plain, offset_delta);
        plain.put_slice(record.contents);
    }
    let levels =
        Levels { gzip: settings.compression_gzip_level, zstd: settings.compression_zstd_level };
    let mut batch = compress_to(vec![0; BATCH_HEADER_LEN], codec, levels, &plain)?;
    let attributes = header.attributes.only_transactional().with_compression(codec);
    let header = BatchHeader { attributes, base_timestamp, max_timestamp, ..*header };
    write_batch_header(&mut batch, &header);
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compression::record_bytes;
    use crate::config::KafkaSettings;
    use bytes::Bytes;
    use std::collections::BTreeMap;
    use tidegate_model::{BatchBuilder, Record, RecordHeader, Records, batch_crc_matches};

    const CODECS: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    fn sample() -> Vec<u8> {
        let mut builder = BatchBuilder::new();
        for n in 0..2_000 {
            let value = n.to_string().repeat(20);
            let mut record = Record::new(5_000 - n * 3, Some(b""), Some(value.as_bytes()));
            record.headers = vec![RecordHeader { key: b"h", value: None }; n as usize % 3];
            builder.push(&record);
        }
        builder.push(&Record::new(9, None, None));
        builder.finish().unwrap().to_vec()
    }

    #[test]
    fn every_codec_keeps_the_records_and_the_producer() {
        let batch = sample();
        let settings = TopicSettings::of(&BTreeMap::new(), &KafkaSettings::default());
        let mut header = BatchHeader::parse(&batch).unwrap();
        (header.producer_id, header.producer_epoch, header.base_sequence) = (7, 3, i32::MAX);
        header.attributes.0 |= 1 << 4 | 1 << 7;
        let expected: Vec<_> = Records::of_batch(&header, &batch).map(Result::unwrap).collect();
        for codec in CODECS {
            let records = &batch[BATCH_HEADER_LEN..];
            let stored = recompressed(&settings, codec, &header, records, 5_000).unwrap();
            assert!(batch_crc_matches(&stored));
            let told = BatchHeader::parse(&stored).unwrap();
            assert_eq!(told.attributes.0, codec as i16 | 1 << 4, "{codec:?}");
            assert_eq!((told.base_timestamp, told.max_timestamp), (5_000, 5_000));
            assert_eq!(
                (told.producer_id, told.producer_epoch, told.base_sequence),
                (7, 3, i32::MAX)
            );
            assert_eq!((told.record_count, told.last_offset_delta), (2_001, 2_000));
            let plain = record_bytes(&told, &Bytes::from(stored)).unwrap();
            let read: Vec<_> = Records::of_bytes(&told, &plain).map(Result::unwrap).collect();
            assert_eq!(read, expected, "{codec:?}");
        }
    }
}
