"""The 47 integrations and their 93 agents: complete, as the platform lists them, and ready for real credentials."""

from __future__ import annotations

import json
import re
import sys

import pytest
import yaml
from jsonschema import Draft202012Validator

from brain_gateway.domain.integrations.authentication import AuthScheme
from brain_gateway.domain.integrations.integration import Integration, IntegrationCategory
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.catalogue.entries import parse_entry
from brain_gateway.infrastructure.catalogue.integration_catalogue import IntegrationCatalogue
from tests.house.sources import DOCS, ROOT, SRC, text

CATALOGUE = IntegrationCatalogue()
NAMES = CATALOGUE.names()
FILES = SRC / "catalogue" / "integrations"
SCHEMA = json.loads(text(SRC / "catalogue" / "integration.schema.json"))
PLATFORM = {
    4: "facebook amazon-sp amazon-ads stripe paypal payu",
    3: "instagram linkedin youtube google-search google-ads google-analytics openai anthropic",
    2: (
        "twitter tiktok pinterest google-business bing facebook-ads razorpay amazon-ses sendgrid twilio hubspot "
        "calendly"
    ),
}
DOCUMENTS = "yandex baidu duckduckgo brevo mailchimp elevenlabs deepgram slack together-ai replicate"
PROJECT = (
    "google-gemini huggingface openrouter perplexity amazon-product-advertising flipkart amazon-kdp "
    "amazon-associates amazon-brand-registry amazon-business amazon-logistics"
)
CATEGORIES = {
    "social_media": "facebook facebook-ads instagram linkedin pinterest tiktok twitter youtube",
    "ai_providers": "anthropic google-gemini huggingface openai openrouter perplexity replicate together-ai",
    "search_engines": "baidu bing duckduckgo google-ads google-analytics google-business google-search yandex",
    "ecommerce": (
        "amazon-ads amazon-associates amazon-brand-registry amazon-business amazon-kdp amazon-logistics "
        "amazon-product-advertising amazon-sp flipkart"
    ),
}
HEX, DIGITS, WORD = "0a" * 16, "1234567890", "x" * 32
LWA = {
    "client_id": "amzn1.application-oa2-client." + HEX,
    "client_secret": "amzn1.oa2-cs.v1." + HEX * 2,
    "refresh_token": "Atzr|" + WORD,
}
GOOGLE = {
    "client_id": f"{DIGITS}-{WORD}.apps.googleusercontent.com",
    "client_secret": WORD,
    "refresh_token": "1//0" + WORD,
}
CREATORS = {"partner_tag": "example-21", "region": "de", "credential_id": WORD, "credential_secret": WORD}
PAAPI = {"partner_tag": "example-20", "region": "us", "access_key": "AKIA" + "X" * 16, "secret_key": "x" * 40}
META = {"app_id": DIGITS, "app_secret": HEX, "access_token": "EAAB" + WORD}
# What a tenant would paste, every field of every variant. None of it opens anything.
SAMPLES: dict[str, list[dict[str, str]]] = {
    "facebook": [{**META, "page_id": DIGITS, "ad_account_id": "act_" + DIGITS}],
    "amazon-sp": [
        {**LWA, "selling_partner_id": "A1B2C3D4E5F6G7", "region": "na", "marketplace_ids": "ATVPDKIKX0DER, A2Q3Y"}
    ],
    "amazon-ads": [{**LWA, "profile_id": DIGITS, "region": "fe"}],
    "stripe": [
        {"secret_key": "sk_test_" + WORD, "publishable_key": "pk_test_" + WORD, "webhook_secret": "whsec_" + WORD}
    ],
    "paypal": [{"client_id": "A" + WORD, "client_secret": "E" + WORD, "webhook_id": "1AB23456CD789012E"}],
    "payu": [
        {"client_id": "145227", "client_secret": HEX, "pos_id": "145227"},
        {"merchant_key": "JPM7Fg", "merchant_salt": WORD},
    ],
    "instagram": [{"access_token": "EAAB" + WORD, "instagram_account_id": DIGITS, "facebook_page_id": DIGITS}],
    "linkedin": [{"access_token": WORD, "client_id": "86abcdefghij", "client_secret": WORD, "account_id": DIGITS}],
    "youtube": [GOOGLE, {"api_key": "AIza" + WORD + "xyz"}],
    "google-search": [{**GOOGLE, "site_url": "sc-domain:example.com"}],
    "google-ads": [
        {**GOOGLE, "developer_token": "x" * 22, "customer_id": DIGITS, "login_customer_id": DIGITS}
    ],
    "google-analytics": [{**GOOGLE, "property_id": "123456789"}],
    "openai": [{"api_key": "sk-proj-" + WORD, "organization": "org-" + WORD}],
    "anthropic": [{"api_key": "sk-ant-api03-" + WORD}],
    "twitter": [
        {
            "bearer_token": "A" * 22 + "%2F" + WORD,
            "consumer_key": "x" * 25,
            "consumer_secret": "x" * 50,
            "access_token": f"{DIGITS}-{WORD}",
            "access_token_secret": "x" * 45,
        }
    ],
    "tiktok": [{"access_token": HEX, "advertiser_id": "7012345678901234567", "app_id": DIGITS, "secret": HEX}],
    "pinterest": [{"access_token": "pina_" + WORD, "app_id": DIGITS, "app_secret": HEX}],
    "google-business": [{**GOOGLE, "account_id": DIGITS, "location_id": DIGITS}],
    "bing": [{"api_key": HEX}],
    "facebook-ads": [{**META, "ad_account_id": "act_" + DIGITS}],
    "razorpay": [{"key_id": "rzp_test_" + "x" * 14, "key_secret": "x" * 24, "webhook_secret": "chosen by hand"}],
    "amazon-ses": [{"access_key_id": "AKIA" + "X" * 16, "secret_access_key": "x" * 40, "region": "us-gov-west-1"}],
    "sendgrid": [{"api_key": f"SG.{'x' * 22}.{'x' * 43}"}],
    "twilio": [{"account_sid": "AC" + HEX, "auth_token": HEX, "from_number": "+14155550100"}],
    "hubspot": [{"access_token": "pat-na1-" + WORD}],
    "calendly": [{"access_token": f"eyJ.{WORD}.x", "organization_uri": "https://api.calendly.com/organizations/AAAA-1"}],
    "yandex": [{"access_token": "y0_" + WORD, "user_id": "123456", "host_id": "https:example.com:443"}],
    "baidu": [{"site": "https://www.example.com", "token": "x" * 16}],
    "duckduckgo": [{}],
    "brevo": [{"api_key": f"xkeysib-{HEX * 2}-{'x' * 16}"}],
    "mailchimp": [{"api_key": HEX + "-us21", "server_prefix": "us21"}],
    "elevenlabs": [{"api_key": "sk_" + HEX}],
    "deepgram": [{"api_key": "0a" * 20}],
    "slack": [{"bot_token": f"xoxb-{DIGITS}-{DIGITS}-{WORD}", "signing_secret": HEX}],
    "together-ai": [{"api_key": HEX * 2}],
    "replicate": [{"api_token": "r8_" + WORD}],
    "google-gemini": [{"api_key": "AIza" + WORD + "xyz"}],
    "huggingface": [{"api_key": "hf_" + WORD}],
    "openrouter": [{"api_key": "sk-or-v1-" + HEX * 2}],
    "perplexity": [{"api_key": "pplx-" + WORD}],
    "amazon-product-advertising": [CREATORS, PAAPI],
    "flipkart": [{"app_id": HEX, "app_secret": HEX, "seller_id": "x" * 16}],
    "amazon-kdp": [{}],
    "amazon-associates": [CREATORS, PAAPI],
    "amazon-brand-registry": [{**LWA, "brand_id": "B123", "region": "eu"}],
    "amazon-business": [{**LWA, "region": "jp"}],
    "amazon-logistics": [{**LWA, "region": "eu"}],
}  # fmt: skip


