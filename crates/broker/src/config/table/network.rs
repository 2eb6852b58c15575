//! Broker configs of listeners, connections, request limits and client quotas.
//!
//! Names, types, defaults and valid values are those of Kafka 4.3.1.

use super::super::value::configs;

configs! {
    /// Listeners, connections, request limits and client quotas.
    NETWORK
    "advertised.listeners": List, FilledListOf(&[]), ReadOnly
        => "The addresses clients are told to connect to, where they differ from the listeners.";
    "client.quota.callback.class": Class, Any, ReadOnly
        => "The class that decides which quota a client comes under.";
    "connection.failed.authentication.delay.ms": Int = "100", AtLeast(0), ReadOnly
        => "The pause before a connection whose authentication failed is closed.";
    "connections.max.idle.ms": Long = "600000", Any, ReadOnly
        => "How long a connection may stay silent before the broker closes it.";
    "connections.max.reauth.ms": Long = "0", Any, ReadOnly
        => "How long a SASL session lasts before the client must authenticate again; 0 is for ever.";
    "controlled.shutdown.enable": Boolean = "true", Any, ReadOnly
        => "Whether the broker hands its leaderships over before it stops.";
    "delete.records.purgatory.purge.interval.requests": Int = "1", Any, ReadOnly
        => "How many completed DeleteRecords may pile up before they are cleaned out.";
    "early.start.listeners": List, ListOf(&[]), ReadOnly
        => "Listeners that may take requests before the broker has finished its authorizer's set-up.";
    "fetch.max.bytes": Int = "57671680", AtLeast(1024), ReadOnly
        => "The most bytes one fetch response carries, whatever larger limit the client asked for.";
    "fetch.purgatory.purge.interval.requests": Int = "1000", Any, ReadOnly
        => "How many completed waiting fetches may pile up before they are cleaned out.";
    "inter.broker.listener.name": String, Any, ReadOnly
        => "The name of the listener that brokers use among themselves.";
    "listener.security.protocol.map": String = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
        Any, PerBroker
        => "Which security protocol each listener name stands for.";
    "listeners": List = "PLAINTEXT://:9092", FilledListOf(&[]), PerBroker
        => "The addresses the broker listens on, as NAME://host:port.";
    "max.connection.creation.rate": Int = "2147483647", AtLeast(0), ClusterWide
        => "How many new connections a second the broker takes in all.";
    "max.connections": Int = "2147483647", AtLeast(0), ClusterWide
        => "How many connections the broker holds at once.";
    "max.connections.per.ip": Int = "2147483647", AtLeast(0), ClusterWide
        => "How many connections one address may hold at once.";
    "max.connections.per.ip.overrides": String = "", Any, ClusterWide
        => "Limits of single addresses or host names that replace max.connections.per.ip.";
    "max.incremental.fetch.session.cache.slots": Int = "1000", AtLeast(0), ReadOnly
        => "How many incremental fetch sessions (KIP-227) the broker remembers.";
    "max.request.partition.size.limit": Int = "2000", AtLeast(1), ReadOnly
        => "How many partitions one DescribeTopicPartitions answer holds.";
    "num.io.threads": Int = "8", AtLeast(1), ClusterWide
        => "How many threads handle requests, disk work included.";
    "num.network.threads": Int = "3", AtLeast(1), ClusterWide
        => "How many threads of each listener read requests and write answers.";
    "producer.purgatory.purge.interval.requests": Int = "1000", Any, ReadOnly
        => "How many completed waiting produces may pile up before they are cleaned out.";
    "queued.max.request.bytes": Long = "-1", Any, ReadOnly
        => "How many bytes of requests may be held before sockets stop being read; -1 is no limit.";
    "queued.max.requests": Int = "500", AtLeast(1), ReadOnly
        => "How many requests may wait for a thread before sockets stop being read.";
    "quota.window.num": Int = "11", AtLeast(1), ReadOnly
        => "How many samples a client's quota is measured over.";
    "quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly
        => "How long each sample of a client's quota is.";
    "request.timeout.ms": Int = "30000", Any, ReadOnly
        => "How long the broker waits for the answer to a request of its own.";
    "share.fetch.purgatory.purge.interval.requests": Int = "1000", Any, ReadOnly
        => "How many completed share fetches may pile up before they are cleaned out.";
    "socket.connection.setup.timeout.max.ms": Long = "30000", Any, ReadOnly
        => "The longest wait for an outgoing connection, after repeated failures.";
    "socket.connection.setup.timeout.ms": Long = "10000", Any, ReadOnly
        => "How long the broker waits for an outgoing connection at first.";
    "socket.listen.backlog.size": Int = "50", AtLeast(1), ReadOnly
        => "How many connections may wait in the kernel to be accepted.";
    "socket.receive.buffer.bytes": Int = "102400", Any, ReadOnly
        => "SO_RCVBUF of the server's sockets; -1 leaves it to the system.";
    "socket.request.max.bytes": Int = "104857600", AtLeast(1), ReadOnly
        => "The largest request a connection may send; a larger one closes it.";
    "socket.send.buffer.bytes": Int = "102400", Any, ReadOnly
        => "SO_SNDBUF of the server's sockets; -1 leaves it to the system.";
    "telemetry.max.bytes": Int = "1048576", AtLeast(1), ReadOnly
        => "The largest set of client metrics (KIP-714) taken in one push.";
}
