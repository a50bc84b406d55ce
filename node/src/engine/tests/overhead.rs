//! What an item costs besides its key and value.

use super::rig::{Rig, unlimited};
use crate::engine::charge;

#[test]
fn a_small_item_is_charged_little_more_than_its_bytes() {
    let mut rig = Rig::new(unlimited());
    rig.put("user:00000000001", &[b'1'; 200]);
    let bytes = rig.stats().bytes;
    let block = bytes - charge::SLOT_BYTES - charge::INDEX_BYTES;
    println!("16 B key + 200 B value: charged {bytes} B, {} B of overhead (block {block})", bytes - 216);
    assert!(bytes - 216 <= 100);
}
