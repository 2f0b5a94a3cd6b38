"""The platform's CRM: companies, contacts, deals and activities of many tenants, as a REST API."""
