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
    request(21, "DeleteRecords", 0, 2, 2, Some(DELETE_RECORDS)),
    request(22, "InitProducerId", 0, 5, 2, Some(INIT_PRODUCER_ID)),
    request(23, "OffsetForLeaderEpoch", 2, 4, 4, Some(OFFSET_FOR_LEADER_EPOCH)),
    request(29, "DescribeAcls", 1, 3, 2, Some(DESCRIBE_ACLS)),
    request(30, "CreateAcls", 1, 3, 2, Some(CREATE_ACLS)),
    request(31, "DeleteAcls", 1, 3, 2, Some(DELETE_ACLS)),
    request(32, "DescribeConfigs", 1, 4, 4, Some(DESCRIBE_CONFIGS)),
    request(33, "AlterConfigs", 0, 2, 2, Some(ALTER_CONFIGS)),
    request(35, "DescribeLogDirs", 1, 4, 2, Some(DESCRIBE_LOG_DIRS)),
    request(37, "CreatePartitions", 0, 3, 2, Some(CREATE_PARTITIONS)),
    request(42, "DeleteGroups", 0, 2, 2, Some(DELETE_GROUPS)),
    request(43, "ElectLeaders", 0, 2, 2, Some(ELECT_LEADERS)),
    request(44, "IncrementalAlterConfigs", 0, 1, 1, Some(INCREMENTAL_ALTER_CONFIGS)),
    request(45, "AlterPartitionReassignments", 0, 1, 0, Some(ALTER_PARTITION_REASSIGNMENTS)),
    request(46, "ListPartitionReassignments", 0, 0, 0, Some(LIST_PARTITION_REASSIGNMENTS)),
    request(47, "OffsetDelete", 0, 0, END, Some(OFFSET_DELETE)),
    request(48, "DescribeClientQuotas", 0, 1, 1, Some(DESCRIBE_CLIENT_QUOTAS)),
    request(49, "AlterClientQuotas", 0, 1, 1, Some(ALTER_CLIENT_QUOTAS)),
    request(50, "DescribeUserScramCredentials", 0, 0, 0, Some(DESCRIBE_USER_SCRAM_CREDENTIALS)),
    request(55, "DescribeQuorum", 0, 2, 0, Some(DESCRIBE_QUORUM)),
    request(57, "UpdateFeatures", 0, 2, 0, Some(UPDATE_FEATURES)),
    request(60, "DescribeCluster", 0, 2, 0, Some(DESCRIBE_CLUSTER)),
    request(61, "DescribeProducers", 0, 0, 0, Some(DESCRIBE_PRODUCERS)),
    request(71, "GetTelemetrySubscriptions", 0, 0, 0, Some(GET_TELEMETRY_SUBSCRIPTIONS)),
    request(72, "PushTelemetry", 0, 0, 0, Some(PUSH_TELEMETRY)),
    request(74, "ListConfigResources", 0, 1, 0, Some(LIST_CONFIG_RESOURCES)),
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

const DESCRIBE_ACLS: &[Field] = &[
    field("ResourceTypeFilter", Fixed(1), 0, END),
    field("ResourceNameFilter", Text, 0, END).nullable(0, END),
    field("PatternTypeFilter", Fixed(1), 1, END),
    field("PrincipalFilter", Text, 0, END).nullable(0, END),
    field("HostFilter", Text, 0, END).nullable(0, END),
    field("Operation", Fixed(1), 0, END),
    field("PermissionType", Fixed(1), 0, END),
];

const CREATE_ACLS: &[Field] = &[field(
    "Creations",
    Array(&Structure(&[
        field("ResourceType", Fixed(1), 0, END),
        field("ResourceName", Text, 0, END),
        field("ResourcePatternType", Fixed(1), 1, END),
        field("Principal", Text, 0, END),
        field("Host", Text, 0, END),
        field("Operation", Fixed(1), 0, END),
        field("PermissionType", Fixed(1), 0, END),
    ])),
    0,
    END,
)];

