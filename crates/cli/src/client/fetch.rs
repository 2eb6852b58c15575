//! Records of a partition.

use super::{Client, Partition, check, text};
use crate::failure::Failure;
use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{FetchRequest, TopicName};
use tidegate_broker::compression::record_bytes;
use tidegate_model::{BatchHeader, Records, batch_crc_matches};

/// How long a broker may wait for records that are not there yet.
const WAIT_MS: i32 = 500;

/// How much is read at once; a larger batch still comes whole.
const FETCH_BYTES_MAX: i32 = 8 << 20;

/// A record as it was produced.
#[derive(Debug)]
pub struct FetchedRecord {
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; none for a tombstone.
    pub value: Option<Vec<u8>>,
}

impl Client {
    /// Some records of a partition from `offset` on, and the offset to go on from.
    pub fn fetch(
        &mut self,
        leader: i32,
        partition: &Partition,
        offset: i64,
    ) -> Result<(Vec<FetchedRecord>, i64), Failure> {
        let (topic, index) = partition;
        let wanted = FetchPartition::default()
            .with_partition(*index)
            .with_fetch_offset(offset)
            .with_partition_max_bytes(FETCH_BYTES_MAX);
        let wanted =
            FetchTopic::default().with_topic(TopicName(text(topic))).with_partitions(vec![wanted]);
        let request = FetchRequest::default()
            .with_replica_id((-1).into())
            .with_max_wait_ms(WAIT_MS)
            .with_min_bytes(1)
            .with_max_bytes(FETCH_BYTES_MAX)
            // No session: each of these requests is whole.
            .with_session_epoch(-1)
            .with_topics(vec![wanted]);
        // From version 13 on topics are named by their ids.
        let response = self.ask_broker(leader, &request, 4..=12)?;
        let of = || format!("the records of {topic}-{index}");
        check(response.error_code, None, of)?;
        let mut partitions = response.responses.into_iter().flat_map(|topic| topic.partitions);
        let Some(fetched) = partitions.next() else { return Ok((Vec::new(), offset)) };
        check(fetched.error_code, None, of)?;
        let broken = |problem: String| Failure::Damaged(format!("{}: {problem}", of()));
        read_batches(fetched.records.unwrap_or_default(), offset).map_err(broken)
    }
}

/// The records of whole batches from `offset` on; the last batch of an answer may be cut off.
fn read_batches(mut bytes: Bytes, offset: i64) -> Result<(Vec<FetchedRecord>, i64), String> {
    let (mut records, mut next) = (Vec::new(), offset);
    while let Ok(header) = BatchHeader::parse_prefix(&bytes) {
        if header.len > bytes.len() {
            break;
        }
        let batch = bytes.split_to(header.len);
        let at = header.base_offset;
        if !batch_crc_matches(&batch) {
            return Err(format!("the checksum of the batch at {at} is wrong"));
        }
        next = header.next_offset();
        if header.attributes.is_control() {
            continue;
        }
        let body = record_bytes(&header, &batch).map_err(|error| format!("at {at}: {error}"))?;
        for record in Records::of_bytes(&header, &body) {
            let record = record.map_err(|error| format!("at {at}: {error}"))?;
            let found = at + i64::from(record.offset_delta);
            if found >= offset {
                let (key, value) =
                    (record.key.map(<[u8]>::to_vec), record.value.map(<[u8]>::to_vec));
                records.push(FetchedRecord { offset: found, key, value });
            }
        }
    }
    Ok((records, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_model::{BatchBuilder, Record, set_base_offset};

    fn batch(base_offset: i64, values: &[&[u8]]) -> Vec<u8> {
        let mut builder = BatchBuilder::new();
        for value in values {
            builder.push(&Record::new(0, Some(b"k"), Some(value)));
        }
        let mut batch = builder.finish().expect("it has records");
        set_base_offset(&mut batch, base_offset);
        batch.to_vec()
    }

    #[test]
    fn records_before_the_offset_and_a_torn_last_batch_are_left_out() {
        let mut bytes = batch(10, &[b"a", b"b", b"c"]);
        bytes.extend(batch(20, &[b"d"]));
        let torn = batch(21, &[b"e"]);
        bytes.extend(&torn[..torn.len() - 1]);
        let (records, next) = read_batches(bytes.into(), 11).expect("the batches are right");
        let read: Vec<(i64, Vec<u8>)> =
            records.into_iter().map(|r| (r.offset, r.value.expect("it has one"))).collect();
        assert_eq!(read, [(11, b"b".to_vec()), (12, b"c".to_vec()), (20, b"d".to_vec())]);
        assert_eq!(next, 21);
    }

    #[test]
    fn damage_is_told() {
        let mut bytes = batch(0, &[b"a"]);
        *bytes.last_mut().expect("it has bytes") ^= 1;
        assert!(read_batches(bytes.into(), 0).is_err());
    }
}
