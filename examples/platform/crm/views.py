"""The four collections. What is not the caller's tenant's is not there: 404, never 403."""

from django.db import DatabaseError, connection
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, JsonResponse
from rest_framework.decorators import action, api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from crm.models import Activity, Company, Contact, Deal, TenantOwned
from crm.serializers import (
    ActivitySerializer,
    CompanySerializer,
    ContactSerializer,
    DealSerializer,
    PipelineSerializer,
)


class TenantViewSet(ModelViewSet):
    """List, create, read, change and delete the rows of one tenant."""

    lookup_value_regex = "[0-9a-fA-F-]{36}"

    def get_queryset(self) -> QuerySet[TenantOwned]:
        """Only the caller's own rows."""
        return super().get_queryset().of(self.request.user.tenant_id)


class CompanyViewSet(TenantViewSet):
    """Companies."""

    queryset = Company.objects.all()
    serializer_class = CompanySerializer
    filterset_fields = ["industry", "country"]
    search_fields = ["name", "domain"]
    ordering_fields = ["name", "created_at"]


class ContactViewSet(TenantViewSet):
    """Contacts."""

    queryset = Contact.objects.select_related("company")
    serializer_class = ContactSerializer
    filterset_fields = {"stage": ["exact", "in"], "company": ["exact"], "email": ["exact"]}
    search_fields = ["first_name", "last_name", "email", "company__name"]
    ordering_fields = ["last_name", "email", "created_at"]


class DealViewSet(TenantViewSet):
    """Deals."""

    queryset = Deal.objects.all()
    serializer_class = DealSerializer
    filterset_fields = {"stage": ["exact", "in"], "company": ["exact"], "amount": ["gte", "lte"]}
    search_fields = ["title", "company__name"]
    ordering_fields = ["amount", "expected_on", "created_at"]

    @action(detail=False)
    def pipeline(self, request: Request) -> Response:
        """How many deals each stage holds and what they are worth, by currency."""
        stages = self.get_queryset().order_by("stage", "currency").values("stage", "currency")
        rows = stages.annotate(deals=Count("id"), total=Sum("amount"))
        return Response(PipelineSerializer(rows, many=True).data)


class ActivityViewSet(TenantViewSet):
    """Activities."""

    queryset = Activity.objects.all()
    serializer_class = ActivitySerializer
    filterset_fields = {"kind": ["exact"], "contact": ["exact"], "deal": ["exact"], "done_at": ["isnull"]}
    search_fields = ["subject", "body"]
    ordering_fields = ["due_at", "created_at"]


@api_view()
def index(request: Request) -> Response:
    """The collections, as references relative to this one: they hold below any prefix."""
    return Response({name: f"{name}/" for name in ("companies", "contacts", "deals", "activities")})


def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers, 503 when it does not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "down", "service": "django-crm"}, status=503)
    return JsonResponse({"status": "ok", "service": "django-crm"})
