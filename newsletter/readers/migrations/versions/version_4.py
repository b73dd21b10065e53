"""Version 4: a database says where the publication has moved to."""

from alembic import op
from sqlalchemy import Column

from newsletter.readers.schema import Text

revision = "4"
down_revision = "3"


def upgrade() -> None:
    op.add_column("about", Column("moved_to", Text, nullable=False, server_default=""))
