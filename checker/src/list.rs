//! Short lists that lie inside the state: no allocation for each of a million states.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
    ops::Deref,
};

/// At most `MAX` items in order. Lists that hold the same are equal.
#[derive(Clone, Copy, Debug)]
pub struct List<T, const MAX: usize> {
    items: [T; MAX],
    len: u8,
}

impl<T: Copy + Default, const MAX: usize> List<T, MAX> {
    /// Adds an item at the end.
    ///
    /// # Panics
    /// When there is no place: the scenario allows for more than the list was made for.
    pub fn push(&mut self, item: T) {
        self.items[usize::from(self.len)] = item;
        self.len += 1;
    }

    /// Keeps only what the judge says.
    pub fn keep(&mut self, judge: impl Fn(&T) -> bool) {
        *self = self.iter().copied().filter(judge).collect();
    }

    /// Changes the items, which stay in their order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().take(usize::from(self.len))
    }
}

impl<T: Copy + Default, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self { items: [T::default(); MAX], len: 0 }
    }
}

impl<T: Copy + Default, const MAX: usize> FromIterator<T> for List<T, MAX> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Self::default();
        items.into_iter().for_each(|item| list.push(item));
        list
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items[..usize::from(self.len)]
    }
}

impl<T: PartialEq, const MAX: usize> PartialEq for List<T, MAX> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const MAX: usize> Eq for List<T, MAX> {}

impl<T: PartialOrd, const MAX: usize> PartialOrd for List<T, MAX> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (**self).partial_cmp(&**other)
    }
}

impl<T: Ord, const MAX: usize> Ord for List<T, MAX> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl<T: Hash, const MAX: usize> Hash for List<T, MAX> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (**self).hash(hasher);
    }
}
