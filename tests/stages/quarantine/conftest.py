"""What the tests of set-aside rows share: a department with a folder, and code lists of the test's own."""

from tests.stages.conform.conftest import code_folder
from tests.stages.extract.conftest import department

__all__ = ["code_folder", "department"]
