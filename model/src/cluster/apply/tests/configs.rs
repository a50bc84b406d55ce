use crate::{
    cluster::{Command, Rejection, Reply, world::World},
    config::{Backend, CacheConfig, ConfigPatch, Strategy},
    ids::{Generation, NamespaceId},
    key::NAMESPACES_MAX,
};

fn create(name: &str) -> Command {
    Command::CreateNamespace { name: name.into() }
}

fn patch(namespace: NamespaceId, patch: ConfigPatch) -> Command {
    Command::PatchConfig { namespace, backend: Backend::Memory, patch, default_backend: None }
}

fn items(max_items: u64) -> ConfigPatch {
    ConfigPatch { max_items: Some(max_items), ..ConfigPatch::default() }
}

#[test]
fn a_namespace_is_made_once_and_found_again() {
    let mut world = World::formed(1);
    let made = world.apply(create("tenant-1"));
    assert_eq!(made, Ok(Reply::Namespace(NamespaceId(2))));
    assert_eq!(world.apply(create("tenant-1")), made);
    assert_eq!(world.apply(create("default")), Ok(Reply::Namespace(NamespaceId(1))));
    for bad in ["", "a b", "a/b", "ü", &"x".repeat(65)] {
        assert_eq!(world.refused(create(bad)), Rejection::BadNamespaceName, "{bad:?}");
    }
}

#[test]
fn namespaces_are_bounded() {
    let mut world = World::formed(1);
    for n in 1..NAMESPACES_MAX {
        world.apply(create(&format!("n{n}"))).unwrap();
    }
    assert_eq!(world.refused(create("one-more")), Rejection::TooManyNamespaces(NAMESPACES_MAX));
    assert!(world.apply(create("n5")).is_ok(), "an existing one is still found");
    world.apply(Command::RemoveNamespace { namespace: NamespaceId(2) }).unwrap();
    assert!(world.apply(create("one-more")).is_ok());
}

#[test]
fn a_removed_namespace_takes_its_configs_along_and_its_id_is_burned() {
    let mut world = World::formed(1);
    let id = NamespaceId(2);
    world.apply(create("t")).unwrap();
    world.apply(patch(id, items(5))).unwrap();
    assert_eq!(world.apply(Command::RemoveNamespace { namespace: id }), Ok(Reply::Done));
    assert_eq!(world.state.configs.len(), 1);
    let gone = Command::RemoveNamespace { namespace: id };
    assert_eq!(world.refused(gone), Rejection::UnknownNamespace);
    assert_eq!(world.refused(patch(id, items(5))), Rejection::UnknownNamespace);
    assert_ne!(world.apply(create("t")), Ok(Reply::Namespace(id)));
    let default = Command::RemoveNamespace { namespace: world.default_namespace() };
    assert_eq!(world.refused(default), Rejection::DefaultNamespace);
}

#[test]
fn a_clear_is_a_new_generation_of_that_namespace_and_backend_only() {
    let mut world = World::formed(1);
    let default = world.default_namespace();
    world.apply(create("t")).unwrap();
    let clear = |namespace, backend| Command::Clear { namespace, backend };
    assert_eq!(world.apply(clear(default, Backend::Memory)), Ok(Reply::Cleared(Generation(3))));
    assert_eq!(world.apply(clear(default, Backend::Memory)), Ok(Reply::Cleared(Generation(4))));
    assert_eq!(world.state.generation(default, Backend::Memory), Generation(4));
    assert_eq!(world.state.generation(default, Backend::File), Generation(0));
    assert_eq!(world.state.generation(NamespaceId(2), Backend::Memory), Generation(0));
    assert_eq!(world.refused(clear(NamespaceId(77), Backend::Memory)), Rejection::UnknownNamespace);
    assert!(matches!(world.refused(clear(default, Backend::Database)), Rejection::BadConfig(_)));
}

#[test]
fn configs_are_inherited_until_a_namespace_has_its_own() {
    let mut world = World::formed(1);
    let (default, tenant) = (world.default_namespace(), NamespaceId(2));
    world.apply(create("t")).unwrap();
    assert_eq!(world.state.config_of(tenant, Backend::Memory), (CacheConfig::default(), 1));
    world.apply(patch(default, items(7))).unwrap();
    assert_eq!(world.state.config_of(tenant, Backend::Memory).0.max_items, 7, "inherited");

    let longer = ConfigPatch { default_ttl: Some(9), ..ConfigPatch::default() };
    let expected = CacheConfig { max_items: 7, default_ttl: 9, ..CacheConfig::default() };
    assert_eq!(world.apply(patch(tenant, longer)), Ok(Reply::Config(expected.clone(), 4)));
    world.apply(patch(default, items(8))).unwrap();
    assert_eq!(world.state.config_of(tenant, Backend::Memory), (expected, 4), "its own now");

    let (builtin, version) = world.state.config_of(tenant, Backend::File);
    assert_eq!((builtin.backend, version), (Backend::File, 0));
}

#[test]
fn put_replaces_every_field() {
    let mut world = World::formed(1);
    let namespace = world.default_namespace();
    world.apply(patch(namespace, items(7))).unwrap();
    let config = CacheConfig { default_ttl: 1, ..CacheConfig::default() };
    let put = Command::PutConfig { namespace, config: config.clone() };
    assert_eq!(world.apply(put), Ok(Reply::Config(config, 3)));
    assert_eq!(world.state.config_of(namespace, Backend::Memory).0.max_items, 10_000);
}

#[test]
fn a_patch_of_nothing_keeps_the_inheritance() {
    let mut world = World::formed(1);
    world.apply(create("t")).unwrap();
    let only_default = Command::PatchConfig {
        namespace: NamespaceId(2),
        backend: Backend::Memory,
        patch: ConfigPatch::default(),
        default_backend: Some(Backend::Memory),
    };
    assert_eq!(world.apply(only_default), Ok(Reply::Config(CacheConfig::default(), 1)));
    assert_eq!(world.state.configs.len(), 1);
}

#[test]
fn bad_configs_are_refused_whole() {
    let mut world = World::formed(1);
    let namespace = world.default_namespace();
    for (patch, default_backend, word) in [
        (ConfigPatch { cleanup_interval: Some(0), ..items(3) }, None, "cleanup_interval"),
        (ConfigPatch { default_ttl: Some(u64::MAX), ..items(3) }, None, "default_ttl"),
        (ConfigPatch { strategy: Some(Strategy::WriteThrough), ..items(3) }, None, "`write_through` is not built yet"),
        (ConfigPatch { encryption_enabled: Some(true), ..items(3) }, Some(Backend::Memory), "encryption_enabled"),
        (items(3), Some(Backend::Database), "`database` is not built yet"),
    ] {
        let command = Command::PatchConfig { namespace, backend: Backend::Memory, patch, default_backend };
        let rejection = world.refused(command);
        assert!(rejection.to_string().contains(word), "{word}: {rejection}");
    }
    let unbuilt = CacheConfig { backend: Backend::Database, ..CacheConfig::default() };
    assert!(matches!(world.refused(Command::PutConfig { namespace, config: unbuilt }), Rejection::BadConfig(_)));
}
