//! The data plane's settings.

use crate::cluster::{
    command::{Outcome, Rejection, Reply, SettingsPatch},
    state::{ClusterState, Settings},
};

/// Most copies of a range, and most that a write may ask for.
pub const COPIES_MAX: u8 = 5;
/// Longest that the cluster waits for a node that is down, in seconds: a day.
pub const WAIT_MAX_S: u32 = 86_400;

impl ClusterState {
    pub(super) fn patch_settings(&mut self, index: u64, patch: &SettingsPatch) -> Outcome {
        let settings = patch.applied_to(&self.settings);
        settings.check().map_err(Rejection::BadSettings)?;
        if settings.replication_factor != self.settings.replication_factor {
            self.nodes_changed_at = index;
        }
        self.settings = settings;
        Ok(Reply::Done)
    }
}

impl SettingsPatch {
    /// `settings` with the fields of this patch in place.
    pub fn applied_to(&self, settings: &Settings) -> Settings {
        Settings {
            replication_factor: self.replication_factor.unwrap_or(settings.replication_factor),
            min_in_sync: self.min_in_sync.unwrap_or(settings.min_in_sync),
            moves_paused: self.moves_paused.unwrap_or(settings.moves_paused),
            fill_bytes_per_s: self.fill_bytes_per_s.unwrap_or(settings.fill_bytes_per_s),
            rehome_after_s: self.rehome_after_s.unwrap_or(settings.rehome_after_s),
            reset_after_s: self.reset_after_s.unwrap_or(settings.reset_after_s),
        }
    }
}

impl Settings {
    /// Says what is out of bounds.
    pub fn check(&self) -> Result<(), String> {
        let Self { replication_factor: copies, min_in_sync, rehome_after_s, reset_after_s, .. } = *self;
        if !(1..=COPIES_MAX).contains(&copies) {
            return Err(format!("replication_factor is 1 to {COPIES_MAX}, not {copies}"));
        }
        if !(1..=COPIES_MAX).contains(&min_in_sync) {
            return Err(format!("min_in_sync is 1 to {COPIES_MAX}, not {min_in_sync}"));
        }
        if min_in_sync > copies {
            return Err(format!(
                "min_in_sync {min_in_sync} is above replication_factor {copies}: no write could succeed"
            ));
        }
        if rehome_after_s > WAIT_MAX_S {
            return Err(format!("rehome_after_s is 0 to {WAIT_MAX_S}, not {rehome_after_s}"));
        }
        if !(1..=WAIT_MAX_S).contains(&reset_after_s) {
            return Err(format!("reset_after_s is 1 to {WAIT_MAX_S}, not {reset_after_s}"));
        }
        Ok(())
    }
}
