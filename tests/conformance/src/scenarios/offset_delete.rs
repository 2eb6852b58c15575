//! OffsetDelete: which committed offsets may be forgotten.

use crate::client::{Client, Topic};
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

scenarios![
    an_unknown_group_is_not_found,
    an_empty_group_id_is_refused,
    an_offset_is_forgotten,
    an_offset_that_was_never_committed_is_forgotten_too,
    topics_and_partitions_that_do_not_exist_are_refused_beside_good_ones,
    offsets_of_subscribed_topics_stay,
    offsets_of_topics_that_nobody_subscribes_to_go,
    a_group_that_rebalances_is_looked_at_by_its_members_topics,
    a_group_of_other_protocol_types_must_be_empty,
    no_topics_are_none,
    a_topic_without_partitions,
    a_partition_named_twice,
    a_group_stays_when_its_last_offset_is_forgotten,
];

fn asked(group: &str, topics: &[(&str, &[i32])]) -> OffsetDeleteRequest {
    let partition =
        |index: &i32| OffsetDeleteRequestPartition::default().with_partition_index(*index);
    let topic = |(name, partitions): &(&str, &[i32])| {
        OffsetDeleteRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions.iter().map(partition).collect())
    };
    let topics = topics.iter().map(topic).collect();
    OffsetDeleteRequest::default().with_group_id(group_id(group)).with_topics(topics)
}

async fn forget(
    client: &mut Client,
    group: &str,
    topics: &[(&str, &[i32])],
) -> OffsetDeleteResponse {
    client.call(0, &asked(group, topics)).await
}

/// The offset that is kept for partition 0, without a word in the transcript.
async fn kept(client: &mut Client, group: &str, topic: &Topic) -> i64 {
    let response = client.raw.committed(9, &wanted_of(group, topic, vec![0])).await;
    response.groups[0].topics[0].partitions[0].offset
}

/// A stable group of one member that subscribes to those topics.
async fn subscribed(client: &Client, group: &str, topics: &[&str]) -> Member {
    let mut member = Member::new(client, group, "m").await;
    member.topics = topics.iter().map(|name| (*name).to_owned()).collect();
    member.enter().await;
    member.settle(&[]).await;
    member
}

async fn an_unknown_group_is_not_found(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    let response = forget(&mut client, &group, &[(&topic.name, &[0])]).await;
    expect(response.error_code, ErrorCode::GroupIdNotFound);
}

async fn an_empty_group_id_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let response = forget(&mut client, "", &[(&topic.name, &[0])]).await;
    expect(response.error_code, ErrorCode::InvalidGroupId);
}

async fn an_offset_is_forgotten(mut client: Client) {
    let topic = client.topic("t", 2).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5), (1, 6)]).await;
    forget(&mut client, &group, &[(&topic.name, &[0])]).await;
    let told = client.committed(9, &wanted_of(&group, &topic, vec![0, 1])).await;
    let offsets: Vec<_> =
        told.groups[0].topics[0].partitions.iter().map(|row| row.offset).collect();
    assert_eq!(offsets, [-1, 6]);
}

async fn an_offset_that_was_never_committed_is_forgotten_too(mut client: Client) {
    let topic = client.topic("t", 2).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    let response = forget(&mut client, &group, &[(&topic.name, &[1])]).await;
    expect(response.topics[0].partitions[0].error_code, ErrorCode::None);
}

async fn topics_and_partitions_that_do_not_exist_are_refused_beside_good_ones(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let missing = client.unique("missing");
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    forget(&mut client, &group, &[(&missing, &[0, 1]), (&topic.name, &[0, 1, -1])]).await;
    assert_eq!(kept(&mut client, &group, &topic).await, -1);
    client.note("of topics that do not exist alone");
    forget(&mut client, &group, &[(&missing, &[0])]).await;
}

async fn offsets_of_subscribed_topics_stay(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    let _member = subscribed(&client, &group, &[&topic.name]).await;
    let response = forget(&mut client, &group, &[(&topic.name, &[0])]).await;
    expect(response.topics[0].partitions[0].error_code, ErrorCode::GroupSubscribedToTopic);
    assert_eq!(kept(&mut client, &group, &topic).await, 5);
}

async fn offsets_of_topics_that_nobody_subscribes_to_go(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let other = client.topic("other", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    let _member = subscribed(&client, &group, &[&other.name]).await;
    forget(&mut client, &group, &[(&topic.name, &[0]), (&other.name, &[0])]).await;
    assert_eq!(kept(&mut client, &group, &topic).await, -1);
}

async fn a_group_that_rebalances_is_looked_at_by_its_members_topics(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let other = client.topic("other", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    let _member = subscribed(&client, &group, &[&other.name]).await;
    let mut new = Member::new(&client, &group, "new").await;
    let _joins = new.begin_enter().await;
    until_state(&mut client, &group, "PreparingRebalance").await;
    forget(&mut client, &group, &[(&topic.name, &[0]), (&other.name, &[0])]).await;
}

async fn a_group_of_other_protocol_types_must_be_empty(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    let request = join_request(&group).with_protocol_type(text("connect"));
    let member_id = client.ask(3, &request).await.member_id;
    let response = forget(&mut client, &group, &[(&topic.name, &[0])]).await;
    expect(response.error_code, ErrorCode::NonEmptyGroup);
    let mut member = Member::new(&client, &group, "m").await;
    member.id = member_id.to_string();
    member.leave().await;
    let response = forget(&mut client, &group, &[(&topic.name, &[0])]).await;
    expect(response.topics[0].partitions[0].error_code, ErrorCode::None);
}

async fn no_topics_are_none(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    client.note("of a group that does not exist");
    forget(&mut client, &group, &[]).await;
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    client.note("of one that does");
    forget(&mut client, &group, &[]).await;
}

async fn a_topic_without_partitions(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    forget(&mut client, &group, &[(&topic.name, &[])]).await;
}

async fn a_partition_named_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    forget(&mut client, &group, &[(&topic.name, &[0, 0])]).await;
}

async fn a_group_stays_when_its_last_offset_is_forgotten(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 5)]).await;
    forget(&mut client, &group, &[(&topic.name, &[0])]).await;
    describe(&mut client, 6, &group).await;
}
