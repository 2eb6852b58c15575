//! Topics, configurations and producer ids, command by command.

use super::*;
use crate::testing::AT_START;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tidegate_model::TopicId;
use uuid::Uuid;

/// A catalog with its log, run as a shard runs it.
struct Controller {
    machine: CatalogMachine,
    log: Vec<Record>,
    fresh: u128,
}

/// Two configurations exist; `retention.ms` takes numbers.
struct Rules;

impl ConfigRules for Rules {
    fn check(&self, _: &ConfigResource, configs: &Configs) -> Result<(), Failure> {
        for (name, value) in configs {
            if !matches!(name.as_str(), "retention.ms" | "cleanup.policy") {
                let message = format!("unknown configuration '{name}'");
                return Err(Failure::new(ErrorCode::InvalidConfig, message));
            }
            if name == "retention.ms" && value.parse::<i64>().is_err() {
                let message = format!("'{value}' is no number");
                return Err(Failure::new(ErrorCode::InvalidConfig, message));
            }
        }
        Ok(())
    }

    fn list_default(
        &self,
        _: &ConfigResource,
        name: &str,
        _: &ConfigChange,
    ) -> Result<String, Failure> {
        match name {
            "cleanup.policy" => Ok("delete".to_owned()),
            _ => Err(Failure::new(ErrorCode::InvalidConfig, "no list")),
        }
    }
}

impl Controller {
    fn new() -> Self {
        Self::with(Settings { num_partitions: 3, ..Settings::default() })
    }

    fn with(settings: Settings) -> Self {
        let machine = CatalogMachine::new(settings, Arc::new(Rules));
        Controller { machine, log: Vec::new(), fresh: 100 }
    }

    fn catalog(&self) -> &Catalog {
        self.machine.catalog()
    }

    fn submit(&mut self, command: Command) -> Reply {
        let before = self.catalog().clone();
        let outcome = self.machine.step(AT_START, ReplyTo(7), command);
        assert_eq!(*self.catalog(), before, "a step changes nothing durable");
        for record in outcome.records {
            let (key, value) = record.encode();
            let decoded = Record::decode(key.as_deref(), value.as_deref()).unwrap();
            assert_eq!(decoded, record, "records survive their encoding");
            self.machine.replay(AT_START, &decoded);
            self.log.push(decoded);
        }
        let mut replies = outcome.replies;
        let Some((ReplyTo(7), reply)) = replies.pop() else { panic!("no reply to the caller") };
        assert!(replies.is_empty(), "one reply");
        reply
    }

    fn topic_id(&mut self) -> TopicId {
        self.fresh += 1;
        TopicId(Uuid::from_u128(self.fresh))
    }

    fn new_topic(&mut self, name: &str) -> NewTopic {
        NewTopic::with_defaults(name, self.topic_id())
    }

    fn create_all(&mut self, topics: Vec<NewTopic>) -> Vec<CreatedTopic> {
        match self.submit(Command::CreateTopics(CreateTopics { topics, validate_only: false })) {
            Reply::CreateTopics(created) => created,
            other => panic!("not a CreateTopics reply: {other:?}"),
        }
    }

    fn create(&mut self, topic: NewTopic) -> CreatedTopic {
        self.create_all(vec![topic]).remove(0)
    }

    fn create_error(&mut self, topic: NewTopic) -> ErrorCode {
        self.create(topic).failure.error
    }

    fn delete(&mut self, topics: Vec<TopicRef>) -> Vec<DeletedTopic> {
        match self.submit(Command::DeleteTopics { topics }) {
            Reply::DeleteTopics(deleted) => deleted,
            other => panic!("not a DeleteTopics reply: {other:?}"),
        }
    }

    fn more_partitions(&mut self, topic: MorePartitions) -> ErrorCode {
        let request = CreatePartitions { topics: vec![topic], validate_only: false };
        match self.submit(Command::CreatePartitions(request)) {
            Reply::CreatePartitions(failures) => failures[0].error,
            other => panic!("not a CreatePartitions reply: {other:?}"),
        }
    }

