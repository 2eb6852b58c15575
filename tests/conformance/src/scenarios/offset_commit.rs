//! OffsetCommit: who may commit, what is kept, and what is refused of it.

use crate::client::{Client, Topic};
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use tidegate_wire::offsets::{
    CommitPartition, CommitTopic, FetchedOffset, OffsetCommitRequest, OffsetCommitResponse,
};

scenarios![
    what_is_committed_is_told_in_every_version,
    a_later_commit_replaces_an_earlier_one,
    metadata_come_back_as_they_were,
    no_metadata_are_empty_metadata,
    metadata_of_4096_characters_are_kept_longer_ones_are_not,
    the_leader_epoch_comes_back_since_v6,
    an_empty_group_id_is_one_too,
    no_topics_at_all,
    a_topic_without_partitions,
    partitions_named_twice,
    unknown_topics_and_partitions_are_refused_beside_good_ones,
    an_unknown_topic_id_is_refused_beside_a_good_one,
    offsets_below_zero,
    a_retention_of_its_own_is_taken_in_v2_to_v4,
    a_generation_without_a_group_is_refused,
    a_member_of_the_current_generation_commits,
    a_member_of_another_generation_is_refused,
    a_stranger_is_refused,
    nobody_commits_without_a_generation_while_members_are_there,
    a_member_without_a_generation_is_refused,
    anybody_commits_without_a_generation_to_an_empty_group,
    a_generation_of_an_empty_group_is_refused,
    members_may_commit_while_others_join,
    nobody_commits_before_the_assignment,
    a_static_member_commits_by_both_its_ids,
    a_fenced_static_member_is_refused,
    a_commit_keeps_its_member_alive,
];

const TOPIC_IDS_SINCE: i16 = 10;
const STATIC_SINCE: i16 = 7;

fn offset(index: i32, offset: i64) -> CommitPartition {
    CommitPartition { index, offset, leader_epoch: -1, metadata: Some(text("note")) }
}

/// One topic's offsets, by its name and its id.
fn of_topic(topic: &Topic, partitions: Vec<CommitPartition>) -> CommitTopic {
    CommitTopic { name: text(&topic.name), topic_id: topic.id, partitions }
}

/// A commit by nobody in particular.
fn anonymous(group: &str, topics: Vec<CommitTopic>) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: text(group),
        generation_id: -1,
        member_id: text(""),
        group_instance_id: None,
        retention_time_ms: -1,
        topics,
    }
}

/// A commit of offset 7 of partition 0 by that member.
fn by(member: &Member, version: i16, topic: &Topic) -> OffsetCommitRequest {
    commit_by(member, version, topic, 7)
}

/// The code of an answer about one partition.
fn only_code(response: &OffsetCommitResponse) -> ErrorCode {
    assert_eq!((response.topics.len(), response.topics[0].partitions.len()), (1, 1));
    code(response.topics[0].partitions[0].1)
}

/// What the group has committed for partition 0, without a word in the transcript.
async fn kept(client: &mut Client, group: &str, topic: &Topic) -> FetchedOffset {
    let request = wanted_of(group, topic, vec![0]);
    let mut response = client.raw.committed(9, &request).await;
    response.groups.remove(0).topics.remove(0).partitions.remove(0)
}

async fn what_is_committed_is_told_in_every_version(mut client: Client) {
    let topic = client.topic("t", 3).await;
    for version in client.each(2..=10) {
        let group = client.unique("g");
        let offsets = vec![offset(2, 5), offset(0, 0), offset(1, i64::MAX)];
        let request = anonymous(&group, vec![of_topic(&topic, offsets)]);
        let response = client.commit(version, &request).await;
        let codes = response.topics[0].partitions.iter().map(|row| code(row.1));
        assert_eq!(codes.collect::<Vec<_>>(), [ErrorCode::None; 3]);
        let request = wanted_of(&group, &topic, vec![0, 1, 2]);
        let told = client.committed(version, &request).await;
        let offsets = told.groups[0].topics[0].partitions.iter().map(|row| row.offset);
        assert_eq!(offsets.collect::<Vec<_>>(), [0, i64::MAX, 5]);
    }
}

