"""One person's details, in the same shape whatever the source.

`Lead.from_fields` makes a lead of a form's answers by the well-known names of their fields. Values stay as the person
typed them; making an E.164 number out of a phone number, or two names out of one, is the host's work, and is the same
for every provider.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from ._check import Check, expected, flag, instant, many, maybe, record, text


class Field(NamedTuple):
    """A form's answer. Repeated names are repeated fields. A pair of texts does as well."""

    name: str
    value: str


class Consent(NamedTuple):
    """What a person agreed to, by the form's own key of the box."""

    key: str
    given: bool


@dataclass
class Lead:
    """A lead, as providers give it and flows and destinations see it."""

    provider_lead_id: str = ""
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    phone_number: str | None = None
    company: str | None = None
    #: Every answer as the provider gave it.
    raw_field_data: list[Field] = field(default_factory=list)
    #: Answers that are none of the above, by the form's own question keys.
    custom_fields: list[Field] = field(default_factory=list)
    form_id: str | None = None
    campaign_id: str | None = None
    ad_id: str | None = None
    created_at: datetime | None = None
    consents: list[Consent] = field(default_factory=list)
    #: Sent by the provider's own test tool.
    is_test: bool = False

    def custom(self, name: str) -> str | None:
        """The first custom field of this name."""
        return next((value for key, value in self.custom_fields if key == name), None)

    @classmethod
    def from_fields(cls, provider_lead_id: str, fields: Iterable[tuple[str, str]]) -> Lead:
        """A lead out of a form's answers; an answer with several values comes as several fields of one name.

        The first value that is not blank takes its place. The work address and number stand in where there are no
        others. What has no place, further values included, becomes a custom field under the form's own key, and
        `raw_field_data` keeps everything in order. Ids, times and consents are the caller's to add.
        """
        lead = cls(provider_lead_id=provider_lead_id)
        stand_ins: dict[str, str] = {}
        for name, value in fields:
            lead.raw_field_data.append(Field(name, value))
            key = name.strip().lower().replace(" ", "_").replace("-", "_")
            trimmed = value.strip()
            if not trimmed:
                continue
            place = _PLACES.get(key)
            if place is not None:
                if getattr(lead, place) is None:
                    setattr(lead, place, trimmed)
                if getattr(lead, place) == trimmed:
                    continue
            elif key in _STAND_INS:
                # Kept as custom fields, too: a work address is no home address.
                stand_ins.setdefault(_STAND_INS[key], trimmed)
            lead.custom_fields.append(Field(name, value))
        for place, value in stand_ins.items():
            if getattr(lead, place) is None:
                setattr(lead, place, value)
        return lead


_PLACES: Final = {
    "email": "email",
    "e_mail": "email",
    "email_address": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "full_name": "full_name",
    "name": "full_name",
    "phone_number": "phone_number",
    "phone": "phone_number",
    "phone_number_verified": "phone_number",
    "company_name": "company",
    "company": "company",
}
_STAND_INS: Final = {"work_email": "email", "work_phone_number": "phone_number", "work_phone": "phone_number"}


def _pair(value: object, path: str, what: str) -> tuple[object, object]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise expected(value, path, what)
    return value[0], value[1]


def _field(value: object, path: str) -> Field:
    name, answer = _pair(value, path, "a pair of name and value")
    return Field(text(name, f"{path}.name"), text(answer, f"{path}.value"))


def _consent(value: object, path: str) -> Consent:
    key, given = _pair(value, path, "a pair of key and True or False")
    return Consent(text(key, f"{path}.key"), flag(given, f"{path}.given"))


#: Checks a lead before it leaves.
LEAD: Final[Check] = record(
    Lead,
    provider_lead_id=text,
    email=maybe(text),
    first_name=maybe(text),
    last_name=maybe(text),
    full_name=maybe(text),
    phone_number=maybe(text),
    company=maybe(text),
    raw_field_data=many(_field),
    custom_fields=many(_field),
    form_id=maybe(text),
    campaign_id=maybe(text),
    ad_id=maybe(text),
    created_at=maybe(instant),
    consents=many(_consent),
    is_test=flag,
)
