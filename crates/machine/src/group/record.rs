//! The records of `__consumer_offsets`, byte for byte as Kafka writes them.
//!
//! ```text
//! key    version i16 (the record's kind), then classic fields
//!          0, 1  OffsetCommit    group string, topic string, partition i32
//!          2     GroupMetadata   group string
//!          3...  consumer, share and streams groups (KIP-848, KIP-932, KIP-1071): kept as they are
//! value  version i16, then fields, flexible from version 4 on; a null value is a tombstone
//!          OffsetCommit   0-4, written as 4, or as 1 if the client asked for an expiry
//!          GroupMetadata  0-4, written as 3
//! ```
//!
//! Source: `OffsetCommitKey.json`, `OffsetCommitValue.json`, `GroupMetadataKey.json` and
//! `GroupMetadataValue.json` of Kafka 4.3, `GroupCoordinatorRecordHelpers`.

use super::OffsetAndMetadata;
use crate::codec::{DecodeError, Put, Reader};
use bytes::{BufMut, Bytes, BytesMut};
use tidegate_model::{NO_LEADER_EPOCH, TimestampMs, TopicId};

const LEGACY_OFFSET_COMMIT: i16 = 0;
const OFFSET_COMMIT: i16 = 1;
const GROUP_METADATA: i16 = 2;

const OFFSET_COMMIT_VALUE_VERSION: i16 = 4;
const OFFSET_COMMIT_VALUE_WITH_EXPIRY: i16 = 1;
const GROUP_METADATA_VALUE_VERSION: i16 = 3;
const FLEXIBLE_FROM: i16 = 4;
const TOPIC_ID_TAG: u32 = 0;

/// One record of `__consumer_offsets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An offset was committed.
    OffsetCommit {
        /// The group.
        group_id: String,
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: i32,
        /// What was committed.
        value: OffsetAndMetadata,
    },
    /// A committed offset was deleted or expired.
    OffsetTombstone {
        /// The group.
        group_id: String,
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// A group's generation, members and assignments.
    GroupMetadata {
        /// The group.
        group_id: String,
        /// Its state.
        value: GroupMetadata,
    },
    /// A group was deleted.
    GroupTombstone {
        /// The group.
        group_id: String,
    },
    /// A record of a kind that this version does not know. It is skipped, never lost: compaction
    /// works on bytes.
    Unknown {
        /// The key.
        key: Option<Bytes>,
        /// The value.
        value: Option<Bytes>,
    },
}

/// The value of a GroupMetadata record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMetadata {
    /// Empty for a group that never had members.
    pub protocol_type: String,
    /// The generation.
    pub generation: i32,
    /// The chosen protocol, if there are members.
    pub protocol: Option<String>,
    /// Member id of the leader, if there are members.
    pub leader: Option<String>,
    /// When the group came into its state, -1 if not known.
    pub current_state_timestamp: TimestampMs,
    /// The members.
    pub members: Vec<MemberMetadata>,
}

/// One member in a GroupMetadata record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberMetadata {
    /// Its id.
    pub member_id: String,
    /// Its instance id if it is static.
    pub group_instance_id: Option<String>,
    /// The client's name for itself.
    pub client_id: String,
    /// The client's address.
    pub client_host: String,
    /// -1 if not known (value version 0).
    pub rebalance_timeout_ms: i32,
    /// How long it may stay silent.
    pub session_timeout_ms: i32,
    /// Its metadata for the chosen protocol.
    pub subscription: Bytes,
    /// Its assignment.
    pub assignment: Bytes,
}

impl Record {
    /// The record's key and value.
    pub fn encode(&self) -> (Option<Bytes>, Option<Bytes>) {
        self.encode_with(&mut BytesMut::new(), |key, value| {
            (key.map(Bytes::copy_from_slice), value.map(Bytes::copy_from_slice))
        })
    }

