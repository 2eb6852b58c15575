//! The server's metrics: what each is called, what labels it has and what it means.

use tidegate_metrics::Metric;

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = $metric:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: Metric = $metric;)*

        /// Every metric of the server, in the order in which they are served.
        pub const METRICS: &[Metric] = &[$($name,)*];
    };
}

table! {
    BUILD_INFO = Metric::info("tidegate_build_info", &["version"], "The gateway's version");
    REQUESTS = Metric::counter("tidegate_requests_total", &["api", "version", "error"],
        "Requests answered, by request type, its version, and the first error in the answer (NONE without \
         one, CLOSED where the connection was closed instead)");
    REQUEST_SECONDS = Metric::histogram("tidegate_request_duration_seconds", &["api"],
        "Time from a request's last byte read to its answer's last byte written, waiting included");
    PHASE_SECONDS = Metric::histogram("tidegate_request_phase_seconds", &["api", "phase"],
        "The same time in parts: queue (behind earlier requests of the connection that wait; for a \
         Fetch, behind all), log (work, reads, and until what it wrote is durable), wait (because the client asked: a Fetch for more bytes, \
         a member for its group), send (from the answer's being ready to its last byte written)");
    REQUESTS_SLOW = Metric::counter("tidegate_slow_requests_total", &["api"],
        "Requests that took log.slow_request_ms or longer, without what their client asked to wait for; also \
         those that have no line in the log because there was one just before");
    REQUESTS_THROTTLED = Metric::counter("tidegate_requests_throttled_total", &["api"],
        "Requests whose sender was told to wait by a quota");
    THROTTLE_SECONDS = Metric::counter("tidegate_throttle_seconds_total", &["api"],
        "Time that senders were told to wait by quotas");
    PRODUCE_BYTES = Metric::counter("tidegate_produce_bytes_total", &[],
        "Bytes of record batches appended for clients, as they came: compressed ones count compressed");
    PRODUCE_BATCHES = Metric::counter("tidegate_produce_batches_total", &[],
        "Record batches appended for clients");
    PRODUCE_RECORDS = Metric::counter("tidegate_produce_records_total", &[],
        "Records appended for clients");
    FETCH_BYTES = Metric::counter("tidegate_fetch_bytes_total", &[],
        "Bytes of record batches handed to consumers");
    FETCH_RECORDS = Metric::counter("tidegate_fetch_records_total", &[],
        "Records handed to consumers, from the offset that each asked for");
    RECEIVED_BYTES = Metric::counter("tidegate_network_received_bytes_total", &[],
        "Bytes of requests received from Kafka clients");
    SENT_BYTES = Metric::counter("tidegate_network_sent_bytes_total", &[],
        "Bytes of answers sent to Kafka clients");
    CONNECTIONS_OPEN = Metric::gauge("tidegate_connections_open", &[], "Connections of Kafka clients open");
    CONNECTIONS_ACCEPTED = Metric::counter("tidegate_connections_accepted_total", &[],
        "Connections of Kafka clients accepted");
    CONNECTIONS_CLOSED = Metric::counter("tidegate_connections_closed_total", &["reason"],
        "Connections that ended: closed (by the client), failed (the socket), refused (the client broke the \
         protocol), idle (connections.max.idle.ms), stopped (the gateway stops)");
    CONNECTIONS_REFUSED = Metric::counter("tidegate_connections_refused_total", &[],
        "Connections closed at once because max.connections was reached");
    CONNECTIONS_THROTTLED = Metric::counter("tidegate_connections_throttled_total", &[],
        "Connections closed because of connection_creation_rate");
    ACCEPT_FAILURES = Metric::counter("tidegate_accept_failures_total", &[],
        "Connections that the system could not hand over, for want of file descriptors mostly");
    CONNECTIONS_BY_SOFTWARE = Metric::gauge("tidegate_connections_by_software", &["software", "version"],
        "Connections open, by the client library that the client named (the 50 most frequent, the rest as other)");
    REQUEST_MEMORY = Metric::gauge("tidegate_request_memory_bytes", &[],
        "Memory held for large requests that are arriving");
    REQUEST_MEMORY_MAX = Metric::gauge("tidegate_request_memory_limit_bytes", &[],
        "Most memory for large requests (request_bytes_in_flight_max)");
    FETCHES_PARKED = Metric::gauge("tidegate_fetches_parked", &[],
        "Fetches that wait for records");
    FETCH_SESSIONS = Metric::gauge("tidegate_fetch_sessions", &[], "Incremental fetch sessions");
    TOPICS = Metric::gauge("tidegate_topics", &[], "Topics");
    PARTITIONS = Metric::gauge("tidegate_partitions", &[], "Partitions of all topics");
    TOPIC_SIZE = Metric::gauge("tidegate_topic_partition_size_bytes", &["topic", "partition"],
        "Bytes of a partition's batches, of the largest partitions (metrics.topic_partitions_max)");
    TOPIC_START = Metric::gauge("tidegate_topic_partition_start_offset", &["topic", "partition"],
        "First offset kept, of the same partitions");
    TOPIC_END = Metric::gauge("tidegate_topic_partition_end_offset", &["topic", "partition"],
        "Offset after the last durable record, of the same partitions: its rate is the records written");
    TOPIC_HIDDEN = Metric::gauge("tidegate_topic_partitions_not_shown", &[],
        "Partitions beyond metrics.topic_partitions_max, which are not shown one by one");
    GROUPS = Metric::gauge("tidegate_groups", &["state"], "Groups, by their state");
    REBALANCES = Metric::counter("tidegate_group_rebalances_total", &["cause"],
        "Rebalances of groups, by what set them off");
    GROUP_LAG = Metric::gauge("tidegate_group_lag_records", &["group", "topic", "partition"],
        "Records between a group's committed offset and the partition's end, of the largest lags \
         (metrics.lag_partitions_max)");
    LAG_HIDDEN = Metric::gauge("tidegate_group_lags_not_shown", &[],
        "Lags beyond metrics.lag_partitions_max, which are smaller than all that are shown");
    OFFSET_COMMIT_SECONDS = Metric::histogram("tidegate_offsets_commit_seconds", &["storage"],
        "Time that the answer to one commit waits, once it is its turn, until the offsets are kept, by where \
         that is: log, memory or filer");
    OFFSET_FETCH_SECONDS = Metric::histogram("tidegate_offsets_fetch_seconds", &["storage"],
        "Time that the answer to one fetch waits, once it is its turn, until committed offsets are read");
    OFFSET_COMMITS = Metric::counter("tidegate_offsets_commits_total", &["storage"], "Offsets kept");
    OFFSET_ERRORS = Metric::counter("tidegate_offsets_errors_total", &["storage", "operation"],
        "Offsets that could not be kept, read or deleted: commit, fetch, delete");
    OFFSET_CACHE_ENTRIES = Metric::gauge("tidegate_offsets_cache_entries", &["storage"],
        "Offsets in the cache in front of the storage, if there is one");
    OFFSET_CACHE_BYTES = Metric::gauge("tidegate_offsets_cache_bytes", &["storage"], "Memory of that cache");
    OFFSET_CACHE_HITS = Metric::counter("tidegate_offsets_cache_hits_total", &["storage"],
        "Reads that the cache answered");
    OFFSET_CACHE_MISSES = Metric::counter("tidegate_offsets_cache_misses_total", &["storage"],
        "Reads that had to ask the storage");
    WAL_FRAMES = Metric::counter("tidegate_wal_frames_total", &[],
        "Group commits: frames of the write-ahead log written");
    WAL_APPENDS = Metric::counter("tidegate_wal_appends_total", &[], "Appends in those frames");
    WAL_BYTES = Metric::counter("tidegate_wal_bytes_total", &[], "Bytes of batches in those frames");
    WAL_PENDING_BYTES = Metric::gauge("tidegate_wal_pending_bytes", &[],
        "Bytes of batches taken and not durable yet");
    WAL_WRITE_SECONDS = Metric::histogram("tidegate_wal_write_seconds", &[],
        "Time to write one frame of the write-ahead log, with sync = always until it is on the disk");
    WAL_FRAME_APPENDS = Metric::histogram("tidegate_wal_frame_appends", &[],
        "Appends that shared one frame");
    WAL_FRAME_BYTES = Metric::histogram("tidegate_wal_frame_bytes", &[], "Bytes of one frame");
    FSYNC_SECONDS = Metric::histogram("tidegate_fsync_seconds", &["files"],
        "Time of one call that makes files durable beside the frames themselves: wal (with sync = interval), \
         segments, checkpoint");
    CHECKPOINT_SECONDS = Metric::histogram("tidegate_checkpoint_seconds", &[], "Time to make one checkpoint");
    CHECKPOINTS = Metric::counter("tidegate_checkpoints_total", &[], "Checkpoints written");
    WAL_SLOW_WRITES = Metric::counter("tidegate_wal_slow_writes_total", &[], "Group commits that took a second or more");
    TAIL_BYTES = Metric::gauge("tidegate_tail_bytes", &[], "Recent batch bytes held in memory");
    TRIMMED_SEGMENTS = Metric::counter("tidegate_trimmed_segments_total", &[],
        "Segments removed by retention and DeleteRecords");
    TRIMMED_BYTES = Metric::counter("tidegate_trimmed_bytes_total", &[], "Bytes removed that way");
    STORAGE_FULL = Metric::gauge("tidegate_storage_full", &[],
        "1 while appends are refused for want of space");
    STORAGE_SIZE = Metric::gauge("tidegate_storage_size_bytes", &[],
        "Size of the file system that holds the data");
    STORAGE_FREE = Metric::gauge("tidegate_storage_free_bytes", &[],
        "Bytes of it that the gateway can still write");
    CLOCK_JUMPS = Metric::counter("tidegate_clock_jumps_total", &["direction"],
        "Jumps of the wall clock by more than two seconds: forward (the machine slept, too) or back");
    RESIDENT_MEMORY = Metric::gauge("process_resident_memory_bytes", &[], "Resident memory of the process");
    CPU_SECONDS = Metric::counter("process_cpu_seconds_total", &[],
        "Processor time of the process, in user and system mode");
    OPEN_FILES = Metric::gauge("process_open_fds", &[], "Open file descriptors");
    MAX_FILES = Metric::gauge("process_max_fds", &[], "Most file descriptors (ulimit -n)");
    THREADS = Metric::gauge("process_threads", &[], "Threads of the process");
    START_TIME = Metric::gauge("process_start_time_seconds", &[],
        "When the process started, in seconds since 1970; time() less this is how long it has been up");
}
