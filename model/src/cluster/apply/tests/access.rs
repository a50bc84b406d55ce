use crate::{
    cluster::{
        ACCESS_KEYS_MAX, AccessCommand, AccessKey, AccessRejection, Command, KeySecret, Rejection, Scopes, SecretHash,
        world::World,
    },
    ids::KeyId,
};

const READ: Scopes = Scopes { read: true, write: false, admin: false };

fn secret(byte: u8, ends_at_ms: Option<u64>) -> KeySecret {
    KeySecret { hash: SecretHash([byte; 32]), ends_at_ms }
}

fn key() -> AccessKey {
    AccessKey { name: "k".into(), scopes: READ, secrets: vec![secret(1, None)], ..AccessKey::default() }
}

fn put(id: u64, key: AccessKey) -> Command {
    Command::Access(AccessCommand::Put { id: KeyId(id), key })
}

#[test]
fn a_key_is_made_rotated_and_revoked() {
    let mut world = World::formed(1);
    world.apply(put(7, key())).unwrap();
    assert_eq!((world.state.keys.len(), world.state.keys_changed_at), (1, world.state.applied));
    let rotate = |byte| {
        Command::Access(AccessCommand::Rotate { id: KeyId(7), hash: SecretHash([byte; 32]), old_ends_at_ms: 500 })
    };
    let revoke = || Command::Access(AccessCommand::Revoke { id: KeyId(7) });
    world.apply(rotate(2)).unwrap();
    assert_eq!(world.state.keys[&KeyId(7)].secrets, [secret(1, Some(500)), secret(2, None)]);
    world.apply(rotate(3)).unwrap();
    assert_eq!(world.state.keys[&KeyId(7)].secrets, [secret(2, Some(500)), secret(3, None)], "never more than two");
    world.apply(revoke()).unwrap();
    assert!(world.state.keys.is_empty());
    assert_eq!(world.refused(revoke()), Rejection::Access(AccessRejection::Unknown));
    assert_eq!(world.refused(rotate(4)), Rejection::Access(AccessRejection::Unknown));
}

#[test]
fn an_id_is_given_once() {
    let mut world = World::formed(1);
    world.apply(put(7, key())).unwrap();
    assert!(matches!(world.refused(put(7, key())), Rejection::Access(AccessRejection::Bad(_))));
}

#[test]
fn a_use_is_noted_and_never_goes_back() {
    let mut world = World::formed(1);
    world.apply(put(7, key())).unwrap();
    let changed_at = world.state.keys_changed_at;
    for (at, noted) in [(50, 50), (40, 50), (60, 60)] {
        let uses = vec![(KeyId(7), at), (KeyId(8), at)];
        world.apply(Command::Access(AccessCommand::NoteUses { uses })).unwrap();
        assert_eq!(world.state.keys[&KeyId(7)].last_used_ms, Some(noted));
    }
    assert_eq!((world.state.keys.len(), world.state.keys_changed_at), (1, changed_at));
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    let mut world = World::formed(1);
    let admin = Scopes { admin: true, ..Scopes::default() };
    for bad in [
        AccessKey { name: String::new(), ..key() },
        AccessKey { name: "a\nb".into(), ..key() },
        AccessKey { name: "x".repeat(257), ..key() },
        AccessKey { scopes: Scopes::default(), ..key() },
        AccessKey { namespaces: vec!["a b".into()], ..key() },
        AccessKey { namespaces: vec!["a".into(); 101], ..key() },
        AccessKey { patterns: vec![String::new()], ..key() },
        AccessKey { patterns: vec!["x".repeat(1_025)], ..key() },
        AccessKey { scopes: admin, namespaces: vec!["a".into()], ..key() },
        AccessKey { scopes: admin, patterns: vec!["a*".into()], ..key() },
    ] {
        assert!(matches!(world.refused(put(1, bad.clone())), Rejection::Access(AccessRejection::Bad(_))), "{bad:?}");
    }
    assert!(world.state.keys.is_empty());
}

#[test]
fn keys_are_bounded() {
    let mut world = World::formed(1);
    for id in 0..ACCESS_KEYS_MAX as u64 {
        world.apply(put(id, key())).unwrap();
    }
    assert_eq!(world.refused(put(u64::MAX, key())), Rejection::Access(AccessRejection::TooMany(ACCESS_KEYS_MAX)));
}

#[test]
fn a_hash_is_not_shown() {
    assert_eq!(format!("{:?}", SecretHash([7; 32])), "SecretHash");
}
