//! Configs of groups, of subscriptions to clients' metrics, and those of brokers that can be set
//! only while they run.
//!
//! Names, types, defaults and valid values are those of Kafka 4.3.1.

use super::super::value::configs;

configs! {
    /// Configs of one group (`GroupConfig`). Where the broker has one behind it, its default counts.
    GROUP_RESOURCE
    "consumer.assignment.interval.ms": Int = "1000", AtLeast(0), PerResource
        => "The least time between two assignments of this consumer group.";
    "consumer.heartbeat.interval.ms": Int = "5000", AtLeast(1), PerResource
        => "How often members of this consumer group are told to send a heartbeat.";
    "consumer.session.timeout.ms": Int = "45000", AtLeast(1), PerResource
        => "How long a member of this consumer group may be silent before it is removed.";
    "share.assignment.interval.ms": Int = "1000", AtLeast(0), PerResource
        => "The least time between two assignments of this share group.";
    "share.auto.offset.reset": String = "latest", Any, PerResource
        => "Where this share group begins: earliest, latest, or by_duration: and how long ago.";
    "share.delivery.count.limit": Int = "5", AtLeast(2), PerResource
        => "How often a record is delivered to this share group.";
    "share.heartbeat.interval.ms": Int = "5000", AtLeast(1), PerResource
        => "How often members of this share group are told to send a heartbeat.";
    "share.isolation.level": String = "read_uncommitted",
        OneOf(&["read_committed", "read_uncommitted"]), PerResource
        => "Whether this share group sees records of transactions that are not committed.";
    "share.partition.max.record.locks": Int = "2000", AtLeast(100), PerResource
        => "How many records of a partition may be locked for this share group.";
    "share.record.lock.duration.ms": Int = "30000", AtLeast(1000), PerResource
        => "How long a record is locked for a consumer of this share group.";
    "share.renew.acknowledge.enable": Boolean = "true", Any, PerResource
        => "Whether consumers of this share group may renew their locks.";
    "share.session.timeout.ms": Int = "45000", AtLeast(1), PerResource
        => "How long a member of this share group may be silent before it is removed.";
    "streams.assignment.interval.ms": Int = "1000", AtLeast(0), PerResource
        => "The least time between two assignments of this streams group.";
    "streams.heartbeat.interval.ms": Int = "5000", AtLeast(1), PerResource
        => "How often members of this streams group are told to send a heartbeat.";
    "streams.initial.rebalance.delay.ms": Int = "3000", AtLeast(0), PerResource
        => "How long the first member of this streams group waits for others.";
    "streams.num.standby.replicas": Int = "0", AtLeast(0), PerResource
        => "How many standby replicas each task of this streams group has.";
    "streams.session.timeout.ms": Int = "45000", AtLeast(1), PerResource
        => "How long a member of this streams group may be silent before it is removed.";
}

configs! {
    /// Configs of one subscription to clients' metrics (`ClientMetricsConfigs`, KIP-714).
    CLIENT_METRICS
    "interval.ms": Int = "300000", Any, PerResource
        => "How often clients push the metrics.";
    "match": List = "", Any, PerResource
        => "Which clients are subscribed to: property=pattern pairs that all must fit.";
    "metrics": List = "", Any, PerResource
        => "Prefixes of the metrics' names; * is all of them.";
}

configs! {
    /// Limits of replication, which brokers take only while they run (`DynamicConfig.Broker`).
    DYNAMIC
    "follower.replication.throttled.rate": Long = "9223372036854775807", AtLeast(0), ClusterWide
        => "Bytes each second that throttled followers fetch.";
    "leader.replication.throttled.rate": Long = "9223372036854775807", AtLeast(0), ClusterWide
        => "Bytes each second that throttled leaders send to followers.";
    "replica.alter.log.dirs.io.max.bytes.per.second":
        Long = "9223372036854775807", AtLeast(0), ClusterWide
        => "Bytes each second that are moved between log directories.";
}
