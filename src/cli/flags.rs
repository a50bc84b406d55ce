//! Flags of settings, made from the table of variables.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, error::Error};

use crate::settings::{Role, VARIABLES, Variable};

/// The flags that a role has, as given: by variable name, not yet parsed.
#[derive(Clone)]
pub(crate) struct SettingFlags<R> {
    /// Text by variable name.
    pub(crate) given: BTreeMap<&'static str, String>,
    role: PhantomData<R>,
}

/// Says at compile time whose flags are meant.
pub(crate) trait HasRole {
    /// The role.
    const ROLE: Role;
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident => $role:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;
        impl HasRole for $name {
            const ROLE: Role = Role::$role;
        }
    )+};
}

roles! {
    /// `ringhold dev`.
    ForDev => Dev,
    /// `ringhold node`.
    ForNode => Node,
    /// `ringhold router`.
    ForRouter => Router,
    /// `ringhold settings`.
    ForShow => Show,
}

impl<R> Default for SettingFlags<R> {
    fn default() -> Self {
        Self { given: BTreeMap::new(), role: PhantomData }
    }
}

impl<R> fmt::Debug for SettingFlags<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_set().entries(self.given.keys()).finish()
    }
}

impl<R: HasRole> FromArgMatches for SettingFlags<R> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for variable in of_role::<R>() {
            if let Some(text) = matches.get_one::<String>(variable.name) {
                self.given.insert(variable.name, text.clone());
            }
        }
        Ok(())
    }
}

impl<R: HasRole> Args for SettingFlags<R> {
    fn augment_args(command: Command) -> Command {
        command.args(of_role::<R>().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn of_role<R: HasRole>() -> impl Iterator<Item = &'static Variable> {
    VARIABLES.iter().filter(|variable| variable.roles.contains(&R::ROLE))
}

fn flag(variable: &'static Variable) -> Arg {
    let is_boolean = matches!(variable.default, "true" | "false");
    let default = if variable.default.is_empty() { String::new() } else { format!(", default: {}", variable.default) };
    let argument = Arg::new(variable.name)
        .long(variable.flag)
        .help(format!("{} [{}{default}]", variable.help, variable.name))
        .help_heading(heading(variable))
        .allow_negative_numbers(true)
        .value_name(if is_boolean { "BOOL" } else { "VALUE" });
    // A bare `--cache-metrics-enabled` means true.
    if is_boolean { argument.num_args(0..=1).default_missing_value("true") } else { argument }
}

fn heading(variable: &Variable) -> &'static str {
    if variable.name.starts_with("RINGHOLD_") { "Process" } else { "Settings" }
}
