"""`python -m shop.seed`: a database with the catalogue of content/catalogue.toml."""

import asyncio
import os
import tomllib
from pathlib import Path
from typing import Any

from shop.database import Database
from shop.models import Category, Channel, Listing, Product, Variant

CONTENT = Path(__file__).resolve().parent / "content" / "catalogue.toml"


async def seed(database: Database) -> int:
    """Add everything or nothing to an empty database; returns how many products there are."""
    content = tomllib.loads(CONTENT.read_text(encoding="utf-8"))
    await database.create_tables()
    async with database.write() as session:
        channels = {row["slug"]: Channel(**row) for row in content["channel"]}
        session.add_all(channels.values())
        categories: dict[str, Category] = {}
        for row in content["category"]:
            parent = categories.get(row.pop("parent", ""))
            category = Category(**row, parent_id=parent.id if parent else None)
            category.level = parent.level + 1 if parent else 0
            categories[category.slug] = category
            session.add(category)
            await session.flush()
        for row in content["product"]:
            session.add(_product(row, categories, channels))
    return len(content["product"])


def _product(row: dict[str, Any], categories: dict[str, Category], channels: dict[str, Channel]) -> Product:
    variants = [
        Variant(
            sku=variant["sku"],
            name=variant["name"],
            stock=variant["stock"],
            listings=[
                Listing(channel=channels[slug], price=price) for slug, price in variant["price"].items()
            ],
        )
        for variant in row.pop("variant")
    ]
    category = categories[row.pop("category")]
    return Product(**{"rating": None, **row}, category=category, variants=variants)


async def _main() -> None:
    database = Database(Path(os.environ["PLATFORM_DATA"]))
    print(f"{await seed(database)} products")
    await database.close()


if __name__ == "__main__":
    asyncio.run(_main())
