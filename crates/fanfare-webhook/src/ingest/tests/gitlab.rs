//! GitLab, whose hooks and system hooks `generic` knows by their header.

use serde_json::json;

use super::known::{ZEROS, merged, sent};
use fanfare_core::priority::Priority;

#[test]
fn what_gitlab_says_becomes_a_sentence() {
    let project = json!({"user_name": "Ada", "user": {"name": "Ada", "username": "ada"}, "project": {"path_with_namespace": "octo/web"}});
    for (header, body, sentence, kind) in [
        (
            "Push Hook",
            json!({"object_kind": "push", "before": "95790b", "after": "da1560", "ref": "refs/heads/main", "total_commits_count": 24,
                "commits": [{"message": "Start\n", "title": "Start"}, {"message": "Fix the build\n\nlong", "title": "Fix the build"}]}),
            "octo/web: Ada pushed 24 commits to main: Fix the build",
            "gitlab.push",
        ),
        (
            "Push Hook",
            json!({"object_kind": "push", "before": ZEROS, "after": "da1560", "ref": "refs/heads/topic", "total_commits_count": 0, "commits": []}),
            "octo/web: Ada created branch topic",
            "gitlab.push",
        ),
        (
            "Push Hook",
            json!({"object_kind": "push", "before": "da1560", "after": ZEROS, "ref": "refs/heads/topic", "commits": []}),
            "octo/web: Ada deleted branch topic",
            "gitlab.push",
        ),
        (
            "Tag Push Hook",
            json!({"object_kind": "tag_push", "before": ZEROS, "after": "82b3", "ref": "refs/tags/v1.0.0"}),
            "octo/web: Ada pushed tag v1.0.0",
            "gitlab.tag_push",
        ),
        (
            "Issue Hook",
            json!({"object_kind": "issue", "object_attributes": {"iid": 23, "title": "It is slow", "action": "open", "state": "opened"}}),
            "octo/web: Ada opened issue #23: It is slow",
            "gitlab.issue",
        ),
        (
            "Merge Request Hook",
            json!({"object_kind": "merge_request", "object_attributes": {"iid": 1, "title": "Faster", "action": "merge"}}),
            "octo/web: Ada merged merge request !1: Faster",
            "gitlab.merge_request",
        ),
        (
            "Note Hook",
            json!({"object_kind": "note", "object_attributes": {"note": "Me too\nreally", "noteable_type": "MergeRequest"}, "merge_request": {"iid": 1}}),
            "octo/web: Ada commented on merge request !1: Me too",
            "gitlab.note",
        ),
        (
            "Pipeline Hook",
            json!({"object_kind": "pipeline", "object_attributes": {"id": 31, "ref": "main", "status": "failed"}, "commit": {"title": "Fix the build"}}),
            "octo/web: pipeline #31 failed on main: Fix the build",
            "gitlab.pipeline",
        ),
        (
            "Job Hook",
            json!({"object_kind": "build", "build_name": "test", "build_status": "failed", "build_failure_reason": "script_failure", "ref": "main"}),
            "octo/web: job \"test\" failed on main: script failure",
            "gitlab.build",
        ),
        (
            "Deployment Hook",
            json!({"object_kind": "deployment", "status": "success", "environment": "staging"}),
            "octo/web: deployment to staging: success",
            "gitlab.deployment",
        ),
        (
            "Wiki Page Hook",
            json!({"object_kind": "wiki_page", "object_attributes": {"title": "Awesome", "action": "create"}}),
            "octo/web: Ada created wiki page: Awesome",
            "gitlab.wiki_page",
        ),
        (
            "Release Hook",
            json!({"object_kind": "release", "name": "v1.1", "tag": "v1.1", "action": "create"}),
            "octo/web: release v1.1 created",
            "gitlab.release",
        ),
        (
            "Feature Flag Hook",
            json!({"object_kind": "feature_flag", "object_attributes": {"name": "dark-mode", "active": true}}),
            "octo/web: Ada turned feature flag dark-mode on",
            "gitlab.feature_flag",
        ),
        (
            "Work Item Hook",
            json!({"object_kind": "work_item", "object_attributes": {"iid": 5, "type": "Task", "title": "Tidy", "action": "close"}}),
            "octo/web: Ada closed task #5: Tidy",
            "gitlab.work_item",
        ),
        (
            "Vulnerability Hook",
            json!({"object_kind": "vulnerability", "object_attributes": {"title": "REXML DoS", "severity": "high", "state": "confirmed"}}),
            "octo/web: high vulnerability confirmed: REXML DoS",
            "gitlab.vulnerability",
        ),
        (
            "Milestone Hook",
            json!({"object_kind": "milestone", "object_attributes": {"title": "v1.0"}, "action": "close"}),
            "octo/web: milestone closed: v1.0",
            "gitlab.milestone",
        ),
    ] {
        let event = sent(
            &[("X-Gitlab-Event", header), ("Idempotency-Key", "f5e8"), ("X-Gitlab-Event-UUID", "13792a34")],
            &merged(&project, body),
        );
        assert_eq!((&*event.message, event.event_type.as_str()), (sentence, kind));
        assert_eq!(event.idempotency_key.expect("a key").as_str(), "ingest:generic:f5e8");
        let is_bad = matches!(kind, "gitlab.pipeline" | "gitlab.build" | "gitlab.vulnerability");
        assert_eq!(event.priority == Priority::High, is_bad, "{sentence}");
    }
}

#[test]
fn every_system_hook_of_gitlab_says_what_happened_and_to_whom() {
    for (name, sentence) in [
        ("project_create", "octo/web: project created: StoreCloud"),
        ("project_destroy", "octo/web: project destroyed: StoreCloud"),
        ("project_rename", "octo/web: project renamed: StoreCloud"),
        ("project_transfer", "octo/web: project transferred: StoreCloud"),
        ("user_create", "octo/web: user created: StoreCloud"),
        ("user_add_to_team", "octo/web: member added: StoreCloud"),
        ("user_remove_from_group", "octo/web: group member removed: StoreCloud"),
        ("user_failed_login", "octo/web: failed login: StoreCloud"),
        ("key_destroy", "octo/web: key destroyed: StoreCloud"),
        ("group_rename", "octo/web: group renamed: StoreCloud"),
        ("repository_update", "octo/web: repository updated: StoreCloud"),
    ] {
        let body = json!({"event_name": name, "name": "StoreCloud", "path_with_namespace": "octo/web"});
        let event = sent(&[("X-Gitlab-Event", "System Hook")], &body);
        assert_eq!((&*event.message, event.event_type.as_str()), (sentence, &*format!("gitlab.{name}")));
    }
}
