"""What this service serves; the slash at the end of a collection is optional."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from crm import views

router = SimpleRouter()
router.trailing_slash = "/?"  # a redirect would name a path that a client of the gateway does not know
router.register("companies", views.CompanyViewSet)
router.register("contacts", views.ContactViewSet)
router.register("deals", views.DealViewSet)
router.register("activities", views.ActivityViewSet)

urlpatterns = [
    path("health", views.health),
    path("api/v1/crm/health", views.health),
    path("api/v1/crm/", views.index),
    path("api/v1/crm/", include(router.urls)),
]
