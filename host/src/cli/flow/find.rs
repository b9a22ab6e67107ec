//! Which flow is meant: by its id, by its name, or by its plugin, where only one has it.

use hookyard_egress::api_client::ApiClient;
use serde_json::Value;

use crate::cli::failure::{Exit, Failure};
use crate::cli::tenant::text;

pub(super) const FLOWS: &str = "/api/v1/flows";
/// Pages that are looked at: more flows than a tenant may have.
const PAGES_MAX: usize = 20;

/// The path of the flow that is meant.
pub(super) async fn path(client: &ApiClient, meant: &str) -> Result<String, Failure> {
    if meant.starts_with("flow_") {
        return Ok(format!("{FLOWS}/{meant}"));
    }
    let mut cursor: Option<String> = None;
    let (mut named, mut of_plugin) = (Vec::new(), Vec::new());
    for _ in 0..PAGES_MAX {
        let page = ("limit", "250");
        let query: Vec<_> = std::iter::once(page).chain(cursor.as_deref().map(|at| ("cursor", at))).collect();
        let page = client.get(FLOWS, &query).await?;
        for flow in page.get("data").and_then(Value::as_array).into_iter().flatten() {
            let id = text(flow, "id").to_owned();
            if text(flow, "name") == meant {
                named.push(id);
            } else if text(flow, "plugin") == meant {
                of_plugin.push(id);
            }
        }
        cursor = page.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let found = if named.is_empty() { &of_plugin } else { &named };
    one(meant, found).map(|id| format!("{FLOWS}/{id}"))
}

fn one(meant: &str, found: &[String]) -> Result<String, Failure> {
    match found {
        [id] => Ok(id.clone()),
        [] => {
            Err(Failure::new(Exit::NotFound, format!("there is no flow `{meant}`"))
                .fix("hookyard flow list shows them"))
        }
        several => Err(Failure::usage(format!("{} flows are called `{meant}`", several.len()))
            .fix(format!("name the one that you mean by its id: {}", several.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_flow_where_only_one_has_it() {
        assert_eq!(one("a", &["flow_1".to_owned()]).unwrap(), "flow_1");
        assert_eq!(one("a", &[]).unwrap_err().exit, Exit::NotFound);
        let several = one("a", &["flow_1".to_owned(), "flow_2".to_owned()]).unwrap_err();
        assert!(several.exit == Exit::Usage && several.fix.unwrap().contains("flow_1, flow_2"));
    }
}
