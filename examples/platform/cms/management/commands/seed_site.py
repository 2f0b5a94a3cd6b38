"""`django-admin seed_site`: build the site that content/site.toml describes, in a database just migrated."""

import os
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.images import ImageFile
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from wagtail.images import get_image_model
from wagtail.models import Page, Site

from cms.models import ArticlePage, HomePage, JournalPage, StandardPage
from cms.pictures import draw_landscape

CONTENT = Path(settings.PROJECT_DIR) / "content" / "site.toml"


class Command(BaseCommand):
    """Build pages, pictures and one editor; refuses where a home page already is."""

    help = "Build the demonstration site."

    def handle(self, *args: Any, **options: Any) -> None:
        """Build everything or nothing."""
        if HomePage.objects.exists():
            raise CommandError("this database has a site already; start from an empty one")
        content = tomllib.loads(CONTENT.read_text(encoding="utf-8"))
        with transaction.atomic():
            home = self._home(content["home"])
            for page in content["standard"]:
                _publish(home, StandardPage(**page))
            journal = _publish(home, JournalPage(**content["journal"]))
            for article in content["article"]:
                self._article(journal, **article)
            self._editor()
        self.stdout.write(f"{Page.objects.count() - 1} pages, {get_image_model().objects.count()} pictures")

    def _home(self, home: dict[str, Any]) -> Page:
        page = _publish(Page.get_first_root_node(), HomePage(slug="harbour-and-pine", **home))
        where = urlsplit(settings.WAGTAILADMIN_BASE_URL)
        default = {"hostname": where.hostname, "port": where.port or 80, "root_page": page}
        Site.objects.update_or_create(is_default_site=True, defaults={**default, "site_name": home["title"]})
        Page.objects.filter(depth=2).exclude(pk=page.pk).delete()  # "Welcome to your new Wagtail site!"
        return page

    def _article(
        self, journal: Page, *, picture: str, palette: tuple[str, str], tags: list[str], **fields: Any
    ) -> None:
        drawn = draw_landscape(fields["slug"], palette)
        image = get_image_model().objects.create(
            title=picture, file=ImageFile(ContentFile(drawn), name=f"{fields['slug']}.jpg")
        )
        page = ArticlePage(picture=image, **fields)
        page.tags.add(*tags)
        _publish(journal, page)

    def _editor(self) -> None:
        """The editor signs in at /cms-admin/; without a password in the environment nobody can."""
        get_user_model().objects.create_superuser(
            "editor", "editor@demo.example", os.environ.get("CMS_EDITOR_PASSWORD")
        )


def _publish(parent: Page, page: Page) -> Page:
    """Add the page below its parent as an editor would: with a first revision, published."""
    parent.add_child(instance=page)
    page.save_revision().publish()
    return page
