//! JoinGroup: who is let in, who has to wait for whom, and which protocol is chosen.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::JoinGroupRequest;
use std::time::Duration;

scenarios![
    an_empty_group_id_is_refused,
    session_timeouts_out_of_range_are_refused,
    the_shortest_and_the_longest_session_are_taken,
    a_member_without_an_id_is_given_one_and_must_join_with_it,
    versions_below_4_let_members_without_an_id_in,
    a_lone_member_leads_its_group_at_once,
    a_member_id_nobody_gave_out_is_unknown,
    a_member_id_that_was_given_out_is_forgotten_after_its_session,
    a_first_member_must_have_a_protocol_type_and_protocols,
    another_protocol_type_than_the_groups_is_refused,
    protocols_that_the_group_does_not_speak_are_refused,
    the_protocol_with_most_votes_is_chosen,
    a_protocol_that_not_all_speak_is_not_chosen,
    metadata_are_handed_to_the_leader_as_they_are,
    a_consumers_metadata_that_are_no_subscription_are_handed_on_too,
    a_join_waits_until_every_member_has_joined_again,
    members_that_do_not_join_again_in_time_are_evicted,
    a_member_id_that_was_given_out_holds_the_others_up,
    a_follower_that_joins_again_unchanged_is_told_what_it_knows,
    a_leader_that_joins_again_calls_everybody,
    a_follower_with_other_metadata_calls_everybody,
    joining_again_unchanged_before_the_assignment_is_answered_the_same,
    joining_again_with_other_metadata_before_the_assignment_begins_anew,
    a_join_repeated_while_it_waits_takes_the_firsts_place,
    a_full_group_takes_nobody_in,
    any_text_is_a_group_id,
    an_empty_groups_protocol_type_may_change,
    a_reason_may_be_given,
    who_has_left_joins_as_somebody_new,
];

/// Joins without an id: what the first answer of a new member tells.
async fn answers(client: &mut Client, version: i16, request: &JoinGroupRequest) -> ErrorCode {
    code(client.call(version, request).await.error_code)
}

/// Shows in every version that this first join of a member is refused with that code.
async fn is_refused(
    mut client: Client,
    error: ErrorCode,
    change: impl Fn(JoinGroupRequest) -> JoinGroupRequest,
) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let request = change(join_request(&group));
        assert_eq!(answers(&mut client, version, &request).await, error);
    }
}

async fn an_empty_group_id_is_refused(client: Client) {
    is_refused(client, ErrorCode::InvalidGroupId, |request| request.with_group_id(group_id("")))
        .await;
}

async fn session_timeouts_out_of_range_are_refused(mut client: Client) {
    for version in client.each(0..=9) {
        for timeout_ms in [-1, 0, 99, 1_800_001, i32::MAX] {
            let group = client.unique("g");
            let request = join_request(&group).with_session_timeout_ms(timeout_ms);
            let answer = answers(&mut client, version, &request).await;
            assert_eq!(answer, ErrorCode::InvalidSessionTimeout, "{timeout_ms} ms");
        }
    }
}

async fn the_shortest_and_the_longest_session_are_taken(mut client: Client) {
    for version in client.each([0, 3]) {
        for timeout_ms in [100, 1_800_000] {
            let group = client.unique("g");
            let request = join_request(&group).with_session_timeout_ms(timeout_ms);
            assert_eq!(answers(&mut client, version, &request).await, ErrorCode::None);
        }
    }
}

async fn a_member_without_an_id_is_given_one_and_must_join_with_it(client: Client) {
    for version in client.each(4..=9) {
        let group = client.unique("g");
        let mut member = Member::new(&client, &group, "m").await;
        let refused = member.join(version).await;
        expect(refused.error_code, ErrorCode::MemberIdRequired);
        assert!(!member.id.is_empty(), "the refusal gives the id");
        let id = member.id.clone();
        let joined = member.join(version).await;
        expect(joined.error_code, ErrorCode::None);
        assert_eq!(member.id, id);
    }
}

async fn versions_below_4_let_members_without_an_id_in(mut client: Client) {
    for version in client.each(0..=3) {
        let group = client.unique("g");
        let joined = client.call(version, &join_request(&group)).await;
        expect(joined.error_code, ErrorCode::None);
        assert!(joined.member_id.starts_with("raw-"), "an id is made of the client's name");
    }
}

