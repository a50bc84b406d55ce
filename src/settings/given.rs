//! The layers that a value may come from, and which of them wins.

use std::{collections::BTreeMap, fmt, path::Path};

use super::{
    fault::{Fault, Faults},
    variables::{VARIABLES, Variable},
};

/// The file that is read when none is named.
pub(crate) const ENV_FILE: &str = ".env";

/// What was given for every variable that was given at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    values: BTreeMap<&'static str, (String, Origin)>,
    /// What a person should know that does not stop the start.
    pub(crate) warnings: Vec<String>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody gave one.
    Default,
    /// The file of that name.
    File(String),
    /// The environment.
    Environment,
    /// A flag.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Environment => f.write_str("environment"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

impl Given {
    /// Gathers the layers of this process: `.env` in the working folder (or `env_file`, which must exist), the
    /// environment, and `flags` by variable name.
    pub(crate) fn gather(env_file: Option<&Path>, flags: &BTreeMap<&'static str, String>) -> Result<Self, Faults> {
        let mut given = Self::default();
        match env_file {
            Some(path) => given.add_file(path)?,
            None if Path::new(ENV_FILE).is_file() => given.add_file(Path::new(ENV_FILE))?,
            None => {}
        }
        given.add_environment(std::env::vars_os().filter_map(|(name, value)| {
            // A name that is not UTF-8 is none of ours; a value that is not is shown as far as it goes and fails.
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }));
        given.add_flags(flags);
        Ok(given)
    }

    /// Adds the variables of an `.env` file. A line that cannot be read, or a `CACHE_` variable that does not exist, is a fault.
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<(), Faults> {
        let shown = path.display().to_string();
        let lines = dotenvy::from_path_iter(path).map_err(|error| {
            Faults::from(Fault::new("--env-file", &shown, "a file that can be read", &Origin::Flag).because(&error))
        })?;
        let mut faults = Vec::new();
        for line in lines {
            match line {
                Ok((name, value)) => self.add_from_file(name, value, &shown, &mut faults),
                Err(error) => faults.push(unreadable(&error, &shown)),
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    fn add_from_file(&mut self, name: String, value: String, file: &str, faults: &mut Vec<Fault>) {
        let origin = Origin::File(file.to_owned());
        match Variable::named(&name) {
            Some(variable) => self.add(variable, value, origin),
            None if is_ours(&name) => faults.push(Fault::new(&name, &value, &no_such(&name), &origin)),
            None => {}
        }
    }

    /// Adds the variables of an environment; a `CACHE_` variable that does not exist is only warned about, because the
    /// environment belongs to others as well.
    pub(crate) fn add_environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (name, value) in variables {
            match Variable::named(&name) {
                Some(variable) => self.add(variable, value, Origin::Environment),
                None if is_ours(&name) => {
                    self.warnings.push(format!("{name} in the environment is {}", no_such(&name)))
                }
                None => {}
            }
        }
    }

    /// Adds flags, by the name of their variable.
    pub(crate) fn add_flags(&mut self, flags: &BTreeMap<&'static str, String>) {
        for (name, value) in flags {
            if let Some(variable) = Variable::named(name) {
                self.add(variable, value.clone(), Origin::Flag);
            }
        }
    }

    /// An empty value is as good as none: `REDIS_PASSWORD=` and the `${NAME:-}` of compose files mean "not set".
    fn add(&mut self, variable: &'static Variable, value: String, origin: Origin) {
        if !value.is_empty() {
            self.values.insert(variable.name, (value, origin));
        }
    }

    /// The value that counts, and where it comes from.
    pub(crate) fn get(&self, variable: &'static Variable) -> (&str, Origin) {
        match self.values.get(variable.name) {
            Some((value, origin)) => (value, origin.clone()),
            None => (variable.default, Origin::Default),
        }
    }
}

fn unreadable(error: &dotenvy::Error, file: &str) -> Fault {
    let origin = Origin::File(file.to_owned());
    match error {
        // The line is not shown: it may hold a secret.
        dotenvy::Error::LineParse(line, at) => {
            let name = line.split('=').next().unwrap_or_default().trim();
            Fault::new(name, "", &format!("NAME=value; the line cannot be read at byte {at}"), &origin)
        }
        other => Fault::new(file, "", "lines of NAME=value", &origin).because(other),
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with("CACHE_")
}

fn no_such(name: &str) -> String {
    match nearest(name) {
        Some(other) => format!("no setting of ringhold; did you mean {other}?"),
        None => "no setting of ringhold; `ringhold settings` lists them".to_owned(),
    }
}

/// The variable whose name differs by at most three letters.
fn nearest(name: &str) -> Option<&'static str> {
    let distances = VARIABLES.iter().map(|variable| (distance(name, variable.name), variable.name));
    distances.min().filter(|(distance, _)| *distance <= 3).map(|(_, name)| name)
}

/// Edit distance: letters to add, drop or change.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, left) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, right) in other.bytes().enumerate() {
            let changed = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> &'static Variable {
        Variable::named(name).unwrap()
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.env");
        std::fs::write(&file, "CACHE_MAX_ITEMS=1\nCACHE_MAX_MEMORY=1\nCACHE_MAX_TTL=1\nUNRELATED=1\n").unwrap();
        let mut given = Given::default();
        given.add_file(&file).unwrap();
        given.add_environment(
            [("CACHE_MAX_ITEMS", "2"), ("CACHE_MAX_MEMORY", "2")]
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .into_iter(),
        );
        given.add_flags(&BTreeMap::from([("CACHE_MAX_ITEMS", "3".to_owned())]));

        assert_eq!(given.get(variable("CACHE_MAX_ITEMS")), ("3", Origin::Flag));
        assert_eq!(given.get(variable("CACHE_MAX_MEMORY")), ("2", Origin::Environment));
        assert_eq!(given.get(variable("CACHE_MAX_TTL")), ("1", Origin::File(file.display().to_string())));
        assert_eq!(given.get(variable("PORT")), ("8000", Origin::Default));
    }

    #[test]
    fn an_empty_value_is_not_set() {
        let mut given = Given::default();
        given.add_environment([("PORT".to_owned(), String::new())].into_iter());
        assert_eq!(given.get(variable("PORT")), ("8000", Origin::Default));
    }

    #[test]
    fn a_misspelt_variable_is_refused_in_a_file_and_warned_about_in_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.env");
        std::fs::write(&file, "CACHE_MAX_ITEM=1\nCACHE_NOT_A_THING_AT_ALL=1\n").unwrap();
        let faults = Given::default().add_file(&file).unwrap_err().to_string();
        assert!(faults.contains("did you mean CACHE_MAX_ITEMS?"), "{faults}");
        assert!(faults.contains("CACHE_NOT_A_THING_AT_ALL"), "{faults}");

        let mut given = Given::default();
        given.add_environment([("CACHE_MAX_ITEM".to_owned(), "1".to_owned())].into_iter());
        assert!(given.warnings[0].contains("did you mean CACHE_MAX_ITEMS?"), "{:?}", given.warnings);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_without_its_value() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.env");
        std::fs::write(&file, "REDIS_PASSWORD='secret\nPORT=9000\n").unwrap();
        let faults = Given::default().add_file(&file).unwrap_err().to_string();
        assert!(faults.contains("REDIS_PASSWORD") && !faults.contains("secret"), "{faults}");
    }

    #[test]
    fn a_named_file_must_exist() {
        let faults = Given::default().add_file(Path::new("/nowhere/at/all.env")).unwrap_err().to_string();
        assert!(faults.contains("--env-file") && faults.contains("/nowhere/at/all.env"), "{faults}");
    }
}
