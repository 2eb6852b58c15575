//! OffsetFetch: what a group is told of its offsets, and of those it has not committed.

use crate::client::{Client, Topic};
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use tidegate_wire::offsets::{FetchGroup, FetchTopic, FetchedGroup, OffsetFetchRequest};

scenarios![
    a_group_that_does_not_exist_has_committed_nothing,
    partitions_without_an_offset_are_minus_one_without_an_error,
    topics_and_partitions_that_do_not_exist_are_minus_one_without_an_error,
    null_topics_are_all_topics_since_v2,
    all_topics_of_a_group_without_offsets_are_none,
    no_topics_are_none,
    a_topic_without_partitions,
    a_topic_named_twice,
    a_partition_named_twice,
    an_empty_group_id,
    several_groups_are_answered_in_order_since_v8,
    a_group_named_twice_is_answered_twice,
    no_groups_are_none,
    all_topics_of_several_groups,
    topics_are_named_by_id_since_v10,
    an_unknown_topic_id_is_told_beside_a_good_one,
    offsets_of_a_deleted_topic_are_gone,
    a_topic_made_again_has_no_offsets,
    offsets_are_told_while_members_join,
    stable_offsets_may_be_required_since_v7,
    a_member_may_be_named_since_v9,
    a_member_of_a_classic_group_is_not_looked_for,
];

const NULL_SINCE: i16 = 2;
const MANY_SINCE: i16 = 8;
const TOPIC_IDS_SINCE: i16 = 10;

fn row(topic: &Topic, partitions: Vec<i32>) -> FetchTopic {
    FetchTopic { name: text(&topic.name), topic_id: topic.id, partitions }
}

/// Asks about one group; topics and partitions of the answer are told in order, for Kafka's is that
/// of hash maps where all are asked for.
async fn ask_one(
    client: &mut Client,
    version: i16,
    group: &str,
    topics: Option<Vec<FetchTopic>>,
) -> FetchedGroup {
    ask(client, version, &wanted(vec![wanted_group(group, topics)])).await.remove(0)
}

async fn ask(client: &mut Client, version: i16, request: &OffsetFetchRequest) -> Vec<FetchedGroup> {
    let mut response = client.raw.committed(version, request).await;
    for (asked, told) in request.groups.iter().zip(&mut response.groups) {
        if asked.topics.is_none() {
            told.topics.sort_by_key(|topic| topic.partitions.len());
            for topic in &mut told.topics {
                topic.partitions.sort_by_key(|partition| partition.index);
            }
        }
    }
    client.answered("OffsetFetch", version, &response);
    response.groups
}

/// Offsets of all partitions, in the order of the answer.
fn offsets(group: &FetchedGroup) -> Vec<i64> {
    let partitions = group.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|partition| partition.offset).collect()
}

async fn a_group_that_does_not_exist_has_committed_nothing(mut client: Client) {
    let topic = client.topic("t", 2).await;
    for version in client.each(1..=10) {
        let group = client.unique("g");
        let told = ask_one(&mut client, version, &group, Some(vec![row(&topic, vec![0, 1])])).await;
        assert_eq!((told.error_code, offsets(&told)), (0, vec![-1, -1]));
    }
}

async fn partitions_without_an_offset_are_minus_one_without_an_error(mut client: Client) {
    let topic = client.topic("t", 3).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(1, 8)]).await;
    for version in client.each(1..=10) {
        let topics = Some(vec![row(&topic, vec![2, 1, 0])]);
        let told = ask_one(&mut client, version, &group, topics).await;
        assert_eq!(offsets(&told), [-1, 8, -1]);
    }
}

async fn topics_and_partitions_that_do_not_exist_are_minus_one_without_an_error(
    mut client: Client,
) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 8)]).await;
    let missing = Topic { name: client.unique("missing"), id: TopicId::ZERO };
    for version in client.each(1..TOPIC_IDS_SINCE) {
        let topics = vec![row(&missing, vec![0]), row(&topic, vec![0, 1, -1])];
        let told = ask_one(&mut client, version, &group, Some(topics)).await;
        assert_eq!(offsets(&told), [-1, 8, -1, -1]);
    }
}

async fn null_topics_are_all_topics_since_v2(mut client: Client) {
    let one = client.topic("one", 1).await;
    let two = client.topic("two", 3).await;
    let group = client.unique("g");
    keep(&mut client, &group, &two, &[(2, 5), (0, 4)]).await;
    keep(&mut client, &group, &one, &[(0, 3)]).await;
    for version in client.each(NULL_SINCE..=10) {
        let told = ask_one(&mut client, version, &group, None).await;
        assert_eq!(offsets(&told), [3, 4, 5]);
    }
}

