//! A page of the past, for polls and imports.
//!
//! Meta lists leads form by form, newest first. Where the query names a form, the cursor is Meta's own `after`.
//! Where it names none (a poll of the whole page), the cursor also remembers the form being read and how far the
//! list of forms was: `forms=…&form=…&leads=…`. Meta's `paging.next` is a URL with the token in it: it is looked at
//! to learn that there is more, and never kept.

use hookyard_sdk::{Failure, Inbound, Page, PageQuery, form, http, json, log, time};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::LEADGEN;
use crate::graph::{self, Graph};

/// More leads than this would not fit the output that a guest may return.
const LEADS_MAX: u32 = 250;

#[derive(Deserialize)]
struct Listing {
    data: Vec<Box<RawValue>>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    cursors: Option<Cursors>,
    next: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

/// Where a walk over all forms of a page stands.
#[derive(Default)]
struct Walk {
    /// The form being read; none where the next is to be found first.
    form: Option<String>,
    leads_after: Option<String>,
    forms_after: Option<String>,
    is_last_form: bool,
}

#[derive(Deserialize)]
struct Item {
    #[serde(deserialize_with = "json::id")]
    id: String,
    #[serde(default)]
    created_time: String,
}

pub(crate) fn list_page(query: &PageQuery, settings: &str) -> Result<Page, Failure> {
    let graph = Graph::open(settings)?;
    match &query.form_id {
        Some(form_id) => {
            let (items, next) = leads(&graph, query, form_id, query.cursor.as_deref())?;
            Ok(Page { items, next, total: None })
        }
        None => walk(&graph, query),
    }
}

/// The leads of whichever form is next.
fn walk(graph: &Graph, query: &PageQuery) -> Result<Page, Failure> {
    let mut walk = Walk::parse(query.cursor.as_deref());
    let form_id = match walk.form.take() {
        Some(form_id) => form_id,
        None => match next_form(graph, &query.account_key, &mut walk)? {
            Some(form_id) => form_id,
            None => return Ok(Page { items: Vec::new(), next: None, total: None }),
        },
    };
    let (items, leads_after) = leads(graph, query, &form_id, walk.leads_after.as_deref())?;
    let next = match leads_after {
        Some(_) => Some(Walk { form: Some(form_id), leads_after, ..walk }.text()),
        None if walk.is_last_form => None,
        None => Some(Walk { form: None, leads_after: None, ..walk }.text()),
    };
    Ok(Page { items, next, total: None })
}

fn next_form(graph: &Graph, page_id: &str, walk: &mut Walk) -> Result<Option<String>, Failure> {
    let request = graph.get(page_id, "leadgen_forms", "id")?.query("limit", "1");
    let listing = list(after(request, walk.forms_after.as_deref()))?;
    walk.forms_after = listing.next();
    walk.is_last_form = walk.forms_after.is_none();
    let form = listing.data.first();
    let form: Option<Item> = form.map(|form| serde_json::from_str(form.get())).transpose()?;
    Ok(form.map(|form| form.id))
}

/// The leads of one form, and where the rest begins.
fn leads(
    graph: &Graph,
    query: &PageQuery,
    form_id: &str,
    cursor: Option<&str>,
) -> Result<(Vec<Inbound>, Option<String>), Failure> {
    let limit = query.limit.clamp(1, LEADS_MAX);
    let mut request = graph.get(form_id, "leads", graph::LEAD_FIELDS)?.query("limit", &limit.to_string());
    if let Some(since) = query.since {
        request = request.query("filtering", &created_since(since));
    }
    let listing = list(after(request, cursor))?;
    let items = listing.data.iter().filter_map(|lead| item(lead, query)).collect();
    Ok((items, listing.next()))
}

/// Whole seconds, and the boundary included: a lead seen twice is dropped, one never seen is lost.
fn created_since(since: hookyard_sdk::Instant) -> String {
    let seconds = since / 1000;
    format!(r#"[{{"field":"time_created","operator":"GREATER_THAN_OR_EQUAL","value":{seconds}}}]"#)
}

fn after(request: http::Request, cursor: Option<&str>) -> http::Request {
    match cursor {
        Some(cursor) => request.query("after", cursor),
        None => request,
    }
}

fn list(request: http::Request) -> Result<Listing, Failure> {
    let response = graph::answer(request)?;
    response.json().map_err(|error| Failure::permanent(format!("Meta's list cannot be read: {}", json::reason(&error))))
}

/// One that cannot be read costs only itself: failing here would end the import for good.
fn item(lead: &RawValue, query: &PageQuery) -> Option<Inbound> {
    match serde_json::from_str::<Item>(lead.get()) {
        Ok(Item { id, created_time }) => Some(Inbound {
            event_type: LEADGEN.to_owned(),
            account_key: Some(query.account_key.clone()),
            event_id: Some(id),
            occurred_at: time::parse(&created_time),
            payload: lead.get().to_owned(),
        }),
        Err(error) => {
            log::warn(format_args!("skipped a lead that cannot be read: {}", json::reason(&error)));
            None
        }
    }
}

impl Listing {
    /// Meta gives a cursor even on the last page; only `paging.next` says that there is another.
    fn next(&self) -> Option<String> {
        let paging = self.paging.as_ref().filter(|paging| paging.next.is_some())?;
        paging.cursors.as_ref()?.after.clone()
    }
}

impl Walk {
    fn parse(cursor: Option<&str>) -> Self {
        let mut walk = Self::default();
        for field in form::parse(cursor.unwrap_or_default()) {
            match field.name.as_str() {
                "form" => walk.form = Some(field.value),
                "leads" => walk.leads_after = Some(field.value),
                "forms" => walk.forms_after = Some(field.value),
                _ => {}
            }
        }
        walk.is_last_form = walk.form.is_some() && walk.forms_after.is_none();
        walk
    }

    fn text(&self) -> String {
        let parts = [("form", &self.form), ("leads", &self.leads_after), ("forms", &self.forms_after)];
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", form::encode(value.as_ref()?))))
            .collect();
        parts.join("&")
    }
}
