"""`python -m cms.build`: the site's database and pictures, from nothing (about ten seconds)."""

import os

import django
from django.core.management import call_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cms.settings")
    django.setup()
    call_command("migrate", verbosity=1)
    call_command("seed_site")