async fn a_lone_member_leads_its_group_at_once(client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let mut member = Member::new(&client, &group, "m").await;
        if version >= 4 {
            member.get_id().await;
        }
        let joined = member.join(version).await;
        assert_eq!((joined.generation_id, joined.members.len()), (1, 1));
        assert_eq!(joined.leader, joined.member_id);
    }
}

async fn a_member_id_nobody_gave_out_is_unknown(mut client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let request = join_request(&group).with_member_id(text("stranger"));
        client.note("in a group that does not exist");
        assert_eq!(answers(&mut client, version, &request).await, ErrorCode::UnknownMemberId);
        lone(&client, &group).await;
        client.note("in a group that does");
        assert_eq!(answers(&mut client, version, &request).await, ErrorCode::UnknownMemberId);
    }
}

async fn a_member_id_that_was_given_out_is_forgotten_after_its_session(mut client: Client) {
    let group = client.unique("g");
    let member = lone(&client, &group).await;
    let request = join_request(&group).with_session_timeout_ms(200);
    let given = client.ask(JOIN, &request).await;
    expect(given.error_code, ErrorCode::MemberIdRequired);
    tokio::time::sleep(BEYOND_SHORT).await;
    let late = client.call(JOIN, &request.with_member_id(given.member_id)).await;
    expect(late.error_code, ErrorCode::UnknownMemberId);
    drop(member);
}

async fn a_first_member_must_have_a_protocol_type_and_protocols(mut client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let request = join_request(&group);
        for (what, request) in [
            ("no protocol type", request.clone().with_protocol_type(text(""))),
            ("no protocols", request.clone().with_protocols(vec![])),
            ("neither", request.with_protocol_type(text("")).with_protocols(vec![])),
        ] {
            client.note(what);
            let answer = answers(&mut client, version, &request).await;
            assert_eq!(answer, ErrorCode::InconsistentGroupProtocol);
        }
    }
}

async fn another_protocol_type_than_the_groups_is_refused(mut client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        lone(&client, &group).await;
        for protocol_type in ["connect", ""] {
            let request = join_request(&group).with_protocol_type(text(protocol_type));
            let answer = answers(&mut client, version, &request).await;
            assert_eq!(answer, ErrorCode::InconsistentGroupProtocol);
        }
    }
}

async fn protocols_that_the_group_does_not_speak_are_refused(mut client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        lone(&client, &group).await;
        for names in [&["roundrobin"][..], &["sticky", "Range"], &[]] {
            let request =
                join_request(&group).with_protocols(protocols(names, subscription(&[], "m")));
            let answer = answers(&mut client, version, &request).await;
            assert_eq!(answer, ErrorCode::InconsistentGroupProtocol, "{names:?}");
        }
    }
}

/// Lets members with these protocols join one generation; what the leader is told.
async fn vote(client: &Client, ballots: &[&'static [&'static str]]) -> String {
    let group = client.unique("g");
    let mut first = Member::new(client, &group, "0").await;
    first.protocols = ballots[0];
    first.enter().await;
    let mut waiting = Vec::new();
    for (number, protocols) in ballots.iter().enumerate().skip(1) {
        let mut member = Member::new(client, &group, &number.to_string()).await;
        member.protocols = protocols;
        let pending = member.begin_enter().await;
        until(&mut first.client, &group, |group| group.members.len() == number + 1).await;
        waiting.push((member, pending));
    }
    let led = first.join(JOIN).await;
    for (mut member, pending) in waiting {
        let followed = member.end_join(pending).await;
        assert_eq!(followed.protocol_name, led.protocol_name);
    }
    led.protocol_name.map(|name| name.to_string()).unwrap_or_default()
}

async fn the_protocol_with_most_votes_is_chosen(client: Client) {
    let chosen = vote(&client, &[&["a", "b"], &["b", "a"], &["b", "a"]]).await;
    assert_eq!(chosen, "b");
    let chosen = vote(&client, &[&["b", "a"], &["a", "b"], &["a", "b"]]).await;
    assert_eq!(chosen, "a");
}

async fn a_protocol_that_not_all_speak_is_not_chosen(client: Client) {
    let chosen = vote(&client, &[&["a", "b"], &["a", "b"], &["c", "b"]]).await;
    assert_eq!(chosen, "b");
}