    fn set(&mut self, resource: ConfigResource, changes: &[(&str, Option<&str>)]) -> ErrorCode {
        let changes = changes.iter().map(|(name, value)| match value {
            Some(value) => (name.to_string(), ConfigChange::Set(value.to_string())),
            None => (name.to_string(), ConfigChange::Delete),
        });
        self.alter(resource, Alteration::Changes(changes.collect()))
    }

    fn alter(&mut self, resource: ConfigResource, alteration: Alteration) -> ErrorCode {
        let resources = vec![(resource, alteration)];
        match self.submit(Command::AlterConfigs(AlterConfigs { resources, validate_only: false })) {
            Reply::AlterConfigs(failures) => failures[0].error,
            other => panic!("not an AlterConfigs reply: {other:?}"),
        }
    }

    /// What one APPEND or SUBTRACT makes of the topic's `cleanup.policy`.
    fn edit(&mut self, change: ConfigChange) -> Option<String> {
        let change = ("cleanup.policy".to_owned(), change);
        let t = ConfigResource::topic("t");
        assert_eq!(self.alter(t, Alteration::Changes(vec![change])), ErrorCode::None);
        self.catalog().topic_configs("t")?.get("cleanup.policy").cloned()
    }

    fn allocate(&mut self) -> ProducerIdBlock {
        match self.submit(Command::AllocateProducerIds { broker_id: 1 }) {
            Reply::AllocateProducerIds(block) => block,
            other => panic!("not an AllocateProducerIds reply: {other:?}"),
        }
    }
}

fn owned(configs: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    configs.iter().map(|(name, value)| (name.to_string(), value.map(str::to_owned))).collect()
}

fn fold(log: &[Record]) -> Catalog {
    let mut catalog = Catalog::default();
    log.iter().for_each(|record| catalog.replay(record));
    catalog
}

#[test]
fn minus_one_means_the_defaults() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    let created = controller.create(topic.clone());
    assert_eq!(created.failure, Failure::NONE);
    assert_eq!((created.partitions, created.replication_factor), (3, 1));
    assert_eq!(created.topic_id, topic.topic_id);
    let meta = controller.catalog().topic("t").unwrap();
    assert_eq!(meta.partitions.len(), 3);
    assert_eq!((meta.partitions[2].leader, meta.partitions[2].leader_epoch), (1, 0));
    assert_eq!(controller.catalog().topic_by_id(topic.topic_id), Some(meta));
}

#[test]
fn a_created_topic_is_a_topic_record_then_configs_then_partitions_as_in_kafka() {
    let mut controller = Controller::new();
    let mut topic = controller.new_topic("t");
    topic.configs = owned(&[("retention.ms", Some("5"))]);
    topic.partitions = 2;
    let created = controller.create(topic);
    assert_eq!(created.configs, BTreeMap::from([("retention.ms".into(), "5".into())]));
    assert!(matches!(
        controller.log.as_slice(),
        [
            Record::Topic { .. },
            Record::Config { .. },
            Record::Partition(PartitionRecord { partition: 0, .. }),
            Record::Partition(PartitionRecord { partition: 1, .. }),
        ]
    ));
    let configs = controller.catalog().topic_configs("t").unwrap();
    assert_eq!(configs.get("retention.ms").map(String::as_str), Some("5"));
}

#[test]
fn an_existing_topic_already_exists() {
    let mut controller = Controller::new();
    for expected in [ErrorCode::None, ErrorCode::TopicAlreadyExists] {
        let topic = controller.new_topic("a.b");
        assert_eq!(controller.create_error(topic), expected);
    }
}

