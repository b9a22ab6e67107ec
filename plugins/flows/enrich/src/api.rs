//! The company directory: what it is asked, and what its answers mean.
//!
//! It stands for any such API. To use another, change the host, the two requests and the two answers; the rest of the
//! flow knows only `Company`.

use hookyard_sdk::{Failure, HttpResponse, form, http, json};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What the manifest asks for, and the operator or tenant grants.
pub(crate) const HOST: &str = "api.companies.example";
/// The credential that the host attaches; its value is never seen here.
pub(crate) const KEY: &str = "api_key";

/// What is known of a company. Remembered as it is.
#[derive(Serialize, Deserialize)]
pub(crate) struct Company {
    #[serde(deserialize_with = "json::id")]
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    /// "51-200".
    pub(crate) size: Option<String>,
    pub(crate) industry: Option<String>,
}

#[derive(Deserialize)]
struct People {
    items: Vec<Person>,
}

#[derive(Deserialize)]
struct Person {
    name: String,
}

/// The company with this domain, where the directory has one.
pub(crate) fn company(domain: &str) -> Result<Option<Company>, Failure> {
    get(http::get(format!("https://{HOST}/v1/companies")).query("domain", domain))
}

/// Who looks after the company, where anybody does.
pub(crate) fn owner(company_id: &str) -> Result<Option<String>, Failure> {
    let url = format!("https://{HOST}/v1/companies/{}/people", form::encode(company_id));
    let people: Option<People> = get(http::get(url).query("limit", "1"))?;
    Ok(people.and_then(|people| people.items.into_iter().next()).map(|person| person.name))
}

/// An answer in the shape that is asked for; nothing where there is no such thing.
fn get<T: DeserializeOwned>(request: http::Request) -> Result<Option<T>, Failure> {
    let response = request.header("accept", "application/json").credential(KEY).send()?;
    if response.status == 404 {
        return Ok(None);
    }
    read(&response.or_failure("the company directory")?).map(Some)
}

fn read<T: DeserializeOwned>(response: &HttpResponse) -> Result<T, Failure> {
    response.json().map_err(|error| {
        Failure::permanent(format!("the company directory's answer cannot be read: {}", json::reason(&error)))
    })
}
