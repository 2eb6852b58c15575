//! LeaveGroup: who leaves, who is left, and what those are told who name nobody.

use crate::client::Client;
use crate::groups::*;
use crate::help::*;
use crate::scenarios;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

scenarios![
    an_empty_group_id_is_refused,
    nobody_is_a_member_of_an_unknown_group,
    a_stranger_is_an_unknown_member,
    a_member_leaves_at_once,
    those_who_stay_are_called_to_join_again,
    the_group_stays_when_its_last_member_has_left,
    who_has_left_cannot_leave_again,
    another_member_leads_when_the_leader_has_left,
    several_leave_at_once_each_with_a_code,
    a_member_named_twice_leaves_once,
    nobody_may_be_named,
    reasons_may_be_given_since_v5,
    a_static_member_is_removed_by_its_instance_id,
    an_instance_id_nobody_has_is_unknown,
    an_instance_id_with_anothers_member_id_is_fenced,
    a_dynamic_member_has_no_instance_id_to_name,
    a_member_id_that_was_given_out_is_given_back,
    a_join_that_waits_is_answered_when_its_member_leaves,
    the_last_that_others_wait_for_may_leave_instead,
];

fn leaving(group: &str, members: Vec<MemberIdentity>) -> LeaveGroupRequest {
    LeaveGroupRequest::default().with_group_id(group_id(group)).with_members(members)
}

fn named(member_id: &str) -> MemberIdentity {
    MemberIdentity::default().with_member_id(text(member_id))
}

fn with_instance(member_id: &str, instance_id: &str) -> MemberIdentity {
    named(member_id).with_group_instance_id(Some(text(instance_id)))
}

/// One member leaves, as that version says it.
async fn leave(
    client: &mut Client,
    version: i16,
    group: &str,
    member_id: &str,
) -> LeaveGroupResponse {
    let request = if version >= 3 {
        leaving(group, vec![named(member_id)])
    } else {
        leaving(group, vec![]).with_member_id(text(member_id))
    };
    client.call(version, &request).await
}

/// The code of an answer about one member.
fn only_code(response: &LeaveGroupResponse) -> ErrorCode {
    match response.members.as_slice() {
        [member] if response.error_code == 0 => code(member.error_code),
        _ => code(response.error_code),
    }
}

async fn an_empty_group_id_is_refused(mut client: Client) {
    for version in client.each(0..=5) {
        let response = leave(&mut client, version, "", "stranger").await;
        assert_eq!(only_code(&response), ErrorCode::InvalidGroupId);
    }
}

async fn nobody_is_a_member_of_an_unknown_group(mut client: Client) {
    for version in client.each(0..=5) {
        let group = client.unique("g");
        let response = leave(&mut client, version, &group, "stranger").await;
        assert_eq!(only_code(&response), ErrorCode::UnknownMemberId);
    }
}

async fn a_stranger_is_an_unknown_member(mut client: Client) {
    for version in client.each(0..=5) {
        let group = client.unique("g");
        let mut member = lone(&client, &group).await;
        for id in ["stranger", ""] {
            let response = leave(&mut client, version, &group, id).await;
            assert_eq!(only_code(&response), ErrorCode::UnknownMemberId);
        }
        expect(member.heartbeat(4).await, ErrorCode::None);
    }
}

async fn a_member_leaves_at_once(mut client: Client) {
    for version in client.each(0..=5) {
        let group = client.unique("g");
        let mut member = lone(&client, &group).await;
        let response = leave(&mut client, version, &group, &member.id).await;
        assert_eq!(only_code(&response), ErrorCode::None);
        expect(member.heartbeat(4).await, ErrorCode::UnknownMemberId);
    }
}

async fn those_who_stay_are_called_to_join_again(mut client: Client) {
    for version in client.each(0..=5) {
        let group = client.unique("g");
        let mut members = stable(&client, &group, &["leader", "follower"]).await;
        leave(&mut client, version, &group, &members[1].id).await;
        expect(members[0].heartbeat(4).await, ErrorCode::RebalanceInProgress);
        let joined = members[0].join(JOIN).await;
        assert_eq!((joined.generation_id, joined.members.len()), (3, 1));
    }
}