#[test]
fn bad_counts_and_names_have_their_own_codes() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    for partitions in [0, -2, i32::MIN] {
        let error = controller.create_error(NewTopic { partitions, ..topic.clone() });
        assert_eq!(error, ErrorCode::InvalidPartitions, "{partitions}");
    }
    for replication_factor in [0, -2, 2, i16::MAX] {
        let error = controller.create_error(NewTopic { replication_factor, ..topic.clone() });
        assert_eq!(error, ErrorCode::InvalidReplicationFactor, "{replication_factor}");
    }
    for name in ["", ".", "..", "a b", &"x".repeat(250)] {
        let error = controller.create_error(NewTopic { name: name.into(), ..topic.clone() });
        assert_eq!(error, ErrorCode::InvalidTopic, "{name}");
    }
    assert!(controller.log.is_empty());
}

#[test]
fn an_enormous_number_of_partitions_is_refused_before_it_is_allocated() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    let error = controller.create_error(NewTopic { partitions: i32::MAX, ..topic.clone() });
    assert_eq!(error, ErrorCode::PolicyViolation);
    let (a, b) = (controller.new_topic("a"), controller.new_topic("b"));
    let half = |topic| NewTopic { partitions: 6_000, ..topic };
    let created = controller.create_all(vec![half(a), half(b)]);
    for created in created {
        assert_eq!(created.failure.error, ErrorCode::PolicyViolation, "the request as a whole");
    }
    let most = NewTopic { partitions: 10_000, ..topic.clone() };
    assert_eq!(controller.create_error(most), ErrorCode::PolicyViolation, "10001 records");
    assert!(controller.log.is_empty());
    assert_eq!(controller.create_error(topic), ErrorCode::None);
    let more = MorePartitions { name: "t".to_owned(), count: i32::MAX, assignments: None };
    assert_eq!(controller.more_partitions(more), ErrorCode::PolicyViolation);
}

#[test]
fn names_that_differ_only_in_dots_and_underscores_collide() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("a.b_c");
    assert_eq!(controller.create_error(topic), ErrorCode::None);
    let other = controller.new_topic("a_b.c");
    assert_eq!(controller.create_error(other.clone()), ErrorCode::InvalidTopic);
    controller.delete(vec![TopicRef::Name("a.b_c".to_owned())]);
    assert_eq!(controller.create_error(other), ErrorCode::None);
    controller.delete(vec![TopicRef::Name("a_b.c".to_owned())]);
    assert_eq!(*controller.catalog(), Catalog::default());
    let (one, two) = (controller.new_topic("x.y"), controller.new_topic("x_y"));
    let created = controller.create_all(vec![one, two]);
    assert_eq!(created[0].failure.error, ErrorCode::None);
    assert_eq!(created[1].failure.error, ErrorCode::InvalidTopic);
}

#[test]
fn a_topic_named_twice_in_one_request_is_invalid_twice() {
    let mut controller = Controller::new();
    let (one, two) = (controller.new_topic("t"), controller.new_topic("t"));
    let other = controller.new_topic("u");
    let created = controller.create_all(vec![one, other, two]);
    let codes: Vec<_> = created.iter().map(|topic| topic.failure.error).collect();
    let invalid = ErrorCode::InvalidRequest;
    assert_eq!(codes, [invalid, ErrorCode::None, invalid]);
    assert_eq!(controller.catalog().topic("t"), None);
}

#[test]
fn one_bad_topic_does_not_stop_the_others() {
    let mut controller = Controller::new();
    let (good, bad) = (controller.new_topic("good"), controller.new_topic("not good"));
    let created = controller.create_all(vec![bad, good]);
    assert_eq!(created[0].failure.error, ErrorCode::InvalidTopic);
    assert_eq!(created[1].failure.error, ErrorCode::None);
    assert_eq!(controller.catalog().topic_count(), 1);
}

#[test]
fn a_refused_configuration_is_an_invalid_config_in_the_rules_words() {
    let mut controller = Controller::new();
    for (name, value, message) in
        [("retention.ms", "soon", "'soon' is no number"), ("x", "1", "unknown configuration 'x'")]
    {
        let mut topic = controller.new_topic("t");
        topic.configs = owned(&[(name, Some(value))]);
        let expected = Failure::new(ErrorCode::InvalidConfig, message);
        assert_eq!(controller.create(topic).failure, expected);
    }
    let mut topic = controller.new_topic("t");
    topic.configs = owned(&[("retention.ms", None)]);
    assert_eq!(controller.create_error(topic), ErrorCode::InvalidConfig);
    assert!(controller.log.is_empty());
}