async fn all_topics_of_a_group_without_offsets_are_none(mut client: Client) {
    for version in client.each(NULL_SINCE..=10) {
        let group = client.unique("g");
        client.note("of a group that does not exist");
        assert_eq!(ask_one(&mut client, version, &group, None).await.topics, []);
        let _member = lone(&client, &group).await;
        client.note("of a group of members");
        assert_eq!(ask_one(&mut client, version, &group, None).await.topics, []);
    }
}

async fn no_topics_are_none(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 8)]).await;
    for version in client.each(1..=10) {
        let told = ask_one(&mut client, version, &group, Some(vec![])).await;
        assert_eq!((told.error_code, told.topics), (0, vec![]));
    }
}

async fn a_topic_without_partitions(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 8)]).await;
    for version in client.each(1..=10) {
        ask_one(&mut client, version, &group, Some(vec![row(&topic, vec![])])).await;
    }
}

async fn a_topic_named_twice(mut client: Client) {
    let topic = client.topic("t", 2).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 8), (1, 9)]).await;
    for version in client.each(1..=10) {
        let topics = vec![row(&topic, vec![1]), row(&topic, vec![0, 1])];
        let told = ask_one(&mut client, version, &group, Some(topics)).await;
        assert_eq!(offsets(&told), [9, 8, 9]);
    }
}

async fn a_partition_named_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 8)]).await;
    for version in client.each(1..=10) {
        let told = ask_one(&mut client, version, &group, Some(vec![row(&topic, vec![0, 0])])).await;
        assert_eq!(offsets(&told), [8, 8]);
    }
}

async fn an_empty_group_id(mut client: Client) {
    let topic = client.topic("t", 1).await;
    for version in client.each(1..=10) {
        ask_one(&mut client, version, "", Some(vec![row(&topic, vec![0])])).await;
    }
}

async fn several_groups_are_answered_in_order_since_v8(mut client: Client) {
    let topic = client.topic("t", 2).await;
    let groups = ["a", "b", "c"].map(|base| client.unique(base));
    keep(&mut client, &groups[0], &topic, &[(0, 1)]).await;
    keep(&mut client, &groups[2], &topic, &[(1, 3)]).await;
    for version in client.each(MANY_SINCE..=10) {
        let group = |name: &String| wanted_group(name, Some(vec![row(&topic, vec![0, 1])]));
        let told = ask(&mut client, version, &wanted(groups.iter().map(group).collect())).await;
        let told: Vec<_> = told.iter().map(offsets).collect();
        assert_eq!(told, [[1, -1], [-1, -1], [-1, 3]]);
    }
}

async fn a_group_named_twice_is_answered_twice(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 1)]).await;
    for version in client.each(MANY_SINCE..=10) {
        let group = wanted_group(&group, Some(vec![row(&topic, vec![0])]));
        assert_eq!(ask(&mut client, version, &wanted(vec![group.clone(), group])).await.len(), 2);
    }
}

async fn no_groups_are_none(mut client: Client) {
    for version in client.each(MANY_SINCE..=10) {
        assert_eq!(ask(&mut client, version, &wanted(vec![])).await, []);
    }
}

async fn all_topics_of_several_groups(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let groups = ["a", "b"].map(|base| client.unique(base));
    for (name, offset) in groups.iter().zip([4, 5]) {
        keep(&mut client, name, &topic, &[(0, offset)]).await;
    }
    for version in client.each(MANY_SINCE..=10) {
        let every = groups.iter().map(|name| wanted_group(name, None)).collect();
        let told = ask(&mut client, version, &wanted(every)).await;
        assert_eq!(told.iter().map(offsets).collect::<Vec<_>>(), [[4], [5]]);
    }
}

async fn topics_are_named_by_id_since_v10(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 8)]).await;
    let nameless = Topic { name: String::new(), id: topic.id };
    let told = ask_one(&mut client, 10, &group, Some(vec![row(&nameless, vec![0])])).await;
    assert_eq!((told.topics[0].topic_id, offsets(&told)), (topic.id, vec![8]));
}

async fn an_unknown_topic_id_is_told_beside_a_good_one(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 8)]).await;
    let strange = Topic { name: String::new(), id: TopicId(uuid::Uuid::new_v4()) };
    let none = Topic { name: String::new(), id: TopicId::ZERO };
    let topics = vec![row(&strange, vec![0, 1]), row(&topic, vec![0, 1]), row(&none, vec![0])];
    let told = ask_one(&mut client, 10, &group, Some(topics)).await;
    expect(told.error_code, ErrorCode::None);
}