/// Joins again and again with other metadata, which the leader, the member itself, is told.
async fn metadata_come_back(client: Client, protocol_type: &str, metadata: &[&'static [u8]]) {
    for version in client.each(4..=9) {
        let group = client.unique("g");
        let mut member = Member::new(&client, &group, "m").await;
        let mut request = member.join_request().with_protocol_type(text(protocol_type));
        request.member_id = member.client.ask(version, &request).await.member_id;
        for bytes in metadata {
            request.protocols[0].metadata = bytes::Bytes::from_static(bytes);
            let joined = member.client.call(version, &request).await;
            expect(joined.error_code, ErrorCode::None);
            assert_eq!(joined.members[0].metadata, bytes);
        }
    }
}

async fn metadata_are_handed_to_the_leader_as_they_are(client: Client) {
    let anything = [&b""[..], b"\0", b"\xff\xfe not \0 text \x80"];
    metadata_come_back(client, "anything", &anything).await;
}

async fn a_consumers_metadata_that_are_no_subscription_are_handed_on_too(client: Client) {
    metadata_come_back(client, "consumer", &[b"\0", b"\0\0\x7f", b"\xff\xff"]).await;
}

async fn a_join_waits_until_every_member_has_joined_again(client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let [mut leader, mut follower] = pair(&client, &group).await;
        let mut new = Member::new(&client, &group, "new").await;
        if version >= 4 {
            new.get_id().await;
        }
        let joins = new.begin_join(version).await;
        until_state(&mut leader.client, &group, "PreparingRebalance").await;
        let leads = leader.begin_join(version).await;
        assert!(new.client.raw.is_silent(Duration::from_millis(100)).await);
        let follows = follower.begin_join(version).await;
        let led = leader.end_join(leads).await;
        assert_eq!((led.members.len(), led.generation_id), (3, 3));
        for (member, pending) in [(&mut follower, follows), (&mut new, joins)] {
            let joined = member.end_join(pending).await;
            assert_eq!((joined.members.len(), joined.generation_id), (0, 3));
            assert_eq!(joined.leader, led.member_id, "only the leader is told of the members");
        }
    }
}

/// A stable group of a leader and a follower, in their second generation.
async fn pair(client: &Client, group: &str) -> [Member; 2] {
    let mut members = stable(client, group, &["leader", "follower"]).await.into_iter();
    std::array::from_fn(|_| members.next().expect("two members were asked for"))
}

async fn members_that_do_not_join_again_in_time_are_evicted(client: Client) {
    for version in client.each([1, 4, 9]) {
        let group = client.unique("g");
        let mut slow = Member::new(&client, &group, "slow").await;
        slow.rebalance_ms = SHORT_MS;
        slow.enter().await;
        slow.settle(&[]).await;
        let mut new = Member::new(&client, &group, "new").await;
        if version >= 4 {
            new.get_id().await;
        }
        new.rebalance_ms = SHORT_MS;
        let joined = new.join(version).await;
        assert_eq!((joined.generation_id, joined.members.len()), (2, 1));
        expect(slow.heartbeat(4).await, ErrorCode::UnknownMemberId);
    }
}

async fn a_member_id_that_was_given_out_holds_the_others_up(client: Client) {
    let group = client.unique("g");
    let mut member = lone(&client, &group).await;
    let mut given = Member::new(&client, &group, "given").await;
    given.get_id().await;
    let pending = member.begin_join(JOIN).await;
    assert!(member.client.raw.is_silent(Duration::from_millis(200)).await);
    let joins = given.begin_join(JOIN).await;
    assert_eq!(member.end_join(pending).await.members.len(), 2);
    given.end_join(joins).await;
}

async fn a_follower_that_joins_again_unchanged_is_told_what_it_knows(client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let [mut leader, mut follower] = pair(&client, &group).await;
        assert_eq!(follower.join(version).await.generation_id, 2);
        expect(leader.heartbeat(4).await, ErrorCode::None);
    }
}

async fn a_leader_that_joins_again_calls_everybody(client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let [mut leader, mut follower] = pair(&client, &group).await;
        let leads = leader.begin_join(version).await;
        until_state(&mut follower.client, &group, "PreparingRebalance").await;
        expect(follower.heartbeat(4).await, ErrorCode::RebalanceInProgress);
        assert_eq!(follower.join(version).await.generation_id, 3);
        assert_eq!(leader.end_join(leads).await.members.len(), 2);
    }
}