#[test]
fn validate_only_checks_and_creates_nothing() {
    let mut controller = Controller::new();
    let (good, bad) = (controller.new_topic("t"), controller.new_topic("a b"));
    let request = CreateTopics { topics: vec![good, bad], validate_only: true };
    let Reply::CreateTopics(created) = controller.submit(Command::CreateTopics(request)) else {
        panic!("not a CreateTopics reply")
    };
    assert_eq!((created[0].failure.error, created[0].partitions), (ErrorCode::None, 3));
    assert!(!created[0].topic_id.is_reserved(), "Kafka tells an id here too");
    assert_eq!(created[1].failure.error, ErrorCode::InvalidTopic);
    assert!(controller.log.is_empty());
}

#[test]
fn manual_assignments_decide_the_partitions() {
    let mut controller = Controller::new();
    let mut topic = controller.new_topic("t");
    topic.assignments = vec![(1, vec![1]), (0, vec![1])];
    let created = controller.create(topic);
    assert_eq!((created.partitions, created.replication_factor), (2, 1));
}

#[test]
fn wrong_assignments_are_invalid() {
    let mut controller = Controller::new();
    let invalid = ErrorCode::InvalidReplicaAssignment;
    for assignments in [
        vec![(1, vec![1])],
        vec![(0, vec![1]), (2, vec![1])],
        vec![(0, vec![1]), (0, vec![1])],
        vec![(0, vec![])],
        vec![(0, vec![1, 1])],
        vec![(0, vec![2])],
        vec![(-1, vec![1])],
    ] {
        let topic = NewTopic { assignments: assignments.clone(), ..controller.new_topic("t") };
        assert_eq!(controller.create_error(topic), invalid, "{assignments:?}");
    }
    let assignments = vec![(0, vec![1])];
    let topic = NewTopic { assignments, ..controller.new_topic("t") };
    let counted = NewTopic { partitions: 1, ..topic.clone() };
    assert_eq!(controller.create_error(counted), ErrorCode::InvalidRequest);
    let replicated = NewTopic { replication_factor: 1, ..topic };
    assert_eq!(controller.create_error(replicated), ErrorCode::InvalidRequest);
}

#[test]
fn the_metadata_log_cannot_be_created_but_internal_topics_come_and_go() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("__cluster_metadata");
    assert_eq!(controller.create_error(topic), ErrorCode::InvalidRequest);
    let topic = controller.new_topic("__consumer_offsets");
    assert_eq!(controller.create_error(topic), ErrorCode::None);
    let deleted = controller.delete(vec![TopicRef::Name("__consumer_offsets".to_owned())]);
    assert_eq!(deleted[0].failure, Failure::NONE);
}

#[test]
fn topics_are_deleted_by_name_and_by_id_with_their_configs() {
    let mut controller = Controller::new();
    let mut t = controller.new_topic("t");
    t.configs = owned(&[("retention.ms", Some("5"))]);
    let u = controller.new_topic("u");
    controller.create_all(vec![t.clone(), u.clone()]);
    let deleted = controller.delete(vec![TopicRef::Name("t".to_owned()), TopicRef::Id(u.topic_id)]);
    let answer: Vec<_> =
        deleted.iter().map(|d| (d.name.as_deref(), d.topic_id, d.failure.error)).collect();
    let none = ErrorCode::None;
    assert_eq!(answer, [(Some("t"), t.topic_id, none), (Some("u"), u.topic_id, none)]);
    assert_eq!(*controller.catalog(), Catalog::default());
}