async fn offsets_of_a_deleted_topic_are_gone(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let stays = client.topic("stays", 1).await;
    let group = client.unique("g");
    for topic in [&topic, &stays] {
        keep(&mut client, &group, topic, &[(0, 8)]).await;
    }
    let deleted = client.ask(5, &delete_topics(&[&topic.name])).await;
    expect(deleted.responses[0].error_code, ErrorCode::None);
    let request = wanted(vec![wanted_group(&group, None)]);
    for _ in 0..500 {
        // They go a moment after the topic.
        let told = client.raw.committed(9, &request).await;
        if told.groups[0].topics.len() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    for version in client.each(NULL_SINCE..=10) {
        assert_eq!(ask_one(&mut client, version, &group, None).await.topics.len(), 1);
    }
    let told = ask_one(&mut client, 9, &group, Some(vec![row(&topic, vec![0])])).await;
    assert_eq!(offsets(&told), [-1]);
}

async fn a_topic_made_again_has_no_offsets(mut client: Client) {
    let old = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &old, &[(0, 8)]).await;
    let deleted = client.ask(5, &delete_topics(&[&old.name])).await;
    expect(deleted.responses[0].error_code, ErrorCode::None);
    for _ in 0..500 {
        let told = client.raw.committed(9, &wanted_of(&group, &old, vec![0])).await;
        if offsets(&told.groups[0]) == [-1] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let made = client.ask(7, &create_topics(vec![creatable(&old.name)])).await;
    let new = Topic { name: old.name.clone(), id: TopicId(made.topics[0].topic_id) };
    for version in client.each(1..=10) {
        let told = ask_one(&mut client, version, &group, Some(vec![row(&new, vec![0])])).await;
        assert_eq!(offsets(&told), [-1]);
    }
    client.note("and the old topic's id is unknown");
    ask_one(&mut client, 10, &group, Some(vec![row(&old, vec![0])])).await;
}

async fn offsets_are_told_while_members_join(mut client: Client) {
    let topic = client.topic("t", 1).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 8)]).await;
    let _member = lone(&client, &group).await;
    let mut new = Member::new(&client, &group, "new").await;
    let _joins = new.begin_enter().await;
    until_state(&mut client, &group, "PreparingRebalance").await;
    for version in client.each(1..=10) {
        let told = ask_one(&mut client, version, &group, Some(vec![row(&topic, vec![0])])).await;
        assert_eq!(offsets(&told), [8]);
    }
}

async fn stable_offsets_may_be_required_since_v7(mut client: Client) {
    let topic = client.topic("t", 2).await;
    let group = client.unique("g");
    keep(&mut client, &group, &topic, &[(0, 8)]).await;
    for version in client.each(7..=10) {
        for topics in [None, Some(vec![row(&topic, vec![0, 1])])] {
            let group = wanted_group(&group, topics);
            let request = OffsetFetchRequest { groups: vec![group], require_stable: true };
            let told = ask(&mut client, version, &request).await;
            assert_eq!(offsets(&told[0])[0], 8);
        }
    }
}

/// Asks as that member of that epoch.
async fn ask_as(
    client: &mut Client,
    version: i16,
    group: &str,
    member: (&str, i32),
) -> FetchedGroup {
    let topic = client.topic("t", 1).await;
    let group = FetchGroup {
        member_id: Some(text(member.0)),
        member_epoch: member.1,
        ..wanted_group(group, Some(vec![row(&topic, vec![0])]))
    };
    ask(client, version, &wanted(vec![group])).await.remove(0)
}

async fn a_member_may_be_named_since_v9(mut client: Client) {
    for version in client.each(9..=10) {
        for member in [("", -1), ("", 0), ("stranger", -1), ("stranger", 0)] {
            client.note(&format!(
                "{:?} in epoch {}, of a group that does not exist",
                member.0, member.1
            ));
            let group = client.unique("g");
            ask_as(&mut client, version, &group, member).await;
        }
    }
}

async fn a_member_of_a_classic_group_is_not_looked_for(mut client: Client) {
    for version in client.each(9..=10) {
        let group = client.unique("g");
        let member = lone(&client, &group).await;
        for asks in [("stranger", -1), ("stranger", 5), (&*member.id, 9)] {
            let told = ask_as(&mut client, version, &group, asks).await;
            expect(told.error_code, ErrorCode::None);
        }
    }
}
