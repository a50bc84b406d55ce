use super::{super::samples::STATUS, *};

fn shown(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut sample = serde_json::from_str(STATUS).unwrap();
    change(&mut sample);
    text(&serde_json::from_value(sample).unwrap())
}

#[test]
fn a_moving_cluster_is_shown_with_what_is_left() {
    let text = shown(|_| {});
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            "cluster 5d1f0c3a9b7e4286  leader 1  term 3  version 42",
            "copies  2 wanted, 1 needed for a write",
            "ranges  8 in all, 7 with all copies; 1 lack a copy; 1 being filled; 2 begun again, empty, so far",
            "",
            " NODE  STATE          LEASE  UP       VOTER  ZONE  WEIGHT  PRIMARIES  COPIES  FILLING  PLANNED  SINGLE WRITES  ADDRESS",
            " 1*    active         yes    1 d 0 h  yes    eu-1  100     5          3       0        5        0              10.0.0.1:7400",
            " 2     down, leaving  no     -        no     -     200     3          4       1        6        -              10.0.0.2:7400",
            "",
            "moves   4 copies left, about 1480 keys and 592.0 kB; 32.0 kB/s, about 19 s",
            " RANGE  FROM  TO  KEYS        SENT     RATE       LEFT",
            " 1      1     2   120 of 400  48.0 kB  32.0 kB/s  4 s",
        ]
    );
}

#[test]
fn what_is_out_of_the_ordinary_is_said() {
    let text = shown(|status| {
        status["plan"] = serde_json::json!(
            {"is_current": false, "is_reached": false, "zone_rule_relaxed": true, "absent": [3, 4]}
        );
        status["ranges"]["without_living_member"] = 2.into();
        status["settings"]["moves_paused"] = true.into();
        status["nodes"][0]["is_stopping"] = true.into();
        status["nodes"][0]["has_lease"] = serde_json::Value::Null;
        status["transfers"]["eta_seconds"] = serde_json::Value::Null;
    });
    for part in [
        "goes without node 3, 4",
        "share a zone",
        "2 WITHOUT A SERVING COPY",
        "time unknown; moves are PAUSED; a new plan is about to come",
        "active, stopping",
        " ? ",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn many_fills_are_cut_and_counted() {
    let text = shown(|status| {
        let fill = status["transfers"]["running"][0].clone();
        status["transfers"]["running"] = vec![fill; FILLS_SHOWN_MAX + 5].into();
    });
    assert!(text.ends_with(" and 5 more"), "{text}");
}

#[test]
fn a_settled_cluster_needs_few_words() {
    let text = shown(|status| {
        status["transfers"]["running"] = Vec::<i32>::new().into();
        status["transfers"]["ranges_left"] = 0.into();
        status["plan"]["is_reached"] = true.into();
    });
    assert!(text.ends_with("moves   no copy is missing"), "{text}");
}