#[test]
fn unknown_and_repeated_topics_are_not_deleted() {
    let mut controller = Controller::new();
    let t = controller.new_topic("t");
    controller.create(t.clone());
    let strange = controller.topic_id();
    let deleted = controller.delete(vec![
        TopicRef::Name("x".to_owned()),
        TopicRef::Id(strange),
        TopicRef::Name("t".to_owned()),
        TopicRef::Id(t.topic_id),
    ]);
    let codes: Vec<_> = deleted.iter().map(|d| d.failure.error).collect();
    let expected = [
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::UnknownTopicId,
        ErrorCode::None,
        ErrorCode::InvalidRequest,
    ];
    assert_eq!(codes, expected);
}

#[test]
fn a_recreated_topic_has_another_id_and_the_old_one_is_unknown() {
    let mut controller = Controller::new();
    let old = controller.new_topic("t");
    controller.create(old.clone());
    controller.delete(vec![TopicRef::Id(old.topic_id)]);
    let new = controller.new_topic("t");
    controller.create(new.clone());
    assert_eq!(controller.catalog().topic("t").unwrap().topic_id, new.topic_id);
    assert_eq!(controller.catalog().topic_by_id(old.topic_id), None);
    assert_eq!(controller.catalog().topic_configs("t"), None);
}

#[test]
fn an_id_that_is_taken_or_reserved_is_never_given_to_a_topic() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    controller.create(topic.clone());
    let free = controller.topic_id();
    let named = |name, id| NewTopic::with_defaults(name, id);
    for (topics, expected) in [
        (vec![named("u", topic.topic_id)], vec![ErrorCode::UnknownServerError]),
        (vec![named("u", TopicId::ZERO)], vec![ErrorCode::UnknownServerError]),
        (vec![named("u", TopicId::METADATA)], vec![ErrorCode::UnknownServerError]),
        (
            vec![named("u", free), named("v", free)],
            vec![ErrorCode::None, ErrorCode::UnknownServerError],
        ),
    ] {
        let created = controller.create_all(topics);
        let codes: Vec<_> = created.iter().map(|topic| topic.failure.error).collect();
        assert_eq!(codes, expected);
    }
}

#[test]
fn topics_come_in_order_of_name() {
    let mut controller = Controller::new();
    for name in ["c", "a", "b"] {
        let topic = controller.new_topic(name);
        controller.create(topic);
    }
    let names: Vec<_> = controller.catalog().topics().map(|topic| &*topic.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn partitions_only_grow() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    controller.create(topic);
    let grow = |count| MorePartitions { name: "t".to_owned(), count, assignments: None };
    for count in [3, 2, 0, -1] {
        assert_eq!(controller.more_partitions(grow(count)), ErrorCode::InvalidPartitions);
    }
    let unknown = MorePartitions { name: "x".to_owned(), ..grow(5) };
    assert_eq!(controller.more_partitions(unknown), ErrorCode::UnknownTopicOrPartition);
    let before = controller.catalog().topic("t").unwrap().clone();
    assert_eq!(controller.more_partitions(grow(5)), ErrorCode::None);
    let after = controller.catalog().topic("t").unwrap();
    assert_eq!((before.partitions.len(), after.partitions.len()), (3, 5));
    assert_eq!(before.topic_id, after.topic_id);
}

#[test]
fn assignments_of_added_partitions_must_fit() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    controller.create(topic);
    for (assignments, expected) in [
        (vec![vec![1]], ErrorCode::InvalidReplicaAssignment),
        (vec![vec![1], vec![9]], ErrorCode::InvalidReplicaAssignment),
        (vec![vec![1], vec![1]], ErrorCode::None),
    ] {
        let assignments = Some(assignments);
        let request = MorePartitions { name: "t".to_owned(), count: 5, assignments };
        assert_eq!(controller.more_partitions(request), expected);
    }
}

