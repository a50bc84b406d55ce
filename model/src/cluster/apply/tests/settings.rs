use crate::{
    cluster::{Command, Rejection, Reply, Settings, SettingsPatch, world::World},
    config::{Backend, CacheConfig, ConfigPatch},
    ids::NamespaceId,
};

fn patch(patch: SettingsPatch) -> Command {
    Command::PatchSettings { patch }
}

fn silence(namespace: NamespaceId) -> Command {
    Command::Silence { namespace, backend: Backend::Memory }
}

#[test]
fn a_patch_changes_what_it_names() {
    let mut world = World::formed(1);
    assert_eq!(world.state.settings, Settings::default());
    assert_eq!(Settings::default().check(), Ok(()));
    assert_eq!(world.apply(patch(SettingsPatch { moves_paused: Some(true), ..Default::default() })), Ok(Reply::Done));
    assert_eq!(world.state.settings, Settings { moves_paused: true, ..Settings::default() });
    let all = SettingsPatch {
        replication_factor: Some(5),
        min_in_sync: Some(5),
        moves_paused: Some(false),
        fill_bytes_per_s: Some(0),
        rehome_after_s: Some(0),
        reset_after_s: Some(86_400),
    };
    world.apply(patch(all)).unwrap();
    let expected = Settings {
        replication_factor: 5,
        min_in_sync: 5,
        moves_paused: false,
        fill_bytes_per_s: 0,
        rehome_after_s: 0,
        reset_after_s: 86_400,
    };
    assert_eq!(world.state.settings, expected);
}

#[test]
fn only_another_number_of_copies_calls_for_a_new_plan() {
    let mut world = World::copied(2, 2);
    let before = world.state.nodes_changed_at;
    world
        .apply(patch(SettingsPatch { replication_factor: Some(2), reset_after_s: Some(9), ..Default::default() }))
        .unwrap();
    assert_eq!(world.state.nodes_changed_at, before);
    world.apply(patch(SettingsPatch { replication_factor: Some(3), ..Default::default() })).unwrap();
    assert_eq!(world.state.nodes_changed_at, world.state.applied);
}

#[test]
fn settings_out_of_bounds_are_refused_with_the_bounds() {
    let mut world = World::formed(1);
    let none = SettingsPatch::default;
    for (bad, words) in [
        (SettingsPatch { replication_factor: Some(0), ..none() }, "replication_factor is 1 to 5, not 0"),
        (SettingsPatch { replication_factor: Some(6), ..none() }, "replication_factor is 1 to 5, not 6"),
        (SettingsPatch { min_in_sync: Some(0), ..none() }, "min_in_sync is 1 to 5, not 0"),
        (SettingsPatch { min_in_sync: Some(6), ..none() }, "min_in_sync is 1 to 5, not 6"),
        (SettingsPatch { min_in_sync: Some(3), ..none() }, "min_in_sync 3 is above replication_factor 2"),
        (SettingsPatch { rehome_after_s: Some(86_401), ..none() }, "rehome_after_s is 0 to 86400, not 86401"),
        (SettingsPatch { reset_after_s: Some(0), ..none() }, "reset_after_s is 1 to 86400, not 0"),
        (SettingsPatch { reset_after_s: Some(86_401), ..none() }, "reset_after_s is 1 to 86400, not 86401"),
    ] {
        let rejection = world.refused(patch(bad));
        assert!(matches!(&rejection, Rejection::BadSettings(text) if text.contains(words)), "{words}: {rejection:?}");
    }
    let fewer = SettingsPatch { replication_factor: Some(3), min_in_sync: Some(3), ..none() };
    assert_eq!(world.apply(patch(fewer)), Ok(Reply::Done), "what counts is the whole");
    assert!(matches!(
        world.refused(patch(SettingsPatch { replication_factor: Some(2), ..none() })),
        Rejection::BadSettings(_)
    ));
}

