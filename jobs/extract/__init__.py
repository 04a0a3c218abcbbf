"""Extract (归集): what a department sent, admitted at the border and laid into bronze as received, all text.

`stage.extract` picks one strategy per kind of source: `database` (change feed, watermark, whole table), `files`
(CSV, workbooks, JSON, archives of them) or `rest`. `admission` compares declared, received and accepted counts;
`landing` keeps the bytes and a manifest, `bronze` the rows. A delivery that cannot be admitted is held with its
reason, which is an outcome and no failure; a source that does not answer is a failure.
"""
