//! Committed offsets: round trips in every version, who may commit, what is told of nothing.

use crate::common::client::{Place, topic_name};
use crate::common::{Gateway, RawClient, code, text};
use crate::groups::{Member, coordinated};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_delete_response::OffsetDeleteResponsePartition;
use kafka_protocol::messages::{GroupId, OffsetDeleteRequest};
use tidegate_broker::{BrokerParts, DeleteTopic, OffsetStorageKind};
use tidegate_model::{ErrorCode, TopicId};
use tidegate_server::Limits;
use tidegate_wire::offsets::{
    CommitPartition, CommitTopic, FetchGroup, FetchTopic, FetchedGroup, OffsetCommitRequest,
    OffsetFetchRequest,
};

pub fn commit_of(
    place: Place<'_>,
    offset: i64,
    leader_epoch: i32,
    metadata: &str,
) -> OffsetCommitRequest {
    let metadata = Some(text(metadata));
    let partition = CommitPartition { index: place.partition, offset, leader_epoch, metadata };
    OffsetCommitRequest {
        group_id: text("g"),
        generation_id: -1,
        member_id: text(""),
        group_instance_id: None,
        retention_time_ms: -1,
        topics: vec![CommitTopic {
            name: text(place.name),
            topic_id: place.id,
            partitions: vec![partition],
        }],
    }
}

pub async fn commit(
    client: &mut RawClient,
    version: i16,
    request: &OffsetCommitRequest,
) -> ErrorCode {
    let answer = client.commit(version, request).await;
    code(answer.topics[0].partitions[0].1)
}

/// What group "g" has committed for those places, or for all.
pub async fn committed(
    client: &mut RawClient,
    version: i16,
    places: Option<&[Place<'_>]>,
) -> FetchedGroup {
    let topics = places.map(|places| {
        let topic = |place: &Place<'_>| FetchTopic {
            name: text(place.name),
            topic_id: place.id,
            partitions: vec![place.partition],
        };
        places.iter().map(topic).collect()
    });
    let group = FetchGroup { group_id: text("g"), member_id: None, member_epoch: -1, topics };
    let request = OffsetFetchRequest { groups: vec![group], require_stable: false };
    client.committed(version, &request).await.groups.remove(0)
}

async fn one_topic(gateway: &Gateway) -> Place<'static> {
    Place { name: "t", id: gateway.topic("t", 2).await, partition: 0 }
}

#[tokio::test]
async fn offset_metadata_and_leader_epoch_round_trip_in_every_version() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    for written in 0..=10 {
        let offset = 100 + i64::from(written);
        let note = format!("note {written} ä");
        let request = commit_of(place, offset, 5, &note);
        assert_eq!(commit(&mut client, written, &request).await, ErrorCode::None, "v{written}");
        for read in 0..=10 {
            let group = committed(&mut client, read, Some(&[place])).await;
            let told = &group.topics[0].partitions[0];
            assert_eq!((group.error_code, told.error_code), (0, 0), "v{written}, v{read}");
            assert_eq!((told.offset, told.metadata.as_deref()), (offset, Some(&*note)));
            let epoch = if written >= 6 && read >= 5 { 5 } else { -1 };
            assert_eq!(told.leader_epoch, epoch, "v{written}, v{read}");
        }
    }
}

#[tokio::test]
async fn metadata_beyond_4096_bytes_is_too_large() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    for version in [0, 2, 6, 10] {
        let fits = commit_of(place, 1, -1, &"x".repeat(4_096));
        assert_eq!(commit(&mut client, version, &fits).await, ErrorCode::None);
        let large = commit_of(place, 2, -1, &"x".repeat(4_097));
        let refused = commit(&mut client, version, &large).await;
        assert_eq!(refused, ErrorCode::OffsetMetadataTooLarge, "v{version}");
    }
    let told = committed(&mut client, 8, Some(&[place])).await;
    assert_eq!(told.topics[0].partitions[0].offset, 1, "what was refused is not kept");
}

#[tokio::test]
async fn null_metadata_comes_back_as_empty() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    let mut request = commit_of(place, 1, -1, "");
    request.topics[0].partitions[0].metadata = None;
    assert_eq!(commit(&mut client, 8, &request).await, ErrorCode::None);
    let told = committed(&mut client, 8, Some(&[place])).await;
    assert_eq!(told.topics[0].partitions[0].metadata.as_deref(), Some(""));
}

#[tokio::test]
async fn a_commit_without_a_member_needs_an_empty_group() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    for version in [0, 1, 10] {
        let request = commit_of(place, 1, -1, "");
        assert_eq!(commit(&mut client, version, &request).await, ErrorCode::None, "v{version}");
    }
    let mut member = Member::alone(&gateway).await;
    for version in [0, 1, 7, 10] {
        let refused = commit(&mut client, version, &commit_of(place, 2, -1, "")).await;
        assert_eq!(refused, ErrorCode::UnknownMemberId, "v{version}");
    }
    let mut own = commit_of(place, 3, -1, "");
    (own.member_id, own.generation_id) = (text(&member.id), member.generation);
    for version in [1, 7, 10] {
        assert_eq!(commit(&mut member.client, version, &own).await, ErrorCode::None);
    }
    let told = committed(&mut client, 8, Some(&[place])).await;
    assert_eq!(told.topics[0].partitions[0].offset, 3);
}

