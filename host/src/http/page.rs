//! Pages: how every list is read from the first day.
//!
//! A page is `limit` rows and a cursor to the next one. A cursor is the last row's id and a MAC over it, the tenant
//! and the list, so that it can be neither made up nor carried to another list or tenant. Rows that come while one
//! pages are newer than the first page and do not move the rest.

use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use hookyard_model::id::TenantId;
use hookyard_model::limits;
use hookyard_model::proof::{Digest, hmac};
use hookyard_model::secret::Secret;
use hookyard_store::PageRequest;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use utoipa::{IntoParams, ToSchema};

use crate::http::Api;
use crate::http::problem::Problem;

const MAC_BYTES: usize = 12;

/// The part of a query that says which page.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows of the page, from 1 to 250; 50 where it is not said.
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows, newest first.
    pub data: Vec<T>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// A list that is being paged: its name is part of its cursors.
pub struct Paging<'a> {
    api: &'a Api,
    list: &'static str,
    tenant: Option<TenantId>,
    limit: u32,
}

impl<'a> Paging<'a> {
    /// Reads which page of `list` is wanted. The store is asked for one row more than is shown, which tells whether
    /// there is a next page.
    ///
    /// # Errors
    /// 400 where limit or cursor cannot be.
    pub fn read<I: FromStr>(
        api: &'a Api,
        list: &'static str,
        tenant: Option<TenantId>,
        query: &PageQuery,
    ) -> Result<(Self, PageRequest<I>), Problem> {
        let limit = query.limit.unwrap_or(limits::PAGE_DEFAULT);
        if !(1..=limits::PAGE_MAX).contains(&limit) {
            let detail = format!("`limit` is a number from 1 to {}", limits::PAGE_MAX);
            return Err(Problem::bad_request(detail).about("limit"));
        }
        let paging = Self { api, list, tenant, limit };
        let after = query.cursor.as_deref().map(|cursor| paging.open(cursor)).transpose()?;
        Ok((paging, PageRequest { after, limit: limit + 1 }))
    }

    /// Makes the page of what the store gave.
    ///
    /// # Errors
    /// None that a caller could cause.
    pub fn page<R, T>(
        self,
        mut rows: Vec<R>,
        id: impl Fn(&R) -> String,
        show: impl Fn(R) -> T,
    ) -> Result<Page<T>, Problem> {
        let shown = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > shown;
        rows.truncate(shown);
        let next_cursor = match rows.last() {
            Some(last) if more => Some(self.seal(&id(last))?),
            Some(_) | None => None,
        };
        Ok(Page { data: rows.into_iter().map(show).collect(), next_cursor })
    }

    fn open<I: FromStr>(&self, cursor: &str) -> Result<I, Problem> {
        let bad = || Problem::bad_request("this cursor is not one of this list's: begin without one").about("cursor");
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| bad())?;
        let (mac, id) = bytes.split_at_checked(MAC_BYTES).ok_or_else(bad)?;
        let id = std::str::from_utf8(id).map_err(|_| bad())?;
        if !bool::from(self.mac(id)?.ct_eq(mac)) {
            return Err(bad());
        }
        id.parse().map_err(|_| bad())
    }

    fn seal(&self, id: &str) -> Result<String, Problem> {
        let mut bytes = self.mac(id)?;
        bytes.extend_from_slice(id.as_bytes());
        Ok(BASE64URL_NOPAD.encode(&bytes))
    }

    fn mac(&self, id: &str) -> Result<Vec<u8>, Problem> {
        let key = Secret::from_bytes(self.api.cursor_key.to_vec()).map_err(|_| Problem::internal())?;
        let tenant = self.tenant.map_or_else(String::new, |tenant| tenant.text());
        let mut mac = hmac(Digest::Sha256, &key, format!("{}\0{tenant}\0{id}", self.list).as_bytes());
        mac.truncate(MAC_BYTES);
        Ok(mac)
    }
}