    /// Shows the record's key and value to `take`, written into `scratch`: a commit writes a record
    /// for each partition, and should not pay for memory each time.
    pub fn encode_with<T>(
        &self,
        scratch: &mut BytesMut,
        take: impl FnOnce(Option<&[u8]>, Option<&[u8]>) -> T,
    ) -> T {
        scratch.clear();
        let is_tombstone = match self {
            Record::OffsetCommit { group_id, topic, partition, .. }
            | Record::OffsetTombstone { group_id, topic, partition } => {
                put_offset_key(scratch, group_id, topic, *partition);
                matches!(self, Record::OffsetTombstone { .. })
            }
            Record::GroupMetadata { group_id, .. } | Record::GroupTombstone { group_id } => {
                put_group_key(scratch, group_id);
                matches!(self, Record::GroupTombstone { .. })
            }
            Record::Unknown { key, value } => return take(key.as_deref(), value.as_deref()),
        };
        let key_len = scratch.len();
        match self {
            Record::OffsetCommit { value, .. } => put_offset(scratch, value),
            Record::GroupMetadata { value, .. } => put_group(scratch, value),
            Record::OffsetTombstone { .. }
            | Record::GroupTombstone { .. }
            | Record::Unknown { .. } => {}
        }
        let (key, value) = scratch.split_at(key_len);
        take(Some(key), (!is_tombstone).then_some(value))
    }

    /// Reads a record back. A kind that is not known comes back as [`Record::Unknown`].
    pub fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, DecodeError> {
        let unknown = || {
            Ok(Record::Unknown {
                key: key.map(Bytes::copy_from_slice),
                value: value.map(Bytes::copy_from_slice),
            })
        };
        let Some(bytes) = key else { return unknown() };
        let mut reader = Reader::new(bytes);
        match reader.i16()? {
            LEGACY_OFFSET_COMMIT | OFFSET_COMMIT => {
                let group_id = reader.string(false)?;
                let topic = reader.string(false)?;
                let partition = reader.i32()?;
                reader.finish()?;
                Ok(match value {
                    None => Record::OffsetTombstone { group_id, topic, partition },
                    Some(value) => {
                        let value = decode_offset(value)?;
                        Record::OffsetCommit { group_id, topic, partition, value }
                    }
                })
            }
            GROUP_METADATA => {
                let group_id = reader.string(false)?;
                reader.finish()?;
                Ok(match value {
                    None => Record::GroupTombstone { group_id },
                    Some(value) => Record::GroupMetadata { group_id, value: decode_group(value)? },
                })
            }
            _ => unknown(),
        }
    }
}

fn put_offset_key(key: &mut BytesMut, group_id: &str, topic: &str, partition: i32) {
    key.put_i16(OFFSET_COMMIT);
    key.put_string(group_id, false);
    key.put_string(topic, false);
    key.put_i32(partition);
}

fn put_group_key(key: &mut BytesMut, group_id: &str) {
    key.put_i16(GROUP_METADATA);
    key.put_string(group_id, false);
}

fn put_offset(value: &mut BytesMut, offset: &OffsetAndMetadata) {
    if offset.expire_timestamp >= 0 {
        // The only version that has the field; it has no leader epoch and no topic id.
        value.put_i16(OFFSET_COMMIT_VALUE_WITH_EXPIRY);
        value.put_i64(offset.offset);
        value.put_string(&offset.metadata, false);
        value.put_i64(offset.commit_timestamp);
        value.put_i64(offset.expire_timestamp);
        return;
    }
    value.put_i16(OFFSET_COMMIT_VALUE_VERSION);
    value.put_i64(offset.offset);
    value.put_i32(offset.leader_epoch);
    value.put_string(&offset.metadata, true);
    value.put_i64(offset.commit_timestamp);
    if offset.topic_id == TopicId::ZERO {
        value.put_u8(0);
    } else {
        value.put_slice(&[1, TOPIC_ID_TAG as u8, 16]);
        value.put_topic_id(offset.topic_id);
    }
}

