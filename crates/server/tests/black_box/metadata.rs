//! Topics: what Metadata tells, what creates them, what their configs are.

use crate::common::batch::Batch;
use crate::common::client::{Place, RawClient, produce_request, topic_name};
use crate::common::{Gateway, code, text};
use crate::fetch::delete_topic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, DescribeConfigsRequest, MetadataRequest,
};
use tidegate_broker::config::{TOPIC_CONFIGS, UpdateMode};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_server::Limits;

fn named(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(topic_name(name)))
}

/// The rows for those topics, none of which may be created by asking.
async fn ask(
    client: &mut RawClient,
    version: i16,
    topics: Option<Vec<MetadataRequestTopic>>,
) -> Vec<MetadataResponseTopic> {
    let mut request = MetadataRequest::default().with_topics(topics);
    if version >= 4 {
        request.allow_auto_topic_creation = false;
    }
    client.call(version, &request).await.topics
}

fn names(rows: &[MetadataResponseTopic]) -> Vec<String> {
    rows.iter().map(|row| row.name.as_ref().map_or("", |name| &name.0).to_owned()).collect()
}

async fn without_auto_create() -> Gateway {
    Gateway::with(&[("auto.create.topics.enable", "false")], Limits::default()).await
}

#[tokio::test]
async fn null_topics_are_all_and_no_topics_are_none() {
    let gateway = Gateway::start().await;
    gateway.topic("a", 1).await;
    gateway.topic("b", 2).await;
    let mut client = gateway.client().await;
    // Version 0 has no null: an empty list is all.
    assert_eq!(names(&ask(&mut client, 0, Some(vec![])).await), ["a", "b"]);
    for version in 1..=13 {
        assert_eq!(names(&ask(&mut client, version, None).await), ["a", "b"], "v{version}");
        assert_eq!(names(&ask(&mut client, version, Some(vec![])).await), [""; 0], "v{version}");
        let rows = ask(&mut client, version, Some(vec![named("b")])).await;
        assert_eq!((names(&rows), rows[0].partitions.len()), (vec!["b".to_owned()], 2));
    }
}

#[tokio::test]
async fn every_partition_has_a_leader_among_the_brokers_told() {
    let gateway = Gateway::start().await;
    gateway.topic("t", 3).await;
    let mut client = gateway.client().await;
    for version in 0..=13 {
        let request = MetadataRequest::default().with_topics(Some(vec![named("t")]));
        let answer = client.call(version, &request).await;
        let broker = &answer.brokers[0];
        assert_eq!(broker.port, i32::from(gateway.address.port()));
        assert_eq!(&*broker.host, "127.0.0.1");
        let mut indexes = Vec::new();
        for partition in &answer.topics[0].partitions {
            indexes.push(partition.partition_index);
            assert_eq!(code(partition.error_code), ErrorCode::None);
            assert_eq!(partition.leader_id, broker.node_id);
            assert_eq!(partition.replica_nodes, [broker.node_id]);
            assert_eq!(partition.isr_nodes, [broker.node_id]);
        }
        assert_eq!(indexes, [0, 1, 2], "v{version}");
        assert_eq!(answer.topics[0].topic_id.is_nil(), version < 10, "v{version}");
    }
}

#[tokio::test]
async fn unknown_topics_and_bad_names_get_rows_with_errors_beside_the_known() {
    let gateway = without_auto_create().await;
    gateway.topic("known", 1).await;
    let mut client = gateway.client().await;
    let long = "x".repeat(250);
    let bad = ["", ".", "..", "a b", "a/b", "ä", &long];
    for version in 0..=13 {
        let mut wanted = vec![named("missing"), named("known")];
        wanted.extend(bad.iter().map(|name| named(name)));
        let rows = ask(&mut client, version, Some(wanted)).await;
        let codes: Vec<_> = rows.iter().map(|row| code(row.error_code)).collect();
        assert_eq!(codes[..2], [ErrorCode::UnknownTopicOrPartition, ErrorCode::None]);
        assert_eq!(codes[2..], [ErrorCode::InvalidTopic; 7], "v{version}");
    }
}