#[test]
fn configs_are_set_and_removed_and_checked_together() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    controller.create(topic);
    let t = || ConfigResource::topic("t");
    let set = [("retention.ms", Some("5")), ("cleanup.policy", Some("compact"))];
    assert_eq!(controller.set(t(), &set), ErrorCode::None);
    let wrong = [("retention.ms", Some("x")), ("cleanup.policy", None)];
    assert_eq!(controller.set(t(), &wrong), ErrorCode::InvalidConfig);
    assert_eq!(controller.catalog().topic_configs("t").unwrap().len(), 2, "all or nothing");
    assert_eq!(controller.set(t(), &[("cleanup.policy", None)]), ErrorCode::None);
    let left = controller.catalog().topic_configs("t").unwrap();
    assert_eq!(**left, BTreeMap::from([("retention.ms".into(), "5".into())]));
    assert_eq!(controller.set(t(), &[("retention.ms", None)]), ErrorCode::None);
    assert_eq!(controller.catalog().topic_configs("t"), None);
    let unknown = controller.set(ConfigResource::topic("x"), &[("retention.ms", Some("5"))]);
    assert_eq!(unknown, ErrorCode::UnknownTopicOrPartition);
}

#[test]
fn a_list_is_edited_from_its_default_on_and_keeps_its_order() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    controller.create(topic);
    let append = |entries: &str| ConfigChange::Append(entries.to_owned());
    let subtract = |entries: &str| ConfigChange::Subtract(entries.to_owned());
    for (change, list) in [
        (append("compact"), "delete,compact"),
        (append("compact,delete,x"), "delete,compact,x"),
        (subtract("compact,y"), "delete,x"),
        (subtract("delete,x"), ""),
        (append("z"), "z"),
        // Kafka's controller appends what is between the commas, were it nothing.
        (append(""), "z,"),
    ] {
        assert_eq!(controller.edit(change.clone()).as_deref(), Some(list), "{change:?}");
    }
    let change = ("retention.ms".to_owned(), append("1"));
    let t = ConfigResource::topic("t");
    assert_eq!(controller.alter(t, Alteration::Changes(vec![change])), ErrorCode::InvalidConfig);
}

#[test]
fn a_replacement_removes_what_it_does_not_name() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    controller.create(topic);
    let t = || ConfigResource::topic("t");
    let both = [("retention.ms", Some("5")), ("cleanup.policy", Some("compact"))];
    controller.set(t(), &both);
    let one = vec![("retention.ms".to_owned(), "6".to_owned())];
    assert_eq!(controller.alter(t(), Alteration::Replacement(one)), ErrorCode::None);
    let left = controller.catalog().topic_configs("t").unwrap();
    assert_eq!(**left, BTreeMap::from([("retention.ms".into(), "6".into())]));
    assert_eq!(controller.alter(t(), Alteration::Replacement(vec![])), ErrorCode::None);
    assert_eq!(controller.catalog().topic_configs("t"), None);
}

#[test]
fn a_configuration_that_stays_as_it_is_writes_nothing() {
    let mut controller = Controller::new();
    let broker = || ConfigResource::broker(Some(1));
    controller.set(broker(), &[("retention.ms", Some("5"))]);
    let records = controller.log.len();
    let same = [("retention.ms", Some("5")), ("cleanup.policy", None)];
    assert_eq!(controller.set(broker(), &same), ErrorCode::None);
    assert_eq!(controller.log.len(), records);
    assert_eq!(controller.catalog().configured().count(), 1);
}

#[test]
fn producer_id_blocks_never_overlap_not_even_after_a_restart() {
    let mut controller = Controller::new();
    let block = |first| ProducerIdBlock { error: ErrorCode::None, first, len: 1_000 };
    assert_eq!(controller.allocate(), block(0));
    assert_eq!(controller.allocate(), block(1_000));
    let log = std::mem::take(&mut controller.log);
    let mut restarted = Controller::new();
    log.iter().for_each(|record| restarted.machine.replay(AT_START, record));
    assert_eq!(restarted.allocate(), block(2_000));
}