async fn a_later_commit_replaces_an_earlier_one(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let group = client.unique("g");
        for at in [9, 3, 3] {
            let request = anonymous(&group, vec![of_topic(&topic, vec![offset(0, at)])]);
            client.commit(version, &request).await;
            assert_eq!(kept(&mut client, &group, &topic).await.offset, at);
        }
    }
}

/// Commits with those metadata; what is told of them afterwards.
async fn with_metadata(
    client: &mut Client,
    version: i16,
    topic: &Topic,
    metadata: Option<&str>,
) -> (ErrorCode, FetchedOffset) {
    let group = client.unique("g");
    let partition = CommitPartition { metadata: metadata.map(text), ..offset(0, 4) };
    let request = anonymous(&group, vec![of_topic(topic, vec![partition])]);
    let response = client.commit(version, &request).await;
    (only_code(&response), kept(client, &group, topic).await)
}

async fn metadata_come_back_as_they_were(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        for note in ["", " ", "{\"a\": 1}\n\0", "ä€𝄞"] {
            let (error, told) = with_metadata(&mut client, version, &topic, Some(note)).await;
            assert_eq!((error, told.metadata.as_deref()), (ErrorCode::None, Some(note)));
        }
    }
}

async fn no_metadata_are_empty_metadata(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let (error, told) = with_metadata(&mut client, version, &topic, None).await;
        assert_eq!((error, told.metadata.as_deref()), (ErrorCode::None, Some("")));
    }
}

async fn metadata_of_4096_characters_are_kept_longer_ones_are_not(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        for (letter, length, error) in [
            ("x", 4096, ErrorCode::None),
            ("x", 4097, ErrorCode::OffsetMetadataTooLarge),
            ("ä", 4096, ErrorCode::None),
            ("ä", 4097, ErrorCode::OffsetMetadataTooLarge),
            ("𝄞", 2048, ErrorCode::None),
            ("𝄞", 2049, ErrorCode::OffsetMetadataTooLarge),
        ] {
            client.note(&format!("{letter} {length} times"));
            let note = letter.repeat(length);
            let (answer, told) = with_metadata(&mut client, version, &topic, Some(&note)).await;
            assert_eq!(answer, error);
            assert_eq!(told.offset, if error == ErrorCode::None { 4 } else { -1 });
        }
    }
}

async fn the_leader_epoch_comes_back_since_v6(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(6..=10) {
        for epoch in [-1, 0, 5, i32::MAX] {
            let group = client.unique("g");
            let partition = CommitPartition { leader_epoch: epoch, ..offset(0, 1) };
            let request = anonymous(&group, vec![of_topic(&topic, vec![partition])]);
            assert_eq!(only_code(&client.commit(version, &request).await), ErrorCode::None);
            assert_eq!(kept(&mut client, &group, &topic).await.leader_epoch, epoch);
        }
    }
}

async fn an_empty_group_id_is_one_too(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let request = anonymous("", vec![of_topic(&topic, vec![offset(0, 1)])]);
        assert_eq!(only_code(&client.commit(version, &request).await), ErrorCode::None);
    }
    describe(&mut client, 6, "").await;
    delete_group(&mut client, "").await;
    describe(&mut client, 6, "").await;
}

async fn no_topics_at_all(mut client: Client) {
    for version in client.each(2..=10) {
        let group = client.unique("g");
        let response = client.commit(version, &anonymous(&group, vec![])).await;
        assert_eq!(response.topics, []);
    }
    let group = client.unique("g");
    client.commit(9, &anonymous(&group, vec![])).await;
    client.note("and no group came of it");
    describe(&mut client, 6, &group).await;
}

async fn a_topic_without_partitions(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let group = client.unique("g");
        client.commit(version, &anonymous(&group, vec![of_topic(&topic, vec![])])).await;
    }
}

async fn partitions_named_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        client.note("within a topic");
        let group = client.unique("g");
        let offsets = vec![offset(0, 1), offset(0, 2)];
        client.commit(version, &anonymous(&group, vec![of_topic(&topic, offsets)])).await;
        assert_eq!(kept(&mut client, &group, &topic).await.offset, 2);
        client.note("in two rows of a topic");
        let group = client.unique("g");
        let row = |at| of_topic(&topic, vec![offset(0, at)]);
        client.commit(version, &anonymous(&group, vec![row(1), row(2)])).await;
        assert_eq!(kept(&mut client, &group, &topic).await.offset, 2);
    }
}