async fn the_group_stays_when_its_last_member_has_left(mut client: Client) {
    let group = client.unique("g");
    let member = lone(&client, &group).await;
    leave(&mut client, 5, &group, &member.id).await;
    let described = describe(&mut client, 6, &group).await;
    assert_eq!(&*described.group_state, "Empty");
}

async fn who_has_left_cannot_leave_again(mut client: Client) {
    for version in client.each(0..=5) {
        let group = client.unique("g");
        let member = lone(&client, &group).await;
        for error in [ErrorCode::None, ErrorCode::UnknownMemberId] {
            let response = leave(&mut client, version, &group, &member.id).await;
            assert_eq!(only_code(&response), error);
        }
    }
}

async fn another_member_leads_when_the_leader_has_left(mut client: Client) {
    let group = client.unique("g");
    let mut members = stable(&client, &group, &["leader", "follower"]).await;
    leave(&mut client, 5, &group, &members[0].id).await;
    let joined = members[1].join(JOIN).await;
    assert_eq!((joined.generation_id, &joined.leader), (3, &joined.member_id));
}

async fn several_leave_at_once_each_with_a_code(mut client: Client) {
    for version in client.each(3..=5) {
        let group = client.unique("g");
        let mut members = stable(&client, &group, &["a", "b", "c", "d"]).await;
        let request =
            leaving(&group, vec![members[1].identity(), named("stranger"), members[3].identity()]);
        let response = client.call(version, &request).await;
        expect(response.error_code, ErrorCode::None);
        let codes: Vec<ErrorCode> =
            response.members.iter().map(|member| code(member.error_code)).collect();
        assert_eq!(codes, [ErrorCode::None, ErrorCode::UnknownMemberId, ErrorCode::None]);
        let third = members[2].begin_join(JOIN).await;
        assert_eq!(members[0].join(JOIN).await.members.len(), 2);
        assert_eq!(members[2].end_join(third).await.generation_id, 3);
    }
}

async fn a_member_named_twice_leaves_once(mut client: Client) {
    for version in client.each(3..=5) {
        let group = client.unique("g");
        let member = lone(&client, &group).await;
        let request = leaving(&group, vec![member.identity(), member.identity()]);
        let response = client.call(version, &request).await;
        expect(response.members[0].error_code, ErrorCode::None);
        expect(response.members[1].error_code, ErrorCode::UnknownMemberId);
    }
}

async fn nobody_may_be_named(mut client: Client) {
    for version in client.each(3..=5) {
        let group = client.unique("g");
        client.note("in an unknown group");
        client.call(version, &leaving(&group, vec![])).await;
        let mut member = lone(&client, &group).await;
        client.note("in a known one");
        client.call(version, &leaving(&group, vec![])).await;
        expect(member.heartbeat(4).await, ErrorCode::None);
    }
}

async fn reasons_may_be_given_since_v5(mut client: Client) {
    for reason in [None, Some("the consumer is being closed"), Some("")] {
        let group = client.unique("g");
        let member = lone(&client, &group).await;
        let identity = member.identity().with_reason(reason.map(text));
        let response = client.call(5, &leaving(&group, vec![identity])).await;
        assert_eq!(only_code(&response), ErrorCode::None);
    }
}

/// A stable group of one static member, whose instance id is `i`.
async fn static_member(client: &Client, group: &str) -> Member {
    let mut members = [Member::fixed(client, group, "i").await];
    gather(&mut members).await;
    assign(&mut members).await;
    let [member] = members;
    member
}