#[test]
fn records_of_a_deleted_topic_or_out_of_order_change_nothing() {
    let mut controller = Controller::new();
    let topic = controller.new_topic("t");
    controller.create(topic);
    let before = controller.catalog().clone();
    let Some(Record::Partition(last)) = controller.log.last().cloned() else { panic!() };
    for partition in [-1, 9] {
        let record = PartitionRecord { partition, ..last.clone() };
        controller.machine.replay(AT_START, &Record::Partition(record));
    }
    let stray = PartitionRecord { topic_id: TopicId(Uuid::from_u128(1 << 100)), ..last };
    controller.machine.replay(AT_START, &Record::RemoveTopic { topic_id: stray.topic_id });
    controller.machine.replay(AT_START, &Record::Partition(stray));
    assert_eq!(*controller.catalog(), before);
}

#[test]
fn a_topic_record_of_the_same_name_replaces_the_topic_with_its_configs() {
    let mut controller = Controller::new();
    let mut topic = controller.new_topic("t");
    topic.configs = owned(&[("retention.ms", Some("5"))]);
    controller.create(topic.clone());
    let topic_id = controller.topic_id();
    controller.machine.replay(AT_START, &Record::Topic { name: "t".to_owned(), topic_id });
    assert_eq!(controller.catalog().topic_by_id(topic.topic_id), None);
    assert_eq!(controller.catalog().topic("t").unwrap().topic_id, topic_id);
    assert_eq!(controller.catalog().topic_configs("t"), None);
}

fn command() -> impl Strategy<Value = Command> {
    let name = prop_oneof![Just("a"), Just("b.c"), Just("b_c"), Just("d"), Just("a b")];
    let value = prop_oneof![Just(None), Just(Some("1".to_owned())), Just(Some("x".to_owned()))];
    let configs = proptest::collection::vec((Just("retention.ms".to_owned()), value), 0..2);
    let topic = (name.clone(), 1u128..40, -2i32..4, configs.clone()).prop_map(
        |(name, id, partitions, configs)| NewTopic {
            partitions,
            configs,
            ..NewTopic::with_defaults(name, TopicId(Uuid::from_u128(id)))
        },
    );
    let topics = proptest::collection::vec(topic, 1..3);
    prop_oneof![
        4 => (topics, any::<bool>()).prop_map(|(topics, validate_only)| {
            Command::CreateTopics(CreateTopics { topics, validate_only })
        }),
        1 => name.clone().prop_map(|name| {
            Command::DeleteTopics { topics: vec![TopicRef::Name(name.to_owned())] }
        }),
        1 => (1u128..40).prop_map(|id| {
            Command::DeleteTopics { topics: vec![TopicRef::Id(TopicId(Uuid::from_u128(id)))] }
        }),
        2 => (name.clone(), 0i32..8).prop_map(|(name, count)| {
            let topic = MorePartitions { name: name.to_owned(), count, assignments: None };
            let topics = vec![topic];
            Command::CreatePartitions(CreatePartitions { topics, validate_only: false })
        }),
        2 => (name, configs).prop_map(|(name, changes)| {
            let change = |(name, value): (String, Option<String>)| match value {
                Some(value) => (name, ConfigChange::Set(value)),
                None => (name, ConfigChange::Delete),
            };
            let alteration = Alteration::Changes(changes.into_iter().map(change).collect());
            let resources = vec![(ConfigResource::topic(name), alteration)];
            Command::AlterConfigs(AlterConfigs { resources, validate_only: false })
        }),
        1 => Just(Command::AllocateProducerIds { broker_id: 1 }),
    ]
}

proptest! {
    #[test]
    fn the_log_replayed_is_the_live_state(
        commands in proptest::collection::vec(command(), 0..40),
    ) {
        let mut controller = Controller::new();
        for command in commands {
            controller.submit(command);
            prop_assert_eq!(&fold(&controller.log), controller.catalog());
        }
        let catalog = controller.catalog();
        for topic in catalog.topics() {
            prop_assert!(!topic.partitions.is_empty());
            prop_assert_eq!(catalog.topic_by_id(topic.topic_id), Some(topic));
        }
    }
}