#[tokio::test]
async fn topics_are_told_by_id_and_an_unknown_id_is_an_error() {
    let gateway = Gateway::start().await;
    let id = gateway.topic("t", 1).await;
    let mut client = gateway.client().await;
    let unknown = uuid::Uuid::from_u128(9);
    // Java's clients send an empty name beside the id.
    for (version, name) in [(12, None), (13, None), (12, Some("")), (13, Some(""))] {
        let by_id =
            |id| MetadataRequestTopic::default().with_name(name.map(topic_name)).with_topic_id(id);
        let rows = ask(&mut client, version, Some(vec![by_id(id.0), by_id(unknown)])).await;
        assert_eq!(rows[0].name, Some(topic_name("t")), "v{version}");
        assert_eq!(code(rows[1].error_code), ErrorCode::UnknownTopicId, "v{version}");
        assert_eq!((rows[1].topic_id, &rows[1].name), (unknown, &None), "v{version}");
    }
}

#[tokio::test]
async fn topics_are_created_by_asking_only_where_request_and_settings_both_allow_it() {
    for allowed_here in [true, false] {
        let gateway = match allowed_here {
            true => Gateway::start().await,
            false => without_auto_create().await,
        };
        let mut client = gateway.client().await;
        for version in [0, 3, 4, 13] {
            for allowed_there in [false, true] {
                // Before version 4 there is no way to say no.
                if version < 4 && !allowed_there {
                    continue;
                }
                let name = format!("t-{version}-{allowed_there}");
                let mut request = MetadataRequest::default().with_topics(Some(vec![named(&name)]));
                if version >= 4 {
                    request.allow_auto_topic_creation = allowed_there;
                }
                let answer = client.call(version, &request).await;
                let told = code(answer.topics[0].error_code);
                let created = gateway.broker.topics().by_name(&name).is_some();
                assert_eq!(created, allowed_here && allowed_there, "{name}");
                assert_eq!(told == ErrorCode::None, created, "{name}: {told}");
            }
        }
    }
}

#[tokio::test]
async fn a_topic_created_by_asking_is_usable_by_the_next_request() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    for round in 0..20 {
        let name = format!("fresh-{round}");
        let request = MetadataRequest::default()
            .with_topics(Some(vec![named(&name)]))
            .with_allow_auto_topic_creation(true);
        let answer = client.call(12, &request).await;
        assert_eq!(code(answer.topics[0].error_code), ErrorCode::None);
        let place = Place { name: &name, id: TopicId(answer.topics[0].topic_id), partition: 0 };
        let id = client.begin_produce(13, &produce_request(-1, place, Batch::of(&["v"]))).await;
        let answer = client.end_produce(13, id).await;
        assert_eq!(code(answer.topics[0].partitions[0].error_code), ErrorCode::None);
    }
}

fn creatable(name: &str) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(1)
        .with_replication_factor(1)
}

/// Creates the topics and returns each name's error.
async fn create(
    client: &mut RawClient,
    version: i16,
    topics: Vec<CreatableTopic>,
) -> Vec<(String, ErrorCode)> {
    let request = CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(9_000);
    let answer = client.call(version, &request).await;
    answer.topics.iter().map(|row| (row.name.0.to_string(), code(row.error_code))).collect()
}

#[tokio::test]
async fn minus_one_stands_for_the_defaults_when_topics_are_created() {
    let gateway = Gateway::with(&[("num.partitions", "5")], Limits::default()).await;
    let mut client = gateway.client().await;
    for version in [4, 5, 7] {
        let name = format!("t{version}");
        let topic = creatable(&name).with_num_partitions(-1).with_replication_factor(-1);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]);
        let answer = client.call(version, &request).await;
        let row = &answer.topics[0];
        assert_eq!(code(row.error_code), ErrorCode::None);
        if version >= 5 {
            assert_eq!((row.num_partitions, row.replication_factor), (5, 1));
            assert!(row.configs.as_ref().is_some_and(|configs| configs.len() > 10));
        }
        let rows = ask(&mut client, 12, Some(vec![named(&name)])).await;
        assert_eq!(rows[0].partitions.len(), 5, "v{version}");
        assert_eq!(row.topic_id == rows[0].topic_id, version >= 7, "v{version}");
    }
}

#[tokio::test]
async fn validate_only_tells_the_outcome_and_creates_nothing() {
    let gateway = without_auto_create().await;
    let mut client = gateway.client().await;
    gateway.topic("there", 1).await;
    for version in 2..=7 {
        let request = CreateTopicsRequest::default()
            .with_topics(vec![creatable("new"), creatable("there")])
            .with_validate_only(true);
        let answer = client.call(version, &request).await;
        let codes: Vec<_> = answer.topics.iter().map(|row| code(row.error_code)).collect();
        assert_eq!(codes, [ErrorCode::None, ErrorCode::TopicAlreadyExists], "v{version}");
        let rows = ask(&mut client, 12, Some(vec![named("new")])).await;
        assert_eq!(code(rows[0].error_code), ErrorCode::UnknownTopicOrPartition);
    }
}