async fn a_follower_with_other_metadata_calls_everybody(client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let [mut leader, mut follower] = pair(&client, &group).await;
        follower.label = "changed".to_owned();
        let follows = follower.begin_join(version).await;
        until_state(&mut leader.client, &group, "PreparingRebalance").await;
        expect(leader.heartbeat(4).await, ErrorCode::RebalanceInProgress);
        leader.join(version).await;
        assert_eq!(follower.end_join(follows).await.generation_id, 3);
    }
}

async fn joining_again_unchanged_before_the_assignment_is_answered_the_same(client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        for member in &mut joined(&client, &group, &["leader", "follower"]).await {
            assert_eq!(member.join(version).await.generation_id, 2);
        }
    }
}

async fn joining_again_with_other_metadata_before_the_assignment_begins_anew(client: Client) {
    let group = client.unique("g");
    let mut members = joined(&client, &group, &["leader", "follower"]).await;
    members[1].label = "changed".to_owned();
    let follows = members[1].begin_join(JOIN).await;
    until_state(&mut members[0].client, &group, "PreparingRebalance").await;
    expect(members[0].heartbeat(4).await, ErrorCode::RebalanceInProgress);
    members[0].join(JOIN).await;
    assert_eq!(members[1].end_join(follows).await.generation_id, 3);
}

async fn a_join_repeated_while_it_waits_takes_the_firsts_place(client: Client) {
    let group = client.unique("g");
    let [mut leader, mut follower] = pair(&client, &group).await;
    let first = leader.begin_join(JOIN).await;
    until_state(&mut follower.client, &group, "PreparingRebalance").await;
    let mut again = Member::new(&client, &group, "leader").await;
    again.id = leader.id.clone();
    let second = again.begin_join(JOIN).await;
    // It must be there before the follower lets the barrier fall.
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    follower.join(JOIN).await;
    assert_eq!(again.end_join(second).await.members.len(), 2);
    if leader.client.raw.is_silent(Duration::from_millis(2_000)).await {
        client.note("the first is never answered");
    } else {
        leader.end_join(first).await;
    }
}

async fn a_full_group_takes_nobody_in(mut client: Client) {
    let group = client.unique("g");
    let labels = ["a", "b", "c", "d", "e", "f"];
    let mut members = stable(&client, &group, &labels).await;
    for version in client.each(0..=9) {
        let answer = answers(&mut client, version, &join_request(&group)).await;
        assert_eq!(answer, ErrorCode::GroupMaxSizeReached);
    }
    client.note("those who are in it stay");
    expect(members[5].join(JOIN).await.error_code, ErrorCode::None);
}

async fn any_text_is_a_group_id(mut client: Client) {
    for (what, id) in [
        ("a space", " "),
        ("a slash and letters", "a/ä/€/𝄞"),
        ("10000 letters", &"x".repeat(10_000)),
        ("a name of Kafka's own", "__consumer_offsets"),
    ] {
        client.note(what);
        let group = format!("{id}{}", client.unique("g"));
        assert_eq!(answers(&mut client, 3, &join_request(&group)).await, ErrorCode::None);
    }
}

async fn an_empty_groups_protocol_type_may_change(client: Client) {
    let group = client.unique("g");
    let mut member = lone(&client, &group).await;
    member.leave().await;
    let mut client = client;
    until_state(&mut client, &group, "Empty").await;
    let request = join_request(&group)
        .with_protocol_type(text("connect"))
        .with_protocols(protocols(&["compatible"], subscription(&[], "m")));
    let given = client.call(JOIN, &request).await;
    let joined = client.call(JOIN, &request.with_member_id(given.member_id)).await;
    expect(joined.error_code, ErrorCode::None);
    assert_eq!(joined.generation_id, 3, "an empty generation was between them");
}

async fn a_reason_may_be_given(mut client: Client) {
    for version in client.each(8..=9) {
        for reason in ["", "because", &"x".repeat(300)] {
            let group = client.unique("g");
            let request = join_request(&group).with_reason(Some(text(reason)));
            assert_eq!(answers(&mut client, version, &request).await, ErrorCode::MemberIdRequired);
        }
    }
}

async fn who_has_left_joins_as_somebody_new(client: Client) {
    for version in client.each(0..=9) {
        let group = client.unique("g");
        let [mut leader, mut follower] = pair(&client, &group).await;
        follower.leave().await;
        let refused = follower.client.call(version, &follower.join_request()).await;
        expect(refused.error_code, ErrorCode::UnknownMemberId);
        expect(leader.heartbeat(4).await, ErrorCode::RebalanceInProgress);
    }
}
