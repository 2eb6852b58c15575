//! The layout of each request, from Kafka's message definitions. Written by tools/shapes.py.

use super::Kind::{Array, Blob, Fixed, Structure, Text};
use super::{END, Field, Request, field, request};

/// Every request that can be read, by rising key.
pub const REQUESTS: &[Request] = &[
    request(0, "Produce", 3, 13, 9, None),
    request(1, "Fetch", 4, 18, 12, None),
    request(2, "ListOffsets", 1, 10, 6, Some(LIST_OFFSETS)),
    request(3, "Metadata", 0, 13, 9, Some(METADATA)),
    request(8, "OffsetCommit", 0, 10, 8, None),
    request(9, "OffsetFetch", 0, 10, 6, None),
    request(10, "FindCoordinator", 0, 6, 3, Some(FIND_COORDINATOR)),
    request(11, "JoinGroup", 0, 9, 6, Some(JOIN_GROUP)),
    request(12, "Heartbeat", 0, 4, 4, Some(HEARTBEAT)),
    request(13, "LeaveGroup", 0, 5, 4, Some(LEAVE_GROUP)),
    request(14, "SyncGroup", 0, 5, 4, Some(SYNC_GROUP)),
    request(15, "DescribeGroups", 0, 6, 5, Some(DESCRIBE_GROUPS)),
    request(16, "ListGroups", 0, 5, 3, Some(LIST_GROUPS)),
    request(18, "ApiVersions", 0, 4, 3, Some(API_VERSIONS)),
    request(19, "CreateTopics", 2, 7, 5, Some(CREATE_TOPICS)),
    request(20, "DeleteTopics", 1, 6, 4, Some(DELETE_TOPICS)),
    request(22, "InitProducerId", 0, 5, 2, Some(INIT_PRODUCER_ID)),
    request(23, "OffsetForLeaderEpoch", 2, 4, 4, Some(OFFSET_FOR_LEADER_EPOCH)),
    request(32, "DescribeConfigs", 1, 4, 4, Some(DESCRIBE_CONFIGS)),
    request(42, "DeleteGroups", 0, 2, 2, Some(DELETE_GROUPS)),
    request(60, "DescribeCluster", 0, 2, 0, Some(DESCRIBE_CLUSTER)),
    request(75, "DescribeTopicPartitions", 0, 0, 0, Some(DESCRIBE_TOPIC_PARTITIONS)),
];

const LIST_OFFSETS: &[Field] = &[
    field("ReplicaId", Fixed(4), 0, END),
    field("IsolationLevel", Fixed(1), 2, END),
    field(
        "Topics",
        Array(&Structure(&[
            field("Name", Text, 0, END),
            field(
                "Partitions",
                Array(&Structure(&[
                    field("PartitionIndex", Fixed(4), 0, END),
                    field("CurrentLeaderEpoch", Fixed(4), 4, END),
                    field("Timestamp", Fixed(8), 0, END),
                ])),
                0,
                END,
            ),
        ])),
        0,
        END,
    ),
    field("TimeoutMs", Fixed(4), 10, END),
];

const METADATA: &[Field] = &[
    field(
        "Topics",
        Array(&Structure(&[
            field("TopicId", Fixed(16), 10, END),
            field("Name", Text, 0, END).nullable(10, END),
        ])),
        0,
        END,
    )
    .nullable(1, END),
    field("AllowAutoTopicCreation", Fixed(1), 4, END),
    field("IncludeClusterAuthorizedOperations", Fixed(1), 8, 10),
    field("IncludeTopicAuthorizedOperations", Fixed(1), 8, END),
];

const FIND_COORDINATOR: &[Field] = &[
    field("Key", Text, 0, 3),
    field("KeyType", Fixed(1), 1, END),
    field("CoordinatorKeys", Array(&Text), 4, END),
];

const JOIN_GROUP: &[Field] = &[
    field("GroupId", Text, 0, END),
    field("SessionTimeoutMs", Fixed(4), 0, END),
    field("RebalanceTimeoutMs", Fixed(4), 1, END),
    field("MemberId", Text, 0, END),
    field("GroupInstanceId", Text, 5, END).nullable(5, END),
    field("ProtocolType", Text, 0, END),
    field(
        "Protocols",
        Array(&Structure(&[field("Name", Text, 0, END), field("Metadata", Blob, 0, END)])),
        0,
        END,
    ),
    field("Reason", Text, 8, END).nullable(8, END),
];

const HEARTBEAT: &[Field] = &[
    field("GroupId", Text, 0, END),
    field("GenerationId", Fixed(4), 0, END),
    field("MemberId", Text, 0, END),
    field("GroupInstanceId", Text, 3, END).nullable(3, END),
];

const LEAVE_GROUP: &[Field] = &[
    field("GroupId", Text, 0, END),
    field("MemberId", Text, 0, 2),
    field(
        "Members",
        Array(&Structure(&[
            field("MemberId", Text, 3, END),
            field("GroupInstanceId", Text, 3, END).nullable(3, END),
            field("Reason", Text, 5, END).nullable(5, END),
        ])),
        3,
        END,
    ),
];

