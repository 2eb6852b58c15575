//! Static members (KIP-345): who keeps a place by an instance id, and who is fenced from it.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::JoinGroupResponse;
use std::time::Duration;

scenarios![
    a_static_member_needs_no_second_join,
    the_leader_is_told_of_instance_ids_since_v5,
    descriptions_tell_of_instance_ids_since_v4,
    a_duplicate_is_fenced_from_everything,
    a_follower_that_comes_back_unchanged_calls_nobody,
    a_leader_that_comes_back_unchanged_is_not_told_so_before_v9,
    a_member_that_comes_back_with_other_metadata_calls_nobody_if_the_protocol_stays,
    a_member_that_comes_back_with_other_protocols_calls_everybody,
    a_member_that_comes_back_keeps_its_assignment,
    a_member_that_comes_back_before_the_assignment_calls_everybody,
    a_member_that_comes_back_while_others_join_takes_its_own_place,
    a_member_that_comes_back_while_its_sync_waits_is_told_apart,
    a_known_member_id_with_another_instance_id_is_unknown,
    another_member_id_with_a_known_instance_id_is_fenced,
    an_absent_static_member_keeps_its_place_until_its_session_ends,
    a_static_member_whose_session_ends_is_gone,
    a_static_member_that_left_comes_back_as_somebody_new,
    a_static_member_joins_beside_dynamic_ones,
    an_empty_instance_id_is_one_too,
];

const STATIC_SINCE: i16 = 5;

/// A stable group of static members; the first is the leader.
async fn stable_static(client: &Client, group: &str, labels: &[&str]) -> Vec<Member> {
    let mut members = Vec::new();
    for label in labels {
        members.push(Member::fixed(client, group, label).await);
    }
    gather(&mut members).await;
    assign(&mut members).await;
    members
}

/// The same static member after a restart: it has forgotten its member id.
async fn restarted(client: &Client, member: &Member) -> Member {
    Member::fixed(client, &member.group, &member.label).await
}

/// Tells what the others of a stable group are told, and whether a heartbeat finds them well.
async fn is_well(member: &mut Member) -> bool {
    code(member.heartbeat(4).await) == ErrorCode::None
}

async fn a_static_member_needs_no_second_join(client: Client) {
    for version in client.each(STATIC_SINCE..=9) {
        let mut member = Member::fixed(&client, &client.unique("g"), "i").await;
        let joined = member.join(version).await;
        expect(joined.error_code, ErrorCode::None);
        assert!(joined.member_id.starts_with("i-"), "the id is made of the instance id");
    }
}

async fn the_leader_is_told_of_instance_ids_since_v5(client: Client) {
    for version in client.each(STATIC_SINCE..=9) {
        let group = client.unique("g");
        let mut leader = Member::fixed(&client, &group, "one").await;
        leader.enter().await;
        leader.settle(&[]).await;
        let mut dynamic = Member::new(&client, &group, "two").await;
        let joins = dynamic.begin_enter().await;
        until_state(&mut leader.client, &group, "PreparingRebalance").await;
        let led = leader.join(version).await;
        let instance = led.members[0].group_instance_id.as_deref();
        assert_eq!((instance, &led.members[1].group_instance_id), (Some("one"), &None));
        dynamic.end_enter(joins).await;
    }
}

async fn descriptions_tell_of_instance_ids_since_v4(mut client: Client) {
    for version in client.each(0..=6) {
        let group = client.unique("g");
        let members = stable_static(&client, &group, &["i"]).await;
        let described = describe(&mut client, version, &group).await;
        let instance = described.members[0].group_instance_id.as_deref();
        assert_eq!(instance, (version >= 4).then_some("i"));
        drop(members);
    }
}

async fn a_duplicate_is_fenced_from_everything(client: Client) {
    let group = client.unique("g");
    let mut old = stable_static(&client, &group, &["i"]).await.remove(0);
    let mut new = restarted(&client, &old).await;
    new.enter().await;
    assert_ne!(new.id, old.id);
    for version in client.each(3..=4) {
        expect(old.heartbeat(version).await, ErrorCode::FencedInstanceId);
    }
    for version in client.each(3..=5) {
        let mut request = old.sync_request(&[]);
        if version < 5 {
            request = request.with_protocol_type(None).with_protocol_name(None);
        }
        let response = old.client.call(version, &request).await;
        expect(response.error_code, ErrorCode::FencedInstanceId);
    }
    for version in client.each(STATIC_SINCE..=9) {
        let request = old.join_request();
        let response = old.client.call(version, &request).await;
        expect(response.error_code, ErrorCode::FencedInstanceId);
    }
    client.note("without its instance id the old one is unknown");
    old.instance = None;
    expect(old.heartbeat(4).await, ErrorCode::UnknownMemberId);
}

