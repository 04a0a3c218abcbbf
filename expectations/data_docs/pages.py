"""What GX's renderers make of results and suites (页面内容); apart, so that the site itself stays readable."""

from __future__ import annotations

from typing import Any

import expectations.custom
import expectations.exact_type
import expectations.relation  # noqa: F401 - reading a result needs the types of its expectations
from expectations.gx import (
    DefaultJinjaPageView,
    ExpectationSuite,
    ExpectationSuitePageRenderer,
    ValidationResultsPageRenderer,
    read_validation_result,
)

__all__ = ["DefaultJinjaPageView", "suite_content", "validation_content"]


def validation_content(document: dict[str, Any]) -> Any:  # noqa: ANN401 - GX's content has no types
    """Return GX's rendering of a validation result as it is kept."""
    return ValidationResultsPageRenderer().render(read_validation_result(document))


def suite_content(suite: ExpectationSuite) -> Any:  # noqa: ANN401 - as above
    """Return GX's rendering of a suite."""
    return ExpectationSuitePageRenderer().render(suite)
