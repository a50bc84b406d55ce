//! Bodies of success of the operator's calls.

use utoipa::openapi::schema::ObjectBuilder;

use super::{
    Field, Named,
    answer::{covered, node_state},
    boolean, boolean_or_null, count, count_or_null, list, message, must, named, number, object, success, text, word,
};

pub(super) fn add(all: &mut Named) {
    all.push(("ClusterResponse", cluster().into()));
    all.push(("ClusterNode", node().into()));
    all.push(("ClusterRanges", ranges().into()));
    all.push(("ClusterTransfers", transfers().into()));
    all.push(("ClusterSettings", settings().into()));
    all.push(("Plan", plan().into()));
    all.push(("PlanResponse", covered("", [success(), message(), must("plan", named("Plan"))]).into()));
    all.push(("NodeChangeResponse", node_change().into()));
    all.push(("SafeToStopResponse", safe_to_stop().into()));
    let version = must("version", count("Index of the replicated state with these settings."));
    let settings = must("settings", named("ClusterSettings"));
    all.push(("SettingsChangeResponse", covered("", [success(), message(), settings, version]).into()));
}

fn cluster() -> ObjectBuilder {
    let plan = object(
        "Where the ranges should live, as the leader computed it last.",
        [
            must("version", count_or_null("Changes with the plan; null: there is none yet.")),
            must(
                "is_current",
                boolean("False: nodes, weights or the number of copies changed since; a new one follows."),
            ),
            must("is_reached", boolean("Whether all copies are where they should be.")),
            must("zone_rule_relaxed", zone_rule_relaxed()),
            must("absent", list("Members that it leaves out because they are down for too long.", count(""))),
        ],
    );
    covered(
        "",
        [
            success(),
            must("cluster", text("Its identity.")),
            must("leader", count_or_null("Id of the leading node; null: none is known.")),
            must("term", count("")),
            must("version", count("Index of the replicated state.")),
            must("last_log", count("")),
            must("voters", list("", count(""))),
            must("learners", list("", count(""))),
            must("nodes", list("Members; those that are gone for good are not listed.", named("ClusterNode"))),
            must("gone", list("Ids of nodes that are gone for good; they are never used again.", count(""))),
            must("ranges", named("ClusterRanges")),
            must("plan", plan),
            must("transfers", named("ClusterTransfers")),
            must("settings", named("ClusterSettings")),
        ],
    )
}

fn zone_rule_relaxed() -> ObjectBuilder {
    boolean("Whether copies of a range share a zone although there are more zones, because there is no other room.")
}

fn node() -> ObjectBuilder {
    let addresses = object("", [must("rpc", text("Internal port.")), must("health", text("Health and metrics."))]);
    object(
        "",
        [
            must("id", count("")),
            must("state", node_state().description(Some("`down`: it did not answer; else as `membership`."))),
            must("membership", membership()),
            must("is_alive", boolean("Whether it answered just now.")),
            must(
                "has_lease",
                boolean_or_null("Whether it may serve, by the leader's count; null: no leader answered."),
            ),
            must(
                "since_ms",
                count_or_null("Milliseconds since the leader heard from it last; null: no leader answered."),
            ),
            must("is_stopping", boolean("It said that it is about to stop.")),
            must("uptime_seconds", count_or_null("Null when it did not answer.")),
            must("zone", text("Failure domain; empty: none.")),
            must("weight", count("100 is plain.")),
            must("is_leader", boolean("")),
            must("is_voter", boolean("")),
            must("primary_ranges", count("Ranges it serves.")),
            must("copy_ranges", count("Further ranges it holds in sync.")),
            must("pending_ranges", count("Ranges it is being filled with.")),
            must("ranges", count("Ranges it holds in sync, served or not.")),
            must("planned_ranges", count("Ranges it should hold.")),
            must("share", number("Part of all ranges that it serves.").maximum(Some(1))),
            must("single_copy_writes", single_copy_writes()),
            must("addresses", addresses),
        ],
    )
}

fn membership() -> ObjectBuilder {
    word("Where it stands in its life, whether it answers or not.", ["joining", "active", "leaving", "gone"])
}

fn single_copy_writes() -> ObjectBuilder {
    count_or_null(
        "Writes that it acknowledged as the only copy although more are wanted, since its start; null: it did not answer.",
    )
}

fn ranges() -> ObjectBuilder {
    object(
        "Ranges by state.",
        [
            must("total", count("")),
            must("serving", count("Their primary answers.")),
            must("unavailable", count("Their primary does not answer.")),
            must("unassigned", count("They have no primary yet.")),
            must("full", count("As many copies are in sync as are wanted and there are nodes for.")),
            must("under_replicated", count("Fewer are.")),
            must("single_copy", count("One copy is in sync.")),
            must("without_living_member", count("No copy is on a node that may serve.")),
            must("pending", count("A copy is being filled.")),
            must("taking_over", count("Their new primary is not open yet.")),
            must("resets", count("How often a range lost all its copies and began again, empty.")),
        ],
    )
}