#[tokio::test]
async fn commits_of_stale_generations_strangers_and_fenced_instances_are_refused() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut member = Member::new(&gateway).await;
    member.instance = Some("i");
    member.take_all().await;
    let by = |id: &str, generation: i32, instance: Option<&str>| OffsetCommitRequest {
        member_id: text(id),
        generation_id: generation,
        group_instance_id: instance.map(text),
        ..commit_of(place, 1, -1, "")
    };
    let (id, generation) = (member.id.clone(), member.generation);
    for version in [7, 8, 10] {
        let client = &mut member.client;
        let stale = commit(client, version, &by(&id, generation - 1, Some("i"))).await;
        assert_eq!(stale, ErrorCode::IllegalGeneration, "v{version}");
        let stranger = commit(client, version, &by("stranger", generation, None)).await;
        assert_eq!(stranger, ErrorCode::UnknownMemberId, "v{version}");
        let fenced = commit(client, version, &by("stranger", generation, Some("i"))).await;
        assert_eq!(fenced, ErrorCode::FencedInstanceId, "v{version}");
        let good = commit(client, version, &by(&id, generation, Some("i"))).await;
        assert_eq!(good, ErrorCode::None, "v{version}");
    }
}

#[tokio::test]
async fn a_commit_to_a_partition_that_does_not_exist_stops_none_of_the_others() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    for version in [0, 8, 9, 10] {
        let mut request = commit_of(Place { partition: 9, ..place }, 1, -1, "");
        let good = commit_of(place, i64::from(version), -1, "").topics.remove(0);
        let missing =
            Place { name: "missing", id: TopicId(uuid::Uuid::from_u128(9)), partition: 0 };
        request.topics.push(good);
        request.topics.push(commit_of(missing, 1, -1, "").topics.remove(0));
        let answer = client.commit(version, &request).await;
        let rows = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let codes: Vec<_> = rows.map(|row| code(row.1)).collect();
        let unknown = match version {
            10 => ErrorCode::UnknownTopicId,
            _ => ErrorCode::UnknownTopicOrPartition,
        };
        let expected = [ErrorCode::UnknownTopicOrPartition, ErrorCode::None, unknown];
        assert_eq!(codes, expected, "v{version}");
        let told = committed(&mut client, 8, Some(&[place])).await;
        assert_eq!(told.topics[0].partitions[0].offset, i64::from(version));
    }
}

#[tokio::test]
async fn null_topics_are_all_that_was_committed() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let other = Place { name: "other", id: gateway.topic("other", 1).await, partition: 0 };
    let mut client = coordinated(&gateway).await;
    for place in [place, Place { partition: 1, ..place }, other] {
        commit(&mut client, 8, &commit_of(place, 7, -1, "")).await;
    }
    for version in 2..=10 {
        let told = committed(&mut client, version, None).await;
        let mut rows: Vec<_> = told
            .topics
            .iter()
            .flat_map(|t| t.partitions.iter().map(|p| (t.topic_id == place.id, p.index, p.offset)))
            .collect();
        rows.sort();
        let by_id = version >= 10;
        assert_eq!(rows, [(false, 0, 7), (by_id, 0, 7), (by_id, 1, 7)], "v{version}");
    }
}

#[tokio::test]
async fn an_offset_never_committed_is_minus_one_without_an_error() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    let missing = Place { name: "missing", id: TopicId::ZERO, partition: 5 };
    for version in 0..=10 {
        let places = if version < 10 { vec![place, missing] } else { vec![place] };
        let told = committed(&mut client, version, Some(&places)).await;
        assert_eq!(told.error_code, 0, "v{version}");
        assert_eq!(told.topics.len(), places.len(), "v{version}");
        for topic in &told.topics {
            let row = &topic.partitions[0];
            assert_eq!((row.offset, row.error_code), (-1, 0), "v{version}");
            assert_eq!(row.metadata.as_deref(), Some(""), "v{version}");
        }
    }
}

#[tokio::test]
async fn a_group_that_never_was_has_nothing_committed() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    for version in 0..=10 {
        let told = committed(&mut client, version, Some(&[place])).await;
        let row = &told.topics[0].partitions[0];
        assert_eq!((told.error_code, row.offset, row.error_code), (0, -1, 0), "v{version}");
    }
}

#[tokio::test]
async fn many_groups_are_answered_each_under_its_name() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    for (group, offset) in [("a", 1), ("b", 2)] {
        let request =
            OffsetCommitRequest { group_id: text(group), ..commit_of(place, offset, -1, "") };
        assert_eq!(commit(&mut client, 8, &request).await, ErrorCode::None);
    }
    for version in 8..=10 {
        let groups = ["b", "nobody", "a"].map(|group| FetchGroup {
            group_id: text(group),
            member_id: None,
            member_epoch: -1,
            topics: None,
        });
        let request = OffsetFetchRequest { groups: groups.to_vec(), require_stable: true };
        let told = client.committed(version, &request).await.groups;
        let offsets: Vec<_> = told
            .iter()
            .map(|g| (&*g.group_id, g.topics.first().map(|t| t.partitions[0].offset)))
            .collect();
        assert_eq!(offsets, [("b", Some(2)), ("nobody", None), ("a", Some(1))], "v{version}");
    }
}

