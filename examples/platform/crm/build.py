"""`python -m crm.build`: the CRM's database, from nothing."""

import os

import django
from django.core.management import call_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    call_command("migrate", verbosity=1)
    call_command("seed_crm")
