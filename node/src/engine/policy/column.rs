//! A number per slot that the slot has no room for, in chunks, so that growing never copies and little is unused.

/// Slots of one chunk.
const CHUNK: usize = 512;

/// See the module. A slot without a number has the default.
#[derive(Debug)]
pub(super) struct Column<T>(Vec<Box<[T]>>);

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + Default + PartialEq> Column<T> {
    /// The number of a slot.
    pub(super) fn get(&self, at: u32) -> T {
        let chunk = self.0.get(at as usize / CHUNK);
        chunk.and_then(|chunk| chunk.get(at as usize % CHUNK)).copied().unwrap_or_default()
    }

    /// Sets it. The default takes no room where nothing else is near.
    pub(super) fn set(&mut self, at: u32, value: T) {
        let chunk = at as usize / CHUNK;
        if value == T::default() && self.0.get(chunk).is_none_or(|chunk| chunk.is_empty()) {
            return;
        }
        if self.0.len() <= chunk {
            self.0.resize_with(chunk + 1, Box::default);
        }
        if self.0[chunk].is_empty() {
            self.0[chunk] = vec![T::default(); CHUNK].into_boxed_slice();
        }
        self.0[chunk][at as usize % CHUNK] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_where_they_were_put_and_zeros_take_no_room() {
        let mut column = Column::<u64>::default();
        column.set(7, 0);
        assert!(column.0.is_empty());
        column.set(5_000, 9);
        column.set(5_001, 0);
        assert_eq!([0, 4_999, 5_000, 5_001, 1 << 20].map(|at| column.get(at)), [0, 0, 9, 0, 0]);
        assert_eq!(column.0.iter().filter(|chunk| !chunk.is_empty()).count(), 1);
        column.set(5_000, 0);
        assert_eq!(column.get(5_000), 0);
    }
}
