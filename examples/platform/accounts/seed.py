"""`python -m accounts.seed`: a database with the tenants and people of content/users.toml."""

import tomllib
import uuid
from pathlib import Path

from accounts.passwords import hash_password
from accounts.settings import Settings
from accounts.store import Store, User

CONTENT = Path(__file__).resolve().parent / "content" / "users.toml"


def seed(store: Store) -> int:
    """Add everything or nothing; returns how many people there are."""
    content = tomllib.loads(CONTENT.read_text(encoding="utf-8"))
    people = 0
    with store.begin() as rows:
        for tenant in content["tenant"]:
            rows.add_tenant(tenant["id"], tenant["name"])
            for user in tenant["user"]:
                rows.add_user(
                    User(
                        id=str(uuid.uuid5(uuid.UUID(tenant["id"]), user["email"])),
                        tenant_id=tenant["id"],
                        email=user["email"],
                        name=user["name"],
                        roles=tuple(user["roles"]),
                        password_hash=hash_password(content["password"]),
                    )
                )
                people += 1
    return people


if __name__ == "__main__":
    print(f"{seed(Store(Settings.read().data_dir / 'db.sqlite3'))} people")