fn decode_offset(bytes: &[u8]) -> Result<OffsetAndMetadata, DecodeError> {
    let mut reader = Reader::new(bytes);
    let version = version_up_to(&mut reader, OFFSET_COMMIT_VALUE_VERSION)?;
    let flexible = version >= FLEXIBLE_FROM;
    let mut value = OffsetAndMetadata::new(reader.i64()?, 0);
    value.leader_epoch = if version >= 3 { reader.i32()? } else { NO_LEADER_EPOCH };
    value.metadata = reader.string(flexible)?;
    value.commit_timestamp = reader.i64()?;
    if version == OFFSET_COMMIT_VALUE_WITH_EXPIRY {
        value.expire_timestamp = reader.i64()?;
    }
    if flexible {
        reader.tagged_fields(|tag, mut field| {
            if tag == TOPIC_ID_TAG {
                value.topic_id = field.topic_id()?;
                field.finish()?;
            }
            Ok(())
        })?;
    }
    reader.finish()?;
    Ok(value)
}

fn put_group(value: &mut BytesMut, group: &GroupMetadata) {
    value.put_i16(GROUP_METADATA_VALUE_VERSION);
    value.put_string(&group.protocol_type, false);
    value.put_i32(group.generation);
    value.put_nullable_string(group.protocol.as_deref(), false);
    value.put_nullable_string(group.leader.as_deref(), false);
    value.put_i64(group.current_state_timestamp);
    value.put_i32(i32::try_from(group.members.len()).expect("group.max.size is an int"));
    for member in &group.members {
        value.put_string(&member.member_id, false);
        value.put_nullable_string(member.group_instance_id.as_deref(), false);
        value.put_string(&member.client_id, false);
        value.put_string(&member.client_host, false);
        value.put_i32(member.rebalance_timeout_ms);
        value.put_i32(member.session_timeout_ms);
        value.put_blob(&member.subscription);
        value.put_blob(&member.assignment);
    }
}

fn decode_group(bytes: &[u8]) -> Result<GroupMetadata, DecodeError> {
    let mut reader = Reader::new(bytes);
    let version = version_up_to(&mut reader, FLEXIBLE_FROM)?;
    let flexible = version >= FLEXIBLE_FROM;
    let mut group = GroupMetadata {
        protocol_type: reader.string(flexible)?,
        generation: reader.i32()?,
        protocol: reader.nullable_string(flexible)?,
        leader: reader.nullable_string(flexible)?,
        current_state_timestamp: if version >= 2 { reader.i64()? } else { -1 },
        members: Vec::new(),
    };
    let count = if flexible {
        reader.compact_len(MEMBER_LEN_MIN)?.ok_or(DecodeError::Malformed("array"))?
    } else {
        reader.array_len(MEMBER_LEN_MIN)?
    };
    for _ in 0..count {
        group.members.push(decode_member(&mut reader, version)?);
    }
    if flexible {
        reader.skip_tagged_fields()?;
    }
    reader.finish()?;
    Ok(group)
}

/// Bytes of the smallest member: flexible, with everything empty.
const MEMBER_LEN_MIN: usize = 15;

fn decode_member(reader: &mut Reader<'_>, version: i16) -> Result<MemberMetadata, DecodeError> {
    let flexible = version >= FLEXIBLE_FROM;
    let member = MemberMetadata {
        member_id: reader.string(flexible)?,
        group_instance_id: if version >= 3 { reader.nullable_string(flexible)? } else { None },
        client_id: reader.string(flexible)?,
        client_host: reader.string(flexible)?,
        rebalance_timeout_ms: if version >= 1 { reader.i32()? } else { -1 },
        session_timeout_ms: reader.i32()?,
        subscription: reader.bytes(flexible)?,
        assignment: reader.bytes(flexible)?,
    };
    if flexible {
        reader.skip_tagged_fields()?;
    }
    Ok(member)
}

fn version_up_to(reader: &mut Reader<'_>, max: i16) -> Result<i16, DecodeError> {
    match reader.i16()? {
        version if (0..=max).contains(&version) => Ok(version),
        version => Err(DecodeError::UnsupportedVersion(i32::from(version))),
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