#[tokio::test]
async fn each_topic_to_create_fails_on_its_own() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client().await;
    gateway.topic("there", 1).await;
    let config = |name, value| {
        let config = CreatableTopicConfig::default().with_name(text(name));
        vec![config.with_value(Some(text(value)))]
    };
    let assigned = |brokers: &[i32]| {
        let brokers = brokers.iter().copied().map(BrokerId).collect();
        let row = CreatableReplicaAssignment::default().with_broker_ids(brokers);
        vec![row.with_partition_index(0)]
    };
    for version in 2..=7 {
        let good = format!("good-{version}");
        let cases = [
            (creatable(&good), ErrorCode::None),
            (creatable("there"), ErrorCode::TopicAlreadyExists),
            (creatable("bad name"), ErrorCode::InvalidTopic),
            (creatable("none").with_num_partitions(0), ErrorCode::InvalidPartitions),
            (creatable("two").with_replication_factor(2), ErrorCode::InvalidReplicationFactor),
            (
                creatable("value").with_configs(config("retention.ms", "x")),
                ErrorCode::InvalidConfig,
            ),
            (creatable("name").with_configs(config("no.such", "1")), ErrorCode::InvalidConfig),
            (
                creatable("replica")
                    .with_num_partitions(-1)
                    .with_replication_factor(-1)
                    .with_assignments(assigned(&[99])),
                ErrorCode::InvalidReplicaAssignment,
            ),
            (creatable("both").with_assignments(assigned(&[1])), ErrorCode::InvalidRequest),
        ];
        let (topics, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
        let told = create(&mut client, version, topics).await;
        let codes: Vec<_> = told.iter().map(|(_, error)| *error).collect();
        assert_eq!(codes, expected, "v{version}");
        let twice = create(&mut client, version, vec![creatable("x"), creatable("x")]).await;
        assert_eq!(twice, [("x".to_owned(), ErrorCode::InvalidRequest)], "v{version}");
        let huge = creatable("huge").with_num_partitions(i32::MAX);
        let told = create(&mut client, version, vec![creatable("beside"), huge]).await;
        let codes: Vec<_> = told.iter().map(|(_, error)| *error).collect();
        assert_eq!(codes, [ErrorCode::PolicyViolation; 2], "v{version}: the sum counts");
    }
    let rows = ask(&mut client, 12, None).await;
    assert_eq!(rows.len(), 7, "{:?}", names(&rows));
}

#[tokio::test]
async fn a_deleted_topic_is_gone_and_its_name_is_free() {
    let gateway = without_auto_create().await;
    let mut client = gateway.client().await;
    gateway.topic("t", 1).await;
    delete_topic(&mut client, "t").await;
    let rows = ask(&mut client, 12, Some(vec![named("t")])).await;
    assert_eq!(code(rows[0].error_code), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(create(&mut client, 7, vec![creatable("t")]).await[0].1, ErrorCode::None);
}

#[tokio::test]
async fn describe_configs_lists_every_config_with_its_source() {
    let gateway = Gateway::with(&[("log.retention.ms", "5000")], Limits::default()).await;
    gateway.topic_with("t", 1, &[("max.message.bytes", "1234")]).await;
    let mut client = gateway.client().await;
    for version in 1..=4 {
        let resource =
            DescribeConfigsResource::default().with_resource_type(2).with_resource_name(text("t"));
        let request = DescribeConfigsRequest::default()
            .with_resources(vec![resource.with_configuration_keys(None)]);
        let answer = client.call(version, &request).await;
        let result = &answer.results[0];
        assert_eq!(code(result.error_code), ErrorCode::None);
        let of = |name: &str| {
            let config = result.configs.iter().find(|config| *config.name == *name);
            let config = config.unwrap_or_else(|| panic!("{name} is missing"));
            (config.value.as_deref().unwrap_or("null").to_owned(), config.config_source)
        };
        // 1 is the topic's own, 4 the broker's file, 5 the default.
        assert_eq!(of("max.message.bytes"), ("1234".to_owned(), 1), "v{version}");
        assert_eq!(of("retention.ms"), ("5000".to_owned(), 4), "v{version}");
        assert_eq!(of("cleanup.policy"), ("delete".to_owned(), 5), "v{version}");
        let count = TOPIC_CONFIGS.iter().filter(|c| c.update_mode != UpdateMode::Internal).count();
        assert_eq!(result.configs.len(), count, "v{version}");
    }
}
