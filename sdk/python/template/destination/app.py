"""The destination `{{name}}`: brings a CRM to hold a lead.

`push` is called again after a failure whose outcome is unknown, and when the lead has changed. So it updates what an
earlier call wrote, which `order.previous` names, and never writes twice.
"""

from hookyard import Credential, Order, Receipt, destination, fetch


@destination(
    id="{{name}}",
    name="{{name}}",
    version="0.1.0",
    summary="Contacts of a CRM.",
    hosts=["api.example.com"],
    credentials=[Credential.bearer("api_key", "Settings > API keys.")],
    fields=["email", "name", "phone"],
)
def push(order: Order) -> Receipt:
    """Writes the lead, and says where it is now."""
    contact = {"email": order.lead.email, "name": order.lead.full_name, "phone": order.lead.phone_number}
    if order.previous is None:
        # The key makes a second call find what the first one wrote.
        answer = fetch(
            "https://api.example.com/contacts",
            "POST",
            json=contact,
            headers={"idempotency-key": order.lead_id},
            credentials=["api_key"],
        )
    else:
        url = f"https://api.example.com/contacts/{order.previous.external_id}"
        answer = fetch(url, "PUT", json=contact, credentials=["api_key"])
    created = answer.raise_for_status().json()
    return Receipt(str(created["id"]), created.get("url"))