async fn a_static_member_is_removed_by_its_instance_id(mut client: Client) {
    for version in client.each(3..=5) {
        client.note("by its instance id alone");
        let group = client.unique("g");
        let mut member = static_member(&client, &group).await;
        let response = client.call(version, &leaving(&group, vec![with_instance("", "i")])).await;
        assert_eq!(only_code(&response), ErrorCode::None);
        expect(member.heartbeat(4).await, ErrorCode::UnknownMemberId);
        client.note("by both its ids");
        let group = client.unique("g");
        let member = static_member(&client, &group).await;
        let response = client.call(version, &leaving(&group, vec![member.identity()])).await;
        assert_eq!(only_code(&response), ErrorCode::None);
    }
    for version in client.each(0..=5) {
        client.note("by its member id alone");
        let group = client.unique("g");
        let member = static_member(&client, &group).await;
        let response = leave(&mut client, version, &group, &member.id).await;
        assert_eq!(only_code(&response), ErrorCode::None);
    }
}

async fn an_instance_id_nobody_has_is_unknown(mut client: Client) {
    for version in client.each(3..=5) {
        let group = client.unique("g");
        let member = static_member(&client, &group).await;
        for identity in [
            with_instance("", "j"),
            with_instance(&member.id, "j"),
            with_instance("stranger", "j"),
            with_instance("", ""),
        ] {
            let response = client.call(version, &leaving(&group, vec![identity])).await;
            assert_eq!(only_code(&response), ErrorCode::UnknownMemberId);
        }
    }
}

async fn an_instance_id_with_anothers_member_id_is_fenced(mut client: Client) {
    for version in client.each(3..=5) {
        let group = client.unique("g");
        let mut member = static_member(&client, &group).await;
        let identity = with_instance("stranger", "i");
        let response = client.call(version, &leaving(&group, vec![identity])).await;
        assert_eq!(only_code(&response), ErrorCode::FencedInstanceId);
        expect(member.heartbeat(4).await, ErrorCode::None);
    }
}

async fn a_dynamic_member_has_no_instance_id_to_name(mut client: Client) {
    for version in client.each(3..=5) {
        let group = client.unique("g");
        let mut member = lone(&client, &group).await;
        let identity = with_instance(&member.id, "i");
        let response = client.call(version, &leaving(&group, vec![identity])).await;
        assert_eq!(only_code(&response), ErrorCode::UnknownMemberId);
        expect(member.heartbeat(4).await, ErrorCode::None);
    }
}

async fn a_member_id_that_was_given_out_is_given_back(mut client: Client) {
    for version in client.each(0..=5) {
        let group = client.unique("g");
        let mut member = lone(&client, &group).await;
        let mut given = Member::new(&client, &group, "given").await;
        given.get_id().await;
        let response = leave(&mut client, version, &group, &given.id).await;
        assert_eq!(only_code(&response), ErrorCode::None);
        client.note("what the others are told of it");
        member.heartbeat(4).await;
        let late = given.client.ask(JOIN, &given.join_request()).await;
        expect(late.error_code, ErrorCode::UnknownMemberId);
    }
}

async fn a_join_that_waits_is_answered_when_its_member_leaves(mut client: Client) {
    for version in client.each(0..=5) {
        let group = client.unique("g");
        let _lazy = lone(&client, &group).await;
        let mut new = Member::new(&client, &group, "new").await;
        let joins = new.begin_enter().await;
        until_state(&mut client, &group, "PreparingRebalance").await;
        leave(&mut client, version, &group, &new.id).await;
        let dismissed = new.end_join(joins).await;
        expect(dismissed.error_code, ErrorCode::UnknownMemberId);
    }
}

async fn the_last_that_others_wait_for_may_leave_instead(mut client: Client) {
    let group = client.unique("g");
    let mut members = stable(&client, &group, &["leader", "follower"]).await;
    let leads = members[0].begin_join(JOIN).await;
    until_state(&mut client, &group, "PreparingRebalance").await;
    leave(&mut client, 5, &group, &members[1].id).await;
    let led = members[0].end_join(leads).await;
    assert_eq!((led.generation_id, led.members.len()), (3, 1));
}