const SYNC_GROUP: &[Field] = &[
    field("GroupId", Text, 0, END),
    field("GenerationId", Fixed(4), 0, END),
    field("MemberId", Text, 0, END),
    field("GroupInstanceId", Text, 3, END).nullable(3, END),
    field("ProtocolType", Text, 5, END).nullable(5, END),
    field("ProtocolName", Text, 5, END).nullable(5, END),
    field(
        "Assignments",
        Array(&Structure(&[field("MemberId", Text, 0, END), field("Assignment", Blob, 0, END)])),
        0,
        END,
    ),
];

const DESCRIBE_GROUPS: &[Field] = &[
    field("Groups", Array(&Text), 0, END),
    field("IncludeAuthorizedOperations", Fixed(1), 3, END),
];

const LIST_GROUPS: &[Field] =
    &[field("StatesFilter", Array(&Text), 4, END), field("TypesFilter", Array(&Text), 5, END)];

const API_VERSIONS: &[Field] = &[
    field("ClientSoftwareName", Text, 3, END),
    field("ClientSoftwareVersion", Text, 3, END),
    field("ClusterId", Text, 5, END).nullable(5, END),
    field("NodeId", Fixed(4), 5, END),
];

const CREATE_TOPICS: &[Field] = &[
    field(
        "Topics",
        Array(&Structure(&[
            field("Name", Text, 0, END),
            field("NumPartitions", Fixed(4), 0, END),
            field("ReplicationFactor", Fixed(2), 0, END),
            field(
                "Assignments",
                Array(&Structure(&[
                    field("PartitionIndex", Fixed(4), 0, END),
                    field("BrokerIds", Array(&Fixed(4)), 0, END),
                ])),
                0,
                END,
            ),
            field(
                "Configs",
                Array(&Structure(&[
                    field("Name", Text, 0, END),
                    field("Value", Text, 0, END).nullable(0, END),
                ])),
                0,
                END,
            ),
        ])),
        0,
        END,
    ),
    field("timeoutMs", Fixed(4), 0, END),
    field("validateOnly", Fixed(1), 1, END),
];

const DELETE_TOPICS: &[Field] = &[
    field(
        "Topics",
        Array(&Structure(&[
            field("Name", Text, 6, END).nullable(6, END),
            field("TopicId", Fixed(16), 6, END),
        ])),
        6,
        END,
    ),
    field("TopicNames", Array(&Text), 0, 5),
    field("TimeoutMs", Fixed(4), 0, END),
];

const INIT_PRODUCER_ID: &[Field] = &[
    field("TransactionalId", Text, 0, END).nullable(0, END),
    field("TransactionTimeoutMs", Fixed(4), 0, END),
    field("ProducerId", Fixed(8), 3, END),
    field("ProducerEpoch", Fixed(2), 3, END),
    field("Enable2Pc", Fixed(1), 6, END),
    field("KeepPreparedTxn", Fixed(1), 6, END),
];

const OFFSET_FOR_LEADER_EPOCH: &[Field] = &[
    field("ReplicaId", Fixed(4), 3, END),
    field(
        "Topics",
        Array(&Structure(&[
            field("Topic", Text, 0, END),
            field(
                "Partitions",
                Array(&Structure(&[
                    field("Partition", Fixed(4), 0, END),
                    field("CurrentLeaderEpoch", Fixed(4), 2, END),
                    field("LeaderEpoch", Fixed(4), 0, END),
                ])),
                0,
                END,
            ),
        ])),
        0,
        END,
    ),
];

const DESCRIBE_CONFIGS: &[Field] = &[
    field(
        "Resources",
        Array(&Structure(&[
            field("ResourceType", Fixed(1), 0, END),
            field("ResourceName", Text, 0, END),
            field("ConfigurationKeys", Array(&Text), 0, END).nullable(0, END),
        ])),
        0,
        END,
    ),
    field("IncludeSynonyms", Fixed(1), 1, END),
    field("IncludeDocumentation", Fixed(1), 3, END),
];

const DELETE_GROUPS: &[Field] = &[field("GroupsNames", Array(&Text), 0, END)];

const DESCRIBE_CLUSTER: &[Field] = &[
    field("IncludeClusterAuthorizedOperations", Fixed(1), 0, END),
    field("EndpointType", Fixed(1), 1, END),
    field("IncludeFencedBrokers", Fixed(1), 2, END),
];

const DESCRIBE_TOPIC_PARTITIONS: &[Field] = &[
    field("Topics", Array(&Structure(&[field("Name", Text, 0, END)])), 0, END),
    field("ResponsePartitionLimit", Fixed(4), 0, END),
    field(
        "Cursor",
        Structure(&[field("TopicName", Text, 0, END), field("PartitionIndex", Fixed(4), 0, END)]),
        0,
        END,
    )
    .nullable(0, END),
];
