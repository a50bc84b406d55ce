//! `settings`: what counts, and where it comes from. Needs no router.

use serde_json::json;

use crate::{
    cli::Output,
    failure::Failure,
    output::{print_line, table},
    settings::{Given, build, rows},
};

/// Prints every setting, then says what is wrong or without effect.
pub(crate) fn show(given: &Given, output: Output) -> Result<(), Failure> {
    let rows = rows(given);
    match output {
        Output::Json => {
            let settings: Vec<_> = rows
                .iter()
                .map(|row| json!({"name": row.variable.name, "value": row.value, "origin": row.origin, "help": row.variable.help}))
                .collect();
            print_line(&json!({ "settings": settings }).to_string())?;
        }
        Output::Table => {
            let cells = rows.iter().map(|row| {
                let value = if row.value.is_empty() { "-" } else { &row.value };
                vec![row.variable.name.to_owned(), value.to_owned(), row.origin.clone(), row.variable.help.to_owned()]
            });
            print_line(&table(&["variable", "value", "origin", "meaning"], cells.collect()))?;
        }
    }
    let settings = build(given).map_err(|faults| Failure::Usage(faults.into()))?;
    for warning in settings.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(())
}