const DELETE_ACLS: &[Field] = &[field(
    "Filters",
    Array(&Structure(&[
        field("ResourceTypeFilter", Fixed(1), 0, END),
        field("ResourceNameFilter", Text, 0, END).nullable(0, END),
        field("PatternTypeFilter", Fixed(1), 1, END),
        field("PrincipalFilter", Text, 0, END).nullable(0, END),
        field("HostFilter", Text, 0, END).nullable(0, END),
        field("Operation", Fixed(1), 0, END),
        field("PermissionType", Fixed(1), 0, END),
    ])),
    0,
    END,
)];

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

const DELETE_RECORDS: &[Field] = &[
    field(
        "Topics",
        Array(&Structure(&[
            field("Name", Text, 0, END),
            field(
                "Partitions",
                Array(&Structure(&[
                    field("PartitionIndex", Fixed(4), 0, END),
                    field("Offset", Fixed(8), 0, END),
                ])),
                0,
                END,
            ),
        ])),
        0,
        END,
    ),
    field("TimeoutMs", Fixed(4), 0, END),
];

const ALTER_CONFIGS: &[Field] = &[
    field(
        "Resources",
        Array(&Structure(&[
            field("ResourceType", Fixed(1), 0, END),
            field("ResourceName", Text, 0, END),
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
    field("ValidateOnly", Fixed(1), 0, END),
];

const DESCRIBE_LOG_DIRS: &[Field] = &[field(
    "Topics",
    Array(&Structure(&[
        field("Topic", Text, 0, END),
        field("Partitions", Array(&Fixed(4)), 0, END),
    ])),
    0,
    END,
)
.nullable(0, END)];

const CREATE_PARTITIONS: &[Field] = &[
    field(
        "Topics",
        Array(&Structure(&[
            field("Name", Text, 0, END),
            field("Count", Fixed(4), 0, END),
            field(
                "Assignments",
                Array(&Structure(&[field("BrokerIds", Array(&Fixed(4)), 0, END)])),
                0,
                END,
            )
            .nullable(0, END),
        ])),
        0,
        END,
    ),
    field("TimeoutMs", Fixed(4), 0, END),
    field("ValidateOnly", Fixed(1), 0, END),
];

const ELECT_LEADERS: &[Field] = &[
    field("ElectionType", Fixed(1), 1, END),
    field(
        "TopicPartitions",
        Array(&Structure(&[
            field("Topic", Text, 0, END),
            field("Partitions", Array(&Fixed(4)), 0, END),
        ])),
        0,
        END,
    )
    .nullable(0, END),
    field("TimeoutMs", Fixed(4), 0, END),
];

const INCREMENTAL_ALTER_CONFIGS: &[Field] = &[
    field(
        "Resources",
        Array(&Structure(&[
            field("ResourceType", Fixed(1), 0, END),
            field("ResourceName", Text, 0, END),
            field(
                "Configs",
                Array(&Structure(&[
                    field("Name", Text, 0, END),
                    field("ConfigOperation", Fixed(1), 0, END),
                    field("Value", Text, 0, END).nullable(0, END),
                ])),
                0,
                END,
            ),
        ])),
        0,
        END,
    ),
    field("ValidateOnly", Fixed(1), 0, END),
];

const ALTER_PARTITION_REASSIGNMENTS: &[Field] = &[
    field("TimeoutMs", Fixed(4), 0, END),
    field("AllowReplicationFactorChange", Fixed(1), 1, END),
    field(
        "Topics",
        Array(&Structure(&[
            field("Name", Text, 0, END),
            field(
                "Partitions",
                Array(&Structure(&[
                    field("PartitionIndex", Fixed(4), 0, END),
                    field("Replicas", Array(&Fixed(4)), 0, END).nullable(0, END),
                ])),
                0,
                END,
            ),
        ])),
        0,
        END,
    ),
];

const LIST_PARTITION_REASSIGNMENTS: &[Field] = &[
    field("TimeoutMs", Fixed(4), 0, END),
    field(
        "Topics",
        Array(&Structure(&[
            field("Name", Text, 0, END),
            field("PartitionIndexes", Array(&Fixed(4)), 0, END),
        ])),
        0,
        END,
    )
    .nullable(0, END),
];

const OFFSET_DELETE: &[Field] = &[
    field("GroupId", Text, 0, END),
    field(
        "Topics",
        Array(&Structure(&[
            field("Name", Text, 0, END),
            field(
                "Partitions",
                Array(&Structure(&[field("PartitionIndex", Fixed(4), 0, END)])),
                0,
                END,
            ),
        ])),
        0,
        END,
    ),
];

const DESCRIBE_CLIENT_QUOTAS: &[Field] = &[
    field(
        "Components",
        Array(&Structure(&[
            field("EntityType", Text, 0, END),
            field("MatchType", Fixed(1), 0, END),
            field("Match", Text, 0, END).nullable(0, END),
        ])),
        0,
        END,
    ),
    field("Strict", Fixed(1), 0, END),
];

const ALTER_CLIENT_QUOTAS: &[Field] = &[
    field(
        "Entries",
        Array(&Structure(&[
            field(
                "Entity",
                Array(&Structure(&[
                    field("EntityType", Text, 0, END),
                    field("EntityName", Text, 0, END).nullable(0, END),
                ])),
                0,
                END,
            ),
            field(
                "Ops",
                Array(&Structure(&[
                    field("Key", Text, 0, END),
                    field("Value", Fixed(8), 0, END),
                    field("Remove", Fixed(1), 0, END),
                ])),
                0,
                END,
            ),
        ])),
        0,
        END,
    ),
    field("ValidateOnly", Fixed(1), 0, END),
];

const DESCRIBE_USER_SCRAM_CREDENTIALS: &[Field] =
    &[field("Users", Array(&Structure(&[field("Name", Text, 0, END)])), 0, END).nullable(0, END)];

const DESCRIBE_QUORUM: &[Field] = &[field(
    "Topics",
    Array(&Structure(&[
        field("TopicName", Text, 0, END),
        field(
            "Partitions",
            Array(&Structure(&[field("PartitionIndex", Fixed(4), 0, END)])),
            0,
            END,
        ),
    ])),
    0,
    END,
)];

const UPDATE_FEATURES: &[Field] = &[
    field("timeoutMs", Fixed(4), 0, END),
    field(
        "FeatureUpdates",
        Array(&Structure(&[
            field("Feature", Text, 0, END),
            field("MaxVersionLevel", Fixed(2), 0, END),
            field("AllowDowngrade", Fixed(1), 0, 0),
            field("UpgradeType", Fixed(1), 1, END),
        ])),
        0,
        END,
    ),
    field("ValidateOnly", Fixed(1), 1, END),
];

const DESCRIBE_PRODUCERS: &[Field] = &[field(
    "Topics",
    Array(&Structure(&[
        field("Name", Text, 0, END),
        field("PartitionIndexes", Array(&Fixed(4)), 0, END),
    ])),
    0,
    END,
)];

const GET_TELEMETRY_SUBSCRIPTIONS: &[Field] = &[field("ClientInstanceId", Fixed(16), 0, END)];

const PUSH_TELEMETRY: &[Field] = &[
    field("ClientInstanceId", Fixed(16), 0, END),
    field("SubscriptionId", Fixed(4), 0, END),
    field("Terminating", Fixed(1), 0, END),
    field("CompressionType", Fixed(1), 0, END),
    field("Metrics", Blob, 0, END),
];

const LIST_CONFIG_RESOURCES: &[Field] = &[field("ResourceTypes", Array(&Fixed(1)), 1, END)];
