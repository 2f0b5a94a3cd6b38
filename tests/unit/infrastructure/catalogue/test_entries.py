"""From text to an Integration; every fault of a file is told, with its line."""

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.integrations.authentication import AuthScheme
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.infrastructure.catalogue.entries import parse_entry

VALID = """\
name: pay
title: Pay
category: business_ops
agents: 2
origin: platform
documentation: https://docs.pay.example/api
credentials:
  api_key: {pattern: "sk_[a-z]{4,}", description: sk_ and more}
  region:
    secret: false
    values: {eu: {host: api.eu.example}, us: {host: api.us.example}}
  account: {required: false, secret: false}
base_urls: {default: "https://{region.host}/v1", files: "https://files.{region}.example"}
auth: {scheme: bearer, uses: {token: api_key}}
headers: {X-Account: "{account}"}
rate_limit: {requests: 10, window: 1m, burst: 5}
retries: 1
"""
VARIANTS = """\
name: pay
title: Pay
category: business_ops
agents: 1
origin: project
credentials: {shared: {}}
base_urls: {default: "https://api.pay.example"}
headers: {X-All: "1"}
variants:
  oauth:
    credentials: {client_id: {secret: false}, client_secret: {}, refresh_token: {}}
    auth: {scheme: oauth2_refresh_token, token_url: "https://id.pay.example/token"}
    headers: {X-One: "1"}
  api_key:
    credentials: {key: {}}
    auth: {scheme: api_key_query, parameter: k}
    write_auth: {scheme: api_key_header, header: X-Key, prefix: "Key "}
    base_urls: {default: "https://keys.pay.example"}
"""


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse_entry(text, "pay")
    return list(caught.value.faults)


def test_an_entry():
    entry = parse_entry(VALID, "pay")
    assert (entry.name, entry.title, entry.category, entry.agents) == ("pay", "Pay", "business_ops", 2)
    assert entry.documentation == "https://docs.pay.example/api"
    assert (entry.rate_limit, entry.retries) == (RateLimit(10, 60.0, 5), 1)
    (only,) = entry.variants
    assert only.name == "default"
    assert only.required_fields() == ("api_key", "region")
    assert [(field.name, field.secret) for field in only.fields] == [
        ("api_key", True),
        ("region", False),
        ("account", False),
    ]
    assert only.fields[1].values["us"] == {"host": "api.us.example"}
    assert only.authentication.parts() == {"token": "api_key"}
    assert only.base_urls["files"] == "https://files.{region}.example"
    assert only.headers == {"X-Account": "{account}"}


def test_what_an_entry_holds_cannot_be_changed():
    (only,) = parse_entry(VALID, "pay").variants
    for mapping in (only.base_urls, only.headers, only.authentication.uses, only.fields[1].values):
        with pytest.raises(TypeError):
            mapping["x"] = "y"


def test_defaults():
    entry = parse_entry("{name: pay, title: P, category: ecommerce, agents: 1, origin: project}", "pay")
    assert (entry.rate_limit, entry.retries, entry.documentation) == (RateLimit(60, 60.0), 3, None)
    assert entry.required_fields() == ()
    assert entry.variants[0].authentication.scheme is AuthScheme.NONE


