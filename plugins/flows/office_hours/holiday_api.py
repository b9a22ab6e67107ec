"""Public holidays, as an API says them, remembered under their country and year.

`holidays.example.com` does not exist: it stands for the API that you use. Put its host, its request and its answer in
here; nothing else knows them.

Each country and year is asked for until one run ends well with the answer, and never again. A 404 is an answer, too:
there are none.
"""

from datetime import date

from hookyard import fetch, state

HOST = "holidays.example.com"


def days_of(country: str, year: int) -> set[date]:
    """The holidays of a country in a year."""
    key = f"holidays/{country}/{year}"
    days = state.get_json(key)
    if days is None:
        days = look_up(country, year)
        state.set_json(key, days)
    return {date.fromisoformat(day) for day in days}


def look_up(country: str, year: int) -> list[str]:
    """What the API says: `[{"date": "2026-01-01", "name": "New Year's Day"}, …]`."""
    answer = fetch(f"https://{HOST}/v1/{country}/{year}", headers={"accept": "application/json"})
    if answer.status == 404:
        return []
    return [holiday["date"] for holiday in answer.raise_for_status().json()]