#[tokio::test]
async fn deleting_a_topic_forgets_what_was_committed_for_it() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    commit(&mut client, 8, &commit_of(place, 7, -1, "")).await;
    crate::fetch::delete_topic(&mut client, "t").await;
    let place = one_topic(&gateway).await;
    let told = committed(&mut client, 8, Some(&[place])).await;
    assert_eq!(told.topics[0].partitions[0].offset, -1);
}

#[tokio::test]
async fn deleting_a_topic_forgets_what_was_committed_for_it_in_memory_too() {
    let offset_storage = OffsetStorageKind::Memory;
    let parts = BrokerParts { offset_storage, ..Gateway::parts(&[]) };
    let gateway = Gateway::of(parts, Limits::default()).await;
    let gone = one_topic(&gateway).await;
    let stays = Place { name: "u", id: gateway.topic("u", 1).await, partition: 0 };
    let mut client = coordinated(&gateway).await;
    for place in [gone, stays] {
        let request = commit_of(place, 7, -1, "");
        assert_eq!(commit(&mut client, 8, &request).await, ErrorCode::None);
    }
    crate::fetch::delete_topic(&mut client, "t").await;
    let left = committed(&mut client, 8, None).await;
    let names: Vec<_> = left.topics.iter().map(|topic| &*topic.name).collect();
    assert_eq!(names, ["u"]);
}

#[tokio::test]
async fn offsets_of_a_topic_whose_deletion_a_crash_cut_short_are_forgotten_at_the_next_start() {
    let parts = Gateway::parts(&[]);
    let again = BrokerParts { store: parts.store.clone(), ..Gateway::parts(&[]) };
    let gateway = Gateway::of(parts, Limits::default()).await;
    let old = one_topic(&gateway).await;
    let stays = Place { name: "u", id: gateway.topic("u", 1).await, partition: 0 };
    let mut client = coordinated(&gateway).await;
    for place in [old, stays] {
        let request = commit_of(place, 7, -1, "");
        assert_eq!(commit(&mut client, 8, &request).await, ErrorCode::None);
    }
    // The decision is durable with what is appended after it; nothing else of the deletion happens.
    drop(gateway.broker.delete_topic(DeleteTopic::Id(old.id)));
    gateway.topic("v", 1).await;
    gateway.stop().await;
    let gateway = Gateway::of(again, Limits::default()).await;
    let mut client = coordinated(&gateway).await;
    let new = one_topic(&gateway).await;
    assert_ne!(new.id, old.id);
    let left = committed(&mut client, 8, None).await;
    let names: Vec<_> = left.topics.iter().map(|topic| &*topic.name).collect();
    assert_eq!(names, ["u"]);
}

/// OffsetDelete of group "g": the error of the whole, and (partition, error) by topic.
async fn forget(
    client: &mut RawClient,
    wanted: &[(&str, &[i32])],
) -> (ErrorCode, Vec<Vec<(i32, ErrorCode)>>) {
    let topics = wanted.iter().map(|(name, partitions)| {
        let partition =
            |index: &i32| OffsetDeleteRequestPartition::default().with_partition_index(*index);
        OffsetDeleteRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions.iter().map(partition).collect())
    });
    let request = OffsetDeleteRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_topics(topics.collect());
    let response = client.call(0, &request).await;
    let row = |row: &OffsetDeleteResponsePartition| (row.partition_index, code(row.error_code));
    let rows = response.topics.iter().map(|topic| topic.partitions.iter().map(row).collect());
    (code(response.error_code), rows.collect())
}

#[tokio::test]
async fn deleted_offsets_are_unknown_again_and_others_stay() {
    let gateway = Gateway::start().await;
    let place = one_topic(&gateway).await;
    let mut client = coordinated(&gateway).await;
    assert_eq!(forget(&mut client, &[("t", &[0])]).await, (ErrorCode::GroupIdNotFound, vec![]));
    for partition in [0, 1] {
        let request = commit_of(Place { partition, ..place }, 7, -1, "");
        assert_eq!(commit(&mut client, 8, &request).await, ErrorCode::None);
    }
    let (error, rows) = forget(&mut client, &[("t", &[0, 9]), ("nope", &[0])]).await;
    assert_eq!(error, ErrorCode::None);
    let unknown = ErrorCode::UnknownTopicOrPartition;
    assert_eq!(rows, [vec![(9, unknown), (0, ErrorCode::None)], vec![(0, unknown)]]);
    let left = committed(&mut client, 7, None).await;
    let left: Vec<_> =
        left.topics[0].partitions.iter().map(|one| (one.index, one.offset)).collect();
    assert_eq!(left, [(1, 7)]);
}
