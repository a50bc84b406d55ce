//! The model's identifiers, each a byte: small numbers make small states.

use std::{fmt, hash::Hash, marker::PhantomData};

/// Most nodes that a scenario has.
pub const NODES_MAX: usize = 3;
/// Most keys that a scenario has.
pub const KEYS_MAX: usize = 2;
/// Most operations that a scenario has, and none.
pub const OPS_MAX: usize = 5;

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u8);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}", self.0)
            }
        }
    };
}

byte_id!(
    /// A node of the cluster.
    NodeId
);
byte_id!(
    /// A key of the range.
    Key
);
byte_id!(
    /// One term of the range under one primary.
    Epoch
);
byte_id!(
    /// A place in a range's history: its effects are counted without a break, through all epochs (rule S1). Zero: before
    /// the first.
    Place
);
byte_id!(
    /// A membership: the log index at which a node was added to the range. Zero: none.
    Mid
);
byte_id!(
    /// An index of the Raft log.
    Index
);
byte_id!(
    /// How often the space was cleared.
    Generation
);
byte_id!(
    /// An operation of a client. Zero: none.
    OpId
);

impl NodeId {
    /// Where the node stands in arrays.
    pub fn at(self) -> usize {
        usize::from(self.0)
    }
}

impl Key {
    /// Where the key stands in arrays.
    pub fn at(self) -> usize {
        usize::from(self.0)
    }
}

impl Epoch {
    /// The epoch after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl OpId {
    /// Where the operation stands in arrays.
    pub fn at(self) -> usize {
        usize::from(self.0)
    }

    /// True for what no client asked for.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl Generation {
    /// The generation after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Place {
    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The version of a record: the place of the effect that made it, and the epoch in which that effect was born. Both stay
/// for ever, whoever sends the effect again (rule S3). Zero: the key was never heard of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Of the primary that ordered the effect.
    pub epoch: Epoch,
    /// Its place in the range's history.
    pub place: Place,
}

impl Version {
    /// The smallest version above this one.
    pub fn next(self) -> Self {
        Self { epoch: self.epoch, place: self.place.next() }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.epoch, self.place)
    }
}

/// What a [`Set`] can hold.
pub trait Element: Copy {
    /// The element with that number.
    fn numbered(number: u8) -> Self;
    /// The element's number, below eight.
    fn number(self) -> u8;
}

impl Element for NodeId {
    fn numbered(number: u8) -> Self {
        Self(number)
    }
    fn number(self) -> u8 {
        self.0
    }
}

impl Element for Key {
    fn numbered(number: u8) -> Self {
        Self(number)
    }
    fn number(self) -> u8 {
        self.0
    }
}

impl Element for OpId {
    fn numbered(number: u8) -> Self {
        Self(number)
    }
    fn number(self) -> u8 {
        self.0
    }
}

/// A set of nodes, keys or operations, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set<T>(u8, PhantomData<T>);

/// A set of nodes.
pub type NodeSet = Set<NodeId>;
/// A set of keys.
pub type KeySet = Set<Key>;
/// A set of operations.
pub type OpSet = Set<OpId>;

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(0, PhantomData)
    }
}

impl<T: Element> Set<T> {
    /// The elements numbered below `count`.
    pub fn first(count: u8) -> Self {
        Self((1 << count) - 1, PhantomData)
    }

    /// Whether it holds the element.
    pub fn has(self, element: T) -> bool {
        self.0 & (1 << element.number()) != 0
    }

    /// The set and the element.
    #[must_use]
    pub fn with(self, element: T) -> Self {
        Self(self.0 | 1 << element.number(), PhantomData)
    }

    /// The set but for the element.
    #[must_use]
    pub fn without(self, element: T) -> Self {
        Self(self.0 & !(1 << element.number()), PhantomData)
    }

    /// Adds the element.
    pub fn insert(&mut self, element: T) {
        *self = self.with(element);
    }

    /// Takes the element out.
    pub fn remove(&mut self, element: T) {
        *self = self.without(element);
    }

    /// What is in either set.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0, PhantomData)
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0, PhantomData)
    }

    /// What is in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0, PhantomData)
    }

    /// Whether every element of this set is in the other.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// How many elements it holds.
    pub fn len(self) -> u8 {
        u8::try_from(self.0.count_ones()).expect("at most eight")
    }

    /// Whether it holds nothing.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its lowest element.
    pub fn lowest(self) -> Option<T> {
        (self.0 != 0).then(|| T::numbered(u8::try_from(self.0.trailing_zeros()).expect("below eight")))
    }

    /// Its elements in order.
    pub fn iter(self) -> impl Iterator<Item = T> {
        (0..8).filter(move |number| self.0 & (1 << number) != 0).map(T::numbered)
    }
}