def _masked(values: dict[str, str]) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in values.items()}


def _raw(name: str) -> dict[str, object]:
    values: dict[str, object] = yaml.safe_load(text(FILES / f"{name}.yaml"))
    return values


def test_every_entry_is_without_fault():
    assert [entry.name for entry in CATALOGUE.all()] == list(NAMES)
    assert len(NAMES) == 47


def test_the_agents_are_93():
    sizes = [entry.agents for entry in CATALOGUE.all()]
    assert {size: sizes.count(size) for size in sizes} == {4: 6, 3: 8, 2: 12, 1: 21}
    assert sum(sizes) == 93


@pytest.mark.parametrize("size", [4, 3, 2])
def test_the_platforms_own_list(size):
    assert sorted(PLATFORM[size].split()) == [entry.name for entry in CATALOGUE.all() if entry.agents == size]


def test_who_says_so():
    by_origin = {"platform": " ".join(PLATFORM.values()), "documents": DOCUMENTS, "project": PROJECT}
    for origin, names in by_origin.items():
        assert sorted(names.split()) == [name for name in NAMES if _raw(name)["origin"] == origin]


def test_each_is_in_its_category():
    expected = {name: category for category, names in CATEGORIES.items() for name in names.split()}
    found = {entry.name: entry.category.value for entry in CATALOGUE.all()}
    assert found == {name: expected.get(name, "business_ops") for name in NAMES}
    assert set(found.values()) == {category.value for category in IntegrationCategory}


