//! The JSON form: one object, whose member `data` holds the items. The other members are stepped over.

use super::{
    SplitFault,
    scan::ValueScan,
    window::{Cut, Window},
};

/// Longest name of a member, in bytes of JSON text: six times the longest key, and more than any name of ours.
const NAME_BYTES_MAX: usize = 64 * 1024;

/// Where in the document the splitter is.
#[derive(Default)]
pub(super) struct Document {
    state: State,
    /// Within `data`.
    is_in_data: bool,
    /// `data` was there.
    has_data: bool,
    scan: ValueScan,
    /// Raw name of the current member.
    name: Vec<u8>,
    /// Members of `data` so far.
    items: u64,
    /// The current item is too long.
    is_skipping: bool,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Start,
    /// After `{`: a name or `}`.
    NameOrEnd,
    /// After `,`: a name.
    Name,
    /// Inside a name.
    InName,
    Colon,
    Value,
    /// Inside a value.
    InValue,
    /// After a value: `,` or `}`.
    CommaOrEnd,
    /// After the whole object.
    Done,
}

impl Document {
    /// Raw JSON string that names the item found last.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    pub(super) fn next(
        &mut self,
        window: &mut Window,
        item_bytes_max: usize,
    ) -> Result<Option<(u64, Cut)>, SplitFault> {
        loop {
            let cut = match self.state {
                State::InName => self.in_name(window)?,
                State::InValue => self.in_value(window, item_bytes_max)?,
                _ => match window.peek() {
                    Some(byte) => {
                        self.between(byte, window)?;
                        continue;
                    }
                    None => Step::Wait,
                },
            };
            match cut {
                Step::On => {}
                Step::Found(cut) => return Ok(Some((self.items, cut))),
                Step::Wait => return self.pause(window),
            }
        }
    }

    /// No more bytes: is that all?
    fn pause(&self, window: &Window) -> Result<Option<(u64, Cut)>, SplitFault> {
        match self.state {
            State::Done if !self.has_data => Err(SplitFault::NoData),
            State::Done => Ok(None),
            _ if window.is_ended() => Err(SplitFault::Truncated),
            _ => Ok(None),
        }
    }

    /// A byte between tokens.
    fn between(&mut self, byte: u8, window: &mut Window) -> Result<(), SplitFault> {
        let malformed = SplitFault::Malformed { at: window.position() };
        match (self.state, byte) {
            (State::Start, b'{') => self.state = State::NameOrEnd,
            (State::Start, b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => return Err(SplitFault::NotObject),
            (State::NameOrEnd | State::Name, b'"') => {
                window.mark();
                self.scan = ValueScan::default();
                self.state = State::InName;
                return Ok(());
            }
            (State::NameOrEnd | State::CommaOrEnd, b'}') => self.close(),
            (State::CommaOrEnd, b',') => self.state = State::Name,
            (State::Colon, b':') => self.state = State::Value,
            (State::Value, _) => return self.begin_value(byte, window),
            _ => return Err(malformed),
        }
        window.advance(1);
        Ok(())
    }

    fn close(&mut self) {
        self.state = if self.is_in_data { State::CommaOrEnd } else { State::Done };
        self.is_in_data = false;
    }

    fn begin_value(&mut self, byte: u8, window: &mut Window) -> Result<(), SplitFault> {
        self.scan = ValueScan::default();
        self.state = State::InValue;
        if self.is_in_data {
            self.items += 1;
            window.mark();
        } else if is_data(&self.name) {
            if byte != b'{' || self.has_data {
                return Err(SplitFault::BadData);
            }
            self.has_data = true;
            self.is_in_data = true;
            self.state = State::NameOrEnd;
            window.advance(1);
        }
        Ok(())
    }

    fn in_name(&mut self, window: &mut Window) -> Result<Step, SplitFault> {
        let end = self.scan.run(window.rest());
        window.advance(end.unwrap_or(window.rest().len()));
        if window.marked() > NAME_BYTES_MAX {
            return Err(SplitFault::Malformed { at: window.position() });
        }
        if end.is_none() {
            return Ok(Step::Wait);
        }
        let range = window.take();
        self.name.clear();
        self.name.extend_from_slice(window.slice(range));
        self.state = State::Colon;
        Ok(Step::On)
    }

    fn in_value(&mut self, window: &mut Window, item_bytes_max: usize) -> Result<Step, SplitFault> {
        let end = self.scan.run(window.rest());
        window.advance(end.unwrap_or(window.rest().len()));
        if window.marked() > item_bytes_max {
            self.is_skipping = true;
            window.forget();
        }
        if end.is_none() {
            return Ok(Step::Wait);
        }
        self.state = State::CommaOrEnd;
        let range = window.take();
        Ok(match (self.is_in_data, std::mem::take(&mut self.is_skipping)) {
            (false, _) => Step::On,
            (true, true) => Step::Found(Cut::TooLarge),
            (true, false) => Step::Found(Cut::Whole(range)),
        })
    }
}

enum Step {
    On,
    Wait,
    Found(Cut),
}

/// True for the raw name of the member `data`.
pub(super) fn is_data(raw: &[u8]) -> bool {
    std::str::from_utf8(raw).is_ok_and(|raw| crate::json::unescape(raw).is_ok_and(|name| name == "data"))
}