async fn unknown_topics_and_partitions_are_refused_beside_good_ones(mut client: Client) {
    let topic = client.topic("t", 2).await;
    for version in client.each(2..TOPIC_IDS_SINCE) {
        let group = client.unique("g");
        let missing = Topic { name: client.unique("missing"), id: TopicId::ZERO };
        let request = anonymous(
            &group,
            vec![
                of_topic(&missing, vec![offset(0, 1), offset(1, 1)]),
                of_topic(&topic, vec![offset(2, 2), offset(1, 3), offset(-1, 4)]),
            ],
        );
        client.commit(version, &request).await;
        let told = client.committed(version, &wanted_of(&group, &topic, vec![1])).await;
        assert_eq!(told.groups[0].topics[0].partitions[0].offset, 3);
    }
}

async fn an_unknown_topic_id_is_refused_beside_a_good_one(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(TOPIC_IDS_SINCE..=10) {
        let group = client.unique("g");
        let missing = Topic { name: String::new(), id: TopicId(uuid::Uuid::new_v4()) };
        let none = Topic { name: String::new(), id: TopicId::ZERO };
        let request = anonymous(
            &group,
            vec![
                of_topic(&missing, vec![offset(0, 1)]),
                of_topic(&topic, vec![offset(0, 2), offset(1, 3)]),
                of_topic(&none, vec![offset(0, 4)]),
            ],
        );
        client.commit(version, &request).await;
        assert_eq!(kept(&mut client, &group, &topic).await.offset, 2);
    }
}

async fn offsets_below_zero(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        for at in [-1, -2, i64::MIN] {
            let group = client.unique("g");
            let request = anonymous(&group, vec![of_topic(&topic, vec![offset(0, at)])]);
            client.commit(version, &request).await;
            let told = kept(&mut client, &group, &topic).await;
            client.record("kept", &told.offset);
        }
    }
}

async fn a_retention_of_its_own_is_taken_in_v2_to_v4(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=4) {
        for retention_ms in [-1, 0, 1, i64::MAX] {
            let group = client.unique("g");
            let mut request = anonymous(&group, vec![of_topic(&topic, vec![offset(0, 1)])]);
            request.retention_time_ms = retention_ms;
            assert_eq!(only_code(&client.commit(version, &request).await), ErrorCode::None);
        }
    }
}

async fn a_generation_without_a_group_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let mut nobody = Member::new(&client, &client.unique("g"), "m").await;
        nobody.generation = 0;
        for id in ["", "stranger"] {
            nobody.id = id.to_owned();
            let response = client.commit(version, &by(&nobody, version, &topic)).await;
            let error = match version {
                9.. => ErrorCode::GroupIdNotFound,
                _ => ErrorCode::IllegalGeneration,
            };
            assert_eq!(only_code(&response), error);
        }
    }
}

async fn a_member_of_the_current_generation_commits(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let member = lone(&client, &client.unique("g")).await;
        let response = client.commit(version, &by(&member, version, &topic)).await;
        assert_eq!(only_code(&response), ErrorCode::None);
        assert_eq!(kept(&mut client, &member.group, &topic).await.offset, 7);
    }
}

/// Shows in every version that a commit by the member, changed, is refused with that code.
async fn is_refused(
    mut client: Client,
    error: ErrorCode,
    change: impl Fn(&mut OffsetCommitRequest),
) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let member = lone(&client, &client.unique("g")).await;
        let mut request = by(&member, version, &topic);
        change(&mut request);
        assert_eq!(only_code(&client.commit(version, &request).await), error);
        assert_eq!(kept(&mut client, &member.group, &topic).await.offset, -1);
    }
}

async fn a_member_of_another_generation_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let mut member = lone(&client, &client.unique("g")).await;
        for generation in [0, 2, i32::MAX] {
            member.generation = generation;
            let response = client.commit(version, &by(&member, version, &topic)).await;
            assert_eq!(only_code(&response), ErrorCode::IllegalGeneration);
        }
    }
}