/// A stable group of two, of whom the numbered one comes back without its member id.
async fn comes_back(
    client: &Client,
    version: i16,
    number: usize,
) -> (Vec<Member>, Member, JoinGroupResponse) {
    let group = client.unique("g");
    let members = stable_static(client, &group, &["leader", "follower"]).await;
    let mut back = restarted(client, &members[number]).await;
    let joined = back.join(version).await;
    (members, back, joined)
}

async fn a_follower_that_comes_back_unchanged_calls_nobody(client: Client) {
    for version in client.each(STATIC_SINCE..=9) {
        let (mut members, mut back, joined) = comes_back(&client, version, 1).await;
        expect(joined.error_code, ErrorCode::None);
        assert_eq!((joined.generation_id, &*joined.leader), (2, &*members[0].id));
        assert_ne!(*joined.member_id, *members[1].id, "it has a new id");
        assert!(is_well(&mut members[0]).await && is_well(&mut back).await);
    }
}

async fn a_leader_that_comes_back_unchanged_is_not_told_so_before_v9(client: Client) {
    for version in client.each(STATIC_SINCE..=9) {
        let (mut members, mut back, joined) = comes_back(&client, version, 0).await;
        expect(joined.error_code, ErrorCode::None);
        let leads = joined.leader == joined.member_id;
        assert_eq!((joined.skip_assignment, leads), (version >= 9, version >= 9));
        assert_eq!(joined.members.len(), if version >= 9 { 2 } else { 0 });
        assert!(is_well(&mut members[1]).await && is_well(&mut back).await);
    }
}

async fn a_member_that_comes_back_with_other_metadata_calls_nobody_if_the_protocol_stays(
    client: Client,
) {
    let group = client.unique("g");
    let mut members = stable_static(&client, &group, &["leader", "follower"]).await;
    let mut back = restarted(&client, &members[1]).await;
    back.label = "changed".to_owned();
    assert_eq!(back.join(JOIN).await.generation_id, 2);
    assert!(is_well(&mut members[0]).await);
    describe(&mut members[0].client, 5, &group).await;
}

async fn a_member_that_comes_back_with_other_protocols_calls_everybody(client: Client) {
    let group = client.unique("g");
    let mut members = [
        Member::fixed(&client, &group, "leader").await,
        Member::fixed(&client, &group, "follower").await,
    ];
    for member in &mut members {
        member.protocols = &["b", "a"];
    }
    gather_with(&mut members, "b").await;
    let mut back = restarted(&client, &members[1]).await;
    back.protocols = &["a"];
    let joins = back.begin_join(JOIN).await;
    until_state(&mut members[0].client, &group, "PreparingRebalance").await;
    assert!(!is_well(&mut members[0]).await);
    let led = members[0].join(JOIN).await;
    assert_eq!(led.protocol_name.as_deref(), Some("a"));
    assert_eq!(back.end_join(joins).await.generation_id, 3);
}

/// Like `gather` and `assign`, for members that speak another protocol.
async fn gather_with(members: &mut [Member], protocol: &str) {
    let assigned =
        |member: &Member| member.sync_request(&[]).with_protocol_name(Some(text(protocol)));
    members[0].enter().await;
    let request = assigned(&members[0]);
    expect(members[0].client.ask(SYNC, &request).await.error_code, ErrorCode::None);
    let group = members[0].group.clone();
    let joins = members[1].begin_enter().await;
    until(&mut members[0].client, &group, |group| group.members.len() == 2).await;
    members[0].enter().await;
    members[1].end_enter(joins).await;
    for member in members {
        let request = assigned(member);
        expect(member.client.ask(SYNC, &request).await.error_code, ErrorCode::None);
    }
}

async fn a_member_that_comes_back_keeps_its_assignment(client: Client) {
    for number in [0, 1] {
        let (_members, mut back, _) = comes_back(&client, JOIN, number).await;
        let request = back.sync_request(&[]);
        let synced = back.client.call(SYNC, &request).await;
        assert_eq!(synced.assignment, format!("for {}", back.label));
    }
}

async fn a_member_that_comes_back_before_the_assignment_calls_everybody(client: Client) {
    let group = client.unique("g");
    let mut members = [
        Member::fixed(&client, &group, "leader").await,
        Member::fixed(&client, &group, "follower").await,
    ];
    gather(&mut members).await;
    let mut back = restarted(&client, &members[1]).await;
    let joins = back.begin_join(JOIN).await;
    until_state(&mut members[0].client, &group, "PreparingRebalance").await;
    assert!(!is_well(&mut members[0]).await);
    assert_eq!(members[0].join(JOIN).await.generation_id, 3);
    back.end_join(joins).await;
}

