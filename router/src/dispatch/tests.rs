//! The dispatcher in front of scripted nodes.

mod changes;
mod fan_outs;
mod reads;
mod writes;
