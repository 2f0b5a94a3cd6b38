"""The kinds of page: the home page, plain pages with an HTML body, and a journal with its entries."""

from django.db import models
from modelcluster.contrib.taggit import ClusterTaggableManager
from modelcluster.fields import ParentalKey
from taggit.models import TaggedItemBase
from wagtail.admin.panels import FieldPanel
from wagtail.api import APIField
from wagtail.fields import RichTextField
from wagtail.images import get_image_model_string
from wagtail.images.api.fields import ImageRenditionField
from wagtail.models import Page
from wagtail.search import index


class HomePage(Page):
    """The site's root: a greeting, above the journal and the plain pages."""

    intro = RichTextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("intro")]
    api_fields = [APIField("intro")]
    parent_page_types = ["wagtailcore.Page"]
    subpage_types = ["cms.JournalPage", "cms.StandardPage"]


class StandardPage(Page):
    """A page that is nothing but a title and an HTML body: about us, delivery, terms."""

    body = RichTextField()

    content_panels = [*Page.content_panels, FieldPanel("body")]
    search_fields = [*Page.search_fields, index.SearchField("body")]
    api_fields = [APIField("body")]
    subpage_types: list[str] = []


class JournalPage(Page):
    """The journal: lists its entries, newest first."""

    intro = models.CharField(max_length=250, blank=True)

    content_panels = [*Page.content_panels, FieldPanel("intro")]
    api_fields = [APIField("intro")]
    subpage_types = ["cms.ArticlePage"]

    def articles(self) -> models.QuerySet["ArticlePage"]:
        """The entries that the public may read, newest first."""
        return ArticlePage.objects.child_of(self).live().order_by("-published_on")


class ArticleTag(TaggedItemBase):
    """A tag on an entry."""

    content_object = ParentalKey("cms.ArticlePage", related_name="tagged_items", on_delete=models.CASCADE)


class ArticlePage(Page):
    """An entry of the journal: a date, a summary, an HTML body, a picture and tags."""

    published_on = models.DateField()
    author = models.CharField(max_length=80)
    summary = models.CharField(max_length=250)
    body = RichTextField()
    picture = models.ForeignKey(
        get_image_model_string(), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    tags = ClusterTaggableManager(through=ArticleTag, blank=True)

    content_panels = [
        *Page.content_panels,
        FieldPanel("published_on"),
        FieldPanel("author"),
        FieldPanel("summary"),
        FieldPanel("body"),
        FieldPanel("picture"),
        FieldPanel("tags"),
    ]
    search_fields = [
        *Page.search_fields,
        index.SearchField("summary"),
        index.SearchField("body"),
        index.FilterField("published_on"),
        index.FilterField("author"),
    ]
    api_fields = [
        APIField("published_on"),
        APIField("author"),
        APIField("summary"),
        APIField("body"),
        APIField("picture"),
        APIField("picture_thumbnail", serializer=ImageRenditionField("fill-480x320", source="picture")),
        APIField("tags"),
    ]
    parent_page_types = ["cms.JournalPage"]
    subpage_types: list[str] = []