def test_every_scheme_is_used():
    variants = [variant for entry in CATALOGUE.all() for variant in entry.variants]
    used = {
        auth.scheme
        for variant in variants
        for auth in (variant.authentication, variant.write_authentication)
        if auth
    }
    assert used == set(AuthScheme)


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_keeps_to_the_published_schema(name):
    assert [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(_raw(name))] == []


@pytest.mark.parametrize("name", NAMES)
def test_real_credentials_are_taken(name):
    entry = CATALOGUE.get(name)
    assert len(SAMPLES[name]) == len(entry.variants)
    for variant, sample in zip(entry.variants, SAMPLES[name], strict=True):
        assert sample.keys() == {field.name for field in variant.fields}
        assert entry.validate(_masked(sample)) == ()
        assert entry.variant_for(_masked(sample)) is variant
        least = {key: sample[key] for key in variant.required_fields()}
        assert entry.validate(_masked(least)) == ()


@pytest.mark.parametrize("name", NAMES)
def test_each_required_field_is_missed(name):
    entry = CATALOGUE.get(name)
    for variant, sample in zip(entry.variants, SAMPLES[name], strict=True):
        for field in variant.required_fields():
            rest = {key: value for key, value in sample.items() if key != field}
            assert variant.validate(_masked(rest)) == (f"{field}: is missing",)


@pytest.mark.parametrize("name", NAMES)
def test_patterns_refuse_what_is_pasted_in_the_wrong_place(name):
    """Another line, another host, a whole header: and never a slow answer, however long the value."""
    for variant in CATALOGUE.get(name).variants:
        for field in variant.fields:
            for wrong in ("a\nb", "a b\r\nX: y", "\u00e9" * 100, "a" * 9000):
                fault = field.fault(Secret(wrong))
                assert fault is None or wrong not in fault
            assert field.fault(Secret("a\nb"))
            if field.pattern:
                assert field.fault(Secret("\u00e9" * 100))
                field.fault(Secret("a0-" * 2700))


@pytest.mark.parametrize("name", NAMES)
def test_addresses_lead_to_the_vendor(name):
    """With any allowed value, a template is a host of letters, digits, dots and hyphens."""
    for variant in CATALOGUE.get(name).variants:
        values = {field.name: field for field in variant.fields}
        for url in variant.base_urls.values():
            filled = url
            for field, attribute in re.findall(r"\{(\w+)(?:\.(\w+))?\}", url):
                assert not values[field].secret
                first = next(iter(values[field].values.items()), ("eu-west-1", {}))
                filled = re.sub(rf"\{{{field}(\.{attribute})?\}}", first[1].get(attribute, first[0]), filled)
            assert re.fullmatch(r"https://[a-z0-9.-]+(/[A-Za-z0-9_./-]+)?", filled)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_secret_is_an_identifier(name):
    shown = {
        field.name for variant in CATALOGUE.get(name).variants for field in variant.fields if not field.secret
    }
    assert not [field for field in shown if re.search(r"secret|token$|salt|password|^api_key$", field)]


# Its page

BLOCKS = re.findall(r"```yml\n(.*?)```", text(DOCS / "catalogue.md"), re.DOTALL)


def test_the_page_has_a_row_for_each(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import catalogue_pages

    page = text(DOCS / "catalogue.md")
    assert page == catalogue_pages.page(page), "run: make docs"
    rows = re.findall(r"^\| ([a-z0-9-]+) \| ([1-4])(?: ([dp]))? \| (\w+) \| .+ \|$", page, re.MULTILINE)
    assert sorted(name for name, *_ in rows) == list(NAMES)
    assert sum(int(size) for _, size, *_ in rows) == 93
    assert sorted(name for name, _, mark, _ in rows if mark == "d") == sorted(DOCUMENTS.split())
    sys.modules.pop("catalogue_pages")


def test_the_pages_entry_loads():
    entry: Integration = parse_entry(BLOCKS[0], "mailchimp")
    assert entry.required_fields() == CATALOGUE.get("mailchimp").required_fields()


def test_the_page_names_every_key_scheme_and_part():
    page = text(DOCS / "catalogue.md")
    keys = {key for model in (SCHEMA, *SCHEMA["$defs"].values()) for key in model.get("properties", {})}
    named = (
        keys | {scheme.value for scheme in AuthScheme} | {category.value for category in IntegrationCategory}
    )
    assert {word for word in named if not re.search(rf"\b{word}\b", page)} == set()
