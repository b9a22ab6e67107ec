"""Between the author's types and those that the toolchain makes of the contract.

By hand, field for field, so that the two may differ. What comes here outbound has been checked already; what comes
inbound is the host's. Nothing else of the SDK names a generated type of these interfaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NoReturn

from componentize_py_types import Err
from wit_world.imports import log, manifests, types

from .._check import json_text, json_value
from .._event import Event, Inbound
from .._failure import AuthorName, Retry, Unauthorized, frames, is_chosen, sentence, settled
from .._http import Headers, Request, Response
from .._instant import from_ms, to_ms
from .._lead import Consent, Field, Lead
from .._manifest import Credential, OAuth, Secret


def answered(call: Callable[[], Any], author_name: AuthorName) -> Any:
    """What the call gives; a failure of the contract where it raises."""
    try:
        return call()
    except MemoryError:
        # The limit is the host's to name.
        raise
    except BaseException as error:
        failure = _failure(error, author_name)
    raise Err(failure)


def _failure(error: BaseException, author_name: AuthorName) -> types.Failure:
    report(error, author_name)
    settlement = settled(error, author_name)
    if isinstance(settlement, Retry):
        return types.Failure_Retry(types.RetryLater(settlement.reason, settlement.after_ms))
    if isinstance(settlement, Unauthorized):
        return types.Failure_Unauthorized(settlement.reason)
    return types.Failure_Permanent(settlement.reason)


def report(error: BaseException, author_name: AuthorName) -> None:
    """Writes the author's lines that led to an exception to the run's log, where nobody chose the words."""
    lines = frames(error, author_name)
    if not is_chosen(error) and len(lines) > 1:
        # The outermost and the innermost of a long recursion tell enough.
        shown = lines if len(lines) <= 20 else [*lines[:10], f"… {len(lines) - 20} more …", *lines[-10:]]
        log.write(log.Level.ERROR, "\n  ".join([sentence(error, author_name), *shown]))


def fields(pairs: Iterable[tuple[str, str]]) -> list[types.Field]:
    return [types.Field(name, value) for name, value in pairs]


def settings(text: str) -> Any:
    return json_value(text, "the settings")


def event(given: types.Event) -> Event:
    return Event(
        id=given.id,
        event_type=given.event_type,
        provider=given.provider,
        account_id=given.account_id,
        occurred_at=from_ms(given.occurred_at),
        lead_id=given.lead_id,
        data=json_value(given.data, "the event's data"),
    )


def inbound(given: types.Inbound) -> Inbound:
    return Inbound(
        event_type=given.event_type,
        payload=json_value(given.payload, "the event's payload"),
        account_key=given.account_key,
        event_id=given.event_id,
        occurred_at=_maybe(from_ms, given.occurred_at),
    )


def to_inbound(one: Inbound) -> types.Inbound:
    return types.Inbound(
        event_type=one.event_type,
        account_key=one.account_key,
        event_id=one.event_id,
        occurred_at=_ms(one.occurred_at),
        payload=json_text(one.payload, "payload"),
    )


def lead(given: types.Lead) -> Lead:
    return Lead(
        provider_lead_id=given.provider_lead_id,
        email=given.email,
        first_name=given.first_name,
        last_name=given.last_name,
        full_name=given.full_name,
        phone_number=given.phone_number,
        company=given.company,
        raw_field_data=[Field(one.name, one.value) for one in given.raw_field_data],
        custom_fields=[Field(one.name, one.value) for one in given.custom_fields],
        form_id=given.form_id,
        campaign_id=given.campaign_id,
        ad_id=given.ad_id,
        created_at=_maybe(from_ms, given.created_at),
        consents=[Consent(one.key, one.given) for one in given.consents],
        is_test=given.is_test,
    )


def to_lead(one: Lead) -> types.Lead:
    return types.Lead(
        provider_lead_id=one.provider_lead_id,
        email=one.email,
        first_name=one.first_name,
        last_name=one.last_name,
        full_name=one.full_name,
        phone_number=one.phone_number,
        company=one.company,
        raw_field_data=fields(one.raw_field_data),
        custom_fields=fields(one.custom_fields),
        form_id=one.form_id,
        campaign_id=one.campaign_id,
        ad_id=one.ad_id,
        created_at=_ms(one.created_at),
        consents=[types.Consent(consent.key, consent.given) for consent in one.consents],
        is_test=one.is_test,
    )


def request(given: types.HttpRequest) -> Request:
    return Request(given.method, given.url, Headers((one.name, one.value) for one in given.headers), given.body)


def to_response(one: Response) -> types.HttpResponse:
    return types.HttpResponse(one.status, fields(one.headers.fields), one.body)


def credential_spec(one: Credential) -> manifests.CredentialSpec:
    return manifests.CredentialSpec(
        name=one.name,
        summary=one.summary,
        attach=_attachment(one),
        proof=None if one.proof is None else manifests.CredentialProof(*one.proof),
    )


def secret_spec(one: Secret) -> manifests.SecretSpec:
    scope = manifests.Scope[one.scope.upper()]
    return manifests.SecretSpec(one.name, scope, manifests.SecretFormat[one.format.upper()], one.summary)


def oauth_spec(one: OAuth | None) -> manifests.OauthSpec | None:
    if one is None:
        return None
    return manifests.OauthSpec(
        authorize_url=one.authorize_url,
        token_url=one.token_url,
        scopes=list(one.scopes),
        credential=one.credential,
        token_request=manifests.TokenRequest[one.token_request.upper()],
        keeps=list(one.keeps),
    )


def _attachment(one: Credential) -> manifests.Attachment:
    match one.attach:
        case "bearer":
            return manifests.Attachment_Bearer()
        case "basic":
            return manifests.Attachment_Basic()
        case "query":
            return manifests.Attachment_Query(one.place)
        case "header":
            return manifests.Attachment_Header(manifests.HeaderPlace(one.place, one.prefix))
    _unreachable(one.attach)


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else to_ms(instant)


def _maybe(function: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else function(value)


def _unreachable(value: object) -> NoReturn:
    raise TypeError(f"{value!r} was checked, and is not known")