fn transfers() -> ObjectBuilder {
    let eta = |about| must("eta_seconds", count_or_null(about));
    let running = object(
        "A copy being filled.",
        [
            must("range", count("")),
            must("from", count("The node that sends: the range's primary.")),
            must("to", count("The node that is filled.")),
            must("keys", count("Keys that were taken.")),
            must("keys_total", count("About how many there are.")),
            must("bytes", count("Bytes that were taken.")),
            must("bytes_per_s", count("Since it began.")),
            must("elapsed_ms", count("Since it began.")),
            eta("Null until it can be told."),
        ],
    );
    let done = object(
        "What was filled since the nodes started.",
        [must("ranges", count("")), must("keys", count("")), must("bytes", count(""))],
    );
    object(
        "What moves, and what is left to do to reach the plan.",
        [
            must("ranges_left", count("Copies that are wanted and not complete, the running ones included.")),
            must("keys_left", count("About how many keys are still to be sent.")),
            must("bytes_left", count("About how many bytes.")),
            must(
                "bytes_per_s",
                count("Since the last looks of anybody at this router; of those that run when there were none."),
            ),
            eta("At the present rate; null: nothing moves, or it cannot be told yet."),
            must("done", done),
            must("running", list("", running)),
        ],
    )
}

fn settings() -> ObjectBuilder {
    object(
        "Settings of the copies.",
        [
            must("replication_factor", count("Copies that a range should have, as far as there are nodes.")),
            must("min_in_sync", count("Fewest copies in sync with which a range takes writes.")),
            must("moves_paused", boolean("Whether copies stay where they are; lost ones are still restored.")),
            must("fill_bytes_per_s", count("Most bytes a second that one node sends to fill copies; 0: no bound.")),
            must("rehome_after_s", count("Seconds until copies of a node that is down are restored elsewhere.")),
            must("reset_after_s", count("Seconds until a range without any serving member begins again, empty.")),
        ],
    )
}

fn plan() -> ObjectBuilder {
    let flow = |about: &str, more: Vec<Field>| {
        let from = must("from", count_or_null("Who gives up its place; null: nobody, there is one copy more."));
        let to = must("to", count("Who gets it."));
        object(about, [from, to, must("ranges", count(""))].into_iter().chain(more))
    };
    let moves = flow(
        "Copies to be made.",
        vec![must("keys", count("About how many.")), must("bytes", count("About how many."))],
    );
    let dropped = object("", [must("node", count("")), must("ranges", count(""))]);
    let node = object(
        "",
        [
            must("id", count("")),
            must("primary_ranges", count("Ranges it serves.")),
            must("ranges", count("Ranges it holds.")),
            must("planned_primary_ranges", count("Ranges it would serve.")),
            must("planned_ranges", count("Ranges it would hold.")),
        ],
    );
    object(
        "What it takes to get from the present layout to the plan. Keys and bytes are estimates from what the primaries hold.",
        [
            must("is_reached", boolean("Nothing is left to do.")),
            must("is_paused", boolean("Whether moves are paused; lost copies are still restored.")),
            must("zone_rule_relaxed", zone_rule_relaxed()),
            must("ranges", count("Copies to be made.")),
            must("keys", count("Keys to be sent for them.")),
            must("bytes", count("Bytes to be sent for them.")),
            must("seconds_at_least", count_or_null("Time that the bound on filling makes it take; null: no bound.")),
            must("moves", list("", moves)),
            must("handovers", list("Ranges that get another primary; nothing is sent for that.", flow("", vec![]))),
            must("dropped", list("Copies that are given up without a successor.", dropped)),
            must("nodes", list("", node)),
        ],
    )
}

fn node_change() -> ObjectBuilder {
    let node = object("", [must("id", count("")), must("membership", membership())]);
    covered("", [success(), message(), must("node", node), must("plan", named("Plan"))])
}

fn safe_to_stop() -> ObjectBuilder {
    covered(
        "",
        [
            success(),
            must("node", count("")),
            must("safe", boolean("Whether it may be stopped now without loss or refused writes.")),
            must("reasons", list("What speaks against it, for people; empty: nothing.", text(""))),
            must("ranges_that_would_lose_last_copy", count("Ranges that no other serving node holds.")),
            must("ranges_below_min_in_sync", count("Ranges that would refuse writes, those without a copy included.")),
            must("primary_ranges", count("Ranges that it serves; it hands them over before it exits.")),
            must("single_copy_writes", single_copy_writes()),
        ],
    )
}
