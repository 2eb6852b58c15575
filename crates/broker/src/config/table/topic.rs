//! Topic configs.
//!
//! Names, types, defaults and valid values are those of Kafka 4.3.1.

use super::super::value::configs;

configs! {
    /// Every config of a topic, as Kafka 4.3.1 defines them.
    TOPIC
    "cleanup.policy": List = "delete", ListOf(&["compact", "delete"]), PerTopic
        => "What becomes of old data: delete by age or size, compact by key, or both.";
    "compression.gzip.level": Int = "-1", GzipLevel, PerTopic
        => "The level of gzip where the topic compresses with it: 1 is quickest, 9 smallest, -1 gzip's choice.";
    "compression.lz4.level": Int = "9", Between(1, 17), PerTopic
        => "The level of lz4 where the topic compresses with it: 1 is quickest, 17 smallest.";
    "compression.type": String = "producer",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), PerTopic
        => "The codec batches are stored with; producer keeps what the producer chose.";
    "compression.zstd.level": Int = "3", Between(-131072, 22), PerTopic
        => "The level of zstd where the topic compresses with it: low is quick, 22 smallest.";
    "delete.retention.ms": Long = "86400000", AtLeast(0), PerTopic
        => "How long a compacted topic keeps tombstones, so that slow readers still see them.";
    "file.delete.delay.ms": Long = "60000", AtLeast(0), PerTopic
        => "How long a deleted segment's file stays before it is removed.";
    "flush.messages": Long = "9223372036854775807", AtLeast(1), PerTopic
        => "After how many records the log is synced to disk.";
    "flush.ms": Long = "9223372036854775807", AtLeast(0), PerTopic
        => "After what time the log is synced to disk.";
    "follower.replication.throttled.replicas": List = "", ThrottledReplicas, PerTopic
        => "Replicas whose fetching from the leader is throttled: partition:broker pairs or *.";
    "index.interval.bytes": Int = "4096", AtLeast(0), PerTopic
        => "How many bytes of log lie between two entries of the offset index.";
    "internal.segment.bytes": Int, Any, Internal
        => "The segment size in tests, which may be smaller than segment.bytes allows.";
    "leader.replication.throttled.replicas": List = "", ThrottledReplicas, PerTopic
        => "Replicas whose serving of followers is throttled: partition:broker pairs or *.";
    "local.retention.bytes": Long = "-2", AtLeast(-2), PerTopic
        => "How much tiered data stays on local disk too; -2 follows retention.bytes.";
    "local.retention.ms": Long = "-2", AtLeast(-2), PerTopic
        => "How long tiered data stays on local disk too; -2 follows retention.ms.";
    "max.compaction.lag.ms": Long = "9223372036854775807", AtLeast(1), PerTopic
        => "How long a record may stay outside compaction at most.";
    "max.message.bytes": Int = "1048588", AtLeast(0), PerTopic
        => "The largest record batch taken, after compression.";
    "message.timestamp.after.max.ms": Long = "3600000", AtLeast(0), PerTopic
        => "How far a record's timestamp may lie ahead of the broker's clock.";
    "message.timestamp.before.max.ms": Long = "9223372036854775807", AtLeast(0), PerTopic
        => "How far a record's timestamp may lie behind the broker's clock.";
    "message.timestamp.type": String = "CreateTime",
        OneOf(&["CreateTime", "LogAppendTime"]), PerTopic
        => "Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime).";
    "min.cleanable.dirty.ratio": Double = "0.5", BetweenReals(0.0, 1.0), PerTopic
        => "The share of the log that must be dirty before it is compacted.";
    "min.compaction.lag.ms": Long = "0", AtLeast(0), PerTopic
        => "How long a record stays outside compaction at least.";
    "min.insync.replicas": Int = "1", AtLeast(1), PerTopic
        => "How many replicas must have a batch before acks=all is answered.";
    "preallocate": Boolean = "false", Any, PerTopic
        => "Whether a new segment's file is allocated in full at once.";
    "remote.log.copy.disable": Boolean = "false", Any, PerTopic
        => "Whether tiered data becomes read-only: what is there stays, nothing more is copied.";
    "remote.log.delete.on.disable": Boolean = "false", Any, PerTopic
        => "Whether tiered data is deleted when tiering is switched off.";
    "remote.storage.enable": Boolean = "false", Any, PerTopic
        => "Whether old segments go to tiered storage.";
    "retention.bytes": Long = "-1", Any, PerTopic
        => "How large a partition may grow before its oldest segments are deleted; -1 is no limit.";
    "retention.ms": Long = "604800000", AtLeast(-1), PerTopic
        => "How long data is kept before it may be deleted; -1 is for ever.";
    "segment.bytes": Int = "1073741824", AtLeast(1048576), PerTopic
        => "The size at which a segment is closed and the next one begun.";
    "segment.index.bytes": Int = "10485760", AtLeast(4), PerTopic
        => "The most an offset index takes.";
    "segment.jitter.ms": Long = "0", AtLeast(0), PerTopic
        => "How much is taken off segment.ms at random, so that segments do not all close at once.";
    "segment.ms": Long = "604800000", AtLeast(1), PerTopic
        => "After what time a segment is closed though it is not full.";
    "unclean.leader.election.enable": Boolean = "false", Any, PerTopic
        => "Whether a replica that is not in sync may become leader, at the price of data.";
}
