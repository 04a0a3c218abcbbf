"""The expectations work in any Great Expectations project: a context, a source, a suite, and nothing else of ours."""

from __future__ import annotations

from typing import Any

from tests.expectations.trial import USCC, citizen

ROWS = [
    (citizen(1), USCC, "110105", "1", "张三"),
    (citizen(2), USCC, "510122", "2", "李四"),
    ("110105194912310021", "91350100M000100Y44", "990105", "7", "x" * 60),
    (None, None, None, None, None),
]


def test_in_a_plain_project(spark: Any) -> None:
    import great_expectations as gx

    import expectations.custom as government

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    source = context.data_sources.add_spark("departments", persist=False)
    batch = source.add_dataframe_asset("people").add_batch_definition_whole_dataframe("all")
    suite = context.suites.add(gx.ExpectationSuite(name="people"))
    for expectation in (
        government.ExpectColumnValuesToBeValidCitizenId(column="citizen_id"),
        government.ExpectColumnValuesToBeValidUscc(column="uscc"),
        government.ExpectColumnValuesToBeKnownDivision(column="division_code"),
        government.ExpectColumnValuesToBeInCodeList(column="sex_code", code_list="sex"),
        government.ExpectColumnValuesToHaveElementFormat(column="name", notation="an..50"),
        government.ExpectColumnValuesToBeValidUscc(column="uscc", mostly=0.6),
    ):
        suite.add_expectation(expectation)
    definition = context.validation_definitions.add(gx.ValidationDefinition(name="people", data=batch, suite=suite))
    frame = spark.createDataFrame(
        ROWS, "citizen_id string, uscc string, division_code string, sex_code string, name string"
    )
    result = definition.run(batch_parameters={"dataframe": frame}, result_format="SUMMARY")
    assert len(result.results) == 6
    counted = [
        (r.result["element_count"], r.result["missing_count"], r.result["unexpected_count"]) for r in result.results
    ]
    assert counted == [(4, 1, 1)] * 6
    assert sorted(r.success for r in result.results) == [False] * 5 + [True]
