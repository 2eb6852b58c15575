//! The records of `__cluster_metadata` that the catalog keeps, byte for byte as Kafka writes them.
//!
//! ```text
//! key    null
//! value  frame version varint = 1, api key varint, version varint, flexible fields, tagged fields
//!          2  TopicRecord         0     3  PartitionRecord     0-2   4  ConfigRecord  0
//!          9  RemoveTopicRecord   0    14  ClientQuotaRecord  0    15  ProducerIdsRecord   0
//! ```
//!
//! Source: `common/metadata/*.json` of Kafka 4.3 and `MetadataRecordSerde`. Tagged fields that the
//! definitions do not name are dropped.

use super::quotas::{QuotaEntity, QuotaValue};
use crate::codec::{DecodeError, Put, Reader};
use bytes::{BufMut, Bytes, BytesMut};
use tidegate_model::{LeaderEpoch, ProducerId, TopicId};

const FRAME_VERSION: u32 = 1;
const TOPIC: u32 = 2;
const PARTITION: u32 = 3;
const CONFIG: u32 = 4;
const REMOVE_TOPIC: u32 = 9;
const CLIENT_QUOTA: u32 = 14;
const PRODUCER_IDS: u32 = 15;
const PARTITION_VERSION_MAX: u32 = 2;

const RECOVERY_STATE_TAG: u32 = 0;
const ELIGIBLE_TAG: u32 = 1;
const LAST_KNOWN_ELIGIBLE_TAG: u32 = 2;

/// One record of `__cluster_metadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A topic was created; its partitions and configs follow.
    Topic {
        /// Its name.
        name: String,
        /// Its id.
        topic_id: TopicId,
    },
    /// A partition was created, or all of it changed.
    Partition(PartitionRecord),
    /// A configuration was set, or removed where the value is null.
    Config {
        /// What is configured.
        resource: ConfigResource,
        /// The configuration's name.
        name: String,
        /// Its value.
        value: Option<String>,
    },
    /// A topic was deleted with its partitions and configs.
    RemoveTopic {
        /// Its id.
        topic_id: TopicId,
    },
    /// Producer ids below this one are handed out.
    ProducerIds {
        /// The node that asked.
        broker_id: i32,
        /// Its epoch.
        broker_epoch: i64,
        /// First id of the next block.
        next_producer_id: ProducerId,
    },
    /// A client quota was set, or removed where there is no value.
    ClientQuota {
        /// Whom it is for.
        entity: QuotaEntity,
        /// Which quota.
        key: String,
        /// Its value.
        value: Option<QuotaValue>,
    },
    /// A record of a kind that this version does not know. It is skipped, never lost.
    Unknown {
        /// The key.
        key: Option<Bytes>,
        /// The value.
        value: Option<Bytes>,
    },
}

/// A PartitionRecord in all its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionRecord {
    /// 0, 1 (log directories, KIP-858) or 2 (eligible leaders, KIP-966).
    pub version: u8,
    /// The partition.
    pub partition: i32,
    /// The topic.
    pub topic_id: TopicId,
    /// Nodes that keep it, preferred first.
    pub replicas: Vec<i32>,
    /// Nodes that are in sync.
    pub isr: Vec<i32>,
    /// Nodes to be removed.
    pub removing_replicas: Vec<i32>,
    /// Nodes to be added.
    pub adding_replicas: Vec<i32>,
    /// The node that leads, -1 for none.
    pub leader: i32,
    /// 1 while it recovers from an unclean election.
    pub leader_recovery_state: i8,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// Rises with every change of the partition.
    pub partition_epoch: i32,
    /// Version 1 on: the log directory of each replica.
    pub directories: Vec<TopicId>,
    /// Version 2 on: replicas that may lead though they are not in sync.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// Version 2 on: the last known such replicas.
    pub last_known_elr: Option<Vec<i32>>,
}

/// The kinds of things that have configurations (`ConfigResource.Type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum ConfigResourceType {
    /// A topic, by name.
    Topic = 2,
    /// A node by its id, or all of them under the empty name.
    Broker = 4,
    /// A client metrics subscription (KIP-714).
    ClientMetrics = 16,
    /// A group, by id (KIP-848).
    Group = 32,
}

impl ConfigResourceType {
    /// The type of that number on the wire.
    pub fn from_id(id: i8) -> Option<Self> {
        [Self::Topic, Self::Broker, Self::ClientMetrics, Self::Group]
            .into_iter()
            .find(|kind| *kind as i8 == id)
    }
}

/// A thing that has configurations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// Its kind.
    pub kind: ConfigResourceType,
    /// Its name.
    pub name: String,
}