async fn a_stranger_is_refused(client: Client) {
    is_refused(client, ErrorCode::UnknownMemberId, |request| {
        request.member_id = text("stranger");
    })
    .await;
}

async fn nobody_commits_without_a_generation_while_members_are_there(client: Client) {
    is_refused(client, ErrorCode::UnknownMemberId, |request| {
        request.generation_id = -1;
        request.member_id = text("");
    })
    .await;
}

async fn a_member_without_a_generation_is_refused(client: Client) {
    is_refused(client, ErrorCode::IllegalGeneration, |request| request.generation_id = -1).await;
}

async fn anybody_commits_without_a_generation_to_an_empty_group(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let mut member = lone(&client, &client.unique("g")).await;
        member.leave().await;
        for id in ["", "stranger"] {
            let mut request = by(&member, version, &topic);
            request.generation_id = -1;
            request.member_id = text(id);
            let response = client.commit(version, &request).await;
            assert_eq!(only_code(&response), ErrorCode::None);
        }
        assert_eq!(kept(&mut client, &member.group, &topic).await.offset, 7);
    }
}

async fn a_generation_of_an_empty_group_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let mut member = lone(&client, &client.unique("g")).await;
        member.leave().await;
        for generation in [1, 2] {
            member.generation = generation;
            let response = client.commit(version, &by(&member, version, &topic)).await;
            assert_eq!(only_code(&response), ErrorCode::UnknownMemberId);
        }
    }
}

async fn members_may_commit_while_others_join(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let member = lone(&client, &client.unique("g")).await;
        let mut new = Member::new(&client, &member.group, "new").await;
        let _joins = new.begin_enter().await;
        until_state(&mut client, &member.group, "PreparingRebalance").await;
        let response = client.commit(version, &by(&member, version, &topic)).await;
        assert_eq!(only_code(&response), ErrorCode::None);
    }
}

async fn nobody_commits_before_the_assignment(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(2..=10) {
        let group = client.unique("g");
        for member in joined(&client, &group, &["leader", "follower"]).await {
            let response = client.commit(version, &by(&member, version, &topic)).await;
            assert_eq!(only_code(&response), ErrorCode::RebalanceInProgress);
        }
    }
}

/// A stable group of one static member.
async fn static_member(client: &Client) -> Member {
    let mut members = [Member::fixed(client, &client.unique("g"), "i").await];
    gather(&mut members).await;
    assign(&mut members).await;
    let [member] = members;
    member
}

async fn a_static_member_commits_by_both_its_ids(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(STATIC_SINCE..=10) {
        let mut member = static_member(&client).await;
        let response = client.commit(version, &by(&member, version, &topic)).await;
        assert_eq!(only_code(&response), ErrorCode::None);
        for (instance, error) in [(None, ErrorCode::None), (Some("j"), ErrorCode::UnknownMemberId)]
        {
            member.instance = instance.map(str::to_owned);
            let response = client.commit(version, &by(&member, version, &topic)).await;
            assert_eq!(only_code(&response), error);
        }
    }
}

async fn a_fenced_static_member_is_refused(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(STATIC_SINCE..=10) {
        let old = static_member(&client).await;
        let mut new = Member::fixed(&client, &old.group, "i").await;
        new.enter().await;
        let response = client.commit(version, &by(&old, version, &topic)).await;
        assert_eq!(only_code(&response), ErrorCode::FencedInstanceId);
        let response = client.commit(version, &by(&new, version, &topic)).await;
        assert_eq!(only_code(&response), ErrorCode::None);
    }
}

async fn a_commit_keeps_its_member_alive(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let mut member = Member::new(&client, &client.unique("g"), "m").await;
    member.session_ms = KEPT_MS;
    member.enter().await;
    member.settle(&[]).await;
    for _ in 0..8 {
        tokio::time::sleep(BEAT).await;
        let response = client.commit(9, &by(&member, 9, &topic)).await;
        assert_eq!(only_code(&response), ErrorCode::None);
    }
}
