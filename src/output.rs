//! Prints answers: tables for people, or the JSON as it came.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::value::RawValue;

use crate::{failure::Failure, fields::Fields};

/// Writes to standard output; a reader that has gone ends the command quietly.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::of_output)
}

/// The same with a line end.
pub(crate) fn print_line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}

/// An object for people: its plain fields as a table of two columns, each list of objects as a table of its own.
pub(crate) fn describe(object: &Fields<'_>) -> String {
    let mut rows = Vec::new();
    let mut lists = Vec::new();
    flatten("", object, &mut rows, &mut lists);
    let mut parts = Vec::new();
    if !rows.is_empty() {
        parts.push(pairs(rows));
    }
    for (name, items) in lists {
        parts.push(format!("{name}:\n{}", list(&items, &[])));
    }
    parts.join("\n\n")
}

fn flatten<'a>(
    prefix: &str,
    object: &Fields<'a>,
    rows: &mut Vec<(String, String)>,
    lists: &mut Vec<(String, Vec<Fields<'a>>)>,
) {
    for (name, value) in &object.0 {
        let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        if let Some(inner) = Fields::of(value) {
            flatten(&path, &inner, rows, lists);
        } else if let Some(items) = objects(value) {
            lists.push((path, items));
        } else {
            rows.push((path, cell(value)));
        }
    }
}

/// The objects of a list; `None` when it is anything else, an empty list among them.
fn objects(value: &RawValue) -> Option<Vec<Fields<'_>>> {
    let items: Vec<Fields<'_>> = serde_json::from_str(value.get()).ok()?;
    (!items.is_empty()).then_some(items)
}

/// A list of objects with a column for each path of `columns` that any of them has; none named: for each path.
pub(crate) fn list(items: &[Fields<'_>], columns: &[&str]) -> String {
    let rows: Vec<Vec<(String, String)>> = items.iter().map(row).collect();
    let mut paths: Vec<&str> = Vec::new();
    for (path, _) in rows.iter().flatten() {
        if !paths.contains(&path.as_str()) {
            paths.push(path);
        }
    }
    if !columns.is_empty() {
        paths = columns.iter().copied().filter(|column| paths.contains(column)).collect();
    }
    let cell_at =
        |row: &[(String, String)], path: &str| row.iter().find(|(own, _)| own == path).map(|(_, cell)| cell.clone());
    let cells = |row: &Vec<(String, String)>| paths.iter().map(|path| cell_at(row, path).unwrap_or_default()).collect();
    let header: Vec<_> = paths.iter().map(|path| path.strip_prefix("statistics.").unwrap_or(path)).collect();
    table(&header, rows.iter().map(cells).collect())
}

/// Path and text of each field; lists as JSON.
fn row(object: &Fields<'_>) -> Vec<(String, String)> {
    let (mut rows, mut lists) = (Vec::new(), Vec::new());
    flatten("", object, &mut rows, &mut lists);
    rows
}

/// A table with a header.
pub(crate) fn table<H: ToString>(header: &[H], rows: Vec<Vec<String>>) -> String {
    let mut table = plain_table();
    table.set_header(header.iter().map(|name| name.to_string().to_uppercase()));
    table.add_rows(rows);
    trimmed(&table)
}

fn pairs(rows: Vec<(String, String)>) -> String {
    let mut table = plain_table();
    table.add_rows(rows.into_iter().map(|(name, value)| [name, value]));
    trimmed(&table)
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// Without the blanks that pad the last column.
fn trimmed(table: &Table) -> String {
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// A value for people: strings bare, null as a dash, the rest as JSON. Control characters are written as escapes, because
/// what others stored must not steer the terminal.
pub(crate) fn cell(value: &RawValue) -> String {
    match value.get() {
        "null" => "-".to_owned(),
        text => match serde_json::from_str::<String>(text) {
            Ok(string) => escaped(&string),
            Err(_) => text.to_owned(),
        },
    }
}

/// `text` without anything that steers the terminal.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        describe(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn an_object_is_shown_as_pairs_and_its_lists_as_tables() {
        let text = shown(
            r#"{"leader": 1, "ranges": {"ok": 3}, "none": [], "nodes": [{"id": 1}, {"id": 2, "at": {"zone": "eu"}}]}"#,
        );
        assert_eq!(text, " leader     1\n ranges.ok  3\n none       []\n\nnodes:\n ID  AT.ZONE\n 1\n 2   eu", "{text}");
    }

    #[test]
    fn cells_show_numbers_as_they_came_and_strings_bare() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        for (json, text) in
            [("1.50", "1.50"), ("\"a\"", "a"), ("null", "-"), ("[1]", "[1]"), ("\"a\\u001b[2J\"", "a\\u{1b}[2J")]
        {
            assert_eq!(cell(&raw(json)), text);
        }
    }
}
