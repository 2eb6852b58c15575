//! What groups decide counts in every storage, and what ends offsets ends them in each.

use super::bed::{Bed, identity, plain};
use tidegate_machine::group::DeleteOffsets;
use tidegate_model::{ErrorCode, TopicId};

const MINUTE_MS: i64 = 60_000;

/// Membership is checked before anything is kept.
pub async fn a_stranger_may_not_commit_to_a_group_with_members(bed: Bed) {
    bed.join("g", &["t"]).await;
    let refused = Ok(vec![ErrorCode::UnknownMemberId]);
    assert_eq!(bed.begin("g", &[plain("t", 0, 1)]).await, refused);
    let stranger = bed.begin_as(identity("g", "who", 1), &[plain("t", 0, 1)], -1);
    assert_eq!(stranger.await, refused);
    assert_eq!(bed.offsets("g").await, []);
}

/// What an older generation commits is not kept.
pub async fn a_member_commits_in_its_generation_only(bed: Bed) {
    let mut member = bed.join("g", &["t"]).await;
    let kept = bed.begin_as(member.clone(), &[plain("t", 0, 5)], -1);
    assert_eq!(kept.await, Ok(vec![ErrorCode::None]));
    member.generation_id += 1;
    let refused = bed.begin_as(member, &[plain("t", 0, 4)], -1);
    assert_eq!(refused.await, Ok(vec![ErrorCode::IllegalGeneration]));
    assert_eq!(bed.offset("g", "t", 0).await, Some(5));
}

fn of(group_id: &str, places: &[(&str, i32)]) -> DeleteOffsets {
    let places = places.iter().map(|(topic, partition)| ((*topic).to_owned(), *partition));
    DeleteOffsets { group_id: group_id.to_owned(), partitions: places.collect() }
}

/// OffsetDelete, also of what is not there.
pub async fn deleted_offsets_are_gone_and_others_stay(mut bed: Bed) {
    bed.commit("g", &[plain("t", 0, 1), plain("t", 1, 1), plain("u", 0, 1)]).await;
    bed.commit("h", &[plain("t", 0, 1)]).await;
    let request = of("g", &[("t", 1), ("u", 0), ("t", 9)]);
    let reply = bed.broker.groups().offsets().delete(request).await.expect("it answers");
    assert_eq!((reply.error, reply.partitions), (ErrorCode::None, vec![ErrorCode::None; 3]));
    assert_eq!(bed.offsets("g").await, [("t".to_owned(), 0, 1)]);
    assert_eq!(bed.offset("g", "t", 1).await, None);
    assert_eq!(bed.offset("h", "t", 0).await, Some(1));
    if bed.restart().await {
        assert_eq!(bed.offsets("g").await, [("t".to_owned(), 0, 1)]);
    }
    bed.commit("g", &[plain("t", 1, 2)]).await;
    assert_eq!(bed.offset("g", "t", 1).await, Some(2));
    let unknown = bed.broker.groups().offsets().delete(of("nobody", &[("t", 0)])).await;
    assert_eq!(unknown.expect("it answers").error, ErrorCode::GroupIdNotFound);
}

/// OffsetDelete of a topic that a member subscribes to.
pub async fn offsets_that_members_read_are_not_deleted(bed: Bed) {
    let member = bed.join("g", &["t"]).await;
    let commits = [plain("t", 0, 1), plain("u", 0, 1)];
    assert_eq!(bed.begin_as(member, &commits, -1).await, Ok(vec![ErrorCode::None; 2]));
    let reply = bed.broker.groups().offsets().delete(of("g", &[("t", 0), ("u", 0)])).await;
    let codes = vec![ErrorCode::GroupSubscribedToTopic, ErrorCode::None];
    assert_eq!(reply.expect("it answers").partitions, codes);
    assert_eq!(bed.offsets("g").await, [("t".to_owned(), 0, 1)]);
}

/// DeleteGroups takes all offsets with it, and the next commit stands alone.
pub async fn a_deleted_group_leaves_nothing_and_its_name_can_begin_anew(mut bed: Bed) {
    bed.commit("g", &[plain("t", 0, 1), plain("u", 7, 1)]).await;
    bed.commit("g2", &[plain("t", 0, 1)]).await;
    assert_eq!(bed.delete_group("g").await, ErrorCode::None);
    assert_eq!(bed.offsets("g").await, []);
    assert_eq!(bed.delete_group("g").await, ErrorCode::GroupIdNotFound);
    bed.commit("g", &[plain("t", 1, 9)]).await;
    bed.restart().await;
    if bed.offset("g2", "t", 0).await.is_some() {
        assert_eq!(bed.offsets("g").await, [("t".to_owned(), 1, 9)]);
    }
}

/// A commit of a consumer without group management makes a group, as in Kafka.
pub async fn a_group_that_only_keeps_offsets_is_one_that_can_be_listed_and_deleted(bed: Bed) {
    bed.commit("simple", &[plain("t", 0, 1)]).await;
    assert_eq!(bed.listed().await, ["simple"]);
    assert_eq!(bed.delete_group("simple").await, ErrorCode::None);
    assert_eq!(bed.listed().await, [""; 0]);
}

/// By name and id: what was committed for a newer topic of the same name stays.
pub async fn what_was_committed_for_a_deleted_topic_is_forgotten(bed: Bed) {
    for group_id in ["g", "h", "a/b"] {
        bed.commit(group_id, &[plain("t", 0, 1), plain("t", 1, 1), plain("u", 0, 1)]).await;
    }
    let offsets = bed.broker.groups().offsets();
    let other = vec![("t".to_owned(), TopicId(uuid::Uuid::from_u128(5)))];
    offsets.topics_deleted(other).await.expect("the storage answers");
    assert_eq!(bed.offset("g", "t", 0).await, Some(1));
    let gone = vec![("t".to_owned(), bed.id_of("t"))];
    offsets.topics_deleted(gone).await.expect("the storage answers");
    for group_id in ["g", "h", "a/b"] {
        assert_eq!(bed.offsets(group_id).await, [("u".to_owned(), 0, 1)]);
    }
}

/// By the time of each commit, for a group without members.
pub async fn offsets_expire_and_their_group_with_them(bed: Bed) {
    bed.commit("g", &[plain("t", 0, 1)]).await;
    bed.set_forth(MINUTE_MS / 2);
    bed.commit("g", &[plain("t", 1, 2)]).await;
    bed.becomes("g", &[("t", 0, 1), ("t", 1, 2)]).await;
    bed.set_forth(MINUTE_MS / 2);
    bed.becomes("g", &[("t", 1, 2)]).await;
    assert_eq!(bed.listed().await, ["g"]);
    bed.set_forth(MINUTE_MS / 2);
    bed.becomes("g", &[]).await;
    bed.is_unlisted("g").await;
}

/// OffsetCommit 2 to 4 may say how long an offset is kept.
pub async fn an_expiry_that_the_client_chose_counts(bed: Bed) {
    for (partition, retention_ms) in [(0, -1), (1, 3 * MINUTE_MS)] {
        let commits = [plain("t", partition, 1)];
        let codes = bed.begin_as(identity("g", "", -1), &commits, retention_ms).await;
        assert_eq!(codes, Ok(vec![ErrorCode::None]));
    }
    bed.set_forth(MINUTE_MS);
    bed.becomes("g", &[("t", 1, 1)]).await;
    bed.set_forth(2 * MINUTE_MS);
    bed.becomes("g", &[]).await;
}