def test_variants_stand_on_what_they_share():
    oauth, key = parse_entry(VARIANTS, "pay").variants
    assert (oauth.name, key.name) == ("oauth", "api_key")
    assert oauth.required_fields() == ("shared", "client_id", "client_secret", "refresh_token")
    assert key.required_fields() == ("shared", "key")
    assert oauth.headers == {"X-All": "1", "X-One": "1"}
    assert (oauth.base_urls["default"], key.base_urls["default"]) == (
        "https://api.pay.example",
        "https://keys.pay.example",
    )
    assert key.write_authentication is not None
    assert key.write_authentication.settings == {"header": "X-Key", "prefix": "Key "}
    assert oauth.write_authentication is None


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("name: pay", "name: play", '1: name: must be "pay", as the file is called'),
        ("title: Pay\n", "", "1: title: is missing: add it"),
        ("title: Pay", "titel: Pay", "2: titel: is not a known key; did you mean title?"),
        ("title: Pay", "zzz: Pay", "2: zzz: is not a known key"),
        ("title: Pay", "title: yes", "2: title: must be a valid string"),
        ("agents: 2", "agents: 5", "4: agents: must be less than or equal to 4"),
        ("agents: 2", 'agents: "2"', "4: agents: must be a valid integer"),
        ("business_ops", "business", "3: category: must be 'social_media', 'ai_providers'"),
        ("https://docs", "http://docs", "6: documentation: must be a URL such as https://api.example.com/v1"),
        ("sk_[a-z]{4,}", "(a+)+", "8: credentials.api_key.pattern: must repeat no group"),
        ("required: false", "required: no way", "12: credentials.account.required: must be a valid boolean"),
        ("api_key: {", "ApiKey: {", "8: credentials.ApiKey: must match pattern"),
        (
            "{host: api.us.example}",
            "{tld: us}",
            "11: credentials.region.values: must all have the same attributes",
        ),
        ("default: ", "main: ", "13: base_urls: must have one called default"),
        (
            "{region.host}",
            "{region.tld}",
            "13: base_urls.default: names {region.tld}, and the values of region have",
        ),
        (
            "{region.host}",
            "{realm}",
            "13: base_urls.default: names {realm}, and there is no such credential field",
        ),
        ("{region.host}", "{account}", "12: credentials.account: is part of an address: it must be required"),
        ("{region.host}", "{api_key}", "8: credentials.api_key: is part of an address: it must be required"),
        ("{region.host}", "a{}b", "13: base_urls.default: has braces that are no {field}"),
        (
            "{account}",
            "{acount}",
            "15: headers.X-Account: names {acount}, and there is no such credential field",
        ),
        ("uses: {token: api_key}", "uses: {key: api_key}", "14: auth.uses.key: is no part of bearer"),
        (
            "token: api_key",
            "token: apikey",
            "14: auth.uses.token: needs a credential field, and there is no apikey",
        ),
        ("scheme: bearer", "scheme: api_key_query", "14: auth.parameter: is missing: api_key_query needs it"),
        ("scheme: bearer", "scheme: beerer", "14: auth.scheme: must be 'none', 'bearer'"),
        ("scheme: bearer", "scheme: bearer, header: X-Key", "14: auth.header: does not belong to bearer"),
        ("burst: 5", "burst: 50", "16: rate_limit: burst must be at most requests (10)"),
        ("retries: 1", "retries: 10", "17: retries: must be less than or equal to 9"),
        ("retries: 1", "retries: 1\nagents: 3", "18: agents: is written twice (first in line 4): keep one"),
        ("retries: 1", "variants: {one: {}}", "17: variants: must be two or more"),
    ],
)
def test_one_fault(old, new, fault):
    assert old in VALID
    found = faults(VALID.replace(old, new))
    assert [one for one in found if one.startswith(f"pay.yaml:{fault}")], found


def test_all_faults_at_once():
    text = (
        VALID.replace("agents: 2", "agents: 9")
        .replace("title: Pay", "titel: Pay")
        .replace("retries: 1", "retries: x")
    )
    assert [fault.split(": ")[0] + ": " + fault.split(": ")[1] for fault in faults(text)] == [
        "pay.yaml:1: title",
        "pay.yaml:2: titel",
        "pay.yaml:4: agents",
        "pay.yaml:17: retries",
    ]
    text = (
        VALID.replace("token: api_key", "token: a")
        .replace("{account}", "{b}")
        .replace("name: pay", "name: c")
    )
    assert len(faults(text)) == 3


def test_faults_of_a_variant_say_which():
    text = VARIANTS.replace("credentials: {key: {}}", "credentials: {kee: {}}")
    assert faults(text) == [
        "pay.yaml:16: variants.api_key.auth.key: needs a credential field, and there is no key",
        "pay.yaml:17: variants.api_key.write_auth.key: needs a credential field, and there is no key",
    ]


@pytest.mark.parametrize("text", ["", "[]", "pay", "a: ["])
def test_what_is_no_entry(text):
    assert len(faults(text)) == 1


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("[a-z]{2}-[a-z-]{4,20}-[0-9]", True),
        ("(us|eu)[0-9]{1,3}", True),
        ("[!-~]{1,9}", False),
        ("[a-z.]{1,9}", False),
        (".{1,9}", False),
        ("[^a]{1,9}", False),
        ("[0-z]{1,9}", False),
        (r"\S{1,9}", False),
        ("us/eu", False),
    ],
)
def test_only_labels_go_into_addresses(pattern, taken):
    text = VALID.replace(
        "account: {required: false, secret: false}", f"account: {{secret: false, pattern: '{pattern}'}}"
    )
    text = text.replace("https://files.{region}", "https://files.{account}")
    if taken:
        assert parse_entry(text, "pay").name == "pay"
    else:
        assert "is part of an address" in faults(text)[0]


@pytest.mark.parametrize(
    "about", ["{pattern: '[a-z]{1,9}'}", "{secret: false, required: false, pattern: '[a-z]{1,9}'}"]
)
def test_secrets_and_what_may_be_left_out_do_not_go_into_addresses(about):
    text = VALID.replace("account: {required: false, secret: false}", f"account: {about}")
    assert parse_entry(text, "pay")
    assert "is part of an address" in faults(text.replace("files.{region}", "files.{account}"))[0]
