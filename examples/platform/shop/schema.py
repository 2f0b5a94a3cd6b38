"""The schema, and the limits that keep one query from asking for everything."""

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaskErrors, MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from shop.catalogue import JSONString
from shop.mutations import Mutation
from shop.queries import Query
from shop.subscriptions import Subscription


class ShopSchema(strawberry.Schema):
    """Logs what nobody foresaw, and not what a caller did wrong."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Hand on the errors that are worth a line in the log."""
        unforeseen = [error for error in errors if not _is_meant_to_be_read(error)]
        super().process_errors(unforeseen, execution_context)


schema = ShopSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=[
        lambda: QueryDepthLimiter(max_depth=15),
        lambda: MaxAliasesLimiter(max_alias_count=30),
        lambda: MaxTokensLimiter(max_token_count=2000),
        lambda: MaskErrors(should_mask_error=lambda error: not _is_meant_to_be_read(error)),
    ],
    config=StrawberryConfig(scalar_map={JSONString: strawberry.scalar(name="JSONString", serialize=str)}),
)


def _is_meant_to_be_read(error: GraphQLError) -> bool:
    """Faults in the query, and those that a resolver raises as such; anything else stays in the log."""
    return error.original_error is None or isinstance(error.original_error, GraphQLError)
