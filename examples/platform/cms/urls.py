"""What this site serves: health, API v2, its pictures, the editor's desk, and the pages themselves."""

from django.conf import settings
from django.urls import include, path
from django.views.static import serve
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

from cms.api import router
from cms.health import health

urlpatterns = [
    path("health", health),
    path("api/v1/cms/health", health),
    path("api/v1/cms/media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}),
    path("api/v1/cms/", router.urls),
    path("cms-admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("", include(wagtail_urls)),
]
