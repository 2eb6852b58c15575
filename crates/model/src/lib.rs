//! Kafka's nouns, without sockets, clocks or randomness.
//!
//! Everything here is a plain value or a view over bytes: identifiers, error codes and the
//! RecordBatch v2 layout. All other crates import this one; it imports none of them.

mod batch;
mod error_code;
mod ids;
mod record;

pub use batch::{
    BATCH_HEADER_LEN, BatchAttributes, BatchError, BatchHeader, Batches, Compression,
    LOG_OVERHEAD_LEN, batch_crc_matches, set_base_offset, set_create_time, set_leader_epoch,
    set_log_append_time, write_batch_header,
};
pub use error_code::ErrorCode;
pub use ids::{
    LeaderEpoch, NO_LEADER_EPOCH, NO_PRODUCER_ID, Offset, ProducerEpoch, ProducerId, TimestampMs,
    TopicId, TopicIdPartition,
};
pub use record::{
    BatchBuilder, Record, RecordError, RecordHeader, RecordView, RecordWalk, Records, put_varint,
    varint_len,
};
