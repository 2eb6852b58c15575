//! Broker configs of the cluster: controllers, replication, topics, transactions and metrics.
//!
//! Names, types, defaults and valid values are those of Kafka 4.3.1.

use super::super::value::configs;

configs! {
    /// The cluster.
    CLUSTER
    "add.partitions.to.txn.retry.backoff.max.ms": Int = "100", AtLeast(0), ReadOnly
        => "The longest pause before adding partitions to a transaction is tried again.";
    "add.partitions.to.txn.retry.backoff.ms": Int = "20", AtLeast(1), ReadOnly
        => "The first pause before adding partitions to a transaction is tried again.";
    "alter.config.policy.class.name": Class, Any, ReadOnly
        => "The class that may refuse changes of configuration.";
    "alter.log.dirs.replication.quota.window.num": Int = "11", AtLeast(1), ReadOnly
        => "How many samples the rate of moves between log directories is measured over.";
    "alter.log.dirs.replication.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly
        => "How long each sample of the rate of moves between log directories is.";
    "auto.create.topics.enable": Boolean = "true", Any, ReadOnly
        => "Whether a topic that a client asks for by name is created when it does not exist.";
    "auto.leader.rebalance.enable": Boolean = "true", Any, ReadOnly
        => "Whether leadership is given back to preferred replicas in the background.";
    "background.threads": Int = "10", AtLeast(1), ClusterWide
        => "How many threads do the background work.";
    "broker.heartbeat.interval.ms": Int = "2000", Any, ReadOnly
        => "How often a broker tells the controller that it is alive.";
    "broker.id": Int = "-1", Any, ReadOnly
        => "The broker's id under its old name; node.id is the current one.";
    "broker.rack": String, Any, ReadOnly
        => "The rack or zone of the broker, for spreading replicas and fetching near by.";
    "broker.session.timeout.ms": Int = "9000", Any, ReadOnly
        => "How long a broker may be silent before the controller fences it.";
    "config.providers": List = "", ListOf(&[]), ClusterWide
        => "Names of providers that resolve references in configuration values.";
    "controller.listener.names": List, FilledListOf(&[]), ReadOnly
        => "The names of the listeners that controllers use.";
    "controller.performance.always.log.threshold.ms": Long = "2000", AtLeast(0), Internal
        => "Controller events slower than this are always logged.";
    "controller.performance.sample.period.ms": Long = "60000", AtLeast(100), Internal
        => "How often the controller logs how long its events take.";
    "controller.quorum.append.linger.ms": Int = "25", AtLeast(0), ReadOnly
        => "How long the controllers' leader gathers records before it writes them.";
    "controller.quorum.auto.join.enable": Boolean = "false", Any, ReadOnly
        => "Whether a controller makes itself a voter of the quorum.";
    "controller.quorum.bootstrap.servers": List = "", Any, ReadOnly
        => "Addresses at which to find the controller quorum.";
    "controller.quorum.election.backoff.max.ms": Int = "1000", AtLeast(0), ReadOnly
        => "The longest pause before a failed election of controllers is repeated.";
    "controller.quorum.election.timeout.ms": Int = "1000", AtLeast(0), ReadOnly
        => "How long a candidate waits for votes before it starts another election.";
    "controller.quorum.fetch.max.bytes": Int = "1048576", AtLeast(1), ReadOnly
        => "The most bytes of metadata records fetched at a time.";
    "controller.quorum.fetch.snapshot.max.bytes": Int = "1048576", AtLeast(1), ReadOnly
        => "The most bytes of a metadata snapshot fetched at a time.";
    "controller.quorum.fetch.timeout.ms": Int = "2000", AtLeast(0), ReadOnly
        => "How long a controller waits for its leader before it calls an election.";
    "controller.quorum.request.timeout.ms": Int = "2000", AtLeast(0), ReadOnly
        => "How long a controller waits for the answer to a request.";
    "controller.quorum.retry.backoff.ms": Int = "20", AtLeast(0), ReadOnly
        => "The pause before a controller repeats a failed request.";
    "controller.quorum.voters": List = "", Any, ReadOnly
        => "The fixed voters of the controller quorum, as id@host:port.";
    "controller.quota.window.num": Int = "11", AtLeast(1), ReadOnly
        => "How many samples the rate of topic changes is measured over.";
    "controller.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly
        => "How long each sample of the rate of topic changes is.";
    "controller.socket.timeout.ms": Int = "30000", Any, ReadOnly
        => "How long a broker waits for a controller on a connection.";
    "create.topic.policy.class.name": Class, Any, ReadOnly
        => "The class that may refuse new topics.";
    "default.replication.factor": Int = "1", Any, ReadOnly
        => "How many replicas a topic has where its creator does not say.";
    "delete.topic.enable": Boolean = "true", Any, ReadOnly
        => "Whether topics can be deleted.";
    "follower.fetch.last.tiered.offset.enable": Boolean = "false", Any, ClusterWide
        => "Whether a new follower starts at the end of tiered data.";
    "initial.broker.registration.timeout.ms": Int = "60000", Any, ReadOnly
        => "How long a starting broker tries to register before it gives up.";
    "internal.metadata.delete.delay.millis": Long = "60000", Any, Internal
        => "How long deleted metadata files stay before they are removed.";
    "internal.metadata.log.segment.bytes": Int, Any, Internal
        => "The segment size of the metadata log in tests.";
    "internal.metadata.max.batch.size.in.bytes": Int = "8388608", Any, Internal
        => "The largest batch in the metadata log.";
    "kafka.metrics.polling.interval.secs": Int = "10", AtLeast(1), ReadOnly
        => "How often the reporters of kafka.metrics.reporters are served.";
    "kafka.metrics.reporters": List = "", ListOf(&[]), ReadOnly
        => "Classes that report metrics of the older kind.";
    "leader.imbalance.check.interval.seconds": Long = "300", AtLeast(1), ReadOnly
        => "How often the spread of leaderships is checked.";
    "metadata.log.dir": String, Any, ReadOnly
        => "The directory of the metadata log; the first log directory where unset.";
    "metadata.log.max.record.bytes.between.snapshots": Long = "20971520", AtLeast(1), ReadOnly
        => "After how many bytes of new metadata records a snapshot is made.";
    "metadata.log.max.snapshot.interval.ms": Long = "3600000", AtLeast(0), ReadOnly
        => "After what time a snapshot of new metadata records is made; 0 is never.";
    "metadata.log.segment.bytes": Int = "1073741824", AtLeast(8388608), ReadOnly
        => "The segment size of the metadata log.";
    "metadata.log.segment.ms": Long = "604800000", Any, ReadOnly
        => "After what time a segment of the metadata log is closed.";
    "metadata.max.idle.interval.ms": Int = "500", AtLeast(0), ReadOnly
        => "How often an idle controller writes a no-op record; 0 is never.";
    "metadata.max.retention.bytes": Long = "104857600", Any, ReadOnly
        => "How large metadata log and snapshots may grow before old ones are deleted.";
    "metadata.max.retention.ms": Long = "604800000", Any, ReadOnly
        => "How long metadata log segments and snapshots are kept.";
    "metric.reporters": List = "org.apache.kafka.common.metrics.JmxReporter",
        ListOf(&[]), ClusterWide
        => "Classes that report metrics.";
    "metrics.num.samples": Int = "2", AtLeast(1), ReadOnly
        => "How many samples a metric is computed from.";
    "metrics.recording.level": String = "INFO", Any, ReadOnly
        => "The level of detail of metrics: INFO, DEBUG or TRACE.";
    "metrics.sample.window.ms": Long = "30000", AtLeast(1), ReadOnly
        => "How long each sample of a metric is.";
    "min.insync.replicas": Int = "1", AtLeast(1), ClusterWide
        => "How many replicas must have a batch before acks=all is answered.";
    "node.id": Int, AtLeast(0), ReadOnly
        => "The id of this node in the cluster.";
    "num.partitions": Int = "1", AtLeast(1), ReadOnly
        => "How many partitions a topic has where its creator does not say.";
    "num.recovery.threads.per.data.dir": Int = "2", AtLeast(1), ClusterWide
        => "How many threads recover the logs of each directory at start.";
    "num.replica.alter.log.dirs.threads": Int, Any, ReadOnly
        => "How many threads move replicas between log directories.";
    "num.replica.fetchers": Int = "1", AtLeast(1), ClusterWide
        => "How many threads fetch from each other broker.";
    "process.roles": List, FilledListOf(&["broker", "controller"]), ReadOnly
        => "What this process is: broker, controller or both.";
    "producer.id.expiration.check.interval.ms": Int = "600000", AtLeast(1), Internal
        => "How often expired producer ids are looked for.";
    "producer.id.expiration.ms": Int = "86400000", AtLeast(1), ClusterWide
        => "How long a partition remembers an idle producer's sequence numbers.";
    "replica.fetch.backoff.ms": Int = "1000", AtLeast(0), ReadOnly
        => "The pause after a failed fetch from a leader.";
    "replica.fetch.max.bytes": Int = "1048576", AtLeast(0), ReadOnly
        => "The bytes a follower asks for of each partition.";
    "replica.fetch.min.bytes": Int = "1", Any, ReadOnly
        => "The bytes a follower's fetch waits for.";
    "replica.fetch.response.max.bytes": Int = "10485760", AtLeast(0), ReadOnly
        => "The bytes a follower asks for in one response.";
    "replica.fetch.wait.max.ms": Int = "500", Any, ReadOnly
        => "How long a follower's fetch waits for data.";
    "replica.high.watermark.checkpoint.interval.ms": Long = "5000", Any, ReadOnly
        => "How often high watermarks are written to disk.";
    "replica.lag.time.max.ms": Long = "30000", Any, ReadOnly
        => "How long a follower may lag before it no longer counts as in sync.";
    "replica.selector.class": String, Any, ReadOnly
        => "The class that chooses which replica a consumer reads from.";
    "replica.socket.receive.buffer.bytes": Int = "65536", Any, ReadOnly
        => "SO_RCVBUF of a follower's connections to leaders.";
    "replica.socket.timeout.ms": Int = "30000", Any, ReadOnly
        => "How long a follower waits for a leader on a connection.";
    "replication.quota.window.num": Int = "11", AtLeast(1), ReadOnly
        => "How many samples the rate of replication is measured over.";
    "replication.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly
        => "How long each sample of the rate of replication is.";
    "server.max.startup.time.ms": Long = "9223372036854775807", AtLeast(0), Internal
        => "How long a start may take before it counts as failed.";
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": Int = "10000",
        AtLeast(1), ReadOnly
        => "How often transactions past their timeout are looked for.";
    "transaction.max.timeout.ms": Int = "900000", AtLeast(1), ReadOnly
        => "The longest timeout a transactional producer may ask for.";
    "transaction.partition.verification.enable": Boolean = "true", Any, ClusterWide
        => "Whether a partition asks the coordinator if a transaction is really under way.";
    "transaction.remove.expired.transaction.cleanup.interval.ms": Int = "3600000",
        AtLeast(1), ReadOnly
        => "How often expired transactional ids are looked for.";
    "transaction.state.log.load.buffer.size": Int = "5242880", AtLeast(1), ReadOnly
        => "How many bytes of transaction state are read at a time when it is loaded.";
    "transaction.state.log.min.isr": Int = "2", AtLeast(1), ReadOnly
        => "The least in-sync replicas of __transaction_state.";
    "transaction.state.log.num.partitions": Int = "50", AtLeast(1), ReadOnly
        => "How many partitions __transaction_state has; not to be changed once it exists.";
    "transaction.state.log.replication.factor": Short = "3", AtLeast(1), ReadOnly
        => "How many replicas __transaction_state has.";
    "transaction.state.log.segment.bytes": Int = "104857600", AtLeast(1), ReadOnly
        => "The segment size of __transaction_state.";
    "transaction.two.phase.commit.enable": Boolean = "false", Any, ReadOnly
        => "Whether producers may prepare transactions for an outside coordinator (KIP-939).";
    "transactional.id.expiration.ms": Int = "604800000", AtLeast(1), ReadOnly
        => "How long an idle transactional id is remembered.";
    "unclean.leader.election.enable": Boolean = "false", Any, ClusterWide
        => "Whether a replica that is not in sync may become leader, at the price of data.";
    "unclean.leader.election.interval.ms": Long = "300000", AtLeast(1), Internal
        => "How often partitions without a leader are looked at for an unclean election.";
    "unstable.api.versions.enable": Boolean = "false", Any, Internal
        => "Whether API versions under development are offered.";
    "unstable.feature.versions.enable": Boolean = "false", Any, Internal
        => "Whether feature versions under development may be used.";
}