impl ConfigResource {
    /// The topic of that name.
    pub fn topic(name: &str) -> Self {
        ConfigResource { kind: ConfigResourceType::Topic, name: name.to_owned() }
    }

    /// The node of that id, or all nodes.
    pub fn broker(id: Option<i32>) -> Self {
        let name = id.map_or_else(String::new, |id| id.to_string());
        ConfigResource { kind: ConfigResourceType::Broker, name }
    }
}

impl Record {
    /// The record's key and value.
    pub fn encode(&self) -> (Option<Bytes>, Option<Bytes>) {
        let mut out = BytesMut::with_capacity(64);
        match self {
            Record::Topic { name, topic_id } => {
                frame(&mut out, TOPIC, 0);
                out.put_string(name, true);
                out.put_topic_id(*topic_id);
                out.put_u8(0);
            }
            Record::Partition(partition) => encode_partition(&mut out, partition),
            Record::Config { resource, name, value } => {
                frame(&mut out, CONFIG, 0);
                out.put_i8(resource.kind as i8);
                out.put_string(&resource.name, true);
                out.put_string(name, true);
                out.put_nullable_string(value.as_deref(), true);
                out.put_u8(0);
            }
            Record::RemoveTopic { topic_id } => {
                frame(&mut out, REMOVE_TOPIC, 0);
                out.put_topic_id(*topic_id);
                out.put_u8(0);
            }
            Record::ProducerIds { broker_id, broker_epoch, next_producer_id } => {
                frame(&mut out, PRODUCER_IDS, 0);
                out.put_i32(*broker_id);
                out.put_i64(*broker_epoch);
                out.put_i64(*next_producer_id);
                out.put_u8(0);
            }
            Record::ClientQuota { entity, key, value } => {
                encode_quota(&mut out, entity, key, *value);
            }
            Record::Unknown { key, value } => return (key.clone(), value.clone()),
        }
        (None, Some(out.freeze()))
    }

    /// Reads a record back. A kind that is not known comes back as [`Record::Unknown`].
    pub fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, DecodeError> {
        let unknown = || Record::Unknown {
            key: key.map(Bytes::copy_from_slice),
            value: value.map(Bytes::copy_from_slice),
        };
        let Some(bytes) = value else { return Ok(unknown()) };
        let mut reader = Reader::new(bytes);
        let frame_version = reader.unsigned_varint()?;
        if frame_version != FRAME_VERSION {
            return Err(DecodeError::UnsupportedVersion(frame_version as i32));
        }
        let api_key = reader.unsigned_varint()?;
        let version = reader.unsigned_varint()?;
        let version_max = match api_key {
            TOPIC | CONFIG | REMOVE_TOPIC | CLIENT_QUOTA | PRODUCER_IDS => 0,
            PARTITION => PARTITION_VERSION_MAX,
            _ => return Ok(unknown()),
        };
        if version > version_max {
            return Err(DecodeError::UnsupportedVersion(version as i32));
        }
        let Some(record) = decode_fields(&mut reader, api_key, version as u8)? else {
            return Ok(unknown());
        };
        reader.finish()?;
        Ok(record)
    }
}

/// Reads the fields of a record of known kind; `None` if it configures an unknown kind of thing.
fn decode_fields(
    reader: &mut Reader<'_>,
    api_key: u32,
    version: u8,
) -> Result<Option<Record>, DecodeError> {
    let record = match api_key {
        TOPIC => Record::Topic { name: reader.string(true)?, topic_id: reader.topic_id()? },
        PARTITION => return Ok(Some(Record::Partition(decode_partition(reader, version)?))),
        CONFIG => {
            let kind = ConfigResourceType::from_id(reader.i8()?);
            let resource_name = reader.string(true)?;
            let name = reader.string(true)?;
            let value = reader.nullable_string(true)?;
            let Some(kind) = kind else { return Ok(None) };
            let resource = ConfigResource { kind, name: resource_name };
            Record::Config { resource, name, value }
        }
        REMOVE_TOPIC => Record::RemoveTopic { topic_id: reader.topic_id()? },
        CLIENT_QUOTA => decode_quota(reader)?,
        _ => Record::ProducerIds {
            broker_id: reader.i32()?,
            broker_epoch: reader.i64()?,
            next_producer_id: reader.i64()?,
        },
    };
    reader.skip_tagged_fields()?;
    Ok(Some(record))
}

fn frame(out: &mut BytesMut, api_key: u32, version: u8) {
    out.put_unsigned_varint(FRAME_VERSION);
    out.put_unsigned_varint(api_key);
    out.put_unsigned_varint(u32::from(version));
}