async fn a_member_that_comes_back_while_others_join_takes_its_own_place(client: Client) {
    let group = client.unique("g");
    let mut members = stable_static(&client, &group, &["leader", "follower"]).await;
    let leads = members[0].begin_join(JOIN).await;
    until_state(&mut members[1].client, &group, "PreparingRebalance").await;
    let mut back = restarted(&client, &members[0]).await;
    let joins = back.begin_join(JOIN).await;
    let fenced = members[0].end_join(leads).await;
    expect(fenced.error_code, ErrorCode::FencedInstanceId);
    assert_eq!(members[1].join(JOIN).await.generation_id, 3);
    assert_eq!(back.end_join(joins).await.members.len(), 2);
}

async fn a_member_that_comes_back_while_its_sync_waits_is_told_apart(client: Client) {
    let group = client.unique("g");
    let mut members = [
        Member::fixed(&client, &group, "leader").await,
        Member::fixed(&client, &group, "follower").await,
    ];
    gather(&mut members).await;
    let request = members[1].sync_request(&[]);
    let waits = members[1].client.begin(SYNC, &request).await;
    assert!(members[1].client.raw.is_silent(Duration::from_millis(100)).await);
    let mut back = restarted(&client, &members[1]).await;
    let _joins = back.begin_join(JOIN).await;
    let fenced = members[1].client.end(waits).await;
    expect(fenced.error_code, ErrorCode::FencedInstanceId);
}

async fn a_known_member_id_with_another_instance_id_is_unknown(client: Client) {
    for version in client.each(STATIC_SINCE..=9) {
        let group = client.unique("g");
        let mut member = stable_static(&client, &group, &["i"]).await.remove(0);
        member.instance = Some("j".to_owned());
        expect(member.heartbeat(4).await, ErrorCode::UnknownMemberId);
        let request = member.join_request();
        let response = member.client.call(version, &request).await;
        expect(response.error_code, ErrorCode::UnknownMemberId);
    }
}

async fn another_member_id_with_a_known_instance_id_is_fenced(client: Client) {
    for version in client.each(STATIC_SINCE..=9) {
        let group = client.unique("g");
        let mut member = stable_static(&client, &group, &["i"]).await.remove(0);
        member.id = "stranger".to_owned();
        expect(member.heartbeat(4).await, ErrorCode::FencedInstanceId);
        let request = member.join_request();
        let response = member.client.call(version, &request).await;
        expect(response.error_code, ErrorCode::FencedInstanceId);
    }
}

async fn an_absent_static_member_keeps_its_place_until_its_session_ends(client: Client) {
    let group = client.unique("g");
    let mut members = [
        Member::fixed(&client, &group, "leader").await,
        Member::fixed(&client, &group, "absent").await,
    ];
    for member in &mut members {
        member.rebalance_ms = SHORT_MS;
    }
    gather(&mut members).await;
    assign(&mut members).await;
    client.note("the barrier falls without it, and it is still a member");
    let led = members[0].join(JOIN).await;
    assert_eq!((led.generation_id, led.members.len()), (3, 2));
    let mut back = restarted(&client, &members[1]).await;
    let joins = back.begin_join(JOIN).await;
    until_state(&mut members[0].client, &group, "PreparingRebalance").await;
    members[0].join(JOIN).await;
    expect(back.end_join(joins).await.error_code, ErrorCode::None);
}

async fn a_static_member_whose_session_ends_is_gone(client: Client) {
    let group = client.unique("g");
    let mut member = Member::fixed(&client, &group, "i").await;
    member.session_ms = SHORT_MS;
    member.enter().await;
    member.settle(&[]).await;
    until_state(&mut member.client, &group, "Empty").await;
    expect(member.heartbeat(4).await, ErrorCode::UnknownMemberId);
    let mut back = restarted(&client, &member).await;
    assert_eq!(back.join(JOIN).await.generation_id, 3);
}

async fn a_static_member_that_left_comes_back_as_somebody_new(client: Client) {
    let group = client.unique("g");
    let mut member = stable_static(&client, &group, &["i"]).await.remove(0);
    member.leave().await;
    let mut back = restarted(&client, &member).await;
    let joined = back.join(JOIN).await;
    assert_eq!((joined.generation_id, joined.members.len()), (3, 1));
}

async fn a_static_member_joins_beside_dynamic_ones(client: Client) {
    let group = client.unique("g");
    let mut members = [
        Member::new(&client, &group, "dynamic").await,
        Member::fixed(&client, &group, "static").await,
    ];
    gather(&mut members).await;
    assign(&mut members).await;
    describe(&mut members[0].client, 5, &group).await;
}

async fn an_empty_instance_id_is_one_too(client: Client) {
    for version in client.each(STATIC_SINCE..=9) {
        let mut member = Member::fixed(&client, &client.unique("g"), "").await;
        let joined = member.join(version).await;
        expect(joined.error_code, ErrorCode::None);
        assert_eq!(joined.members[0].group_instance_id.as_deref(), Some(""));
    }
}