#[test]
fn a_silence_stands_over_the_clear_until_it_is_ended() {
    let mut world = World::formed(1);
    let namespace = world.default_namespace();
    let silent = |world: &World| {
        world.state.namespaces[&namespace]
            .silent
            .get(&Backend::Memory)
            .map(|clears| clears.iter().copied().collect::<Vec<_>>())
    };
    assert_eq!(world.apply(silence(namespace)), Ok(Reply::Silenced(2)));
    assert_eq!(silent(&world), Some(vec![2]));
    world.apply(Command::Clear { namespace, backend: Backend::Memory }).unwrap();
    assert_eq!(silent(&world), Some(vec![2]), "a clear keeps it");
    let end = Command::EndSilence { namespace, backend: Backend::Memory, since: 2 };
    assert_eq!(world.apply(end), Ok(Reply::Done));
    assert_eq!(silent(&world), None);
    assert_eq!(world.refused(silence(NamespaceId(77))), Rejection::UnknownNamespace);
    let unbuilt = Command::Silence { namespace, backend: Backend::Database };
    assert!(matches!(world.refused(unbuilt), Rejection::BadConfig(_)));
}

#[test]
fn copies_stay_silent_until_the_last_of_several_clears_has_ended() {
    let mut world = World::formed(1);
    let namespace = world.default_namespace();
    let end = |since| Command::EndSilence { namespace, backend: Backend::Memory, since };
    world.apply(silence(namespace)).unwrap();
    assert_eq!(world.apply(silence(namespace)), Ok(Reply::Silenced(3)), "another clear begins");
    assert_eq!(world.apply(silence(namespace)), Ok(Reply::Silenced(4)), "and a third");
    world.apply(end(3)).unwrap();
    world.apply(end(2)).unwrap();
    assert_eq!(world.state.namespaces[&namespace].silent[&Backend::Memory], [4].into(), "whichever ends first");
    world.apply(end(4)).unwrap();
    assert!(world.state.namespaces[&namespace].silent.is_empty());
    assert_eq!(world.apply(end(3)), Ok(Reply::Done), "asked again");
    let unknown = Command::EndSilence { namespace: NamespaceId(77), backend: Backend::Memory, since: 3 };
    assert_eq!(world.refused(unknown), Rejection::UnknownNamespace);
}

#[test]
fn a_removed_namespace_takes_its_silence_along() {
    let mut world = World::formed(1);
    world.apply(Command::CreateNamespace { name: "t".into() }).unwrap();
    world.apply(silence(NamespaceId(2))).unwrap();
    world.apply(Command::RemoveNamespace { namespace: NamespaceId(2) }).unwrap();
    assert!(world.state.namespaces.values().all(|namespace| namespace.silent.is_empty()));
}

#[test]
fn what_every_node_must_act_by_is_a_barrier() {
    let mut world = World::copied(2, 2);
    world.apply(Command::CreateNamespace { name: "t".into() }).unwrap();
    assert_eq!(world.state.barrier_at, 0, "neither nodes nor plans nor new namespaces are");
    let (namespace, backend) = (NamespaceId(world.state.applied), Backend::Memory);
    let config = ConfigPatch { max_items: Some(5), ..ConfigPatch::default() };
    for command in [
        silence(namespace),
        Command::Clear { namespace, backend },
        Command::EndSilence { namespace, backend, since: 1 },
        Command::PutConfig { namespace, config: CacheConfig::default() },
        Command::PatchConfig { namespace, backend, patch: config, default_backend: None },
        patch(SettingsPatch { min_in_sync: Some(2), ..SettingsPatch::default() }),
        Command::RemoveNamespace { namespace },
    ] {
        assert!(world.apply(command.clone()).is_ok(), "{command:?}");
        assert_eq!(world.state.barrier_at, world.state.applied, "{command:?}");
    }
    let barrier_at = world.state.barrier_at;
    world.refused(Command::RemoveNamespace { namespace });
    assert_eq!(world.state.barrier_at, barrier_at, "what is refused is none");
}