fn encode_quota(out: &mut BytesMut, entity: &QuotaEntity, key: &str, value: Option<QuotaValue>) {
    frame(out, CLIENT_QUOTA, 0);
    out.put_compact_len(entity.len());
    for (kind, name) in entity.parts() {
        out.put_string(kind, true);
        out.put_nullable_string(name, true);
        out.put_u8(0);
    }
    out.put_string(key, true);
    out.put_f64(value.map_or(0.0, |value| value.0));
    out.put_u8(u8::from(value.is_none()));
    out.put_u8(0);
}

fn decode_quota(reader: &mut Reader<'_>) -> Result<Record, DecodeError> {
    // A type, a name and the count of tagged fields take a byte each.
    let count = reader.compact_len(3)?.ok_or(DecodeError::Malformed("array"))?;
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        parts.push((reader.string(true)?, reader.nullable_string(true)?));
        reader.skip_tagged_fields()?;
    }
    let entity = QuotaEntity::new(parts);
    let key = reader.string(true)?;
    let value = QuotaValue(reader.f64()?);
    let removed = reader.u8()? != 0;
    Ok(Record::ClientQuota { entity, key, value: (!removed).then_some(value) })
}

fn encode_partition(out: &mut BytesMut, record: &PartitionRecord) {
    frame(out, PARTITION, record.version);
    out.put_i32(record.partition);
    out.put_topic_id(record.topic_id);
    put_ints(out, &record.replicas);
    put_ints(out, &record.isr);
    put_ints(out, &record.removing_replicas);
    put_ints(out, &record.adding_replicas);
    out.put_i32(record.leader);
    out.put_i32(record.leader_epoch);
    out.put_i32(record.partition_epoch);
    if record.version >= 1 {
        out.put_compact_len(record.directories.len());
        for directory in &record.directories {
            out.put_topic_id(*directory);
        }
    }
    let mut tagged: Vec<(u32, BytesMut)> = Vec::new();
    if record.leader_recovery_state != 0 {
        let field = BytesMut::from(&record.leader_recovery_state.to_be_bytes()[..]);
        tagged.push((RECOVERY_STATE_TAG, field));
    }
    let elr = [
        (ELIGIBLE_TAG, &record.eligible_leader_replicas),
        (LAST_KNOWN_ELIGIBLE_TAG, &record.last_known_elr),
    ];
    for (tag, nodes) in elr {
        if let (Some(nodes), 2..) = (nodes, record.version) {
            let mut field = BytesMut::new();
            put_ints(&mut field, nodes);
            tagged.push((tag, field));
        }
    }
    out.put_unsigned_varint(tagged.len() as u32);
    for (tag, field) in tagged {
        out.put_unsigned_varint(tag);
        out.put_unsigned_varint(field.len() as u32);
        out.put_slice(&field);
    }
}

fn decode_partition(reader: &mut Reader<'_>, version: u8) -> Result<PartitionRecord, DecodeError> {
    let mut record = PartitionRecord {
        version,
        partition: reader.i32()?,
        topic_id: reader.topic_id()?,
        replicas: ints(reader)?,
        isr: ints(reader)?,
        removing_replicas: ints(reader)?,
        adding_replicas: ints(reader)?,
        leader: reader.i32()?,
        leader_recovery_state: 0,
        leader_epoch: reader.i32()?,
        partition_epoch: reader.i32()?,
        directories: Vec::new(),
        eligible_leader_replicas: None,
        last_known_elr: None,
    };
    if version >= 1 {
        let count = reader.compact_len(16)?.ok_or(DecodeError::Malformed("array"))?;
        for _ in 0..count {
            record.directories.push(reader.topic_id()?);
        }
    }
    reader.tagged_fields(|tag, mut field| {
        match tag {
            RECOVERY_STATE_TAG => record.leader_recovery_state = field.i8()?,
            ELIGIBLE_TAG if version >= 2 => {
                record.eligible_leader_replicas = nullable_ints(&mut field)?;
            }
            LAST_KNOWN_ELIGIBLE_TAG if version >= 2 => {
                record.last_known_elr = nullable_ints(&mut field)?;
            }
            _ => return Ok(()),
        }
        field.finish()
    })?;
    Ok(record)
}

fn put_ints(out: &mut BytesMut, ints: &[i32]) {
    out.put_compact_len(ints.len());
    for int in ints {
        out.put_i32(*int);
    }
}

fn ints(reader: &mut Reader<'_>) -> Result<Vec<i32>, DecodeError> {
    nullable_ints(reader)?.ok_or(DecodeError::Malformed("array"))
}

fn nullable_ints(reader: &mut Reader<'_>) -> Result<Option<Vec<i32>>, DecodeError> {
    match reader.compact_len(4)? {
        None => Ok(None),
        Some(count) => (0..count).map(|_| reader.i32()).collect::<Result<_, _>>().map(Some),
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
