//! Broker configs of the log: retention, compaction, syncing, compression and tiered storage.
//!
//! Names, types, defaults and valid values are those of Kafka 4.3.1.

use super::super::value::configs;

configs! {
    /// The log.
    LOG
    "compression.gzip.level": Int = "-1", GzipLevel, ClusterWide
        => "The level for topics that compress with gzip: 1 is quickest, 9 smallest, -1 gzip's choice.";
    "compression.lz4.level": Int = "9", Between(1, 17), ClusterWide
        => "The level for topics that compress with lz4: 1 is quickest, 17 smallest.";
    "compression.type": String = "producer",
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), ClusterWide
        => "The codec batches are stored with; producer keeps what the producer chose.";
    "compression.zstd.level": Int = "3", Between(-131072, 22), ClusterWide
        => "The level for topics that compress with zstd: low is quick, 22 smallest.";
    "cordoned.log.dirs": List = "", ListOf(&[]), PerBroker
        => "Log directories that get no new partitions.";
    "log.cleaner.backoff.ms": Long = "15000", AtLeast(0), ClusterWide
        => "How long the cleaner sleeps when it finds nothing to compact.";
    "log.cleaner.dedupe.buffer.size": Long = "134217728", Any, ClusterWide
        => "The memory all cleaner threads have for their key tables.";
    "log.cleaner.delete.retention.ms": Long = "86400000", AtLeast(0), ClusterWide
        => "How long compacted topics keep tombstones after they were compacted.";
    "log.cleaner.enable": Boolean = "true", Any, ReadOnly
        => "Whether the cleaner runs; without it compacted topics are not compacted.";
    "log.cleaner.io.buffer.load.factor": Double = "0.9", Any, ClusterWide
        => "How full the cleaner's key table may get.";
    "log.cleaner.io.buffer.size": Int = "524288", AtLeast(0), ClusterWide
        => "The memory all cleaner threads have for reading and writing.";
    "log.cleaner.io.max.bytes.per.second": Double = "1.7976931348623157E308", Any, ClusterWide
        => "The cleaner's average rate of reading and writing at most.";
    "log.cleaner.max.compaction.lag.ms": Long = "9223372036854775807", AtLeast(1), ClusterWide
        => "How long a record may stay outside compaction at most.";
    "log.cleaner.min.cleanable.ratio": Double = "0.5", BetweenReals(0.0, 1.0), ClusterWide
        => "The share of a log that must be dirty before it is compacted.";
    "log.cleaner.min.compaction.lag.ms": Long = "0", AtLeast(0), ClusterWide
        => "How long a record stays outside compaction at least.";
    "log.cleaner.threads": Int = "1", AtLeast(0), ClusterWide
        => "How many threads compact logs.";
    "log.cleanup.policy": List = "delete", ListOf(&["compact", "delete"]), ClusterWide
        => "What becomes of old data: delete by age or size, compact by key, or both.";
    "log.dir": List = "/tmp/kafka-logs", FilledListOf(&[]), ReadOnly
        => "The directory of the logs where log.dirs is not set.";
    "log.dir.failure.timeout.ms": Long = "30000", AtLeast(1), ReadOnly
        => "How long a broker that cannot report a failed log directory goes on before it stops.";
    "log.dirs": List, FilledListOf(&[]), ReadOnly
        => "The directories of the logs.";
    "log.flush.interval.messages": Long = "9223372036854775807", AtLeast(1), ClusterWide
        => "After how many records a log is synced to disk.";
    "log.flush.interval.ms": Long, Any, ClusterWide
        => "After what time a log is synced to disk; log.flush.scheduler.interval.ms where unset.";
    "log.flush.offset.checkpoint.interval.ms": Int = "60000", AtLeast(0), ReadOnly
        => "How often the position up to which logs are synced is recorded.";
    "log.flush.scheduler.interval.ms": Long = "9223372036854775807", Any, ReadOnly
        => "How often logs are checked for being due to be synced.";
    "log.flush.start.offset.checkpoint.interval.ms": Int = "60000", AtLeast(0), ReadOnly
        => "How often the log start offsets are recorded.";
    "log.index.interval.bytes": Int = "4096", AtLeast(0), ClusterWide
        => "How many bytes of log lie between two entries of the offset index.";
    "log.index.size.max.bytes": Int = "10485760", AtLeast(4), ClusterWide
        => "The most an offset index takes.";
    "log.initial.task.delay.ms": Long = "30000", AtLeast(0), Internal
        => "How long after the start the background work on logs begins.";
    "log.local.retention.bytes": Long = "-2", AtLeast(-2), ClusterWide
        => "How much tiered data stays on local disk too; -2 follows log.retention.bytes.";
    "log.local.retention.ms": Long = "-2", AtLeast(-2), ClusterWide
        => "How long tiered data stays on local disk too; -2 follows log.retention.ms.";
    "log.message.timestamp.after.max.ms": Long = "3600000", AtLeast(0), ClusterWide
        => "How far a record's timestamp may lie ahead of the broker's clock.";
    "log.message.timestamp.before.max.ms": Long = "9223372036854775807", AtLeast(0), ClusterWide
        => "How far a record's timestamp may lie behind the broker's clock.";
    "log.message.timestamp.type": String = "CreateTime",
        OneOf(&["CreateTime", "LogAppendTime"]), ClusterWide
        => "Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime).";
    "log.preallocate": Boolean = "false", Any, ClusterWide
        => "Whether a new segment's file is allocated in full at once.";
    "log.retention.bytes": Long = "-1", Any, ClusterWide
        => "How large a partition may grow before its oldest segments are deleted; -1 is no limit.";
    "log.retention.check.interval.ms": Long = "300000", AtLeast(1), ReadOnly
        => "How often logs are checked for data past its retention.";
    "log.retention.hours": Int = "168", Any, ReadOnly
        => "How long data is kept, in hours; the last choice of three units.";
    "log.retention.minutes": Int, Any, ReadOnly
        => "How long data is kept, in minutes; beats hours.";
    "log.retention.ms": Long, Any, ClusterWide
        => "How long data is kept, in milliseconds; beats minutes and hours; -1 is for ever.";
    "log.roll.hours": Int = "168", AtLeast(1), ReadOnly
        => "After what time a segment is closed though it is not full, in hours.";
    "log.roll.jitter.hours": Int = "0", AtLeast(0), ReadOnly
        => "How much is taken off log.roll.hours at random, in hours.";
    "log.roll.jitter.ms": Long, Any, ClusterWide
        => "How much is taken off log.roll.ms at random; beats log.roll.jitter.hours.";
    "log.roll.ms": Long, Any, ClusterWide
        => "After what time a segment is closed though it is not full; beats log.roll.hours.";
    "log.segment.bytes": Int = "1073741824", AtLeast(1048576), ClusterWide
        => "The size at which a segment is closed and the next one begun.";
    "log.segment.delete.delay.ms": Long = "60000", AtLeast(0), ClusterWide
        => "How long a deleted segment's file stays before it is removed.";
    "message.max.bytes": Int = "1048588", AtLeast(0), ClusterWide
        => "The largest record batch taken, after compression.";
    "remote.fetch.max.wait.ms": Int = "500", AtLeast(1), ClusterWide
        => "How long a fetch waits for tiered data.";
    "remote.list.offsets.request.timeout.ms": Long = "30000", AtLeast(1), ClusterWide
        => "How long a lookup of offsets waits for tiered data.";
    "remote.log.index.file.cache.total.size.bytes": Long = "1073741824", AtLeast(1), ClusterWide
        => "The disk space for indexes fetched from tiered storage.";
    "remote.log.index.file.cache.ttl.ms": Long = "900000", AtLeast(-1), Internal
        => "How long an unused index from tiered storage is kept; -1 is for ever.";
    "remote.log.manager.copier.thread.pool.size": Int = "10", AtLeast(1), ClusterWide
        => "How many threads copy segments to tiered storage.";
    "remote.log.manager.copy.max.bytes.per.second": Long = "9223372036854775807",
        AtLeast(1), ClusterWide
        => "The most bytes a second copied to tiered storage.";
    "remote.log.manager.copy.quota.window.num": Int = "11", AtLeast(1), ReadOnly
        => "How many samples the copying rate is measured over.";
    "remote.log.manager.copy.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly
        => "How long each sample of the copying rate is.";
    "remote.log.manager.expiration.thread.pool.size": Int = "10", AtLeast(1), ClusterWide
        => "How many threads delete expired tiered segments.";
    "remote.log.manager.fetch.max.bytes.per.second": Long = "9223372036854775807",
        AtLeast(1), ClusterWide
        => "The most bytes a second read from tiered storage.";
    "remote.log.manager.fetch.quota.window.num": Int = "11", AtLeast(1), ReadOnly
        => "How many samples the reading rate is measured over.";
    "remote.log.manager.fetch.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly
        => "How long each sample of the reading rate is.";
    "remote.log.manager.follower.thread.pool.size": Int = "2", AtLeast(1), ClusterWide
        => "How many threads do the followers' work on tiered partitions.";
    "remote.log.manager.task.interval.ms": Long = "30000", AtLeast(1), ReadOnly
        => "How often each tiered partition's work is looked at.";
    "remote.log.manager.task.retry.backoff.max.ms": Long = "30000", AtLeast(1), Internal
        => "The longest pause before failed tiering work is tried again.";
    "remote.log.manager.task.retry.backoff.ms": Long = "500", AtLeast(1), Internal
        => "The first pause before failed tiering work is tried again.";
    "remote.log.manager.task.retry.jitter": Double = "0.2", BetweenReals(0.0, 0.5), Internal
        => "The random share added to the pauses of failed tiering work.";
    "remote.log.manager.thread.pool.size": Int = "2", AtLeast(1), ReadOnly
        => "How many threads schedule the work of tiered partitions.";
    "remote.log.metadata.custom.metadata.max.bytes": Int = "128", AtLeast(0), ReadOnly
        => "The largest metadata a tiered storage plugin may attach to a segment.";
    "remote.log.metadata.manager.class.name": String = "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
        NonEmpty, ReadOnly
        => "The class that keeps track of tiered segments.";
    "remote.log.metadata.manager.class.path": String, Any, ReadOnly
        => "Where the class that keeps track of tiered segments is loaded from.";
    "remote.log.metadata.manager.impl.prefix": String = "rlmm.config.", NonEmpty, ReadOnly
        => "The prefix of the settings meant for the class that tracks tiered segments.";
    "remote.log.metadata.manager.listener.name": String, NonEmpty, ReadOnly
        => "The listener on which the tracker of tiered segments reaches the broker.";
    "remote.log.reader.max.pending.tasks": Int = "100", AtLeast(1), ReadOnly
        => "How many reads of tiered data may wait.";
    "remote.log.reader.threads": Int = "10", AtLeast(1), ClusterWide
        => "How many threads read tiered data.";
    "remote.log.storage.manager.class.name": String, NonEmpty, ReadOnly
        => "The class that stores tiered segments.";
    "remote.log.storage.manager.class.path": String, Any, ReadOnly
        => "Where the class that stores tiered segments is loaded from.";
    "remote.log.storage.manager.impl.prefix": String = "rsm.config.", NonEmpty, ReadOnly
        => "The prefix of the settings meant for the class that stores tiered segments.";
    "remote.log.storage.system.enable": Boolean = "false", Any, ReadOnly
        => "Whether topics may use tiered storage at all.";
}
